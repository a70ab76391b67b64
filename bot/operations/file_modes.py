"""Find a shop's files that other users of the machine can read. Windows has no such modes."""

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from storage.private_files import FILE_MODE, FOLDER_MODE

LOCK = "-lock"  # holds the number of a process, nothing else


class LooseFile(msgspec.Struct, frozen=True):
    """A file or folder that others can read, and the mode that closes it."""

    path: Path
    mode: int


def loose_files(env: Path, database: Path | None, *folders: Path | None) -> list[LooseFile]:
    """What others can read of these. env: the file of secrets, which a group may be given on purpose.

    database: an SQLite file; what lies beside it under its name (WAL, marker, copies), and backups named .db,
    count as well. folders: each closes all that is in it.
    """
    if os.name != "posix":
        return []
    found = [LooseFile(env, FILE_MODE)] if _mode(env) & 0o007 else []
    if database is not None:
        found += [LooseFile(file, FILE_MODE) for file in _beside(database) if _mode(file) & 0o077]
    found += [LooseFile(folder, FOLDER_MODE) for folder in folders if folder and _mode(folder) & 0o077]
    return found


def _beside(database: Path) -> Iterator[Path]:
    try:
        files = sorted(database.parent.iterdir())
    except OSError:  # not made yet
        return
    for file in files:
        ours = file.name.startswith(database.name) or file.suffix == ".db"
        if ours and not file.name.endswith(LOCK) and file.is_file():
            yield file


def _mode(path: Path) -> int:
    """The mode; 0, as if closed, for what is not there."""
    try:
        return path.stat().st_mode
    except OSError:
        return 0
