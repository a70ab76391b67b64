"""The common way: a commit for each delivery through SQLAlchemy, an APScheduler job for each reminder.

The jobs lie in the same database, in APScheduler's SQL store, and what was sent is noted in a table.
"""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import msgspec
from aiohttp import web
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from bench.rivals.place import STORE
from bench.rivals.work import Facts, Line, client, door, send

THREADS = 20  # more find nothing to do: the receiver answers at once
TIMEOUT = 60  # seconds that a writer waits for another on SQLite
WORKERS = (("-m", "bench.rivals", "common", "work"),)

_ASYNC = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}
_SYNC = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg"}
_here = threading.local()


class Base(DeclarativeBase):
    pass


class Delivery(Base):
    __tablename__ = "deliveries"
    id: Mapped[str] = mapped_column(primary_key=True)
    body: Mapped[str]
    received_at: Mapped[datetime]


class Sent(Base):
    __tablename__ = "sent"
    id: Mapped[str] = mapped_column(primary_key=True)
    sent_at: Mapped[datetime]


@cache
def engine() -> Engine:
    """One to a process, with the tables made."""
    url = make_url(STORE)
    kind = url.get_backend_name()
    made = create_engine(url.set(drivername=_SYNC[kind]), pool_size=THREADS + 5, connect_args=_patient(kind))
    _write_ahead(made)
    Base.metadata.create_all(made)
    return made


def now() -> datetime:
    """UTC, as both databases keep it."""
    return datetime.now(UTC).replace(tzinfo=None)


def _patient(kind: str) -> dict[str, Any]:
    return {"timeout": TIMEOUT} if kind == "sqlite" else {}


def _write_ahead(engine: Engine) -> None:
    """The faster of SQLite's two ways that keep what was committed."""
    if engine.dialect.name == "sqlite":

        @event.listens_for(engine, "connect")
        def prepare(connection: Any, _: Any) -> None:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")


@contextlib.asynccontextmanager
async def site() -> AsyncIterator[web.Application]:
    """The answer to a chat is sent by a task of its own, after the delivery is kept."""
    engine()
    url = make_url(STORE)
    kind = url.get_backend_name()
    pool = create_async_engine(url.set(drivername=_ASYNC[kind]), pool_size=20, connect_args=_patient(kind))
    if kind == "sqlite":
        _write_ahead(pool.sync_engine)
    sessions = async_sessionmaker(pool)
    answering = set[asyncio.Task[None]]()

    async with client() as http:

        async def keep(id: str, facts: Facts) -> None:
            body = msgspec.json.encode(facts).decode()
            async with sessions.begin() as session:
                session.add(Delivery(id=id, body=body, received_at=now()))
            if facts["template"] == "hello":
                task = asyncio.create_task(answer(id, facts))
                answering.add(task)
                task.add_done_callback(answering.discard)

        async def answer(id: str, facts: Facts) -> None:
            await send(http, id, facts)
            async with sessions.begin() as session:
                session.add(Sent(id=id, sent_at=now()))

        yield door(keep)
        await asyncio.gather(*answering)
    await pool.dispose()


def say(id: str, facts: Facts) -> None:
    """A job: on one of the scheduler's threads."""
    if not hasattr(_here, "line"):
        _here.line = Line()
    _here.line.send(id, facts)
    with Session(engine()) as session, session.begin():
        session.add(Sent(id=id, sent_at=now()))


async def work() -> None:
    scheduler = _scheduler()
    scheduler.start()
    await asyncio.Event().wait()


async def load(given: Iterable[tuple[str, Facts]]) -> None:
    scheduler = _scheduler()
    scheduler.start(paused=True)
    due = datetime.now(UTC) - timedelta(minutes=5)
    for id, facts in given:
        scheduler.add_job(say, "date", run_date=due, args=(id, facts), id=id, misfire_grace_time=None)
    scheduler.shutdown()


def _scheduler() -> BackgroundScheduler:
    return BackgroundScheduler(
        jobstores={"default": SQLAlchemyJobStore(engine=engine())},
        executors={"default": ThreadPoolExecutor(THREADS)},
        timezone=UTC,
    )
