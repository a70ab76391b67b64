"""`python -m tests.fuzz.one TARGET [libFuzzer's options]`: one target, watched branch by branch."""

import sys

import atheris

with atheris.instrument_imports(include=["bot", "handlers", "storage"]):
    from tests.fuzz.targets import TARGETS


def main() -> None:
    name, *options = sys.argv[1:]
    atheris.Setup([sys.argv[0], *options], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
