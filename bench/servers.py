"""Starts what is measured, each part in a process of its own, and ends it."""

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Literal

from bench.contenders import Contender
from bench.errors import CannotMeasure
from bench.stores import free_port
from storage import schema
from storage.database import make_engine

ROOT = Path(__file__).parent.parent
STOPS_WITHIN = 60  # seconds

# door: takes deliveries in, and nobody works on them; work: works on what lies there; whole: both.
# then: ours alone, whole, with a clock that is late by `bench.program.AGO`.
Part = Literal["door", "work", "whole", "then"]


class Server:
    """What is measured, as far as the load sees it: doors at ports of this machine."""

    def __init__(self, name: str, *ports: int) -> None:
        self.name = name
        self.ports = ports
        self.processes: list[int] = []


@contextlib.contextmanager
def standing(contender: Contender, part: Part, store: str, receiver: str) -> Iterator[Server]:
    server = Server(contender.name, *(free_port() for _ in range(contender.replicas)))
    with contextlib.ExitStack() as running:
        for module, port in _modules(contender, part, server.ports, store, receiver):
            places = {"BENCH_STORE": store, "BENCH_RECEIVER": receiver, "BENCH_PORT": str(port)}
            server.processes.append(running.enter_context(_living(contender.name, module, places)))
        yield server


def load(contender: Contender, store: str, first: int, count: int) -> None:
    """Give a rival this many reminders that are due."""
    module = (sys.executable, "-m", "bench.rivals", str(contender.module), "load", str(first), str(count))
    done = subprocess.run(
        module, cwd=ROOT, env={**os.environ, "BENCH_STORE": store}, capture_output=True, text=True
    )
    if done.returncode != 0:
        raise CannotMeasure(f"{contender.name} could not be given reminders: {done.stderr[-500:]}")


def prepare(store: str) -> None:
    """An empty database of ours."""
    engine = make_engine(store)
    schema.migrate(engine)
    engine.dispose()


def _modules(
    contender: Contender, part: Part, ports: Sequence[int], store: str, receiver: str
) -> list[tuple[tuple[str, ...], int]]:
    """What to run, and at which port."""
    if contender.ours:
        return [(("bench.program", part, str(port), store, receiver), port) for port in ports]
    whole = ("door",) if contender.alone else ("door", "workers")
    parts = {"door": ("door",), "work": ("workers",)}.get(part, whole)
    return [(("bench.rivals", str(contender.module), each), ports[0]) for each in parts]


@contextlib.contextmanager
def _living(name: str, module: tuple[str, ...], places: dict[str, str]) -> Iterator[int]:
    with (
        tempfile.TemporaryFile("w+") as complaints,
        subprocess.Popen(
            [sys.executable, "-m", *module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            text=True,
            cwd=ROOT,
            env={**os.environ, **places},
            start_new_session=True,  # Ctrl-C is for us; it ends when we close its input
        ) as process,
    ):
        try:
            assert process.stdout is not None
            if process.stdout.readline() != "ready\n":
                raise CannotMeasure("did not start")
            yield process.pid
        except CannotMeasure as why:
            raise CannotMeasure(f"{why}; {name} says: {_last_line(complaints)}") from why
        finally:
            _end(process)


def _last_line(complaints: IO[str]) -> str:
    complaints.seek(0)
    lines = [line.strip() for line in complaints if line.strip()]
    return lines[-1][:200] if lines else "nothing"


def _end(process: "subprocess.Popen[str]") -> None:
    try:
        process.communicate(timeout=STOPS_WITHIN)
    except subprocess.TimeoutExpired:
        process.kill()
