"""Plays a plan on the real program: its clock set by hand, deliveries over HTTP, receivers around it."""

import asyncio
import contextlib
import itertools
import os
import random
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache, partial
from pathlib import Path

import aiohttp
from sqlalchemy import create_engine

from bot.deliver.dispatcher import LEASE
from bot.operations.audit.audit import audit
from bot.simulation import ManualClock, Simulation, simulated
from tests.outside import bodies, importing, imports, reading, shop
from tests.outside.drafts import STARTS
from tests.outside.facts import Placed, Wrote
from tests.outside.generator import DECIDED, RECEIVED, Plan, Step
from tests.outside.history import Case, Heard, History, Told, Trouble
from tests.outside.receivers import Receivers, served

_MOST_STOPS = 100_000  # a run that has not ended after so many wake-ups never ends
_MOST_LOOKS = 200  # at whether receivers have taken what is on its way
_WITHOUT_NAMES = ("email", "telegram")  # cannot drop what comes twice


async def play(plan: Plan, keep: Path | None = None) -> History:
    """Run the plan to its end, and give what was told and heard. keep: where its folder is copied to."""
    with tempfile.TemporaryDirectory(prefix="xiaoer-outside-") as name, _environment():
        folder = Path(name)
        clock, places = ManualClock(STARTS), itertools.count(1)
        receivers = Receivers(clock, places, plan.troubles, partial(_refuses, plan))
        database = await _database(folder)
        async with receivers.open() as (hooks, mail_port):
            config = shop.write(folder, plan.shop, plan.settings, hooks, mail_port)
            run = _Run(plan, receivers, places, folder)
            while run.ends:
                async with (
                    aiohttp.ClientSession() as http,
                    simulated(config, database, clock, jitter=run.jitter) as simulation,
                    served(simulation.program.site) as site,
                ):
                    await run.go_on(simulation, http, site)
        if keep:
            shutil.copytree(folder, keep, dirs_exist_ok=True)
        return run.history()


def _refuses(plan: Plan, address: str, now: datetime) -> bool:
    """The same for the same run, whichever of several messages comes first."""
    if any(begins <= now < ends for begins, ends in plan.hiccups):
        return True
    return zlib.crc32(f"{plan.seed} {address} {now}".encode()) % 100 < plan.refusals


class _Run:
    """A plan on its way through one program after the other, on one database.

    ends: when the next programs end as planned; a kill ends one before.
    """

    simulation: Simulation
    http: aiohttp.ClientSession
    site: str

    def __init__(self, plan: Plan, receivers: Receivers, places: Iterator[int], folder: Path) -> None:
        self.plan = plan
        self.receivers = receivers
        self.places = places
        self.folder = folder
        self.jitter = random.Random(plan.seed).random
        self.ends = [*plan.restarts, plan.ends_at]
        self.steps = list(plan.steps)
        self.resolved: dict[str, bodies.Delivery] = {}
        self.told: list[Told] = []
        self.killed: list[datetime] = []  # while it was sending
        self.cases: list[Case] = []
        self.accused: list[str] = []

    async def go_on(self, simulation: Simulation, http: aiohttp.ClientSession, site: str) -> None:
        """Play on with this program until it ends."""
        self.simulation, self.http, self.site = simulation, http, site
        while self.steps and self.steps[0].at < self.ends[0]:
            step = self.steps.pop(0)
            if step.at > self.simulation.clock.now:
                await self._forward(step.at)
            await self._tell(step)
            if step.kill:
                await self._die(step.kill)
                return
        await self._forward(self.ends.pop(0))
        if not self.ends:
            self.cases = await self._cases()
            parts = simulation.program.parts
            found = audit(parts.database, parts.config.shops, simulation.clock.now)
            self.accused = [f"{each.code}: {each.sentence}" for each in found]

    def history(self) -> History:
        """All that was seen. Nobody knows whether a mail was sent by which the program died."""
        numbers = {fact.number for told in self.told for fact in told.facts if isinstance(fact, Placed)}
        lost = [
            Trouble(kind=kind, begins=at, ends=at, status=0) for at in self.killed for kind in _WITHOUT_NAMES
        ]
        return History(
            shop=self.plan.shop,
            told=self.told,
            heard=[_named(heard, numbers) for heard in self.receivers.heard],
            ended_at=self.plan.ends_at,
            cases=self.cases,
            troubles=(*self.plan.troubles, *lost),
            refused=self.receivers.refused,
            accused=self.accused,
        )

    async def _die(self, when: str) -> None:
        """Leave all that is in hand as it is: what receivers have taken by then is written down nowhere."""
        program = self.simulation.program
        if when == RECEIVED:
            return
        while await program.react():
            pass
        if when == DECIDED:
            return
        asked = self.receivers.asked
        await program.deliver()
        sending = program.parts.dispatcher
        for _ in range(_MOST_LOOKS):
            if self.receivers.asked >= asked + sending.in_hand:
                break
            await asyncio.sleep(0.01)
        if sending.in_hand:
            self.killed.append(self.simulation.clock.now)
        sending.abandon()

    async def _forward(self, until: datetime) -> None:
        """From one wake-up to the next. Promotions, which the calendar starts, are none of our shops'."""
        clock = self.simulation.clock
        await self.simulation.settle()
        for _ in range(_MOST_STOPS):
            following = await self._next_stop()
            if following is None or following >= until:
                break
            clock.now = max(following, clock.now + timedelta(seconds=1))
            await self.simulation.settle()
        clock.now = until
        await self.simulation.settle()

    async def _next_stop(self) -> datetime | None:
        """When something is due; and once what a dead program had in hand belongs to nobody any more."""
        now, due = self.simulation.clock.now, await self.simulation.next_wake_up()
        freed = (at + LEASE + timedelta(minutes=1) for at in self.killed)
        return min((at for at in (due, *freed) if at and (at > now or at is due)), default=None)

    async def _tell(self, step: Step) -> None:
        delivery = self._resolved(step.delivery)
        if delivery is None:
            return
        if delivery.channel == imports.CHANNEL:
            importing.take_in(self.simulation, self.folder / "orders.csv", delivery.body["file"])
        else:
            await self._post(delivery)
        self.told.append(
            Told(
                seq=next(self.places),
                acked_at=self.simulation.clock.now,
                channel=delivery.channel,
                delivery=delivery.id,
                kind=delivery.kind,
                facts=delivery.facts,
            )
        )

    async def _post(self, delivery: bodies.Delivery) -> None:
        now = self.simulation.clock.now
        body = bodies.encoded(delivery)
        headers = bodies.headers(delivery, body, now)
        url = f"{self.site}/hooks/{shop.NAME}/{delivery.channel}"
        async with self.http.post(url, data=body, headers=headers) as answer:
            if answer.status != 200:
                raise RuntimeError(f"seed {self.plan.seed}: {delivery} was answered {answer.status}")

    def _resolved(self, delivery: bodies.Delivery) -> bodies.Delivery | None:
        """With the link that was heard in the meantime, where one is to be opened; None if none was.

        What is told again is the same as before.
        """
        if delivery.link_from is None:
            return delivery
        if before := self.resolved.get(delivery.id):
            return before
        link = self.receivers.last_link(delivery.link_from)
        if link is None:
            return None
        word = delivery.facts[0]
        assert isinstance(word, Wrote)
        self.resolved[delivery.id] = bodies.wrote(delivery.id, replace(word, text=f"/start {link}"))
        return self.resolved[delivery.id]

    async def _cases(self) -> list[Case]:
        url = f"{self.site}/api/v1/shops/{shop.NAME}/cases"
        headers = {"authorization": f"Bearer {shop.SECRETS['API_TOKEN']}"}
        async with self.http.get(url, params={"state": "all", "limit": "200"}, headers=headers) as answer:
            found = (await answer.json())["cases"]
        return [
            Case(
                opened_at=datetime.fromisoformat(case["opened_at"]),
                order=case["order"],
                who=case["who"],
            )
            for case in found
        ]


def _named(heard: Heard, numbers: set[str]) -> Heard:
    """A message that does not say which order it is about tells it by the number in its text."""
    if heard.order is not None:
        return heard
    found = reading.names_in(heard.text, numbers)
    return replace(heard, order=found[0] if len(found) == 1 else None)


async def _database(folder: Path) -> str:
    """A migrated database of the run's own, copied from one that was migrated once."""
    shutil.copy(await _migrated(), folder / "run.db")
    return f"sqlite:///{folder / 'run.db'}"


async def _migrated() -> Path:
    path = _template()
    if not path.exists():
        config = shop.write(
            path.parent, shop.draw(random.Random(0))[0], {"name": "Empty"}, "http://127.0.0.1:1", 1
        )
        async with simulated(config, f"sqlite:///{path}", STARTS):
            pass
        engine = create_engine(f"sqlite:///{path}")
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        engine.dispose()
    return path


@cache
def _template() -> Path:
    folder = tempfile.TemporaryDirectory(prefix="xiaoer-outside-")
    _kept.enter_context(folder)
    return Path(folder.name) / "empty.db"


_kept = contextlib.ExitStack()


@contextlib.contextmanager
def _environment() -> Iterator[None]:
    """The shop's secrets stand in the environment while it runs."""
    before = {name: os.environ.get(name) for name in shop.SECRETS}
    os.environ.update(shop.SECRETS)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
