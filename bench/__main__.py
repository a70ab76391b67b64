"""make bench: durable intake and whole journeys against a bare server, in turns, on SQLite and PostgreSQL."""

import asyncio
import contextlib
import gc
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, NoReturn

import msgspec
import typer
import uvloop
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench import intake, journeys, report, servers
from bench.disk import sync_milliseconds
from bench.errors import CannotMeasure
from bench.figures import FULL, QUICK, Figures, Size
from bench.journeys import Journeys, Program
from bench.receiver import Receiver, receiving
from bench.records import Records
from tests.servers import CannotStart, postgres

RESULTS = Path(__file__).parent / "results.json"
NOWHERE = "http://127.0.0.1:9/"  # where messages would go if anybody reacted

Addresses = dict[str, str]  # kind of database -> address of an empty one


def main(
    quick: Annotated[bool, typer.Option(help="Only show that it runs; the figures mean nothing.")] = False,
    to: Annotated[Path | None, typer.Option(help="Where to write the results.")] = None,
) -> None:
    """Measure, print a table, and write bench/results.json (a quick run only where it is told to)."""
    size = QUICK if quick else FULL
    place = to or (None if quick else RESULTS)
    console = Console()
    try:
        found = _measured(size, console)
    except CannotStart as why:
        _refuse(f"no PostgreSQL: {why}")
    except CannotMeasure as why:
        _refuse(str(why))
    report.show(console, found)
    if place:
        place.write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n")


def _refuse(why: str) -> NoReturn:
    typer.echo(f"nothing was measured: {why}", err=True)
    raise typer.Exit(1)


def _measured(size: Size, console: Console) -> report.Found:
    figures = Figures()
    with _progress(console, size) as step, tempfile.TemporaryDirectory(prefix="bench") as name:
        folder = Path(name)
        disk = sync_milliseconds(folder)
        with postgres(durable=True) as server, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:

            def databases(part: str) -> Addresses:
                return {
                    "sqlite": f"sqlite:///{folder / part}.db",
                    "postgresql": servers.new_database(server, part),
                }

            gc.collect()
            gc.freeze()  # a pause of ours would count as the server's
            runner.run(_intake(databases("intake"), size, figures, step))
            runner.run(_journeys(databases("whole"), size, figures, step))
    return report.results(figures, size, disk)


async def _intake(databases: Addresses, size: Size, figures: Figures, step: Callable[[str], None]) -> None:
    with contextlib.ExitStack() as running:
        subjects = [running.enter_context(servers.bare())] + [
            running.enter_context(servers.program("intake", name, address, NOWHERE))
            for name, address in databases.items()
        ]
        acknowledged = await intake.measure(subjects, size, figures, step)
    for name, address in databases.items():
        with Records(address) as records:
            kept = await records.unhandled()
        if kept != acknowledged[name]:
            raise CannotMeasure(f"{name}: {acknowledged[name]} deliveries acknowledged, {kept} kept")


async def _journeys(databases: Addresses, size: Size, figures: Figures, step: Callable[[str], None]) -> None:
    async with contextlib.AsyncExitStack() as running:
        bare = running.enter_context(servers.bare())
        programs = []
        for name, address in databases.items():
            receiver = Receiver()
            url = await running.enter_async_context(receiving(receiver))
            server = running.enter_context(servers.program("whole", name, address, url))
            programs.append(Program(server, receiver, running.enter_context(Records(address))))
        await Journeys(bare, programs, size, figures, step).measure()
    for program in programs:  # they tell their peak when they end
        figures.megabytes[program.server.name] = program.server.peak_megabytes
        figures.messages[program.server.name] = program.receiver.count
        figures.doubles[program.server.name] = program.receiver.doubles


@contextlib.contextmanager
def _progress(console: Console, size: Size) -> Iterator[Callable[[str], None]]:
    """Moves between measurements only: drawing takes a processor from what is measured."""
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console, auto_refresh=False, transient=True) as progress:
        bar = progress.add_task("", total=intake.steps(size) + journeys.steps(size))

        def step(words: str) -> None:
            progress.update(bar, advance=1, description=words, refresh=True)

        yield step


if __name__ == "__main__":
    typer.run(main)
