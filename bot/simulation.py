"""Run the program on a clock set by hand, for the demo, tests, measurements and checks.

    now = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
    async with simulated(Path("config.yaml"), "sqlite:///copy.db", now) as simulation:
        await simulation.advance(now + timedelta(days=3))
        print(await simulation.next_wake_up())

Deliveries come in through `simulation.program.site`, a site of aiohttp that can be served or called; messages
go out through the channels of the settings, or through those that are handed in.
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Unpack

from sqlalchemy import Connection

from bot.app import Options, build
from bot.channels.registry import open_http
from bot.config import Config, load_config
from bot.program import Program
from storage import calendar, due_messages, inbox, schema, stock_wish_records
from storage.database import Database

STEP = timedelta(hours=1)  # the longest leap where something waits whose time nobody can name
FAR = datetime.max.replace(tzinfo=UTC)


class ManualClock:
    """A clock that moves only when `now` (aware) is set."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


async def _no_look() -> None:
    pass


class Simulation:
    """A program that was built on `clock`, driven round by round instead of by its own loops."""

    def __init__(self, program: Program, clock: ManualClock) -> None:
        self.program = program
        self.clock = clock

    async def settle(self) -> None:
        """Do everything that can be done at this moment, and wait until what was sent is recorded."""
        program = self.program
        while await program.calendar() + await program.react() + await program.deliver():
            await program.finish_sending()
        while await program.nights():
            pass

    async def advance(
        self,
        until: datetime,
        look: Callable[[], Awaitable[None]] = _no_look,
        grain: timedelta = timedelta(0),
    ) -> None:
        """Advance the clock to `until`, stopping wherever something is due and calling `look` there.

        grain: what is due within so long of a stop is done together, though never in another minute than its
        own, since rules speak of minutes.
        """
        await self.settle()
        await look()
        while self.clock.now < until:
            self.clock.now = min(together(self.clock.now, await self._next_stop(), grain), until)
            await self.settle()
            await look()

    async def next_wake_up(self) -> datetime | None:
        """When the next message or deadline is due, or the next event ready; a past one only if nothing is to
        come, None if nothing waits. What the calendar of promotions starts is not among them.
        """
        return await self.program.parts.database.read(partial(_next_due, now=self.clock.now))

    async def _next_stop(self) -> datetime:
        now, following = self.clock.now, await self.next_wake_up()
        waits = following is not None and following <= now  # for a free slot, or behind another message
        parts = self.program.parts
        begins = (parts.campaigns.next_start, parts.nights.next_start)
        times = (following, *begins, now + STEP if waits else None)
        return min((at for at in times if at and at > now), default=FAR)


def together(now: datetime, following: datetime, grain: timedelta) -> datetime:
    """When to stop next, not before `following`, which is after `now`."""
    if following - now >= grain:
        return following
    minute_ends = following.replace(second=59, microsecond=999_999)
    return max(following, min(now + grain, minute_ends))


@contextlib.asynccontextmanager
async def simulated(
    settings: Path | Config, database: str, now: datetime | ManualClock, **options: Unpack[Options]
) -> AsyncIterator[Simulation]:
    """Open a simulation on a database, which is migrated first.

    settings: a settings file, read with the environment of this process, or settings already read.
    database: sqlite:///file.db or postgresql://user@host/name, in place of the one that the settings name.
    now: the aware time at which it begins; or a clock that the caller shares with others.
    options: of `app.build`, but for the clock.
    Raises ConfigError for faulty settings, StorageError or a database error if it cannot be opened.
    """
    config = load_config(settings, os.environ) if isinstance(settings, Path) else settings
    clock = now if isinstance(now, ManualClock) else ManualClock(now)
    opened = Database(database)
    try:
        await asyncio.to_thread(schema.migrate, opened.engine)
        async with open_http() as http:
            program = build(config, opened, http, **(options | {"clock": clock}))
            async with receiving(program):
                yield Simulation(program, clock)
    finally:
        opened.close()


@contextlib.asynccontextmanager
async def receiving(program: Program) -> AsyncIterator[None]:
    """Run the loop that stores deliveries; the other loops are driven by the simulation."""
    commits = asyncio.create_task(program.parts.group_commit.run(), name="group commit")
    try:
        yield
    finally:
        commits.cancel()
        await asyncio.gather(commits, return_exceptions=True)


def _next_due(connection: Connection, now: datetime) -> datetime | None:
    times = (
        due_messages.next_due(connection, now),
        calendar.next_wake(connection),
        calendar.next_campaign(connection),
        stock_wish_records.next_restock(connection),
        inbox.waiting(connection, now).next_at,
    )
    found = [at for at in times if at]
    return min(found) if found else due_messages.next_due(connection)
