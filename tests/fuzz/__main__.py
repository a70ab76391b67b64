"""`python -m tests.fuzz [TARGET ...] [--runs N] [--seconds N]`: every target in a process of its own."""

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.fuzz.targets import TARGETS, seeds

DONE = re.compile(r"Done (\d+) runs in (\d+) second")


def main() -> int:
    """Run the chosen targets; returns 0 if nothing was found, else 1, and prints the tracebacks."""
    asked = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    asked.add_argument("targets", nargs="*", choices=[[], *TARGETS], default=[], metavar="TARGET")
    asked.add_argument("--runs", type=int, default=100_000, help="for each target")
    asked.add_argument("--seconds", type=int, default=30, help="for each target, whichever is over first")
    given = asked.parse_args()
    return max([fuzz(name, given.runs, given.seconds) for name in given.targets or TARGETS])


def fuzz(name: str, runs: int, seconds: int) -> int:
    with tempfile.TemporaryDirectory(prefix="xiaoer-fuzz-") as folder:
        for number, seed in enumerate(seeds(name)):
            (Path(folder) / str(number)).write_bytes(seed)
        limits = (f"-runs={runs}", f"-max_total_time={seconds}", "-max_len=20000", "-timeout=10", "-seed=7")
        command = [
            sys.executable,
            "-m",
            "tests.fuzz.one",
            name,
            *limits,
            f"-artifact_prefix={folder}/",
            folder,
        ]
        ended = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    output = ended.stdout + ended.stderr
    done = DONE.search(output)
    if ended.returncode or done is None:
        print(f"{name}: FOUND\n{output[-6000:]}")
        return 1
    count, took = int(done[1]), max(1, int(done[2]))
    print(f"{name}: {count} runs, {count // took} a second, nothing found", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
