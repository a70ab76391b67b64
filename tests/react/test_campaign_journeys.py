"""Campaigns that a person starts: to the buyers of a segment, held, stopped and resumed without a repeat."""

from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, TypeVar

import pytest
from sqlalchemy import Connection, select

from bot.domain.campaigns import Chance
from bot.operations.audit.audit import audit
from bot.seller import campaigning
from bot.seller.campaigning import Refused
from storage import campaign_records, tables
from tests.world import NOON, World, world

T = TypeVar("T")
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
SPRING: dict[str, Any] = {
    "segment": "buyers",
    "start": "2026-11-21",
    "end": "2026-12-20",
    "offer": "全场九折",
    "quiet": "0d",
}


@asynccontextmanager
async def shop_with(
    database_url: str, *buyers: str, also: dict[str, Any] | None = None, **spring: Any
) -> AsyncIterator[World]:
    settings: dict[str, Any] = {
        "segments": {"buyers": "orders >= 1", "once": "orders = 1"},
        "campaigns": {"spring": SPRING | spring, **(also or {})},
        "limits": {"per_day": 50, "deliveries_per_second": 100000},
        "followups": {"review": "0d"},
        "payment": {"ships_within": "0d"},
        "quiet_hours": {"start": "00:00", "end": "00:00"},
    }
    async with world(database_url, **settings) as shop:
        for buyer in buyers:
            await shop.place(order=f"{buyer}-1", buyer=buyer)
            await shop.fact("paid", order=f"{buyer}-1", paid_at=NOON, amount="128.00", currency="CNY")
            await shop.post("buyer.updated", {"buyer": {"id": buyer, "agrees": buyer[0] != "x"}})
        await shop.settle()
        await shop.forward(16 * HOUR)  # a night sums up the figures
        yield shop


async def do(shop: World, work: Callable[..., T], *given: Any) -> T:
    database, settings = shop.program.parts.database, shop.program.parts.config.shops["shop"]

    def done(connection: Connection) -> T:
        return work(connection, "shop", settings, "spring", *given, shop.clock.now)

    return await database.write(done)


def told(shop: World) -> list[str]:
    return sorted(m["buyer"]["id"] for m in shop.receiver.messages if m["template"] == "vip_promotion")


async def decided(shop: World) -> int:
    return sum(key.startswith("promotion:") for key in await shop.outbox())


async def test_a_campaign_reaches_the_segment_once_and_never_without_consent(database_url: str) -> None:
    async with shop_with(database_url, "ann", "ben", "cat", "xia") as shop:
        await shop.forward(DAY)
        assert told(shop) == []  # nothing starts by itself
        await shop.post("buyer.updated", {"buyer": {"id": "cat", "agrees": False}})
        await shop.settle()
        await do(shop, campaigning.start, "li")
        with pytest.raises(Refused):
            await do(shop, campaigning.start, "li")
        await shop.forward(3 * DAY)
        assert told(shop) == ["ann", "ben"]
        assert await decided(shop) == 2


async def test_a_stop_holds_everything_and_a_resume_repeats_nothing(database_url: str) -> None:
    async with shop_with(database_url, "ann", "ben", "cat", "dan", pace=1) as shop:
        await do(shop, campaigning.start, "li")
        await shop.forward(DAY / 2)
        before = told(shop)
        assert 0 < len(before) < 4
        await do(shop, campaigning.stop)
        await shop.forward(2 * DAY)
        assert told(shop) == before
        await do(shop, campaigning.resume)
        await shop.forward(3 * DAY)
        assert told(shop) == ["ann", "ben", "cat", "dan"]


async def test_a_pace_is_kept_in_every_hour(database_url: str) -> None:
    times: list[datetime] = []
    async with shop_with(database_url, *(f"b{n}" for n in range(7)), pace=2) as shop:

        def note(message: dict[str, Any]) -> int:
            times.extend([shop.clock.now] if message["template"] == "vip_promotion" else [])
            return 200

        shop.receiver.answers = note
        await do(shop, campaigning.start, "li")
        await shop.forward(3 * DAY)
    assert len(times) == 7
    assert all(sum(at <= other < at + HOUR for other in times) <= 2 for at in times)


async def test_who_is_held_out_is_told_nothing_and_is_kept(database_url: str) -> None:
    names = [f"b{n}" for n in range(12)]
    async with shop_with(database_url, *names, hold_out=50) as shop:
        await do(shop, campaigning.start, "li")
        await shop.forward(3 * DAY)
        members = tables.campaign_members
        rows = await shop.program.parts.database.read(
            lambda connection: connection.execute(select(members.c.buyer, members.c.held_out)).all()
        )
        config = shop.program.parts.config
        chance = Chance(config.secret.get_secret_value(), "shop")
        spring = config.shops["shop"].offers["spring"]
        assert len(rows) == 12
        assert all(row.held_out is chance.held_out("spring", spring, row.buyer) for row in rows)
        assert 0 < len(told(shop)) == sum(not row.held_out for row in rows) < 12


async def test_each_gets_a_code_of_their_own_and_the_rest_waits_for_more(database_url: str) -> None:
    async with shop_with(database_url, "ann", "ben", "cat", offer="九折：{code}", codes=True) as shop:
        database = shop.program.parts.database

        async def add(*codes: str) -> None:
            await database.write(lambda c: campaign_records.add_codes(c, "shop", "spring", codes))

        await add("AAA", "BBB")
        await do(shop, campaigning.start, "li")
        await shop.forward(2 * DAY)
        assert len(told(shop)) == 2
        await add("CCC")
        await shop.forward(2 * DAY)
        texts = [m["text"] for m in shop.receiver.messages if m["template"] == "vip_promotion"]
        assert sorted(code for text in texts for code in ("AAA", "BBB", "CCC") if code in text) == [
            "AAA",
            "BBB",
            "CCC",
        ]


async def test_two_campaigns_share_the_weekly_cap(database_url: str) -> None:
    other = {"autumn": SPRING | {"cron": "0 9 * * *"}}
    async with shop_with(database_url, "ann", also=other) as shop:
        await do(shop, campaigning.start, "li")
        database, now = shop.program.parts.database, shop.clock.now
        await database.write(
            lambda c: campaign_records.begin(c, "shop", "elsewhere", now, "li", "of others", "running")
        )
        await shop.forward(5 * DAY)
        assert told(shop) == ["ann"]
        unknown = await database.read(lambda c: campaign_records.latest(c, "shop", "elsewhere"))
        assert unknown
        assert unknown.done_at is None  # a program that knows its settings may come


async def test_nobody_reads_of_it_who_owes_money_or_has_just_bought(database_url: str) -> None:
    async with shop_with(database_url, "ann", "ben", "cat", quiet="3d") as shop:
        await shop.place(order="ben-2", buyer="ben")  # unpaid
        await shop.settle()
        await shop.forward(3 * DAY - 12 * HOUR)
        await shop.place(order="cat-2", buyer="cat")
        await shop.fact("paid", order="cat-2", paid_at=shop.clock.now, amount="128.00", currency="CNY")
        await shop.settle()
        await do(shop, campaigning.start, "li")
        await shop.forward(2 * DAY)
        assert told(shop) == ["ann"]
        assert await decided(shop) == 1  # the others are passed over, and nothing of theirs waits


async def test_a_second_person_must_look(database_url: str) -> None:
    async with shop_with(database_url, "ann", approval=True, start="2026-11-24") as shop:
        assert await do(shop, campaigning.start, "li") == "waiting"
        await shop.forward(DAY)
        assert told(shop) == []
        with pytest.raises(Refused):
            await do(shop, campaigning.approve, " Li")
        await do(shop, campaigning.approve, "wu")
        await shop.forward(DAY * 3 / 4)
        assert told(shop) == []  # not before its first day
        await shop.forward(DAY)
        assert told(shop) == ["ann"]


async def test_testers_read_every_wording_before_anybody_else_does(database_url: str) -> None:
    wordings = {"plain": "九折：{code}", "warm": "想您了，九折：{code}"}
    tested = {"testers": ["webhook:tom", "eve"], "wordings": wordings, "offer": None, "codes": True}
    async with shop_with(database_url, "ben", "tom", **tested) as shop:
        with pytest.raises(Refused, match="no_tester"):
            await do(shop, campaigning.start, "li")
        await shop.post("buyer.updated", {"buyer": {"id": "eve", "agrees": True}})
        await shop.settle()
        database = shop.program.parts.database
        await database.write(lambda c: campaign_records.add_codes(c, "shop", "spring", ["AAA", "BBB"]))
        assert await do(shop, campaigning.start, "li") == "waiting"
        with pytest.raises(Refused, match="untested"):
            await do(shop, campaigning.approve, "li")
        for _ in range(2):  # as often as the seller tries, whatever the weekly cap says
            await shop.forward(HOUR)
            await do(shop, campaigning.stop)
            await do(shop, campaigning.resume)
        await shop.forward(DAY)
        assert Counter(told(shop)) == {"eve": 6, "tom": 6}
        texts = {m["text"] for m in shop.receiver.messages if m["template"] == "vip_promotion"}
        assert sum("想您了" in text for text in texts) == len(texts) / 2
        assert not any(code in text for text in texts for code in ("AAA", "BBB"))
        await do(shop, campaigning.approve, "li")  # the same person, since no second one is asked for
        await shop.forward(3 * DAY)
        assert Counter(told(shop)) == {"eve": 6, "tom": 6, "ben": 1}
        settings = shop.program.parts.config.shops
        assert audit(database, settings, shop.clock.now) == []


async def test_the_next_step_reaches_those_who_were_told_before_and_did_not_leave(database_url: str) -> None:
    every_day = SPRING | {"segment": "once", "cron": "0 12 * * *"}
    steps = {
        "second": every_day | {"after": "spring", "wait": "8d"},
        "third": every_day | {"after": "second"},
    }
    async with shop_with(database_url, "ann", "ben", "xia", also=steps) as shop:
        await do(shop, campaigning.start, "li")
        await shop.forward(3 * DAY)
        await shop.place(order="ben-2", buyer="ben")
        await shop.fact("paid", order="ben-2", paid_at=shop.clock.now, amount="128.00", currency="CNY")
        await shop.post("buyer.updated", {"buyer": {"id": "xia", "agrees": True}})  # too late for the first
        await shop.settle()
        await shop.forward(4 * DAY)
        assert Counter(told(shop)) == {"ann": 1, "ben": 1}
        await shop.forward(4 * DAY)
        assert Counter(told(shop)) == {"ann": 2, "ben": 1}
        found = [
            await shop.program.parts.database.read(lambda c, n=name: campaign_records.turns(c, "shop", n))
            for name in ("spring", "second", "third")
        ]
        assert found == [(2, 0), (1, 0), (0, 0)]
