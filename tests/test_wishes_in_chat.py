"""Whole journeys of what a chat wants to hear: STOP, START and the smaller wish, by the words' own times."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.world import NOON, World, world

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SPRING: dict[str, Any] = {
    "vip": {"tiers": [{"name": "gold", "orders": 1}]},
    "promotions": {
        "spring": {
            "tier": "gold",
            "cron": "0 10 * * *",
            "start": "2026-11-21",
            "end": "2026-12-01",
            "offer": "九折",
        }
    },
}


async def write(shop: World, text: str, at: datetime, id: str) -> None:
    """A message of Ann's that was sent at `at` and arrives now."""
    message = {"id": id, "buyer": {"id": "ann"}, "text": text, "sent_at": at}
    await shop.post("message.received", {"message": message})
    await shop.settle()


async def paid_order(shop: World) -> None:
    await shop.place()
    await shop.settle()
    await shop.fact("paid", paid_at=shop.clock.now, amount="128.00", currency="CNY")
    await shop.settle()


async def ships(shop: World) -> bool:
    """Whether Ann hears that their parcel left."""
    await shop.fact("shipped", shipped_at=shop.clock.now, carrier="顺丰", tracking="SF123")
    await shop.settle()
    return "shipped" in shop.receiver.templates


async def test_a_stop_ends_shipping_notices_too_and_its_answer_offers_the_smaller_wish(
    database_url: str,
) -> None:
    async with world(database_url) as shop:
        await paid_order(shop)
        await shop.say("别再给我发消息")
        await shop.settle()
        answer = shop.receiver.messages[-1]
        assert answer["template"] == "stopped"
        assert all(words in answer["text"] for words in ("这个聊天", "发货通知", "“不要优惠”"))
        assert not await ships(shop)
        await shop.forward(MINUTE)
        await shop.say("不要优惠")
        await shop.settle()
        assert shop.receiver.templates[-1] == "offers_ended"
        await shop.fact("delivered", delivered_at=shop.clock.now)
        await shop.settle()
        assert shop.receiver.templates[-1] == "delivered"


@pytest.mark.parametrize(("wish", "offered"), [(None, True), ("不要優惠", False), ("NO OFFERS", False)])
async def test_the_smaller_wish_ends_offers_and_leaves_the_rest(
    database_url: str, wish: str | None, offered: bool
) -> None:
    async with world(database_url, **SPRING) as shop:
        await shop.post("buyer.updated", {"buyer": {"id": "ann", "agrees": True}})
        await paid_order(shop)
        if wish:
            await shop.forward(MINUTE)
            await shop.say(wish)
            await shop.settle()
            assert shop.receiver.templates[-1] == "offers_ended"
        assert await ships(shop)
        await shop.forward(2 * DAY)
        assert ("vip_promotion" in shop.receiver.templates) is offered


async def test_an_older_start_that_comes_late_undoes_no_newer_stop(database_url: str) -> None:
    async with world(database_url) as shop:
        await paid_order(shop)
        await shop.forward(2 * HOUR)
        await write(shop, "STOP", shop.clock.now, "m2")
        await write(shop, "START", shop.clock.now - HOUR, "m1")
        assert not await ships(shop)


async def test_an_older_stop_that_comes_late_undoes_no_newer_start(database_url: str) -> None:
    """The START was recorded although nobody knew of a stop."""
    async with world(database_url) as shop:
        await paid_order(shop)
        await shop.forward(2 * HOUR)
        await write(shop, "START", shop.clock.now, "m2")
        assert shop.receiver.templates[-1] == "hello"
        await write(shop, "STOP", shop.clock.now - HOUR, "m1")
        assert await ships(shop)


async def test_a_start_of_a_clock_that_runs_ahead_does_not_win_for_ever(database_url: str) -> None:
    async with world(database_url) as shop:
        await paid_order(shop)
        await write(shop, "START", NOON + 30 * DAY, "m1")
        await shop.forward(HOUR)
        await write(shop, "STOP", shop.clock.now, "m2")
        assert not await ships(shop)


async def test_a_stop_of_a_clock_that_runs_ahead_does_not_win_for_ever(database_url: str) -> None:
    async with world(database_url) as shop:
        await paid_order(shop)
        await write(shop, "STOP", NOON + 30 * DAY, "m1")
        await shop.forward(HOUR)
        await write(shop, "START", shop.clock.now, "m2")
        assert shop.receiver.templates[-1] == "resumed"
        assert await ships(shop)


@pytest.mark.parametrize(("first", "then", "told"), [("START", "STOP", False), ("STOP", "START", True)])
async def test_of_words_that_are_handled_together_the_one_that_came_after_a_clock_ahead_wins(
    database_url: str, first: str, then: str, told: bool
) -> None:
    """The program was busy meanwhile: the time of arrival counts, not that of the handling."""
    async with world(database_url) as shop:
        await paid_order(shop)
        for number, (text, ahead) in enumerate(((first, 30 * DAY), (then, 0 * DAY))):
            message = {"id": f"m{number}", "buyer": {"id": "ann"}, "text": text}
            message["sent_at"] = shop.clock.now + ahead
            await shop.post("message.received", {"message": message})
            shop.clock.now += HOUR
        await shop.settle()
        assert await ships(shop) is told


async def test_a_word_older_than_the_one_that_stands_is_answered_by_nothing(database_url: str) -> None:
    async with world(database_url) as shop:

        async def answers(text: str, at: datetime, id: str) -> list[str]:
            before = len(shop.receiver.templates)
            await write(shop, text, at, id)
            return shop.receiver.templates[before:]

        shop.clock.now = NOON + HOUR
        assert await answers("STOP", NOON + 10 * MINUTE, "1") == ["stopped"]
        assert await answers("START", NOON, "2") == []
        assert await answers("不要优惠", NOON + MINUTE, "3") == []
        assert await answers("START", NOON + 20 * MINUTE, "4") == ["resumed"]
        assert await answers("STOP", NOON + 15 * MINUTE, "5") == []
