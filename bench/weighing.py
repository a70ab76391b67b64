"""What a measured program and its store cost the machine: memory and processor time, from /proc.

Where a system has none, nothing is told.
"""

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec


class Effort(msgspec.Struct, frozen=True):
    """Processor seconds: of a contender's own processes, and of its database's or Redis'."""

    program: float
    store: float

    @property
    def total(self) -> float:
        return self.program + self.store


class Scales:
    """Weighs processes from when it is made."""

    def __init__(self, program: Sequence[int], store: Sequence[int]) -> None:
        self._processes = (program, store)
        self._before = self._so_far()

    def effort(self, count: float = 1) -> Effort:
        """Since then, for each of so many."""
        pairs = zip(self._so_far(), self._before, strict=True)
        return Effort(*((now - before) / count for now, before in pairs))

    def _so_far(self) -> list[float]:
        return [processor_seconds(processes) for processes in self._processes]


def megabytes(processes: Sequence[int]) -> float:
    """Of them and their children, shared pages by their share."""
    return sum(map(_kilobytes, _with_children(processes))) / 1024


def processor_seconds(processes: Sequence[int]) -> float:
    """That they and their children have taken so far, also those that have ended."""
    return sum(map(_ticks, _with_children(processes))) / os.sysconf("SC_CLK_TCK")


def _with_children(processes: Sequence[int]) -> Iterator[int]:
    for process in processes:
        yield process
        for thread in Path(f"/proc/{process}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                yield from _with_children([int(child) for child in thread.read_text().split()])


def _kilobytes(process: int) -> int:
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:  # it has ended
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def _ticks(process: int) -> int:
    """Of user and system, its own and those of children that it has buried."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return sum(map(int, fields[11:15]))
