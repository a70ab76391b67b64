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
NOWHERE = "http://127.0.0.1:9/"  # where messages would go if there were any

# door: takes deliveries in, and nobody works on them; work: works on what lies there; whole: both.
# Of ours alone: react, that leg; then, whole, with a clock that is late by `bench.program.AGO`.
Part = Literal["door", "work", "whole", "react", "then"]


class Server:
    """What is measured, as far as the load sees it: doors at ports of this machine."""

    def __init__(self, name: str, *ports: int) -> None:
        self.name = name
        self.ports = ports
        self.processes: list[int] = []


@contextlib.contextmanager
def standing(contender: Contender, part: Part, store: str, receiver: str, shops: int = 1) -> Iterator[Server]:
    """shops: that the settings of ours name."""
    server = Server(contender.name, *(free_port() for _ in range(contender.replicas)))
    with contextlib.ExitStack() as running:
        for port, module in _modules(contender, part, server.ports, store, receiver, shops):
            places = {"BENCH_STORE": store, "BENCH_RECEIVER": receiver, "BENCH_PORT": str(port)}
            server.processes.append(running.enter_context(_living(contender.name, module, places)))
        yield server


def load(contender: Contender, store: str, first: int, count: int) -> None:
    """Give a rival this many reminders that are due."""
    _told(contender, store, "bench.rivals", str(contender.module), "load", str(first), str(count))


def claim_seconds(contender: Contender, store: str, shops: int) -> float:
    """Of processor, which a claim of ours takes that finds nothing due."""
    told = _told(contender, store, "bench.program", "claims", "1", store, NOWHERE, str(shops))
    return float(told) / 1000


def _told(contender: Contender, store: str, *module: str) -> str:
    command = [sys.executable, "-m", *module]
    environment = {**os.environ, "BENCH_STORE": store}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise CannotMeasure(f"{contender.name}: {' '.join(module[:3])} failed: {done.stderr[-500:]}")
    return done.stdout


def prepare(store: str) -> None:
    """An empty database of ours."""
    engine = make_engine(store)
    schema.migrate(engine)
    engine.dispose()


def _modules(
    contender: Contender, part: Part, ports: Sequence[int], store: str, receiver: str, shops: int
) -> list[tuple[int, tuple[str, ...]]]:
    """At which port, and what to run."""
    if contender.ours:
        return [(port, ("bench.program", part, str(port), store, receiver, str(shops))) for port in ports]
    whole = ("door",) if contender.alone else ("door", "workers")
    parts = {"door": ("door",), "work": ("workers",)}.get(part, whole)
    return [(ports[0], ("bench.rivals", str(contender.module), each)) for each in parts]


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
