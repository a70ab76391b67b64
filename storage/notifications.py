"""The bell between programs on one PostgreSQL: what one of them writes wakes a leg of the others."""

import asyncio
from collections.abc import Callable, Mapping

import psycopg
import structlog
from sqlalchemy import Connection, Engine, text

log = structlog.get_logger()

BELL = "xiaoer"
AGAIN = 1.0  # seconds until a line that was cut is laid again; until then the clock's ticks do its work

# Heard once this transaction is committed, and not at all if it wrote nothing; equal rings become one.
_RING = text(f"SELECT pg_notify('{BELL}', :leg) WHERE pg_current_xact_id_if_assigned() IS NOT NULL")


def ring(connection: Connection, leg: str) -> None:
    if connection.dialect.name == "postgresql":  # at an SQLite file there is nobody else
        connection.execute(_RING, {"leg": leg})


async def listen(engine: Engine, wake: Mapping[str, Callable[[], None]]) -> None:
    """Call `wake` of each leg that is rung for, until cancelled; of all of them when the line is new."""
    while True:
        try:
            async with await _line(engine) as line:
                await line.execute(f"LISTEN {BELL}")
                for each in wake.values():
                    each()
                async for heard in line.notifies():
                    if heard.payload in wake:
                        wake[heard.payload]()
        except psycopg.Error as error:
            log.warning("bell not heard", error=type(error).__name__)
        await asyncio.sleep(AGAIN)


async def _line(engine: Engine) -> psycopg.AsyncConnection:
    given, named = engine.dialect.create_connect_args(engine.url)
    return await psycopg.AsyncConnection.connect(*given, **named, autocommit=True)
