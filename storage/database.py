"""Database access: whole transactions, without blocking the event loop."""

import asyncio
import contextlib
import copy
import sqlite3
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import psycopg
from sqlalchemy import Connection, Engine, create_engine, event, select, text
from sqlalchemy import Sequence as SqlSequence
from sqlalchemy import func as sql
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool

from bot.domain.errors import StorageError
from storage import notifications
from storage.private_files import create_private
from storage.tables import metadata

T = TypeVar("T")

POOL = 6  # PostgreSQL connections of one process: intake, react, deliver, and three that read

ids = SqlSequence("xiaoer_ids", metadata=metadata)

_TAKE_IDS = (
    "INSERT INTO counter (name, next) VALUES ('ids', ?)"
    " ON CONFLICT (name) DO UPDATE SET next = counter.next + ? RETURNING next"
)


class Database:
    """Runs transactions; each is a plain function of one connection.

    url: sqlite:///file or postgresql://... . Raises StorageError for any other.
    On PostgreSQL a function runs in a thread, because it waits for the network. On SQLite only BEGIN and
    COMMIT do, because they wait for the disk; the function itself runs on the event loop.
    """

    def __init__(self, url: str) -> None:
        self.engine = make_engine(url)
        self.dialect = self.engine.dialect.name
        self._writers = ThreadPoolExecutor(POOL - 2, thread_name_prefix="xiaoer-write")
        self._readers = ThreadPoolExecutor(2, thread_name_prefix="xiaoer-read")
        self._turn = asyncio.Lock()  # one writer at a time on SQLite
        self._notified: tuple[str, ...] = ()

    def notifying(self, leg: str) -> "Database":
        """The same database, whose writes also wake `leg` in other programs (PostgreSQL)."""
        notifying = copy.copy(self)
        notifying._notified = (*self._notified, leg)
        return notifying

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one transaction: committed when it returns, rolled back when it raises.

        Raises what `work` raises, and SQLAlchemy's DBAPIError. If `is_service_trouble` is true for it, the
        database was away, full or busy, and the same work may be tried again. After an error of the commit
        itself it is unknown whether it took place.
        """
        if self.dialect != "sqlite":
            return await self._threaded(self._writers, self.write_now, work)
        async with self._turn:
            connection = await self._begun()
            try:
                done = work(connection)
            except BaseException:
                await self._finished(connection.close)
                raise
            await self._finished(_commit, connection)
            return done

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` on what is committed, in a thread of its own pool, so that it may take long.

        Raises as `write` does.
        """
        return await self._threaded(self._readers, self.read_now, work)

    def write_now(self, work: Callable[[Connection], T]) -> T:
        """`write`, blocking: for programs without an event loop."""
        with self.engine.begin() as connection:
            done = work(connection)
            for leg in self._notified:
                notifications.notify(connection, leg)
            return done

    def read_now(self, work: Callable[[Connection], T]) -> T:
        """`read`, blocking."""
        with self.engine.connect() as connection:
            connection = connection.execution_options(xiaoer_reads=True)
            return work(connection)

    def close(self) -> None:
        self._writers.shutdown()
        self._readers.shutdown()
        self.engine.dispose()

    async def _begun(self) -> Connection:
        """A connection whose transaction has begun; returned to the pool if the caller was cancelled."""
        beginning = asyncio.get_running_loop().run_in_executor(self._writers, _begin, self.engine)
        try:
            return await asyncio.shield(beginning)
        except asyncio.CancelledError:
            beginning.add_done_callback(lambda begun: None if begun.exception() else begun.result().close())
            raise

    async def _finished(self, end: Callable[..., None], *given: Any) -> None:
        """End a transaction even if the caller was cancelled, because an open one blocks all others."""
        await asyncio.shield(self._threaded(self._writers, end, *given))

    async def _threaded(self, pool: ThreadPoolExecutor, work: Callable[..., T], *given: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(pool, work, *given)


def _begin(engine: Engine) -> Connection:
    connection = engine.connect()
    try:
        connection.begin()
    except BaseException:
        connection.close()
        raise
    return connection


def _commit(connection: Connection) -> None:
    with connection:  # closed, and rolled back, if the commit fails
        connection.commit()


def make_engine(url: str) -> Engine:
    """An engine for the URL. Raises StorageError unless it is SQLite or PostgreSQL."""
    try:
        parsed = make_url(url)
    except Exception as error:  # SQLAlchemy raises several classes here
        raise StorageError("database: write sqlite:///xiaoer.db or postgresql://user@host/name") from error
    match parsed.get_backend_name():
        case "sqlite":
            return _sqlite(url)
        case "postgresql":
            return _postgresql(parsed)
        case other:
            raise StorageError(f"database: {other} is not one we know; write sqlite:/// or postgresql://")


def _postgresql(url: URL) -> Engine:
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        pool_size=POOL,
        max_overflow=2,
        pool_pre_ping=True,
        hide_parameters=True,  # keeps buyers' data out of errors
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: psycopg.Connection[Any], _: Any) -> None:
        connection.execute("SET TIME ZONE 'UTC'")  # in which times are read
        # Our joins go from a few keys to their rows by an index. How few is unknown to the planner, which
        # would rather read a table of middling size from end to end.
        connection.execute("SET enable_hashjoin = off")
        connection.execute("SET enable_mergejoin = off")
        connection.commit()

    return engine


def _sqlite(url: str) -> Engine:
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=4,
        connect_args={"timeout": 30, "check_same_thread": False},
        hide_parameters=True,
    )

    @event.listens_for(engine, "do_connect")
    def _create(*_: Any) -> None:
        # SQLite itself would make a file that others can read. WAL and journal take the mode of this one.
        file = engine.url.database
        if file and file != ":memory:":
            with contextlib.suppress(OSError):  # SQLite says it better
                create_private(Path(file))

    @event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _: Any) -> None:
        connection.isolation_level = None  # BEGIN is ours, below
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")  # acknowledged means on disk
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA cache_size = -65536")
        connection.execute("PRAGMA wal_autocheckpoint = 4000")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # IMMEDIATE: what a writer reads cannot change before it writes, even by a second program at the file.
        reads = connection.get_execution_options().get("xiaoer_reads", False)
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

    return engine


def take_ids(connection: Connection, count: int) -> list[int]:
    """`count` fresh ids, ascending."""
    if connection.dialect.name == "postgresql":
        drawn = connection.execute(
            select(sql.nextval(text("'xiaoer_ids'"))).select_from(sql.generate_series(1, count))
        )
        return [row[0] for row in drawn]
    after: int = connection.exec_driver_sql(_TAKE_IDS, (1 + count, count)).scalar_one()
    return list(range(after - count, after))


def try_lock(connection: Connection, name: str) -> bool:
    """Lock `name` until this transaction ends; False if another program has it.

    On SQLite the writing transaction itself is the lock.
    """
    if connection.dialect.name != "postgresql":
        return True
    return bool(connection.scalar(select(sql.pg_try_advisory_xact_lock(sql.hashtextextended(name, 0)))))


def lock(connection: Connection, name: str) -> None:
    """Lock `name` until this transaction ends, once no other program has it."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(sql.pg_advisory_xact_lock(sql.hashtextextended(name, 0))))


def try_locks(connection: Connection, place: str, names: Collection[str]) -> set[str]:
    """Lock each of these names at `place`; returns those that are ours."""
    if connection.dialect.name != "postgresql" or not names:
        return set(names)
    ours = text(
        "SELECT name FROM unnest(CAST(:names AS text[])) AS name"
        " WHERE pg_try_advisory_xact_lock(hashtextextended(:place || name, 0))"
    )
    return set(connection.scalars(ours, {"place": f"{place}:", "names": list(names)}))


def lease_clock(connection: Connection, now: datetime) -> datetime:
    """The time that leases are measured by: the database's where several programs share it, else `now`."""
    if connection.dialect.name != "postgresql":
        return now
    moment: datetime = connection.execute(select(sql.clock_timestamp())).scalar_one()
    return moment


def is_service_trouble(error: Exception) -> bool:
    """True if the database was away, full or busy; else the data is at fault and a retry would fail again."""
    data = ("DataError", "IntegrityError", "ProgrammingError")
    return isinstance(error, DBAPIError) and type(error).__name__ not in data
