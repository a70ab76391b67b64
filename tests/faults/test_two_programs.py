"""Two programs on one PostgreSQL: each message and deadline once, and one takes over when the other dies."""

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from sqlalchemy import func, select

from bot.domain.context import Buyer
from storage import buyer_records, tables
from storage.database import Database
from tests.faults.programs import Plan, Program, free_port, migrated, programs
from tests.faults.traffic_simulation import FAST_SHOP, DatabaseProbe, Receiver, Traffic, until
from tests.world import served

pytestmark = pytest.mark.faults

BUYERS = 700  # more than one page of a campaign


class Pair:
    """Two programs on one database, and the receiver of both."""

    def __init__(
        self, both: list[Program], probe: DatabaseProbe, receiver: Receiver, http: aiohttp.ClientSession
    ) -> None:
        self.both = both
        self.probe = probe
        self.receiver = receiver
        self.http = http

    async def start(self) -> None:
        for program in self.both:
            program.start()
        for program in self.both:
            await program.ready()

    def complaints(self) -> str:
        return "\n".join(program.complaints() for program in self.both)


@contextlib.asynccontextmanager
async def pair(
    url: str, folder: Path, rng: random.Random, lease: float = 20.0, **shop: Any
) -> AsyncIterator[Pair]:
    migrated(url)
    receiver = Receiver(rng)
    async with served(receiver.app()) as address, aiohttp.ClientSession() as http:
        plans = [
            Plan(
                database=url,
                receiver=f"{address}/",
                port=free_port(),
                shop={**FAST_SHOP, **shop},
                lease=lease,
                log=str(folder / f"program{number}.log"),
            )
            for number in (1, 2)
        ]
        with programs(*plans) as both, contextlib.closing(DatabaseProbe(url)) as probe:
            yield Pair(both, probe, receiver, http)


async def test_each_message_goes_out_once_and_in_the_order_of_the_buyers_words(
    postgres_url: str, tmp_path: Path
) -> None:
    rng = random.Random(7)
    async with pair(postgres_url, tmp_path, rng) as two:
        await two.start()
        traffic = Traffic(two.http, [program.url for program in two.both], rng)
        living = asyncio.create_task(traffic.live())
        await asyncio.sleep(8)
        traffic.full.set()
        await living
        await asyncio.sleep(5)
        await two.probe.rest(two.complaints)
        attempts = Counter(attempt.id for attempt in two.receiver.attempts)
        assert [id for id, times in attempts.items() if times > 1] == []
        assert {
            said: times for said, times in two.receiver.said().items() if times > 1 and "hello" not in said
        } == {}
        confirmed = [
            m["order"] for m in two.receiver.messages.values() if m["template"] == "order_confirmation"
        ]
        assert sorted(confirmed) == sorted(traffic.orders)
        assert set(await two.probe.counts(tables.inbox)) == {"done"}
        wakes = await two.probe.rows(
            select(tables.inbox.c.external_id, func.count())
            .where(tables.inbox.c.channel == "clock")
            .group_by(tables.inbox.c.external_id)
        )
        assert all(count == 1 for _, count in wakes)
        assert both_worked(two)


def both_worked(two: Pair) -> bool:
    """Neither stood by: each answered deliveries and neither complained."""
    return two.complaints() in ("\n", "no log\nno log")


async def test_ten_words_of_a_buyer_are_answered_in_their_order(postgres_url: str, tmp_path: Path) -> None:
    rng = random.Random(8)
    async with pair(postgres_url, tmp_path, rng) as two:
        await two.start()
        traffic = Traffic(two.http, [program.url for program in two.both], rng)

        async def talk(buyer: str) -> None:
            for number in range(10):
                message = {"id": f"{buyer}-{number}", "buyer": {"id": buyer}, "text": "你好"}
                await traffic.deliver(f"{buyer}-{number}", "message.received", {"message": message})

        await asyncio.gather(*(talk(f"b{number}") for number in range(20)))
        await two.probe.rest(two.complaints)
        keys = dict(
            await two.probe.rows(
                select(("shop-" + tables.outbox.c.id.cast(tables.String)), tables.outbox.c.key)
            )
        )
        for number in range(20):
            heard = [keys[a.id] for a in two.receiver.attempts if a.message["buyer"]["id"] == f"b{number}"]
            assert heard == [f"hello:webhook:b{number}-{turn}#message.received" for turn in range(10)]


async def test_when_one_dies_with_messages_in_hand_the_other_takes_them(
    postgres_url: str, tmp_path: Path
) -> None:
    rng = random.Random(9)
    async with pair(postgres_url, tmp_path, rng, lease=2.0) as two:
        await two.start()
        traffic = Traffic(two.http, [program.url for program in two.both], rng, pace=0.005)
        living = asyncio.create_task(traffic.live())
        await asyncio.sleep(2)
        dead, alive = two.both
        dead.kill()
        traffic.urls = [alive.url]
        await asyncio.sleep(2)
        traffic.full.set()
        await living
        await asyncio.sleep(4)
        await two.probe.rest(two.complaints)
        confirmed = [
            m["order"] for m in two.receiver.messages.values() if m["template"] == "order_confirmation"
        ]
        assert sorted(confirmed) == sorted(traffic.orders)
        assert "sending" not in await two.probe.counts(tables.outbox)


async def test_a_campaign_starts_once_and_writes_to_each_buyer_once(
    postgres_url: str, tmp_path: Path
) -> None:
    today = datetime.now(UTC).date()
    offer = {
        "tier": "all",
        "cron": "* * * * *",
        "start": today - timedelta(days=2),
        "end": today + timedelta(days=2),
        "offer": "九折",
        "daytime": ["00:00", "23:59"],
    }
    shop = {"vip": {"tiers": [{"name": "all"}]}, "promotions": {"sale": offer}}
    async with pair(postgres_url, tmp_path, random.Random(10), **shop) as two:
        agreeing_buyers(postgres_url)
        await two.start()
        await asyncio.sleep(0.5)
        two.both[0].kill()  # in the middle of its pages, or before, or after
        two.both[0].start()

        async def all_written() -> bool:
            return (await two.probe.rows(select(func.count()).select_from(tables.outbox)))[0][0] >= BUYERS

        await until(all_written)
        await asyncio.sleep(2)
        (count, buyers) = (
            await two.probe.rows(select(func.count(), func.count(tables.outbox.c.buyer.distinct())))
        )[0]
        assert count == buyers == BUYERS
        slots = await two.probe.rows(select(tables.campaigns.c.queued).order_by(tables.campaigns.c.slot))
        assert slots[0][0] == BUYERS  # and what the next minute's slot finds, is nobody
        assert sum(queued for (queued,) in slots) == BUYERS


def agreeing_buyers(url: str) -> None:
    now = datetime.now(UTC)
    database = Database(url)
    people = [Buyer(id=f"b{number}", agrees=True, agrees_at=now, created_at=now) for number in range(BUYERS)]
    with database.engine.begin() as connection:
        buyer_records.save(connection, "shop", people)
    database.close()
