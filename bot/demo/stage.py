"""Plays the ten days: the real program on a fake clock and an empty database, real servers around it."""

import itertools
import tempfile
from datetime import datetime
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import aiohttp
from sqlalchemy import Connection, select

from bot.demo.account import Account, Delivery, Note
from bot.demo.cast import SHOP, Cast, load_cast, settings
from bot.demo.deliveries import Request, request_of
from bot.demo.outside import Outside, served
from bot.demo.records import Played, Waits, read_account
from bot.demo.script import CLOSES, OPENS, STEPS, Step, moment_of
from bot.simulation import ManualClock, Simulation, simulated
from storage.tables import outbox


async def play(locale: str) -> Account:
    """Everything happens in a temporary folder and on loopback addresses; nothing of it stays."""
    cast = load_cast(locale)
    with tempfile.TemporaryDirectory(prefix="xiaoer-demo-") as folder:
        clock = ManualClock(moment_of(*OPENS, ZoneInfo(cast.shop["timezone"])))
        database = f"sqlite:///{Path(folder) / 'demo.db'}"
        outside = Outside(clock)
        async with (
            aiohttp.ClientSession() as http,
            outside.open() as doors,
            simulated(settings(cast, database, doors), database, clock) as simulation,
            served(simulation.program.site) as door,
        ):
            return await _Stage(cast, simulation, outside, http, door).play()


class _Stage:
    def __init__(
        self,
        cast: Cast,
        simulation: Simulation,
        outside: Outside,
        http: aiohttp.ClientSession,
        door: str,
    ) -> None:
        self.cast = cast
        self.simulation = simulation
        self.clock = simulation.clock
        self.parts = simulation.program.parts
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
            takeover=self.parts.config.shops[SHOP].takeover,
            began_at=began_at,
            ended_at=self.clock.now,
            notes=tuple(self.notes),
            deliveries=tuple(self.deliveries),
            waits=self.waits,
            arrivals=tuple(self.outside.arrivals),
        )
        return await self.parts.database.read(partial(read_account, played=played))

    async def _forward(self, until: datetime) -> None:
        await self.simulation.advance(until, self._look)

    async def _look(self) -> None:
        """Why messages wait is known only while they do: notice it."""
        for id, reason in await self.parts.database.read(_waiting):
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
