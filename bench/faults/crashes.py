"""A program that dies at one point of its send step, as a process does: nothing behind that point happens."""

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

COMPILED: dict[Any, Any] = {}  # statements: the same in every life, and dearer than all that they do
LEASE = timedelta(minutes=2)
SOON = timedelta(seconds=31)  # what may have arrived is sent again after half a minute


class Died(BaseException):
    """Nothing catches it: the process is gone."""


class Fate:
    """When this life ends; `point` None: in peace."""

    def __init__(self, point: str | None) -> None:
        self.point = point
        self.over = asyncio.Event()

    def reaches(self, point: str) -> bool:
        """Whether life ends here and now."""
        if point == self.point:
            self.over.set()
        return point == self.point

    def pass_by(self, point: str) -> None:
        if self.reaches(point):
            raise Died


class Mortal(Database):
    """The database of one life. `step` is what is being written just now."""

    step: tuple[str, str] = ("", "")  # the points before and after its commit

    def __init__(self, url: str, fate: Fate) -> None:
        super().__init__(url)
        self.engine = self.engine.execution_options(compiled_cache=COMPILED)
        self.fate = fate

    async def write(self, work: Callable[[Connection], T]) -> T:
        before, after = self.step

        def up_to_the_commit(connection: Connection) -> T:
            done = work(connection)
            self.fate.pass_by(before)
            return done

        done = await super().write(up_to_the_commit)
        self.fate.pass_by(after)
        return done


class Mouth:
    """A channel's own `send`, with a death just before or behind it."""

    drops_repeats: ClassVar[bool] = False  # each object has that of its channel

    def __init__(self, speaker: SendingChannel, fate: Fate) -> None:
        self.name = speaker.name
        self.at_once = speaker.at_once
        self.drops_repeats = speaker.drops_repeats  # type: ignore[misc]  # of a class elsewhere
        self._speaker = speaker
        self._fate = fate

    async def send(self, message: Outgoing) -> str | None:
        self._fate.pass_by(KEPT)
        receipt = await self._speaker.send(message)
        self._fate.pass_by(ANSWERED)
        return receipt


@contextlib.asynccontextmanager
async def program(config: Config, clock: ManualClock, fate: Fate) -> AsyncIterator[Program]:
    """The whole program on its file; what it leaves undone, nobody does for it."""
    database = Mortal(config.database, fate)
    try:
        async with open_http() as http:
            yield _made(config, clock, fate, database, http)
    finally:
        database.close()


def _made(
    config: Config, clock: ManualClock, fate: Fate, database: Mortal, http: aiohttp.ClientSession
) -> Program:
    opened = channels_of(config, http)
    mortal = {name: Mouth(channel, fate) for name, channel in opened.sending.items()}
    return build(
        config, database, http, channels=Channels(opened.receiving, mortal), clock=clock, lease=LEASE
    )


async def live(config: Config, clock: ManualClock, fate: Fate) -> None:
    """One life: what a dead one left is settled, and what is due goes out. Returns when it is over."""
    async with program(config, clock, fate) as made:
        life = asyncio.create_task(_send_step(made, clock))
        death = asyncio.create_task(fate.over.wait())
        await asyncio.wait({life, death}, return_when=asyncio.FIRST_COMPLETED)
        made.parts.dispatcher.abandon()
        tasks = [life, death]
        for task in tasks:
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
        for end in ends:
            if isinstance(end, Exception):
                raise end


async def _send_step(made: Program, clock: ManualClock) -> None:
    database, dispatcher = made.parts.database, made.parts.dispatcher
    assert isinstance(database, Mortal)
    clock.now += LEASE
    database.step = (UNSETTLED, "")
    await dispatcher.settle_abandoned()
    clock.now += SOON
    database.step = (UNCLAIMED, "")
    await dispatcher.deliver_due()
    database.step = (UNNOTED, NOTED)
    await dispatcher.stop()
