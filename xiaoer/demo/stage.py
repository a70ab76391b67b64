"""Plays the ten days: the real program on a fake clock and an empty database, real servers around it."""

import asyncio
import contextlib
import itertools
import tempfile
from collections.abc import AsyncIterator
from datetime import datetime
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import aiohttp
from sqlalchemy import Connection, select

from xiaoer.bot.app import Program
from xiaoer.bot.fast_forward import HandClock, fast_forward
from xiaoer.bot.opening import open_http
from xiaoer.demo.account import Account, Delivery, Note
from xiaoer.demo.cast import SHOP, Cast, load_cast, settings
from xiaoer.demo.deliveries import Request, request_of
from xiaoer.demo.outside import Outside, served
from xiaoer.demo.records import Played, Waits, read_account
from xiaoer.demo.script import CLOSES, OPENS, STEPS, Step, moment_of
from xiaoer.storage import schema
from xiaoer.storage.database import Database
from xiaoer.storage.tables import outbox


async def play(locale: str) -> Account:
    """Everything happens in a temporary folder and on loopback addresses; nothing of it stays."""
    cast = load_cast(locale)
    with tempfile.TemporaryDirectory(prefix="xiaoer-demo-") as folder:
        clock = HandClock(moment_of(*OPENS, ZoneInfo(cast.shop["timezone"])))
        outside = Outside(clock)
        async with outside.open() as doors:
            database = Database(f"sqlite:///{Path(folder) / 'demo.db'}")
            try:
                await asyncio.to_thread(schema.migrate, database.engine)
                async with open_http() as http:
                    config = settings(cast, f"sqlite:///{Path(folder) / 'demo.db'}", doors)
                    program = Program(config, database, http, clock)
                    async with _open_for_business(program) as door:
                        return await _Stage(cast, program, clock, outside, http, door).play()
            finally:
                database.close()


@contextlib.asynccontextmanager
async def _open_for_business(program: Program) -> AsyncIterator[str]:
    """Only the intake runs by itself; the other legs move with the clock."""
    intake = asyncio.create_task(program.intake.run())
    try:
        async with served(program.site()) as door:
            yield door
    finally:
        intake.cancel()
        await asyncio.gather(intake, return_exceptions=True)


class _Stage:
    def __init__(
        self,
        cast: Cast,
        program: Program,
        clock: HandClock,
        outside: Outside,
        http: aiohttp.ClientSession,
        door: str,
    ) -> None:
        self.cast = cast
        self.program = program
        self.clock = clock
        self.outside = outside
        self.http = http
        self.door = door
        self.zone = ZoneInfo(cast.shop["timezone"])
        self.numbers = itertools.count(1)
        self.notes: list[Note] = []
        self.deliveries: list[Delivery] = []
        self.waits: Waits = {}

    async def play(self) -> Account:
        began_at = self.clock.now
        for step in STEPS:
            await self._forward(moment_of(step.day, step.clock, self.zone))
            await self._take(step)
        await self._forward(moment_of(*CLOSES, self.zone))
        played = Played(
            cast=self.cast,
            takeover=self.program.config.shops[SHOP].takeover,
            began_at=began_at,
            ended_at=self.clock.now,
            notes=tuple(self.notes),
            deliveries=tuple(self.deliveries),
            waits=self.waits,
            arrivals=tuple(self.outside.arrivals),
        )
        return await self.program.database.read(partial(read_account, played=played))

    async def _forward(self, until: datetime) -> None:
        await fast_forward(self.program, self.clock, until, self._look)

    async def _look(self) -> None:
        """Why messages wait is known only while they do: notice it."""
        for id, reason in await self.program.database.read(_waiting):
            self.waits.setdefault((id, reason), self.clock.now)

    async def _take(self, step: Step) -> None:
        if step.note:
            self.notes.append(Note(self.clock.now, self.cast.words["notes"][step.note]))
        if step.delivery is None:
            return
        request = request_of(step, next(self.numbers), self.cast, self.zone)
        for time in range(step.times):
            status = await self._post(request)
            delivery = Delivery(
                at=self.clock.now,
                channel=request.channel,
                kind=request.kind,
                order=request.about,
                status=status,
                repeat=time > 0,
            )
            self.deliveries.append(delivery)

    async def _post(self, request: Request) -> int:
        url = f"{self.door}/hooks/{SHOP}/{request.channel}"
        async with self.http.post(url, data=request.body, headers=request.headers) as response:
            return response.status


def _waiting(connection: Connection) -> list[tuple[int, str]]:
    statement = select(outbox.c.id, outbox.c.reason).where(
        outbox.c.state == "queued", outbox.c.reason.is_not(None)
    )
    return [(row.id, row.reason) for row in connection.execute(statement)]
