"""Break a place of the program line by line, and see which breaks the fast tests of that place let pass.

`make mutants PLACE=bot/domain/arbiter.py` takes a module or a folder. Its tests are those of the folder that
mirrors it (`tests/domain` for `bot/domain`), on SQLite alone. Prints each survivor as a diff and a row for
the table in docs/mutants.md; the exit code is 1 if more than AT_MOST of the mutants survive.
"""

import os
import shutil
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

AT_MOST = 0.15  # of the mutants may survive
# Tests of whole journeys, which take seconds each: they try only the module whose name they bear.
JOURNEYS = {
    "tests/react": ("test_campaigns", "test_identities", "test_one_bad_event"),
    "tests/deliver": ("test_dispatcher",),
}
WORKERS = 2


def tests_of(place: str) -> list[str]:
    """The tests that belong to a module or folder of the program: those of the folder that mirrors it."""
    path = Path(place)
    folder = Path("tests", *(path.parent if path.suffix else path).parts[1:]).as_posix()
    own = f"test_{path.stem}"
    return [folder, *(f"--ignore={folder}/{name}.py" for name in JOURNEYS.get(folder, ()) if name != own)]


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
    row = (place, len(states), killed, lived, f"{lived / len(states):.1%}", f"{datetime.now(UTC):%Y-%m-%d}")
    print("|", " | ".join(map(str, row)), "|")
    return int(lived > AT_MOST * len(states))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
