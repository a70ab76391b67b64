"""make bench: Xiaoer, a bare server and what others would build it on, in turns, at the same work."""

import asyncio
import contextlib
import gc
import importlib.util
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, NoReturn

import msgspec
import typer
import uvloop
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench import picture, report
from bench.contenders import ALL, BARE, CHAT, DRAIN, INTAKE, SHOPS, Contender
from bench.disk import sync_milliseconds
from bench.drain import Draining
from bench.errors import CannotMeasure
from bench.figures import FULL, QUICK, TRIAL, Figures, Size
from bench.intake import Intake
from bench.journeys import Journeys
from bench.results import Found, results
from bench.shops import Shops
from bench.stores import Stores

WIDTH = 150  # columns, where nobody says how wide it is
HERE = Path(__file__).parent
METERS: dict[str, type[Intake | Journeys | Draining | Shops]] = {
    INTAKE: Intake,
    CHAT: Journeys,
    DRAIN: Draining,
    SHOPS: Shops,
}


def main(
    quick: Annotated[bool, typer.Option(help="Everything, in fewer and shorter rounds.")] = False,
    trial: Annotated[bool, typer.Option(help="Only show that it runs; the figures mean nothing.")] = False,
    only: Annotated[
        list[str] | None, typer.Option(help="Whom to measure: ours, or part of a name; may be repeated.")
    ] = None,
    measure: Annotated[
        list[str] | None, typer.Option(help="What to measure: intake, chat (whole journeys), drain, shops.")
    ] = None,
    to: Annotated[Path | None, typer.Option(help="The folder to write the results to.")] = None,
) -> None:
    """Measure, print tables, and write results.json, results.md and results.svg.

    They go into bench/ only after a run of everybody. On two quiet cores that takes half an hour, quick a
    quarter of one.
    """
    size = TRIAL if trial else QUICK if quick else FULL
    measures = tuple(measure or METERS)
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    try:
        found = _measured(_chosen(only), measures, size, console)
    except CannotMeasure as why:
        _refuse(str(why))
    report.show(console, found)
    if folder := to or (None if trial or only or measure else HERE):
        _write(folder, found)


def _refuse(why: str) -> NoReturn:
    typer.echo(f"nothing was measured: {why}", err=True)
    raise typer.Exit(1)


def _chosen(only: list[str] | None) -> list[Contender]:
    def is_wanted(contender: Contender) -> bool:
        return any(word in contender.name or (word == "ours" and contender.ours) for word in only or ())

    return [contender for contender in ALL if not only or contender is BARE or is_wanted(contender)]


def _measured(
    contenders: Sequence[Contender], measures: Sequence[str], size: Size, console: Console
) -> Found:
    figures = Figures()
    with tempfile.TemporaryDirectory(prefix="bench") as name, Stores(Path(name)) as stores:
        _look_who_is_here(contenders, stores, figures, console)
        disk = sync_milliseconds(Path(name))
        gc.collect()
        gc.freeze()  # a pause of ours would count as the server's
        plan = {
            METERS[measure]: [each for each in contenders if measure in each.measures and figures.here(each)]
            for measure in METERS
            if measure in measures
        }
        steps = sum(meter.steps(able, size) for meter, able in plan.items())
        with (
            _progress(console, steps) as step,
            asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
        ):
            for meter, able in plan.items():
                runner.run(meter(stores, size, figures, step).measure(able))
    return results(contenders, figures, size, disk)


def _look_who_is_here(
    contenders: Sequence[Contender], stores: Stores, figures: Figures, console: Console
) -> None:
    for contender in contenders:
        why = stores.missing(contender)
        if contender.needs and importlib.util.find_spec(contender.needs) is None:
            why = f"the package {contender.needs} is not installed; `make bench` does it"
        if why:
            figures.absent[contender.name] = why
            console.print(f"NOT MEASURED: {contender.name}: {why}", style="bold red", highlight=False)
    if not any(figures.here(contender) for contender in contenders if contender is not BARE):
        raise CannotMeasure("; ".join(figures.absent.values()) or "nobody is called that")


def _write(folder: Path, found: Found) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n")
    (folder / "results.md").write_text(report.markdown(found), "utf-8")
    (folder / "results.svg").write_text(picture.drawn(found), "utf-8")


@contextlib.contextmanager
def _progress(console: Console, steps: int) -> Iterator[Callable[[str], None]]:
    """Moves between measurements only: drawing takes a processor from what is measured."""
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console, auto_refresh=False, transient=True) as progress:
        bar = progress.add_task("", total=steps)

        def step(words: str) -> None:
            progress.update(bar, advance=1, description=words, refresh=True)
            if not console.is_terminal:
                console.print(words, highlight=False)

        yield step


if __name__ == "__main__":
    typer.run(main)
