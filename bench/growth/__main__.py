"""`make growth`: what the program costs on databases of ten thousand messages and of many more.

Each figure stands beside the one on the smallest database of the same run; only these ratios mean anything
on a machine that others use as well. Ten million (`--most 10000000`) need some 30 GB of disk and half an
hour.
"""

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from bench.growth.filling import FilledShop
from bench.growth.filling import Progress as Done
from bench.growth.measuring import Look, look, middle
from tests.servers import postgres

SIZES = (10_000, 1_000_000, 10_000_000)
YEAR = 1_000_000  # finished rows beside them, at the end; as many as wait where that is more
HEADS = {
    "start_seconds": "start, s",
    "claim_ms": "claim, ms",
    "intake": "intake/s",
    "journeys": "journeys/s",
    "cpu_ms": "processor, ms a journey",
    "drained": "sent/s",
    "scrape_ms": "/metrics, ms",
    "ready_ms": "/readyz, ms",
    "megabytes": "MB",
}
HERE = Path(__file__).parent.parent / "growth.json"

console = Console(stderr=True)


class Case(msgspec.Struct, frozen=True, kw_only=True):
    database: str
    waiting: int
    finished: int
    look: Look


def growth(
    most: Annotated[int, typer.Option(help="Messages that wait in the largest database.")] = 1_000_000,
    on: Annotated[str, typer.Option(help="sqlite, postgresql, or both.")] = "both",
    looks: Annotated[int, typer.Option(help="At each database; their medians are told.")] = 3,
    folder: Annotated[Path | None, typer.Option(help="Where the databases lie meanwhile.")] = None,
    out: Annotated[Path, typer.Option(help="Where the figures go.")] = HERE,
) -> None:
    """Fill, start the real program, measure, and fill on."""
    cases: list[Case] = []
    for kind in ("sqlite", "postgresql") if on == "both" else (on,):
        with database(kind, folder) as (url, place):
            for case in grown(kind, url, place, most, looks):
                cases.append(case)
                out.write_bytes(msgspec.json.format(msgspec.json.encode(cases), indent=2) + b"\n")
    Console().print(told(cases))


@contextlib.contextmanager
def database(kind: str, folder: Path | None) -> Iterator[tuple[str, Path]]:
    place = Path(tempfile.mkdtemp(prefix="growth", dir=folder))
    try:
        if kind == "sqlite":
            yield f"sqlite:///{place / 'shop.db'}", place
            return
        with postgres(durable=True) as url:
            yield url, place
    finally:
        shutil.rmtree(place)


def grown(kind: str, url: str, place: Path, most: int, looks: int) -> Iterator[Case]:
    filled = FilledShop(url, datetime.now(UTC))
    steps = [(size, 0) for size in SIZES if size <= most]
    for number, (waiting, finished) in enumerate([*steps, (most, max(YEAR, most))]):
        with filling(f"{kind}: {waiting:,} wait", waiting) as done:
            filled.wait_for(waiting, done)
        if finished:
            with filling(f"{kind}: {finished:,} finished", finished) as done:
                filled.grow_old(finished, done)
        console.print(f"{kind}: looking at {waiting:,} that wait and {finished:,} that are finished")
        found = [asyncio.run(look(filled, place, f"n{number}x{turn}")) for turn in range(looks)]
        yield Case(database=kind, waiting=waiting, finished=finished, look=middle(found))
    filled.close()


@contextlib.contextmanager
def filling(label: str, rows: int) -> Iterator[Done]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(label, total=rows)
        yield lambda done: bar.update(task, completed=done)


def told(cases: list[Case]) -> Table:
    table = Table(title="Each figure, and how many times that of the smallest database it is")
    table.add_column("")
    for case in cases:
        finished = f"\n+ {case.finished:,} finished" if case.finished else ""
        table.add_column(f"{case.database}\n{case.waiting:,} wait{finished}", justify="right")
    for name, head in HEADS.items():
        table.add_row(head, *(_beside(getattr(case.look, name), _first(case, cases, name)) for case in cases))
    return table


def _first(case: Case, cases: list[Case], name: str) -> float:
    figure: float = next(getattr(one.look, name) for one in cases if one.database == case.database)
    return figure


def _beside(figure: float, first: float) -> str:
    shown = f"{figure:.2f}" if figure < 10 else f"{figure:,.0f}"
    return f"{shown} ({figure / first:.2f})" if first else shown


if __name__ == "__main__":
    typer.run(growth)
