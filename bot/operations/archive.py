"""The archive: what is over long enough leaves the database for files, a little at a time."""

import asyncio
import gzip
import os
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from secrets import token_hex
from typing import Any

import msgspec
import structlog

from storage import archive
from storage.database import Database, lease_clock

log = structlog.get_logger()

PAGE = 1000  # rows in one file
STEP = 250  # rows deleted in one transaction
PAUSE = 0.1  # seconds between two steps
EVERY = timedelta(hours=1)  # how often somebody looks for what is over
PATIENCE = (
    5.0  # seconds that a step gives way to the journey; a program that never rests archives all the same
)
LEASE = timedelta(minutes=5)  # of one program on one shop; longer than a page takes
OVERSIZED = {"unreadable": 50}  # rows in one file, where a row may be as large as a delivery

Row = Mapping[str, Any]

_BORN = {"inbox": "received_at", "outbox": "created_at", "unreadable": "received_at"}


class Archiver:
    """Writes finished rows to files in `folder`, and then deletes them.

    A file is on disk before its rows are deleted, so a crash in between writes them once more, and loses
    none. `busy`: whether somebody waits for the program just now.
    """

    def __init__(
        self,
        database: Database,
        shops: Collection[str],
        folder: Path,
        keep: timedelta,
        clock: Callable[[], datetime],
        busy: Callable[[], bool] = lambda: False,
        pause: float = PAUSE,
        on_moved: Callable[[int], None] = lambda rows: None,
    ) -> None:
        self._database = database
        self._shops = shops
        self._folder = folder
        self._keep = keep
        self._clock = clock
        self._busy = busy
        self._pause = pause
        self._on_moved = on_moved
        self._name = token_hex(8)

    async def sweep(self) -> int:
        """Everything that is over long enough, in every shop; returns how many rows went."""
        moved = 0
        for shop in self._shops:
            try:
                for table in archive.TABLES:
                    moved += await self._sweep(shop, table)
                await self._database.write(partial(archive.let_go, shop=shop, holder=self._name))
            except OSError as error:  # a full disk stops nothing else; the next hour tries again
                log.error("not archived", shop=shop, folder=str(self._folder), why=str(error))
        return moved

    async def _sweep(self, shop: str, table: str) -> int:
        moved, after, before = 0, 0, self._clock() - self._keep
        limit = OVERSIZED.get(table, PAGE)
        while await self._database.write(partial(self._take, shop)):
            page = await self._database.read(
                partial(archive.page, shop=shop, table=table, after=after, before=before, limit=limit)
            )
            if page.rows:
                await asyncio.to_thread(write_rows, self._folder / shop, table, page.rows)
            for step in _in_steps(page.rows):
                await self._give_way()
                await self._database.write(
                    partial(archive.remove, shop=shop, table=table, rows=step, before=before)
                )
                moved += len(step)
                self._on_moved(len(step))
            if page.last is None:
                break
            after = page.last
            await asyncio.sleep(self._pause)
        return moved

    def _take(self, shop: str, connection: Any) -> bool:
        now = lease_clock(connection, self._clock())
        return archive.take(connection, shop, self._name, now, LEASE)

    async def _give_way(self) -> None:
        waited = self._pause
        await asyncio.sleep(self._pause)
        while self._busy() and waited < PATIENCE:
            await asyncio.sleep(max(self._pause, 0.01))
            waited += max(self._pause, 0.01)


def _in_steps(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    for start in range(0, len(rows), STEP):
        yield rows[start : start + STEP]


def write_rows(folder: Path, table: str, rows: Sequence[Row]) -> None:
    """One file for each month: JSON lines, compressed, on disk when this returns, for its owner alone."""
    months: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        months[f"{row[_BORN[table]]:%Y-%m}"].append(row)
    for month, those in months.items():
        name = f"{table}-{those[0]['id']:012}-{those[-1]['id']:012}.jsonl.gz"
        _write(folder / month / name, those)


def _write(file: Path, rows: Sequence[Row]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = file.with_suffix(".part")
    lines = b"".join(msgspec.json.encode(row) + b"\n" for row in rows)
    with open(part, "wb", opener=partial(os.open, mode=0o600)) as raw:
        with gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as packed:
            packed.write(lines)
        raw.flush()
        os.fsync(raw.fileno())
    part.replace(file)
    for place in (file.parent, file.parent.parent, file.parent.parent.parent):
        _on_disk(place)


def _on_disk(folder: Path) -> None:
    """A file's name is on disk when its folder is. Windows keeps names by itself."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
