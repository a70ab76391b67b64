"""Tries the program from outside: python -m tests.outside [--runs N] [--seed S] [--rule NAME] [--keep]

Prints each rule that found something, with the smallest example that was found of it.
"""

import argparse
import asyncio
import logging
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from tests.outside import report
from tests.outside.generator import plan
from tests.outside.judge import RULES, judge
from tests.outside.running import shrink, watch
from tests.outside.world import play

_IN_MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None


def main() -> int:
    """Exit code 0 if no promise was broken, else 1."""
    wanted = _arguments()
    names = [wanted.rule] if wanted.rule else list(RULES)
    seeds = range(wanted.seed, wanted.seed + wanted.runs)
    began, found, done = time.monotonic(), report.Tally(), 0
    with (
        tempfile.TemporaryDirectory(prefix="xiaoer-outside-", dir=_IN_MEMORY) as place,
        ProcessPoolExecutor(wanted.jobs, initializer=_work_in, initargs=(place,)) as pool,
    ):
        waiting = {pool.submit(one, seed, names): seed for seed in seeds}
        for ended in as_completed(waiting):
            seed, done = waiting[ended], done + 1
            for rule, count, steps in ended.result():
                found.add(rule, seed, count, steps)
            rate = done / (time.monotonic() - began)
            print(
                f"\r{done} of {len(seeds)} runs, {rate:.1f} a second, {found.total} findings ",
                end="",
                file=sys.stderr,
            )
        print(file=sys.stderr)
        samples = dict(_samples(pool, found, wanted))
    report.show(found, samples, len(seeds))
    return 1 if found.total else 0


def one(seed: int, names: list[str]) -> list[tuple[str, int, int]]:
    """Rules that found something in a run: how often, and in how many steps."""
    logging.disable(logging.CRITICAL)
    drawn = plan(seed)
    history = asyncio.run(watch(drawn))
    counts: dict[str, int] = {}
    for finding in judge(history, names):
        counts[finding.rule] = counts.get(finding.rule, 0) + 1
    return [(rule, count, len(drawn.steps)) for rule, count in counts.items()]


def smallest(seed: int, rule: str, tries: int, keep: Path | None) -> str:
    """The shrunk story of a finding, as text. keep: where a folder with its shop and database is left."""
    logging.disable(logging.CRITICAL)
    drawn, history, finding = asyncio.run(shrink(plan(seed), rule, tries))
    story = report.story(drawn, history, finding)
    if keep is None:
        return story
    folder = keep / f"outside-{rule}-{seed}"
    asyncio.run(play(drawn, folder))
    return f"{story}\n  kept in {folder}"


def _work_in(place: str) -> None:
    """What a process leaves behind lies there, and goes when all is done."""
    tempfile.tempdir = place


def _samples(
    pool: ProcessPoolExecutor, found: report.Tally, wanted: argparse.Namespace
) -> Iterator[tuple[str, str]]:
    keep = Path(tempfile.gettempdir()) if wanted.keep else None
    waiting = {
        pool.submit(smallest, found.smallest(rule), rule, wanted.tries, keep): rule for rule in found.rules
    }
    for ended in as_completed(waiting):
        yield waiting[ended], ended.result()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.outside", description=__doc__)
    parser.add_argument("--runs", type=int, default=300, help="how many seeds")
    parser.add_argument("--seed", type=int, default=0, help="the first of them")
    parser.add_argument("--rule", choices=RULES, help="this one only")
    parser.add_argument("--keep", action="store_true", help="keep shop and database of each example")
    parser.add_argument(
        "--tries", type=int, default=60, help="runs spent on shrinking an example; 0: as it was"
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
