"""Notifications between programs on one PostgreSQL: a write of one wakes a leg of the others."""

import asyncio
from collections.abc import Callable, Mapping

import psycopg
import structlog
from sqlalchemy import Connection, Engine, text

log = structlog.get_logger()

CHANNEL = "xiaoer"
RECONNECT_SECONDS = 1.0  # after a lost connection; until then the scheduler's ticks wake the legs

# Delivered when this transaction commits, and only if it wrote something; PostgreSQL merges equal ones.
_NOTIFY = text(f"SELECT pg_notify('{CHANNEL}', :leg) WHERE pg_current_xact_id_if_assigned() IS NOT NULL")


def notify(connection: Connection, leg: str) -> None:
    """Wake a leg of the other programs when this transaction commits."""
    if connection.dialect.name == "postgresql":  # an SQLite file has one program
        connection.execute(_NOTIFY, {"leg": leg})


async def listen(engine: Engine, wake: Mapping[str, Callable[[], None]]) -> None:
    """Call `wake` of each leg that is notified, until cancelled; all of them after each connecting."""
    while True:
        try:
            async with await _connect(engine) as connection:
                await connection.execute(f"LISTEN {CHANNEL}")
                for each in wake.values():
                    each()
                async for notification in connection.notifies():
                    if notification.payload in wake:
                        wake[notification.payload]()
        except psycopg.Error as error:
            log.warning("notifications not received", error=type(error).__name__)
        await asyncio.sleep(RECONNECT_SECONDS)


async def _connect(engine: Engine) -> psycopg.AsyncConnection:
    given, named = engine.dialect.create_connect_args(engine.url)
    return await psycopg.AsyncConnection.connect(*given, **named, autocommit=True)
