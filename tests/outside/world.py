"""Plays a plan on the real program: its clock set by hand, deliveries over HTTP, receivers around it."""

import contextlib
import itertools
import os
import random
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

import aiohttp
from sqlalchemy import create_engine

from bot.simulation import ManualClock, Simulation, simulated
from tests.outside import bodies, reading, shop
from tests.outside.facts import Placed, Wrote
from tests.outside.generator import STARTS, Plan, Step
from tests.outside.history import Case, Heard, History, Told
from tests.outside.receivers import Receivers, served

_MOST_STOPS = 100_000  # a run that has not ended after so many wake-ups never ends


async def play(plan: Plan, keep: Path | None = None) -> History:
    """Run the plan to its end, and give what was told and heard. keep: where its folder is copied to."""
    with tempfile.TemporaryDirectory(prefix="xiaoer-outside-") as name, _environment():
        folder = Path(name)
        clock, places = ManualClock(STARTS), itertools.count(1)
        receivers = Receivers(clock, places, plan.troubles)
        database = await _database(folder)
        async with receivers.open() as (hooks, mail_port):
            config = shop.write(folder, plan.shop, plan.settings, hooks, mail_port)
            run = _Run(plan, receivers, places)
            for end in (*plan.restarts, plan.ends_at):
                async with (
                    aiohttp.ClientSession() as http,
                    simulated(config, database, clock) as simulation,
                    served(simulation.program.site) as site,
                ):
                    history = await run.until(end, simulation, http, site)
        if keep:
            shutil.copytree(folder, keep, dirs_exist_ok=True)
        return history


class _Run:
    """A plan on its way through one program after the other, on one database."""

    simulation: Simulation
    http: aiohttp.ClientSession
    site: str

    def __init__(self, plan: Plan, receivers: Receivers, places: Iterator[int]) -> None:
        self.plan = plan
        self.receivers = receivers
        self.places = places
        self.steps = list(plan.steps)
        self.resolved: dict[str, bodies.Delivery] = {}
        self.told: list[Told] = []

    async def until(
        self, end: datetime, simulation: Simulation, http: aiohttp.ClientSession, site: str
    ) -> History:
        """Play on with this program until `end`, and give all that was seen so far."""
        self.simulation, self.http, self.site = simulation, http, site
        while self.steps and self.steps[0].at < end:
            step = self.steps.pop(0)
            if step.at > self.simulation.clock.now:
                await self._forward(step.at)
            await self._post(step)
        await self._forward(end)
        numbers = {fact.number for told in self.told for fact in told.facts if isinstance(fact, Placed)}
        return History(
            shop=self.plan.shop,
            told=self.told,
            heard=[_named(heard, numbers) for heard in self.receivers.heard],
            ended_at=self.plan.ends_at,
            cases=await self._cases(),
            troubles=self.plan.troubles,
        )

    async def _forward(self, until: datetime) -> None:
        """From one wake-up to the next. Promotions, which the calendar starts, are none of our shops'."""
        clock = self.simulation.clock
        await self.simulation.settle()
        for _ in range(_MOST_STOPS):
            following = await self.simulation.next_wake_up()
            if following is None or following >= until:
                break
            clock.now = max(following, clock.now + timedelta(seconds=1))
            await self.simulation.settle()
        clock.now = until
        await self.simulation.settle()

    async def _post(self, step: Step) -> None:
        delivery = self._resolved(step.delivery)
        if delivery is None:
            return
        now = self.simulation.clock.now
        body = bodies.encoded(delivery)
        headers = bodies.headers(delivery, body, now)
        url = f"{self.site}/hooks/{shop.NAME}/{delivery.channel}"
        async with self.http.post(url, data=body, headers=headers) as answer:
            if answer.status != 200:
                raise RuntimeError(f"seed {self.plan.seed}: {delivery} was answered {answer.status}")
        self.told.append(
            Told(
                seq=next(self.places),
                acked_at=now,
                channel=delivery.channel,
                delivery=delivery.id,
                kind=delivery.kind,
                facts=delivery.facts,
            )
        )

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
