"""A forecast names what the real program then does, message by message, and touches nothing."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import select

from bot.domain.forecast import Foreseen, changes
from bot.domain.shop import QuietHours
from bot.forecast import Plan, forecast
from bot.seller import campaigning
from bot.simulation import together
from storage.campaign_records import add_codes
from storage.tables import metadata, outbox
from tests.world import NOON, World, world

DAY = timedelta(days=1)
LENGTH = 12 * DAY
OFFER = {
    "tier": "gold",
    "offer": {"zh-CN": "全场九折", "en": "10 % off"},
    "cron": "0 10 * * *",
    "start": "2026-11-25",
    "end": "2026-12-20",
}
CAMPAIGN = {
    "segment": "buyers",
    "start": "2026-11-21",
    "end": "2026-12-31",
    "wordings": {"plain": "九折：{code}", "warm": "想您了，九折：{code}"},
    "codes": True,
    "pace": 1,
    "hold_out": 20,
    "quiet": "0d",
}
PROMISES = {"ships": {"since": "order.paid", "until": "order.shipped", "within": "2d"}}
VIP = {"tiers": [{"name": "gold", "orders": 1, "spent": "100.00"}]}


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Any) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'shop.db'}"
    else:
        yield request.getfixturevalue("postgres_url")


def plan_of(shop: World, until: datetime, start: tuple[str, ...] = (), **settings: Any) -> Plan:
    config = shop.program.parts.config
    changed = config.shops["shop"].model_copy(update=settings)
    return Plan(
        config=config.model_copy(update={"shops": {"shop": changed}}),
        shop="shop",
        now=shop.clock.now,
        until=until,
        start=start,
    )


async def a_busy_week(shop: World) -> None:
    """Orders in every state, at odd times, and buyers in several zones."""
    for number in range(12):
        buyer = {
            "id": f"b{number}",
            "locale": "en" if number % 3 else "zh-CN",
            "timezone": ("Asia/Shanghai", "Europe/Berlin", "America/New_York")[number % 3],
            "agrees": number % 2 == 0,
        }
        await shop.place(f"o{number}", buyer)
        if number % 4 > 0:
            await shop.fact("paid", f"o{number}", amount="128.00", currency="CNY")
        if number % 4 > 1:
            await shop.fact("shipped", f"o{number}", carrier="SF", tracking=f"SF{number}")
        if number % 4 > 2:
            await shop.fact("delivered", f"o{number}")
        await shop.forward(timedelta(hours=7, minutes=13, seconds=number * 17))
    await shop.say("STOP", "b3")
    await shop.settle()


async def lines(shop: World, since: datetime) -> list[tuple[Any, ...]]:
    """What became of every message since then, by the minute."""
    statement = select(outbox).where(outbox.c.settled_at >= since)
    rows = await shop.program.parts.database.read(lambda link: link.execute(statement).all())
    return sorted((minute(row.settled_at), row.key, row.state, row.text or "") for row in rows)


def minute(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(second=0, microsecond=0)


def is_said(message: Foreseen | None) -> bool:
    return message is not None and message.state == "sent"


async def everything(shop: World) -> list[Any]:
    def look(connection: Any) -> list[Any]:
        return [
            sorted(map(repr, connection.execute(select(table)).all())) for table in metadata.sorted_tables
        ]

    return await shop.program.parts.database.read(look)


async def test_a_forecast_is_what_then_happens_line_by_line(database_url: str) -> None:
    settings = {
        "promotions": {"winter": OFFER},
        "campaigns": {"tea": CAMPAIGN},
        "segments": {"buyers": "orders >= 1"},
        "promises": PROMISES,
        "vip": VIP,
        "limits": {"per_day": 2, "deliveries_per_second": 9999},
    }
    async with world(database_url, **settings) as shop:
        await a_busy_week(shop)
        await shop.forward(DAY)  # a night sums up the figures that segments ask
        await shop.program.parts.database.write(
            lambda link: add_codes(link, "shop", "tea", ["A1", "A2", "A3"])
        )
        shop.clock.now += timedelta(seconds=1)
        since, before = shop.clock.now, await everything(shop)
        until = since + LENGTH
        found = await forecast(shop.program.parts.database, plan_of(shop, until, ("tea",)))
        assert await everything(shop) == before, "a forecast changes nothing"
        heard = len(shop.receiver.messages)

        settings_of, now = shop.program.parts.config.shops["shop"], shop.clock.now
        await shop.program.parts.database.write(
            lambda link: campaigning.start(link, "shop", settings_of, "tea", "li", now)
        )
        await shop.forward(LENGTH)

        foreseen = sorted(
            (minute(each.at), each.key, each.state, each.text or "") for each in found.messages if each.at
        )
        assert foreseen == await lines(shop, since)
        said = [each for each in found.messages if each.state == "sent"]
        assert len(said) == len(shop.receiver.messages) - heard > 10
        assert {each.template for each in said} >= {
            "payment_reminder",
            "review_request",
            "vip_promotion",
            "promise_missed",
        }
        tea = [each for each in said if each.key.startswith("promotion:tea:")]
        assert len(tea) == 3, "as many as there are codes"
        assert any(each.held for each in found.messages)
        assert {each.state for each in found.messages} >= {"sent", "skipped"}


async def test_other_settings_are_told_by_what_buyers_hear(tmp_path: Any) -> None:
    rules = {"promotions": {"winter": OFFER}, "promises": PROMISES, "vip": VIP}
    async with world(f"sqlite:///{tmp_path / 'shop.db'}", **rules) as shop:
        await a_busy_week(shop)
        until = shop.clock.now + LENGTH
        play = partial(forecast, shop.program.parts.database)
        today = await play(plan_of(shop, until))
        same = await play(plan_of(shop, until))
        nights = QuietHours(start=time(18), end=time(16))
        later = await play(plan_of(shop, until, promotions={}, promises={}, quiet_hours=nights))

    assert changes(today, same) == []
    differing = changes(today, later)
    gone = {change.before.template for change in differing if change.before and not is_said(change.after)}
    moved = {change.after.template for change in differing if change.after and is_said(change.before)}
    assert {"vip_promotion", "promise_missed"} <= gone
    assert "review_request" in moved


def test_what_is_done_together_stays_within_its_minute() -> None:
    second = timedelta(seconds=1)
    assert together(NOON, NOON + 60 * second, 10 * second) == NOON + 60 * second
    assert together(NOON, NOON + second, timedelta(0)) == NOON + second
    assert together(NOON, NOON + second, 10 * second) == NOON + 10 * second
    almost = NOON + 55 * second
    stop = together(almost, almost + second, 10 * second)
    assert almost + second <= stop < NOON + 60 * second
