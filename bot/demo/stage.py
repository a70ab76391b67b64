"""Plays the ten days: the real program on a fake clock and an empty database, real servers around it."""

import itertools
import tempfile
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import aiohttp
from sqlalchemy import Connection, select

from bot.demo.cast import SHOP, Cast, load_cast, settings
from bot.demo.deliveries import Request, request_of
from bot.demo.outside import Outside, served
from bot.demo.records import Played, Waits, read_transcript
from bot.demo.script import CLOSES, OPENS, STEPS, Step, time_of
from bot.demo.transcript import Remark, ShownDelivery, Transcript
from bot.simulation import ManualClock, Simulation, simulated
from storage.tables import outbox

if TYPE_CHECKING:  # numpy takes its time, and only the play itself needs it
    from bot.understanding.understander import Understander


async def play(locale: str) -> Transcript:
    """Everything happens in a temporary folder and on loopback addresses; nothing of it stays."""
    cast = load_cast(locale)
    with tempfile.TemporaryDirectory(prefix="xiaoer-demo-") as folder:
        clock = ManualClock(time_of(*OPENS, ZoneInfo(cast.shop["timezone"])))
        database = f"sqlite:///{Path(folder) / 'demo.db'}"
        outside = Outside(clock)
        async with (
            aiohttp.ClientSession() as http,
            outside.open() as endpoints,
            simulated(
                settings(cast, database, endpoints), database, clock, understand=_understander().understand
            ) as simulation,
            served(simulation.program.site) as address,
        ):
            return await _Stage(cast, simulation, outside, http, address).play()


def _understander() -> "Understander":
    """As the program comes: what a seller adds to it is learned only by one's own shop."""
    from bot.understanding.learning import shipped
    from bot.understanding.outcomes import thresholds_for
    from bot.understanding.understander import Understander

    understander, model = Understander(), shipped()
    if model:
        understander.swap(model, thresholds_for(model))
    return understander


class _Stage:
    def __init__(
        self,
        cast: Cast,
        simulation: Simulation,
        outside: Outside,
        http: aiohttp.ClientSession,
        address: str,
    ) -> None:
        self.cast = cast
        self.simulation = simulation
        self.clock = simulation.clock
        self.parts = simulation.program.parts
        self.outside = outside
        self.http = http
        self.address = address
        self.zone = ZoneInfo(cast.shop["timezone"])
        self.numbers = itertools.count(1)
        self.notes: list[Remark] = []
        self.deliveries: list[ShownDelivery] = []
        self.waits: Waits = {}

    async def play(self) -> Transcript:
        began_at = self.clock.now
        for step in STEPS:
            await self._forward(time_of(step.day, step.clock, self.zone))
            await self._take(step)
        await self._forward(time_of(*CLOSES, self.zone))
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
        return await self.parts.database.read(partial(read_transcript, played=played))

    async def _forward(self, until: datetime) -> None:
        await self.simulation.advance(until, self._look)

    async def _look(self) -> None:
        """Record why messages wait, which the outbox shows only while they do."""
        for id, reason in await self.parts.database.read(_waiting):
            self.waits.setdefault((id, reason), self.clock.now)

    async def _take(self, step: Step) -> None:
        if step.note:
            self.notes.append(Remark(self.clock.now, self.cast.words["notes"][step.note]))
        if step.delivery is None:
            return
        request = request_of(step, next(self.numbers), self.cast, self.zone)
        for time in range(step.times):
            status = await self._post(request)
            delivery = ShownDelivery(
                at=self.clock.now,
                channel=request.channel,
                kind=request.kind,
                order=request.about,
                status=status,
                repeat=time > 0,
            )
            self.deliveries.append(delivery)

    async def _post(self, request: Request) -> int:
        url = f"{self.address}/hooks/{SHOP}/{request.channel}"
        async with self.http.post(url, data=request.body, headers=request.headers) as response:
            return response.status


def _waiting(connection: Connection) -> list[tuple[int, str]]:
    statement = select(outbox.c.id, outbox.c.reason).where(
        outbox.c.state == "queued", outbox.c.reason.is_not(None)
    )
    return [(row.id, row.reason) for row in connection.execute(statement)]
