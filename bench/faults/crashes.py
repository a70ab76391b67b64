"""A program that crashes at one point of its send step: nothing after that point happens."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any, ClassVar, TypeVar

import aiohttp
from sqlalchemy import Connection

from bot.app import Channels, build, channels_of
from bot.channels import Outgoing, SendingChannel
from bot.channels.registry import open_http
from bot.config import Config
from bot.program import Program
from bot.simulation import ManualClock
from storage.database import Database

T = TypeVar("T")

BEFORE, WITHIN, AFTER = "before", "within", "after"
POINTS = {  # of the send step, in its order
    "the claim is not committed": BEFORE,
    "the text is kept and nothing was sent": BEFORE,
    "the platform has not read it": WITHIN,
    "the platform has it and has not answered": WITHIN,
    "it was answered and nothing is noted": AFTER,
    "the note is not committed": AFTER,
    "the note is committed": AFTER,
    "the next program has not committed what it makes of it": AFTER,
}
(UNCLAIMED, KEPT, UNREAD, TAKEN, ANSWERED, UNNOTED, NOTED, UNSETTLED) = POINTS

COMPILED: dict[Any, Any] = {}  # statements, shared by all runs because compiling costs more than running them
LEASE = timedelta(minutes=2)
SOON = timedelta(seconds=31)  # what may have arrived is sent again after half a minute


class Crashed(BaseException):
    """Caught by nothing, as the end of a process."""


class CrashPoint:
    """Where a run of the program crashes; None: it does not."""

    def __init__(self, point: str | None) -> None:
        self.name = point
        self.crashed = asyncio.Event()

    def reaches(self, point: str) -> bool:
        """Whether the run crashes here; if so, note that."""
        if point == self.name:
            self.crashed.set()
        return point == self.name

    def crash_at(self, point: str) -> None:
        if self.reaches(point):
            raise Crashed


class CrashingDatabase(Database):
    """The database of one run, which crashes before or after a commit. `step` names both points."""

    step: tuple[str, str] = ("", "")  # before and after the commit

    def __init__(self, url: str, crash_point: CrashPoint) -> None:
        super().__init__(url)
        self.engine = self.engine.execution_options(compiled_cache=COMPILED)
        self.crash_point = crash_point

    async def write(self, work: Callable[[Connection], T]) -> T:
        before, after = self.step

        def up_to_the_commit(connection: Connection) -> T:
            done = work(connection)
            self.crash_point.crash_at(before)
            return done

        done = await super().write(up_to_the_commit)
        self.crash_point.crash_at(after)
        return done


class CrashingChannel:
    """A channel that may crash just before or just after it sends."""

    drops_repeats: ClassVar[bool] = False  # each object has that of its channel

    def __init__(self, channel: SendingChannel, crash_point: CrashPoint) -> None:
        self.name = channel.name
        self.at_once = channel.at_once
        self.drops_repeats = channel.drops_repeats  # type: ignore[misc]  # of a class elsewhere
        self._channel = channel
        self._crash_point = crash_point

    async def send(self, message: Outgoing) -> str | None:
        self._crash_point.crash_at(KEPT)
        receipt = await self._channel.send(message)
        self._crash_point.crash_at(ANSWERED)
        return receipt


@contextlib.asynccontextmanager
async def program(config: Config, clock: ManualClock, crash_point: CrashPoint) -> AsyncIterator[Program]:
    """The whole program on its database file."""
    database = CrashingDatabase(config.database, crash_point)
    try:
        async with open_http() as http:
            yield _made(config, clock, crash_point, database, http)
    finally:
        database.close()


def _made(
    config: Config,
    clock: ManualClock,
    crash_point: CrashPoint,
    database: CrashingDatabase,
    http: aiohttp.ClientSession,
) -> Program:
    opened = channels_of(config, http)
    crashing = {name: CrashingChannel(channel, crash_point) for name, channel in opened.sending.items()}
    return build(
        config, database, http, channels=Channels(opened.receiving, crashing), clock=clock, lease=LEASE
    )


async def run_until_crash(config: Config, clock: ManualClock, crash_point: CrashPoint) -> None:
    """Run the program until it crashes or is done: settle what the last run left, send what is due."""
    async with program(config, clock, crash_point) as made:
        run = asyncio.create_task(_send_step(made, clock))
        crash = asyncio.create_task(crash_point.crashed.wait())
        await asyncio.wait({run, crash}, return_when=asyncio.FIRST_COMPLETED)
        made.parts.dispatcher.abandon()
        tasks = [run, crash]
        for task in tasks:
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
        for end in ends:
            if isinstance(end, Exception):
                raise end


async def _send_step(made: Program, clock: ManualClock) -> None:
    database, dispatcher = made.parts.database, made.parts.dispatcher
    assert isinstance(database, CrashingDatabase)
    clock.now += LEASE
    database.step = (UNSETTLED, "")
    await dispatcher.settle_abandoned()
    clock.now += SOON
    database.step = (UNCLAIMED, "")
    await dispatcher.deliver_due()
    database.step = (UNNOTED, NOTED)
    await dispatcher.stop()
