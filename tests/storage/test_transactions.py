"""A transaction ends, whatever becomes of whoever asked for it."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from storage.database import POOL, Database
from tests.faults.programs import migrated

NOTE = text("INSERT INTO counter (name, next) VALUES (:name, 1)")


def note(connection: Connection, name: str) -> None:
    connection.execute(NOTE, {"name": name})


@pytest.mark.parametrize("fails", [False, True], ids=["on its way to the disk", "on its way to be undone"])
async def test_a_writer_that_is_stopped_keeps_no_other_waiting(
    tmp_path: Path, fails: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All threads are busy with something else, so that the end of its transaction waits for its turn."""
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    migrated(url)
    pools = list[ThreadPoolExecutor]()

    def kept_pool(threads: int, **options: Any) -> ThreadPoolExecutor:
        pools.append(ThreadPoolExecutor(threads, **options))
        return pools[-1]

    monkeypatch.setattr("storage.database.ThreadPoolExecutor", kept_pool)
    database, busy, free = Database(url), asyncio.Event(), threading.Event()

    def keep_all_threads_busy(connection: Connection) -> None:
        note(connection, "first")
        for pool in pools:
            for _ in range(POOL):  # more than it has threads
                pool.submit(free.wait)
        busy.set()
        if fails:
            raise ValueError

    try:
        writing = asyncio.create_task(database.write(keep_all_threads_busy))
        await busy.wait()
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
        free.set()
        await asyncio.wait_for(database.write(lambda link: note(link, "second")), 60)
        names = await database.read(names_kept)
    finally:
        free.set()
        database.close()
    assert names == ({"second"} if fails else {"first", "second"})


def names_kept(connection: Connection) -> set[Any]:
    return set(connection.scalars(text("SELECT name FROM counter")))
