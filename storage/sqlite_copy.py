"""Copy an SQLite file by SQLite's backup, so that it includes what is still in the WAL."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Connection, StaticPool, create_engine

from storage.private_files import create_private


def copy_to(source: Path, target: Path, mark: Callable[[Connection], None] = lambda copy: None) -> None:
    """Copy while programs may write. `target` appears only when it is complete and `mark` was applied.

    Only its owner can read it.
    """
    part = target.with_name(f"{target.name}.part")
    part.unlink(missing_ok=True)
    create_private(part)
    original, copy = sqlite3.connect(source), sqlite3.connect(part)
    try:
        original.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")  # one file, with nothing beside it
        with create_engine("sqlite://", creator=lambda: copy, poolclass=StaticPool).begin() as connection:
            mark(connection)
    finally:
        copy.close()
        original.close()
    part.replace(target)
