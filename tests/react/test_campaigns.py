"""VIP promotions: started by the calendar, once to each buyer they are for, whatever restarts."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from sqlalchemy import Connection, select

from bot.app import build, rules_of
from bot.domain.shop import Promotion, in_language
from bot.react.campaigns import Campaigns
from bot.texts.catalogue import Catalogue
from handlers.vip import promotion_firings
from storage import buyer_file, tables
from tests.world import NOON, World, config_of, world

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
SPRING: dict[str, Any] = {
    "tier": "gold",
    "cron": "0 9 * * *",  # daily, an hour before the offers' daytime
    "start": "2026-11-22",
    "end": "2026-11-25",
    "offer": "全场九折",
}
SETTINGS: dict[str, Any] = {
    "vip": {"tiers": [{"name": "gold", "orders": 2, "spent": "200"}]},
    "promotions": {"spring": SPRING},
    "limits": {"per_day": 50, "deliveries_per_second": 100000},
    "followups": {"review": "0d"},
}


async def loyal(shop: World, buyer: str, agrees: bool = True, orders: int = 2) -> None:
    """A buyer with so many paid orders of 128.00, who said yes or no to offers."""
    for number in range(orders):
        await shop.place(order=f"{buyer}-{number}", buyer=buyer)
        await shop.fact("paid", order=f"{buyer}-{number}", paid_at=NOON, amount="128.00", currency="CNY")
    await shop.post("buyer.updated", {"buyer": {"id": buyer, "agrees": agrees}})
    await shop.settle()


def offered(shop: World) -> list[str]:
    return [m["buyer"]["id"] for m in shop.receiver.messages if m["template"] == "vip_promotion"]


async def test_an_offer_reaches_those_of_the_tier_who_agreed_once(database_url: str) -> None:
    async with world(database_url, **SETTINGS) as shop:
        await loyal(shop, "ann")
        await loyal(shop, "ben", agrees=False)
        await loyal(shop, "cat", orders=1)
        await shop.forward(5 * DAY)  # the calendar names four mornings
        assert offered(shop) == ["ann"]
        text = next(m["text"] for m in shop.receiver.messages if m["template"] == "vip_promotion")
        assert "全场九折" in text
        assert "不要优惠" in text


@pytest.mark.parametrize("end", ["2199-12-31", "9999-12-31"])
async def test_a_campaign_may_have_no_end_in_sight(database_url: str, end: str) -> None:
    endless = {"promotions": {"spring": SPRING | {"end": end}}}
    async with world(database_url, **(SETTINGS | endless)) as shop:
        await loyal(shop, "ann")
        await shop.forward(2 * DAY)
        assert offered(shop) == ["ann"]


async def test_who_does_not_want_to_be_profiled_gets_no_offer_by_figures(database_url: str) -> None:
    async with world(database_url, **SETTINGS) as shop:
        await loyal(shop, "ann")
        await loyal(shop, "ben")
        database = shop.program.parts.database

        def switch_off(connection: Connection) -> None:
            id = connection.scalar(
                select(tables.identities.c.buyer).where(tables.identities.c.value == "ann")
            )
            assert id is not None
            buyer_file.set_detail(connection, "shop", id, "profiling", "off", "command:li", NOON)

        await database.write(switch_off)
        await shop.forward(5 * DAY)
        assert offered(shop) == ["ben"]


async def test_an_offer_comes_in_the_buyers_own_daytime(database_url: str) -> None:
    hours: list[int] = []
    async with world(database_url, **SETTINGS) as shop:
        shop.receiver.answers = lambda message: (
            (
                hours.append((shop.clock.now + 8 * HOUR).hour)
                if message["template"] == "vip_promotion"
                else None
            )
            or 200
        )
        for name in ("ann", "ben", "cat", "dan"):
            await loyal(shop, name)
        await shop.forward(2 * DAY)
        assert len(hours) == 4
        assert all(10 <= hour < 20 for hour in hours)
        assert len(set(hours)) > 1


async def test_who_stops_before_their_turn_is_not_written_to(database_url: str) -> None:
    async with world(database_url, **SETTINGS) as shop:
        await loyal(shop, "ann")
        await shop.forward(21 * HOUR + HOUR / 2)  # 9:30: decided, not yet said
        assert (await shop.outbox())[f"promotion:spring:{await buyer_id(shop)}"] == "queued"
        await shop.say("不要再给我发消息了")
        await shop.forward(2 * DAY)
        assert offered(shop) == []


async def buyer_id(shop: World) -> str:
    key = next(key for key in await shop.outbox() if key.startswith("promotion:spring:"))
    return key.rsplit(":", 1)[1]


async def test_a_refunded_order_does_not_count(database_url: str) -> None:
    async with world(database_url, **SETTINGS) as shop:
        await loyal(shop, "ann")
        await shop.fact("refunded", order="ann-1", refunded_at=NOON)
        await shop.forward(3 * DAY)
        assert offered(shop) == []


async def test_two_clocks_and_a_restart_make_no_second_offer(database_url: str) -> None:
    async with world(database_url, **SETTINGS) as shop:
        await loyal(shop, "ann")
        await shop.forward(21 * HOUR)
        parts = shop.program.parts
        other = build(parts.config, parts.database, shop.http, clock=shop.clock)
        for _ in range(3):
            await other.calendar()
            await shop.program.calendar()
        await shop.forward(2 * DAY)
        await other.deliver()
        await other.finish_sending()
        assert offered(shop) == ["ann"]


# When the calendar is asked

MORNING = NOON.replace(day=22, hour=1)  # nine in Shanghai


class Asking:
    """A calendar that counts how often it is asked: the real one."""

    def __init__(self) -> None:
        self.asked: list[datetime] = []

    def __call__(
        self, promotion: Promotion, now: datetime, zone: ZoneInfo
    ) -> tuple[datetime | None, datetime | None]:
        self.asked.append(now)
        return promotion_firings(promotion, now, zone)


def campaigns_of(shops: int, asking: Asking) -> Campaigns:
    config = config_of("", "http://127.0.0.1:9/", **SETTINGS)
    rules = msgspec.structs.replace(rules_of(config), promotion_firings=asking)
    return Campaigns({f"shop{n}": config.shops["shop"] for n in range(shops)}, rules, Catalogue(None))


def tick(campaigns: Campaigns, connection: Connection, now: datetime) -> list[datetime]:
    campaigns.started(campaigns.start_due(connection, now), now)
    return list(connection.scalars(select(tables.campaigns.c.slot).order_by(tables.campaigns.c.slot)))


def test_no_promotion_is_asked_for_before_it_can_begin_again(connection: Connection) -> None:
    asking = Asking()
    campaigns = campaigns_of(3, asking)

    for minute in range(60):
        assert tick(campaigns, connection, MORNING - HOUR + timedelta(minutes=minute)) == []
    assert len(asking.asked) == 3
    assert campaigns.next_start == MORNING

    assert tick(campaigns, connection, MORNING) == [MORNING] * 3
    assert len(asking.asked) == 6


def test_after_its_last_day_a_promotion_is_never_asked_for_again(connection: Connection) -> None:
    asking = Asking()
    campaigns = campaigns_of(1, asking)

    for day in range(10):
        tick(campaigns, connection, MORNING + day * DAY)
    assert len(asking.asked) == 4
    assert campaigns.next_start is None


def test_a_start_that_was_not_committed_is_made_at_the_next_tick(connection: Connection) -> None:
    campaigns = campaigns_of(1, Asking())
    tick(campaigns, connection, MORNING - HOUR)

    with connection.begin_nested() as transaction:
        campaigns.start_due(connection, MORNING)
        transaction.rollback()

    assert tick(campaigns, connection, MORNING + timedelta(seconds=1)) == [MORNING]


def test_a_clock_that_was_set_back_misses_no_start(connection: Connection) -> None:
    campaigns = campaigns_of(1, Asking())

    assert tick(campaigns, connection, MORNING + 2 * DAY) == [MORNING + 2 * DAY]
    assert tick(campaigns, connection, MORNING - HOUR) == [MORNING + 2 * DAY]
    assert tick(campaigns, connection, MORNING + HOUR) == [MORNING, MORNING + 2 * DAY]


def test_an_offer_is_told_in_the_language_nearest_to_the_buyers() -> None:
    promotion = Promotion.model_validate({**SPRING, "offer": {"zh-CN": "九折", "en": "10 % off"}})
    assert in_language(promotion.offer, "zh-TW") == "九折"
    assert in_language(promotion.offer, "en-GB") == "10 % off"
    assert in_language(promotion.offer, "fr") == "九折"
