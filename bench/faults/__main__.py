"""make faults: break programs, databases, receivers and clocks on purpose, and count what is lost or doubled.

Times and choices of a run follow from its seed; the timing of the machine does not.
"""

import asyncio
import contextlib
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench.faults import report
from bench.faults.environment import Count, Scenario, run_scenario
from bench.faults.killing import KILLS, kill
from bench.faults.report import Found
from bench.faults.scenarios import SCENARIOS
from bench.faults.sending import crash
from bench.faults.stores import Environments, environments
from bot.operations.logs import configure_logs

HERE = Path(__file__).parent.parent
SEND_STEP = "send step"
WIDTH = 160  # columns, where the output is no terminal

Progressed = Callable[[str], None]


def faults(
    runs: Annotated[int, typer.Option(min=0, help="Of each scenario.")] = 3,
    crashes: Annotated[int, typer.Option(min=0, help="Runs of the send step.")] = 10_000,
    kills: Annotated[int, typer.Option(min=0, help="Real ones in the send step, 40 in a run.")] = 240,
    seed: Annotated[int | None, typer.Option(help="Of an earlier run, to break the same again.")] = None,
    only: Annotated[
        list[str] | None, typer.Option(help="Part of a scenario's name, or: send step; may be repeated.")
    ] = None,
    to: Annotated[Path | None, typer.Option(help="The folder for faults.json and faults.md.")] = None,
) -> None:
    """Break, mend and count. Exit 1 if anything was lost or said twice, or the audit found something."""
    configure_logs("critical", json=False)
    seed = seed or random.SystemRandom().randrange(1, 10**6)
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    console.print(f"--seed {seed}", highlight=False)
    chosen = [each for each in SCENARIOS if _is_wanted(each.title, only)] if runs else []
    crashes, lives = (crashes, kills // KILLS) if _is_wanted(SEND_STEP, only) else (0, 0)
    found = Found(seed=seed)
    with _progress(console, len(chosen) * runs + crashes + lives) as step:
        with environments() as factory:
            for scenario in chosen:
                found.rows.append(_repeated(scenario, factory, seed, runs, step))
        found.steps = _crashed(seed, crashes, lives, step)
    report.show(console, found)
    if folder := to or (None if only else HERE):
        write(folder, found)
    raise typer.Exit(1 if found.is_bad else 0)


def _is_wanted(title: str, only: Sequence[str] | None) -> bool:
    return not only or any(word in title for word in only)


def _repeated(
    scenario: Scenario, factory: Environments, seed: int, runs: int, step: Progressed
) -> report.Row:
    counts, failed = list[Count](), list[str]()
    for number in range(runs):
        try:
            with factory.environment(scenario) as environment:
                counts.append(
                    asyncio.run(run_scenario(scenario, environment, f"{seed}:{scenario.title}:{number}"))
                )
        except Exception as error:  # one run that ends badly is a finding, and the others go on
            failed.append(f"run {number}: {type(error).__name__}: {error}"[:2000])
        step(scenario.title)
    return report.row(scenario, counts, failed)


def _crashed(seed: int, crashes: int, lives: int, step: Progressed) -> list[report.Step]:
    ends, killed = [], Counter[str]()
    with tempfile.TemporaryDirectory(prefix="faults") as name:
        for end in crash(Path(name), seed, range(crashes)):
            ends.append(end)
            step(SEND_STEP)
    for number in range(lives):
        with tempfile.TemporaryDirectory(prefix="faults") as name:
            ended = asyncio.run(kill(Path(name), seed, number))
        ends += ended
        killed[ended[0].case.kind.name] += KILLS
        step(SEND_STEP)
    return report.steps(ends, killed)


def write(folder: Path, found: Found) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "faults.json").write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n")
    (folder / "faults.md").write_text(report.markdown(found), "utf-8")


@contextlib.contextmanager
def _progress(console: Console, steps: int) -> Iterator[Progressed]:
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("", total=steps)
        last = ""

        def step(words: str) -> None:
            nonlocal last
            progress.update(bar, advance=1, description=words)
            if not console.is_terminal and words != last:
                console.print(words, highlight=False)
            last = words

        yield step


if __name__ == "__main__":
    typer.run(faults)
