"""Detect a database restored from a backup, by comparing it with a marker that backups do not contain."""

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
from storage.instance import NO_LOCATION, Instance, OutboxHold
from storage.private_files import private

log = structlog.get_logger()

INTERVAL = timedelta(minutes=1)  # a copy made within this time before a program died may go undetected

ABOUT = (
    "By this file Xiaoer knows whether the database beside it is a restored copy. Leave it out of backups."
)


class Marker(msgspec.Struct, frozen=True):
    """What a backup does not contain: where the database is served, and its last generation there."""

    location: str
    generation: int = 0


class MarkerFile(msgspec.Struct, frozen=True, kw_only=True):
    """The marker beside an SQLite file. file: the inode of the database it was written for."""

    about: str = ABOUT
    location: str = msgspec.field(name="place")
    generation: int = msgspec.field(name="beat")
    file: int


def is_copy(stored: Instance, marker: Marker) -> bool:
    """True unless this is the database that was last served here, in its latest state or a newer one."""
    if stored == Instance(NO_LOCATION, 0):  # never served at all
        return False
    if NO_LOCATION in (stored.location, marker.location):
        return True
    return stored.location != marker.location or stored.generation < marker.generation


class RestoreGuard:
    """Holds the outbox of a restored database.

    Call `check` before anything is sent, `heartbeat` every INTERVAL while the program runs, and once more
    at its end. On PostgreSQL a failover while programs run is no restored copy: where the database has moved
    and lost nothing that they saw, its new location is taken over.
    """

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock
        self._file = Path(database.engine.url.database or "") if database.dialect == "sqlite" else None
        self._seen = Instance(NO_LOCATION, 0)
        self.hold: OutboxHold | None = None  # as `check` found or set it

    async def check(self) -> OutboxHold | None:
        """Hold the outbox if this is a restored copy, and mark it as served here. Returns the hold, if any.

        Raises StorageError if the marker cannot be written, or what the database raises.
        """
        await self._update(self._checked)
        hold = self.hold
        if hold:
            log.warning("outbox held", since=hold.since.isoformat(), why=hold.why, next="xiaoer release")
        return hold

    async def heartbeat(self) -> int:
        """Raise the generation, here and in the marker; returns 0, as a round of a worker without more to do.

        Raises as `check` does.
        """
        await self._update(self._advanced)
        return 0

    async def _update(self, change: Callable[[Connection], Instance]) -> None:
        self._seen = await self._database.write(change)
        if self._file:
            await asyncio.to_thread(_write_marker, self._file, self._seen)

    def _checked(self, connection: Connection) -> Instance:
        stored, marker, now = instance.read(connection), self._marker(connection), self._clock()
        if is_copy(stored, marker):
            instance.start_held(connection, now)
        known_here = not self._file or stored.location == marker.location != NO_LOCATION
        location = marker.location if known_here else f"since {now.isoformat()}"
        here = Instance(location, max(stored.generation, marker.generation) + 1)
        instance.save(connection, here)
        self.hold = instance.held(connection)
        return here

    def _advanced(self, connection: Connection) -> Instance:
        stored = instance.read(connection)
        if stored.generation < self._seen.generation:
            log.error("the database went back to an earlier time; its outbox is held", next="xiaoer release")
            instance.start_held(connection, self._clock())
        location = stored.location if self._file else instance.location_on_server(connection)
        here = Instance(location, max(stored.generation, self._seen.generation) + 1)
        instance.save(connection, here)
        return here

    def _marker(self, connection: Connection) -> Marker:
        return _read_marker(self._file) if self._file else Marker(instance.location_on_server(connection))


def _path_beside(file: Path) -> Path:
    return file.with_name(f"{file.name}-home")


def _read_marker(file: Path) -> Marker:
    """The marker beside this database file; without a location if it is unreadable or another file's."""
    try:
        marker = msgspec.json.decode(_path_beside(file).read_bytes(), type=MarkerFile)
    except (OSError, msgspec.DecodeError):
        return Marker(NO_LOCATION)
    is_ours = marker.file == file.stat().st_ino
    return Marker(marker.location if is_ours else NO_LOCATION, marker.generation)


def _write_marker(file: Path, seen: Instance) -> None:
    """Replace the marker atomically and durably. Raises StorageError."""
    beside, part = _path_beside(file), file.with_name(f"{file.name}-home.part")
    marker = MarkerFile(location=seen.location, generation=seen.generation, file=file.stat().st_ino)
    try:
        with open(part, "wb", opener=private) as out:
            out.write(msgspec.json.encode(marker))
            out.flush()
            os.fsync(out.fileno())
        part.replace(beside)
    except OSError as error:
        raise StorageError(f"database: {beside} cannot be written: {error.strerror}") from None
