"""What the measured program's own database says about its work."""

import asyncio
from collections import Counter
from typing import Self

from sqlalchemy import Connection, func, select, text

from storage.database import Database
from storage.tables import in_state, inbox, outbox, wakes

LOOK, SELDOM = 0.002, 0.05  # seconds between two polls

Messages = Counter[tuple[str, str]]  # (template, state) -> messages


class Records:
    def __init__(self, url: str) -> None:
        self._database = Database(url)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    async def analyse(self) -> None:
        """What PostgreSQL does by itself within its first minute; figures must not hang on when."""
        if self._database.dialect == "postgresql":
            await self._database.write(lambda connection: connection.execute(text("ANALYZE")))

    async def all_recorded(self) -> None:
        """Wait until no message is between its sending and the note of it."""
        while await self._database.read(_in_hand):  # noqa: ASYNC110  # another process's doing: no event here
            await asyncio.sleep(LOOK)

    async def all_handled(self) -> None:
        """Wait until no event is open."""
        while await self._database.read(_open):  # noqa: ASYNC110  # the same
            await asyncio.sleep(SELDOM)

    async def messages(self) -> Messages:
        return await self._database.read(_messages)

    async def unhandled(self) -> int:
        """Events that wait, or were put aside."""
        return await self._database.read(_unhandled)

    async def deadlines(self) -> int:
        return await self._database.read(_deadlines)


def _open(connection: Connection) -> bool:
    return connection.execute(select(inbox.c.id).where(in_state(inbox, "open")).limit(1)).first() is not None


def _in_hand(connection: Connection) -> int:
    statement = select(func.count()).select_from(outbox).where(in_state(outbox, "sending"))
    return connection.execute(statement).scalar_one()


def _messages(connection: Connection) -> Messages:
    statement = select(outbox.c.template, outbox.c.state, func.count()).group_by(
        outbox.c.template, outbox.c.state
    )
    return Counter({(template, state): count for template, state, count in connection.execute(statement)})


def _unhandled(connection: Connection) -> int:
    statement = select(func.count()).select_from(inbox).where(inbox.c.state != "done")
    return connection.execute(statement).scalar_one()


def _deadlines(connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(wakes)).scalar_one()
