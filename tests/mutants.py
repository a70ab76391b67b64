"""Break a place of the engine line by line, and see which breaks its own fast tests let pass.

`make mutants PLACE=bot/domain/arbiter.py` takes a module or a folder. Its tests are those of the folder that
mirrors it (`tests/domain` for `bot/domain`), on SQLite only. Prints each survivor as a diff and a line for the
table in docs/mutants.md; the exit code is 1 if more than AT_MOST of the mutants survive.
"""

import os
import shutil
import sys
from collections import Counter
from datetime import date
from pathlib import Path

AT_MOST = 0.15  # of the mutants may survive
TRIED_BY = {  # a place is tried by the tests that mirror it, except where only some of them are fast
}
WORKERS = 2


def tests_of(place: str) -> list[str]:
    """The files or folders of tests that belong to a module or folder of the program."""
    parts = Path(place).with_suffix("").parts
    for known in (Path(*parts[:length]).as_posix() for length in range(len(parts), 1, -1)):
        if known in TRIED_BY:
            return TRIED_BY[known]
    folder = parts[:2] if Path(place).suffix else parts
    return [Path("tests", *folder[1:]).as_posix()]


def main(place: str) -> int:
    os.environ["XIAOER_TEST_DATABASES"] = "sqlite"
    shutil.rmtree("mutants", ignore_errors=True)  # what an earlier run found there may be of other tests
    from mutmut.__main__ import cli, collect_source_file_mutation_data, get_diff_for_mutant
    from mutmut.configuration import config
    from mutmut.stats import status_by_exit_code

    chosen = config()
    chosen.only_mutate = [place if place.endswith(".py") else f"{place.rstrip('/')}/*"]
    chosen.pytest_add_cli_args_test_selection = tests_of(place)
    cli(["run", "--max-children", str(WORKERS)], standalone_mode=False)

    mutants, _ = collect_source_file_mutation_data(mutant_names=())
    states = {name: status_by_exit_code[data.exit_code_by_key[name]] for data, name, _ in mutants}
    for data, name, _ in mutants:
        if states[name] != "killed":
            print(f"\n{name}: {states[name]}\n{get_diff_for_mutant(name, path=data.path)}")
    counts = Counter(states.values())
    killed = counts["killed"] + counts["timeout"]
    lived = len(states) - killed
    print(f"\n{dict(counts)}")
    print(f"| {place} | {len(states)} | {killed} | {lived} | {lived / len(states):.0%} | {date.today()} |")
    return int(lived > AT_MOST * len(states))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
