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
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import func, select

from bot.domain.context import Buyer
from bot.domain.wishes import Wish
from storage import buyer_records, tables, wish_records
from storage.asking import ask
from storage.database import Database
from storage.wish_records import WishRecord
from tests.faults.programs import Plan, Program, free_port, migrated, programs
from tests.faults.traffic_simulation import (
    FAST_SHOP,
    LAST_REMINDER,
    SETTLE_TIMEOUT,
    DatabaseProbe,
    Receiver,
    Traffic,
    until,
)
from tests.world import served

pytestmark = pytest.mark.faults

BUYERS = 700  # more than one page of a campaign
ENOUGH = 50  # deliveries and messages of each program
IN_HAND = 10  # messages


class Pair:
    """Two programs on one database, and their receiver."""

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

    def confirmed(self) -> list[str]:
        """The order of each confirmation that the receiver took."""
        messages = self.receiver.messages.values()
        return [message["order"] for message in messages if message["template"] == "order_confirmation"]

    async def count(self, program: Program, name: str, labels: dict[str, str]) -> float:
        """One of the numbers on a program's own /metrics."""
        async with self.http.get(f"{program.url}/metrics") as answer:
            families = text_string_to_metric_families(await answer.text())
        samples = (sample for family in families for sample in family.samples)
        return next((s.value for s in samples if s.name == name and s.labels == labels), 0.0)


@contextlib.asynccontextmanager
async def pair(
    url: str, folder: Path, rng: random.Random, lease: float = 20.0, speed: float = 1.0, **shop: Any
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
                speed=speed,
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
    closes = {**FAST_SHOP["payment"], "close": "5s"}
    async with pair(postgres_url, tmp_path, rng, payment=closes) as two:
        await two.start()
        traffic = Traffic(two.http, [program.url for program in two.both], rng)
        living = asyncio.create_task(traffic.live())
        await until(lambda: both_work(two), SETTLE_TIMEOUT)
        traffic.full.set()
        await living

        closed = {f"unpaid_closed:{order}" for order in set(traffic.orders) - set(traffic.paid_at)}
        deadlines = select(tables.inbox.c.external_id).where(tables.inbox.c.channel == "clock")

        async def all_deadlines_came() -> bool:
            """Those that are due: who has not paid has seconds to do so, and parcels leave in days."""
            return closed <= {id for (id,) in await two.probe.rows(deadlines)}

        await until(all_deadlines_came, SETTLE_TIMEOUT)
        await two.probe.rest(two.complaints, LAST_REMINDER)
        attempts = Counter(attempt.id for attempt in two.receiver.attempts)
        assert [id for id, times in attempts.items() if times > 1] == []
        assert {
            said: times for said, times in two.receiver.said().items() if times > 1 and "hello" not in said
        } == {}
        assert sorted(two.confirmed()) == sorted(traffic.orders)
        assert set(await two.probe.counts(tables.inbox)) == {"done"}
        came = Counter(id for (id,) in await two.probe.rows(deadlines))
        assert set(came.values()) == {1}
        assert [program.logged() for program in two.both] == ["", ""]


async def both_work(two: Pair) -> bool:
    """Whether each of the two, by its own count, has answered deliveries and sent messages."""
    answered = {"shop": "shop", "channel": "webhook", "status": "200"}
    sent = {"shop": "shop", "outcome": "sent"}
    counts = [
        await two.count(program, name, labels)
        for program in two.both
        for name, labels in (("xiaoer_deliveries_total", answered), ("xiaoer_messages_total", sent))
    ]
    return min(counts) >= ENOUGH


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
            assert [key.removeprefix("hello_again:").removeprefix("hello:") for key in heard] == [
                f"webhook:message:b{number}:b{number}-{turn}#message.received" for turn in range(10)
            ]


async def test_when_one_dies_with_messages_in_hand_the_other_takes_them(
    postgres_url: str, tmp_path: Path
) -> None:
    rng = random.Random(9)
    async with pair(postgres_url, tmp_path, rng, lease=2.0, speed=5.0) as two:
        dying, other = two.both
        dying.start()
        await dying.ready()
        two.receiver.answering.clear()
        traffic = Traffic(two.http, [dying.url], rng)
        living = asyncio.create_task(traffic.live())

        async def has_messages_in_hand() -> bool:
            return len(two.receiver.attempts) >= IN_HAND

        await until(has_messages_in_hand)
        dying.kill()
        in_hand = {attempt.id for attempt in two.receiver.attempts}
        other.start()
        await other.ready()
        traffic.urls = [other.url]
        two.receiver.answering.set()
        traffic.full.set()
        await living
        await two.probe.rest(two.complaints, LAST_REMINDER)
        attempts = Counter(attempt.id for attempt in two.receiver.attempts)
        assert {id for id, times in attempts.items() if times > 1} == in_hand
        assert sorted(two.confirmed()) == sorted(traffic.orders)
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

        async def some_written() -> bool:
            return (await two.probe.rows(select(func.count()).select_from(tables.outbox)))[0][0] > 0

        await until(some_written)
        two.both[0].kill()  # in the middle of its pages, or after them, or before its turn
        two.both[0].start()

        async def through_with_all() -> bool:
            slots = await two.probe.rows(select(tables.campaigns.c.done_at))
            return bool(slots) and all(done_at is not None for (done_at,) in slots)

        await until(through_with_all)
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
    people = [Buyer(id=f"b{number}", created_at=now) for number in range(BUYERS)]
    agreed = Wish(what="offers", yes=True, at=now)
    words = [
        WishRecord(address=("webhook", who.id), wish=agreed, channel="webhook", event=who.id, buyer=who.id)
        for who in people
    ]
    with database.engine.begin() as connection:
        ask(connection, "shop", buyer_records.save(people))
        ask(connection, "shop", wish_records.add(words, now))
    database.close()
