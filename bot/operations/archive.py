"""Move finished rows from the database to files, a page at a time."""

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

from storage import archive, stock_wish_records
from storage.database import Database, lease_clock
from storage.private_files import make_private_folder, private

log = structlog.get_logger()

PAGE = 1000  # rows in one file
STEP = 250  # rows deleted in one transaction
PAUSE = 0.1  # seconds between two steps
EVERY = timedelta(hours=1)  # between two sweeps
YIELD_SECONDS = 5.0  # that a step waits for a busy program; one that is always busy archives all the same
LEASE = timedelta(minutes=5)  # of one program's claim on a shop; longer than a page takes
OVERSIZED = {"unreadable": 50}  # rows in one file, where a row may be as large as a delivery

Row = Mapping[str, Any]

_CREATED_AT = {"inbox": "received_at", "outbox": "created_at", "unreadable": "received_at"}


class Archiver:
    """Writes finished rows to files in `folder`, and then deletes them.

    A file is on disk before its rows are deleted, so a crash in between writes them once more, and loses
    none. keep: how long a row stays after it was finished. busy: True while the program has other work.
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
        """Archive every row that finished before `keep`, in every shop; returns how many.

        Wishes for what was sold out that lapsed before it are deleted: the outbox tells who was told.

        A shop whose files cannot be written is logged and left for the next sweep. Raises what the database
        raises.
        """
        moved, before = 0, self._clock() - self._keep
        due = {
            table: await self._database.read(partial(archive.shops_due, table=table, before=before))
            for table in archive.TABLES
        }
        for shop in sorted(set(self._shops) & set().union(*due.values())):
            try:
                for table in archive.TABLES:
                    moved += await self._sweep(shop, table) if shop in due[table] else 0
                await self._database.write(partial(archive.release, shop=shop, holder=self._name))
            except OSError as error:  # e.g. a full disk: the other shops go on
                log.error("not archived", shop=shop, folder=str(self._folder), why=str(error))
        lapsed = await self._database.read(partial(stock_wish_records.shops_with_lapsed, before=before))
        for shop in sorted(set(self._shops) & lapsed):
            await self._forget_wishes(shop)
        return moved

    async def _sweep(self, shop: str, table: str) -> int:
        moved, after, before = 0, 0, self._clock() - self._keep
        limit = OVERSIZED.get(table, PAGE)
        while await self._database.write(partial(self._claim, shop)):
            page = await self._database.read(
                partial(archive.page, shop=shop, table=table, after=after, before=before, limit=limit)
            )
            if page.rows:
                await asyncio.to_thread(write_rows, self._folder / shop, table, page.rows)
            for step in _in_steps(page.rows):
                await self._yield_to_others()
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

    async def _forget_wishes(self, shop: str) -> None:
        before = self._clock() - self._keep
        step = partial(stock_wish_records.forget, shop=shop, before=before, limit=STEP)
        while await self._database.write(step) == STEP:
            await self._yield_to_others()

    def _claim(self, shop: str, connection: Any) -> bool:
        now = lease_clock(connection, self._clock())
        return archive.claim(connection, shop, self._name, now, LEASE)

    async def _yield_to_others(self) -> None:
        waited = self._pause
        await asyncio.sleep(self._pause)
        while self._busy() and waited < YIELD_SECONDS:
            await asyncio.sleep(max(self._pause, 0.01))
            waited += max(self._pause, 0.01)


def _in_steps(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    for start in range(0, len(rows), STEP):
        yield rows[start : start + STEP]


def write_rows(folder: Path, table: str, rows: Sequence[Row]) -> None:
    """Write one file for each month: gzipped JSON lines, mode 0600, fsynced when this returns.

    Raises OSError.
    """
    months: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        months[f"{row[_CREATED_AT[table]]:%Y-%m}"].append(row)
    for month, those in months.items():
        name = f"{table}-{those[0]['id']:012}-{those[-1]['id']:012}.jsonl.gz"
        _write(folder / month / name, those)


def _write(file: Path, rows: Sequence[Row]) -> None:
    rewrite(file, [msgspec.json.encode(row) + b"\n" for row in rows])


def rewrite(file: Path, lines: Sequence[bytes]) -> None:
    """Write a file whole, or replace it: durable when this returns. Raises OSError."""
    make_private_folder(file.parent)
    part = file.with_suffix(".part")
    with open(part, "wb", opener=private) as raw:
        with gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as packed:
            packed.writelines(lines)
        raw.flush()
        os.fsync(raw.fileno())
    part.replace(file)
    for place in (file.parent, file.parent.parent, file.parent.parent.parent):
        _sync_folder(place)


def _sync_folder(folder: Path) -> None:
    """Sync a folder, so that the names of new files in it are durable. Windows needs no such thing."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
