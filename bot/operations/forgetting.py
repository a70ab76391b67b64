"""Forget what the settings let be forgotten: old words in the tables, and old files of the archive."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import structlog

from storage import forgetting
from storage.database import Database

log = structlog.get_logger()

PAUSE = 0.1  # seconds between two pages


class Forgetter:
    """keep: how long the words of each kind (storage/forgetting.py) are kept; None: for good.

    archive: the folder of old rows, and how long its files are kept.
    """

    def __init__(
        self,
        database: Database,
        shops: Collection[str],
        keep: Mapping[str, timedelta | None],
        archive: tuple[Path, timedelta] | None,
        clock: Callable[[], datetime],
        pause: float = PAUSE,
    ) -> None:
        self._database = database
        self._shops = shops
        self._keep = keep
        self._archive = archive
        self._clock = clock
        self._pause = pause

    async def sweep(self) -> int:
        """Forget all that is due, in every shop; returns how many rows were looked at.

        Raises what the database raises, and OSError for a file that cannot be deleted.
        """
        looked = 0
        for kind, keep in self._keep.items():
            if keep is None:
                continue
            before = self._clock() - keep
            due = await self._database.read(partial(forgetting.shops_due, kind=kind, before=before))
            for shop in sorted(due & set(self._shops)):
                looked += await self._sweep(shop, kind, before)
        if self._archive is not None:
            folder, keep = self._archive
            await asyncio.to_thread(delete_old_files, folder, self._shops, self._clock() - keep)
        return looked

    async def _sweep(self, shop: str, kind: str, before: datetime) -> int:
        looked = 0
        page = partial(forgetting.page, shop=shop, kind=kind, before=before)
        while rows := await self._database.write(page):
            looked += rows
            await asyncio.sleep(self._pause)
        if looked:
            log.info("old words forgotten", shop=shop, kind=kind, rows=looked)
        return looked


def delete_old_files(folder: Path, shops: Collection[str], before: datetime) -> None:
    """Delete the files of these shops of months that ended before. Raises OSError."""
    for shop in shops:
        delete_months(folder / shop, before)


def delete_months(folder: Path, before: datetime) -> None:
    """Delete the archive's files of months that ended before. Raises OSError."""
    for month in sorted(folder.glob("????-??")):
        if month.name < f"{before:%Y-%m}":
            for file in month.glob("*.jsonl.gz"):
                file.unlink()
            if not any(month.iterdir()):
                month.rmdir()
