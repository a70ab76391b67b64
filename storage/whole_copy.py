"""Copy a database of either kind to a private SQLite file, to be played with."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine, insert, select

from storage import instance, schema
from storage.database import Database
from storage.private_files import create_private
from storage.sqlite_copy import copy_to
from storage.tables import counter, life, metadata, positions

ROWS = 5_000  # in one transaction
NOT_COPIED = (counter, life, positions)  # they are about programs, not about shops


def copy_whole(
    source: Database, target: Path, now: datetime, on_rows: Callable[[int], None] = lambda rows: None
) -> None:
    """Copy while programs may write; nothing holds the copy's outbox back.

    on_rows: told how many rows are copied, where SQLite does not copy its own file.
    Raises OSError or a database error.
    """
    file = source.engine.url.database
    if source.dialect == "sqlite" and file:
        copy_to(Path(file), target)
    else:
        create_private(target)
    copy = Database(f"sqlite:///{target}")
    try:
        schema.migrate(copy.engine)
        if source.dialect != "sqlite":
            _copy_rows(source.engine, copy.engine, on_rows)
        with copy.engine.begin() as connection:
            instance.release(connection)
            instance.skip_ids(connection, now)
    finally:
        copy.close()


def _copy_rows(source: Engine, target: Engine, on_rows: Callable[[int], None]) -> None:
    """All tables, as they were at one moment."""
    done = 0
    with source.connect().execution_options(isolation_level="REPEATABLE READ") as reading:
        for table in metadata.sorted_tables:
            if table in NOT_COPIED:
                continue
            found = reading.execute(
                select(table), execution_options={"stream_results": True, "max_row_buffer": ROWS}
            )
            for rows in found.mappings().partitions(ROWS):
                with target.begin() as writing:
                    writing.execute(insert(table), [dict(row) for row in rows])
                done += len(rows)
                on_rows(done)
