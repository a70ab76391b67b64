"""Knowing a restored copy for one: a database and what is known of it outside have to tell the same."""

import asyncio
import os
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import structlog
from sqlalchemy import Connection

from bot.domain.errors import StorageError
from storage import instance
from storage.database import Database
from storage.instance import NOWHERE, Hold, Instance

log = structlog.get_logger()

INTERVAL = timedelta(minutes=1)  # a copy that is younger than this when a program dies may be taken for it

ABOUT = (
    "By this file Xiaoer knows whether the database beside it is a restored copy. Leave it out of backups."
)


class Marker(msgspec.Struct, frozen=True):
    """What a backup of the database does not carry: where it is, and how far it had come there."""

    place: str
    beat: int = 0


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """The file beside an SQLite file. `file` is the one it was written for, by its number on the disk."""

    about: str = ABOUT
    place: str
    beat: int
    file: int


def is_copy(kept: Instance, witness: Marker) -> bool:
    """Whether this database is not the one that was served here last, or that one as it was before."""
    if kept == Instance(NOWHERE, 0):  # never served at all
        return False
    return NOWHERE in (kept.place, witness.place) or kept.place != witness.place or kept.beat < witness.beat


class RestoreGuard:
    """`arrive` before anything is sent, `beat` for as long as the program runs, and once more at its end.

    On PostgreSQL a failover while programs run is no restored copy: where the database is somewhere else
    and has lost nothing that they saw, it is at home there.
    """

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock
        self._file = Path(database.engine.url.database or "") if database.dialect == "sqlite" else None
        self._seen = Instance(NOWHERE, 0)
        self.hold: Hold | None = None  # as this program found it when it came

    async def arrive(self) -> Hold | None:
        """Hold the outbox if this is a restored copy; it belongs here from now on. Returns the hold, if any.

        Raises StorageError or what the database raises.
        """
        await self._look(self._arrived)
        hold = self.hold
        if hold:
            log.warning("outbox held", since=hold.since.isoformat(), why=hold.why, next="xiaoer release")
        return hold

    async def beat(self) -> int:
        await self._look(self._still_here)
        return 0

    async def _look(self, at: Callable[[Connection], Instance]) -> None:
        self._seen = await self._database.write(at)
        if self._file:
            await asyncio.to_thread(_note_down, self._file, self._seen)

    def _arrived(self, connection: Connection) -> Instance:
        kept, witness, now = instance.read(connection), self._witness(connection), self._clock()
        if is_copy(kept, witness):
            instance.start_held(connection, now)
        known_here = not self._file or kept.place == witness.place != NOWHERE
        place = witness.place if known_here else f"since {now.isoformat()}"
        here = Instance(place, max(kept.beat, witness.beat) + 1)
        instance.keep(connection, here)
        self.hold = instance.held(connection)
        return here

    def _still_here(self, connection: Connection) -> Instance:
        kept = instance.read(connection)
        if kept.beat < self._seen.beat:
            log.error("the database went back to an earlier time; its outbox is held", next="xiaoer release")
            instance.start_held(connection, self._clock())
        place = kept.place if self._file else instance.place_on_server(connection)
        here = Instance(place, max(kept.beat, self._seen.beat) + 1)
        instance.keep(connection, here)
        return here

    def _witness(self, connection: Connection) -> Marker:
        return _noted(self._file) if self._file else Marker(instance.place_on_server(connection))


def _note_beside(file: Path) -> Path:
    return file.with_name(f"{file.name}-home")


def _noted(file: Path) -> Marker:
    """What was written down beside this file; of another file, or unreadable, it says nothing of this one."""
    try:
        note = msgspec.json.decode(_note_beside(file).read_bytes(), type=Note)
    except (OSError, msgspec.DecodeError):
        return Marker(NOWHERE)
    return Marker(note.place if note.file == file.stat().st_ino else NOWHERE, note.beat)


def _note_down(file: Path, seen: Instance) -> None:
    """Whole and on the disk, or as it was. Raises StorageError."""
    beside, part = _note_beside(file), file.with_name(f"{file.name}-home.part")
    note = Note(place=seen.place, beat=seen.beat, file=file.stat().st_ino)
    try:
        with part.open("wb") as out:
            out.write(msgspec.json.encode(note))
            out.flush()
            os.fsync(out.fileno())
        part.replace(beside)
    except OSError as error:
        raise StorageError(f"database: {beside} cannot be written: {error.strerror}") from None
