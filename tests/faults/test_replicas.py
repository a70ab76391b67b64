"""Three programs on one PostgreSQL, whole or split by legs: killed, stopped, started again, all under load.

XIAOER_KILLS: how many programs are killed (as many as it says, in place of the few of every day);
XIAOER_ROLLS: how often each program is restarted in good order; XIAOER_SEED as in test_kills.
"""

import asyncio
import contextlib
import os
import random
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from sqlalchemy import String, select

from bot.app import LEGS
from bot.operations.audit.audit import audit
from storage import tables
from tests.faults.programs import STARTS_WITHIN, Plan, Program, free_port, migrated, programs
from tests.faults.test_kills import SEED, everything_was_done
from tests.faults.traffic_simulation import (
    FAST_SHOP,
    LAST_REMINDER,
    DatabaseProbe,
    Receiver,
    Traffic,
    placed,
    until,
)
from tests.world import SECRET, config_of, served

pytestmark = pytest.mark.faults

KILLS = int(os.environ.get("XIAOER_KILLS", "6"))
ROLLS = int(os.environ.get("XIAOER_ROLLS", "2"))
WORDS = 12  # of one buyer, each said when the one before was acknowledged
WHOLE = (LEGS, LEGS, LEGS)
SPLIT = (("receive",), ("react",), ("deliver",))
MIXED = (("receive", "react"), ("receive", "deliver"), LEGS)


PATIENT = "10m"  # for the receiver's answer: longer than a slow machine needs to start two programs

CONFIRMED = "order_confirmation"
CONFIRMATION = tables.outbox.c.template == CONFIRMED

Split = tuple[tuple[str, ...], ...]


class Trio:
    """Three programs, their receiver, and a probe of their database."""

    def __init__(
        self,
        plans: list[Plan],
        all_of_them: list[Program],
        probe: DatabaseProbe,
        receiver: Receiver,
        http: Any,
    ) -> None:
        self.all = all_of_them
        self.probe = probe
        self.receiver = receiver
        self.http = http
        self.urls = [one.url for one in all_of_them if "receive" in one.plan.legs]
        self.shops = config_of(plans[0].database, plans[0].receiver, **plans[0].shop).shops

    async def start(self) -> None:
        for one in self.all:
            one.start()
        for one in self.all:
            await one.ready()

    def complaints(self) -> str:
        return "\n".join(one.complaints() for one in self.all)

    async def audited(self) -> list[str]:
        found = await asyncio.to_thread(audit, self.probe.database, self.shops, datetime.now(UTC))
        return [finding.sentence for finding in found]


@contextlib.asynccontextmanager
async def trio(url: str, folder: Path, rng: random.Random, split: Split, **more: Any) -> AsyncIterator[Trio]:
    migrated(url)
    receiver = Receiver(rng)
    async with served(receiver.app()) as address, aiohttp.ClientSession() as http:
        webhook = {"kind": "webhook", "secrets": [SECRET], "url": f"{address}/", "timeout": PATIENT}
        plans = [
            Plan(
                database=url,
                receiver=f"{address}/",
                port=free_port(),
                shop={**FAST_SHOP, "channels": {"webhook": webhook}},
                log=str(folder / f"program{number}.log"),
                legs=legs,
                **more,
            )
            for number, legs in enumerate(split)
        ]
        with programs(*plans) as made, contextlib.closing(DatabaseProbe(url)) as probe:
            yield Trio(plans, made, probe, receiver, http)


async def talk(traffic: Traffic, buyer: str) -> None:
    """Send messages of one buyer, numbered in their order."""
    for number in range(WORDS):
        message = {"id": f"{buyer}-{number}", "buyer": {"id": buyer}, "text": "你好"}
        await traffic.deliver(f"{buyer}-{number}", "message.received", {"message": message})
        await asyncio.sleep(traffic.rng.uniform(0, 0.3))


async def in_their_order(three: Trio, buyers: list[str]) -> None:
    named = ("shop-" + tables.outbox.c.id.cast(String)).label("name")
    keys = dict(await three.probe.rows(select(named, tables.outbox.c.key)))
    heard: dict[str, list[str]] = defaultdict(list)
    for id, message in three.receiver.messages.items():  # each where it was first taken
        heard[message["buyer"]["id"]].append(keys[id].removeprefix("hello_again:").removeprefix("hello:"))
    for buyer in buyers:
        assert heard[buyer] == [
            f"webhook:message:{buyer}:{buyer}-{turn}#message.received" for turn in range(WORDS)
        ]


class Load:
    """Traffic of many buyers, and six buyers who chat without a pause."""

    def __init__(self, three: Trio, rng: random.Random) -> None:
        self.three = three
        self.traffic = Traffic(three.http, three.urls, rng)
        self.talkers = [f"t{number}" for number in range(6)]
        self._living = asyncio.create_task(self.traffic.live())
        talkers = Traffic(three.http, three.urls, rng)
        self._talks = asyncio.gather(*(talk(talkers, buyer) for buyer in self.talkers))

    async def done(self) -> None:
        """Finish the traffic, and check that everything was answered once and in order."""
        await self._talks
        self.traffic.full.set()
        await self._living
        await self.three.probe.rest(self.three.complaints, LAST_REMINDER)
        await in_their_order(self.three, self.talkers)
        await everything_was_done(self.three.probe, self.traffic, apart(self.three.receiver))
        assert await self.three.audited() == []


def apart(receiver: Receiver) -> Receiver:
    """The receiver, as if each chat message had come from another buyer; in_their_order checks those."""
    heard = Receiver(receiver.rng)
    heard.attempts = receiver.attempts
    for id, message in receiver.messages.items():
        talks = message["buyer"]["id"].startswith("t")
        heard.messages[id] = {**message, "buyer": {"id": id}} if talks else message
    return heard


@pytest.mark.parametrize("split", [WHOLE, MIXED, SPLIT], ids=["three whole", "mixed", "split by legs"])
async def test_any_of_three_is_killed_at_any_time(postgres_url: str, tmp_path: Path, split: Split) -> None:
    rng = random.Random(SEED)
    print(f"XIAOER_SEED={SEED}: {KILLS} kills")
    async with trio(postgres_url, tmp_path, rng, split, lease=1.0) as three:
        await three.start()
        load = Load(three, rng)
        for _ in range(KILLS):
            victim = rng.choice(three.all)
            victim.kill()
            await asyncio.sleep(rng.uniform(0, 0.2))
            victim.start()
            if rng.random() < 0.8:  # else the next may fall before this one stands
                await victim.ready()
        for one in three.all:
            await one.ready()
        await load.done()
        print(f"{len(load.traffic.orders)} orders, {len(three.receiver.attempts)} attempts")


async def test_a_rolling_restart_under_load_loses_nothing_and_sends_nothing_again(
    postgres_url: str, tmp_path: Path
) -> None:
    rng = random.Random(SEED)
    async with trio(postgres_url, tmp_path, rng, WHOLE, lease=30.0, notice=0.2) as three:
        await three.start()
        load = Load(three, rng)
        for one in three.all * ROLLS:
            await asyncio.sleep(0.3)
            one.ask_to_stop()
            await one.ended()
            one.start()
            await one.ready()
        await load.done()
        assert await three.probe.rows(select(tables.attempts)) == []
        times = Counter(attempt.id for attempt in three.receiver.attempts)
        assert [id for id, count in times.items() if count > 1] == []
        assert 503 not in load.traffic.answers


async def one_message_in_hand(three: Trio, rng: random.Random) -> Program:
    """A program that has sent a message and waits for the answer; the others come up after that."""
    first, *others = three.all
    first.start()
    await first.ready()
    three.receiver.answering.clear()
    traffic = Traffic(three.http, [first.url], rng)
    await traffic.deliver("1", "order.placed", placed("o1", "b1"))
    await until(lambda: asked(three.receiver, 1))
    for other in others:
        other.start()
        await other.ready()
    return first


async def asked(receiver: Receiver, times: int) -> bool:
    return len(receiver.attempts) >= times


async def test_what_is_in_hand_is_finished_before_the_program_goes(postgres_url: str, tmp_path: Path) -> None:
    rng = random.Random(SEED)
    async with trio(postgres_url, tmp_path, rng, WHOLE, lease=600.0, drain=600.0) as three:
        first = await one_message_in_hand(three, rng)
        first.ask_to_stop()
        await asyncio.sleep(1)
        assert first.alive
        three.receiver.answering.set()
        await first.ended()
        (state,) = await three.probe.rows(select(tables.outbox.c.state).where(CONFIRMATION))
        assert state == ("sent",)
        assert [attempt.message["template"] for attempt in three.receiver.attempts] == [CONFIRMED]


async def test_what_no_platform_answers_in_time_is_given_to_the_next_program_at_once(
    postgres_url: str, tmp_path: Path
) -> None:
    rng = random.Random(SEED)
    async with trio(postgres_url, tmp_path, rng, WHOLE, lease=600.0, drain=0.5) as three:
        first = await one_message_in_hand(three, rng)
        first.ask_to_stop()
        await first.ended()
        three.receiver.answering.set()
        await until(lambda: asked(three.receiver, 2))  # its lease runs for much longer
        first_two = three.receiver.attempts[:2]
        assert [attempt.message["template"] for attempt in first_two] == [CONFIRMED] * 2
        assert len({attempt.id for attempt in first_two}) == 1
        (outcome,) = await three.probe.rows(select(tables.attempts.c.outcome))
        assert outcome == ("DeliveryUnknown",)


async def test_a_program_that_stops_says_so_first_and_takes_what_still_comes(
    postgres_url: str, tmp_path: Path
) -> None:
    rng = random.Random(SEED)
    async with trio(postgres_url, tmp_path, rng, WHOLE[:1], notice=STARTS_WITHIN) as alone:
        await alone.start()
        (only,) = alone.all
        assert await status(alone, "/readyz") == 200
        only.ask_to_stop()
        await until(lambda: is_leaving(alone))
        traffic = Traffic(alone.http, alone.urls, rng)
        await traffic.deliver("1", "order.placed", placed("o1", "b1"))
        assert dict(traffic.answers) == {200: 1}
        assert await status(alone, "/healthz") == 200
        assert only.alive  # it is killed in the middle of its notice: that is longer than a test should be


async def is_leaving(three: Trio) -> bool:
    return await status(three, "/readyz") == 503


async def status(three: Trio, page: str) -> int:
    async with three.http.get(f"{three.urls[0]}{page}") as answer:
        found: int = answer.status
        return found
