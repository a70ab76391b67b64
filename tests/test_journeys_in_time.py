"""What is said when, and whether it is true in that minute: whole journeys on the real program."""

import re
from datetime import timedelta

from sqlalchemy import select

from bot.domain.events import Event, OrderCancelled, OrderReopened, PaymentReceived
from storage import inbox
from storage.inbox import inbox_event
from storage.tables import cases
from tests.channels.post_office import open_post_office
from tests.world import NOON, World, world

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


async def pay(shop: World, order: str = "1001") -> None:
    await shop.fact("paid", order, paid_at=shop.clock.now, amount="128.00", currency="CNY")


async def ship(shop: World, order: str = "1001") -> None:
    await shop.fact("shipped", order, shipped_at=shop.clock.now, carrier="顺丰", tracking="SF123")


def last(shop: World) -> str:
    return str(shop.receiver.messages[-1]["text"])


async def cases_of(shop: World) -> dict[str, bool]:
    """Whether each case is open, by its kind."""
    statement = select(cases.c.kind, cases.c.closed_at)
    rows = await shop.program.parts.database.read(lambda connection: connection.execute(statement).all())
    return {row.kind: row.closed_at is None for row in rows}


# Only what is still ahead is promised


async def test_money_that_comes_after_the_parcel_left_promises_no_shipping(database_url: str) -> None:
    async with world(database_url) as shop:
        await shop.place()
        await ship(shop)
        await shop.forward(20 * MINUTE)
        await pay(shop)
        await shop.forward(20 * MINUTE)
        assert shop.receiver.templates == ["order_confirmation", "shipped", "payment_received"]
        assert not re.search("内.*发货|最晚|单号", last(shop))


async def test_money_that_a_courier_collects_has_no_word_of_its_own(database_url: str) -> None:
    """Paid on delivery, the parcel itself is the receipt, whichever of the two is told first."""
    async with world(database_url) as shop:
        await shop.place(pay_on_delivery=True)
        await ship(shop)
        await shop.forward(20 * MINUTE)
        await pay(shop)
        await shop.forward(20 * MINUTE)
        assert shop.receiver.templates == ["order_confirmation", "shipped"]


async def test_a_paid_order_has_a_day_and_past_it_an_apology_and_a_case(database_url: str) -> None:
    """Paid on a Saturday, to leave within two working days."""
    async with world(database_url) as shop:
        await shop.place()
        await shop.forward(30 * MINUTE)
        await pay(shop)
        await shop.say("什么时候发货？")
        await shop.settle()
        assert "最晚 11月24日（星期二）发货" in last(shop)
        await shop.forward(3 * DAY + 11 * HOUR)
        assert await cases_of(shop) == {}
        await shop.forward(2 * HOUR)
        assert await cases_of(shop) == {"late_shipping": True}
        await shop.say("怎么还没发货？")
        await shop.settle()
        assert "很抱歉" in last(shop)
        assert "同事" in last(shop)
        assert "11月24日" not in last(shop)
        assert (await cases_of(shop))["human"]
        await ship(shop)
        await shop.settle()
        assert not (await cases_of(shop))["late_shipping"]


async def test_the_shops_days_off_are_no_days_to_ship_on(database_url: str) -> None:
    async with world(database_url, days_off=["2026-11-23"], working_days=["mon", "tue", "sat"]) as shop:
        await shop.place()
        await pay(shop)
        await shop.forward(10 * MINUTE)
        assert "最晚 11月28日（星期六）发货" in last(shop)


# First things first


async def test_a_parcel_and_a_payment_are_told_after_the_order_that_comes_late(database_url: str) -> None:
    async with world(database_url) as shop:
        buyer = {"id": "ann", "locale": "zh-CN"}
        await shop.fact("paid", paid_at=NOON, amount="128.00", currency="CNY", buyer=buyer)
        await ship(shop)
        await shop.forward(97 * timedelta(seconds=1))
        assert shop.receiver.templates == []
        await shop.place(at=NOON)
        await shop.forward(20 * MINUTE)
        assert shop.receiver.templates[0] == "order_confirmation"
        assert "shipped" in shop.receiver.templates


async def test_an_order_told_four_hours_late_has_its_full_time(
    database_url: str,
) -> None:
    async with world(database_url) as shop:
        await shop.place(at=NOON - 4 * HOUR)
        await shop.forward(15 * MINUTE)
        assert shop.receiver.templates == ["order_confirmation"]
        assert "保留到 11月24日 12:00。" in last(shop)
        await shop.forward(10 * MINUTE)
        assert shop.receiver.templates == ["order_confirmation", "payment_reminder"]
        await shop.forward(3 * DAY - 30 * MINUTE)
        assert "unpaid" not in await cases_of(shop)
        assert "请在 11月24日 12:00 前付款" in last(shop)
        await shop.forward(HOUR)
        assert "unpaid" in await cases_of(shop)


async def test_twelve_hours_to_pay_do_not_end_at_night(database_url: str) -> None:
    """Placed at four in the afternoon."""
    async with world(database_url, now=NOON + 4 * HOUR, payment={"close": "12h"}) as shop:
        await shop.place()
        await shop.settle()
        assert "保留到 11月22日 14:00。" in last(shop)
        await shop.forward(21 * HOUR)
        assert await cases_of(shop) == {}
        assert shop.receiver.templates[-1] == "payment_reminder"
        assert "11月22日 14:00" in last(shop)


# Looking back


async def test_a_last_reminder_that_is_the_first_to_be_read_reminds_nobody_again(database_url: str) -> None:
    async with world(database_url) as shop:
        await shop.place()
        await shop.say("停止")
        await shop.forward(2 * DAY)
        await shop.say("恢复")
        await shop.forward(DAY)
        assert shop.receiver.templates.count("payment_reminder") == 1
        assert "还没收到付款" in last(shop)
        assert "再提醒" not in last(shop)
        assert "请在 11月24日 12:00 前付款" in last(shop)


async def test_what_would_look_back_to_nothing_is_not_said(database_url: str) -> None:
    """The chat refuses whatever comes first, so that the second contact and the review's reminder do not
    speak of it."""
    async with open_post_office() as post:
        email = {"kind": "email", "host": "127.0.0.1", "port": post.port, "tls": "none"}
        channels = {"email": {**email, "sender": "shop@example.com"}}
        async with world(database_url, channels=channels) as shop:
            shop.receiver.answers = lambda message: 422
            await shop.place(buyer="ann", total="10.00")
            await shop.forward(3 * DAY)
            states = await shop.outbox()
        assert states["order_confirmation:1001"] != "sent"
        assert states["second_contact:1001:1"] == "skipped"


async def test_a_review_is_recalled_only_if_it_was_asked_for(database_url: str) -> None:
    async with world(database_url) as shop:
        await shop.place()
        await pay(shop)
        await ship(shop)
        await shop.fact("delivered", delivered_at=NOON)
        shop.receiver.answers = lambda message: 422 if message["template"] == "review_request" else 200
        await shop.forward(15 * DAY)
        assert "review_reminder" not in shop.receiver.templates
        assert (await shop.outbox())["review_reminder:1001:all"] == "skipped"


# Cancelled and restored


async def take(shop: World, event: Event) -> None:
    """An event of a platform that says such things, as it was read from its delivery."""
    stored = [inbox_event("shop", event, shop.clock.now)]
    await shop.program.parts.database.write(lambda connection: inbox.add(connection, stored))


async def test_a_restored_order_has_one_word_and_a_second_cancelling_another(database_url: str) -> None:
    async with world(database_url) as shop:
        await shop.place()
        for turn, kind in enumerate((OrderCancelled, OrderReopened, OrderCancelled)):
            await shop.forward(HOUR)
            at = shop.clock.now
            for repeat in range(2):
                event = kind(channel="webhook", external_id=f"{turn}-{repeat}", at=at, order="1001")
                await take(shop, event)
            await shop.forward(MINUTE)
        said = [name for name in shop.receiver.templates if name in ("cancelled", "restored")]
        assert said == ["cancelled", "restored", "cancelled"]


async def test_an_order_that_is_paid_after_its_cancelling_is_on_again_before_it_is_paid(
    database_url: str,
) -> None:
    async with world(database_url) as shop:
        await shop.place()
        await shop.forward(HOUR)
        gone = OrderCancelled(channel="webhook", external_id="c", at=shop.clock.now, order="1001")
        await take(shop, gone)
        await shop.forward(HOUR)
        now = shop.clock.now
        money = PaymentReceived(
            channel="webhook", external_id="p", at=now - timedelta(seconds=30), order="1001"
        )
        await take(shop, money)
        await take(shop, OrderReopened(channel="webhook", external_id="r", at=now, order="1001"))
        await shop.forward(MINUTE)

        assert shop.receiver.templates[-2:] == ["restored", "payment_received"]


async def test_what_was_given_up_for_a_cancelling_is_said_once_the_order_is_on_again(
    database_url: str,
) -> None:
    async with world(database_url) as shop:
        await shop.place()
        await shop.fact("paid", amount="128.00", currency="CNY")
        await shop.forward(11 * HOUR)  # into the night
        await shop.fact("shipped", parcel="p1", tracking="SF1")
        await shop.forward(HOUR)
        await shop.fact("cancelled")
        await shop.forward(DAY)
        assert shop.receiver.templates[-1] == "cancelled"
        again = OrderReopened(channel="webhook", external_id="r", at=shop.clock.now, order="1001")
        await take(shop, again)
        await shop.forward(DAY)
        assert shop.receiver.templates[-2:] == ["restored", "shipped"]


# A case binds its own order


async def test_an_abandoned_order_stops_no_review_of_another_one(database_url: str) -> None:
    async with world(database_url) as shop:
        await shop.place("1001")
        await shop.forward(4 * DAY)
        assert (await cases_of(shop))["unpaid"]
        await shop.place("1002")
        await pay(shop, "1002")
        await ship(shop, "1002")
        await shop.fact("delivered", "1002", delivered_at=shop.clock.now)
        await shop.forward(8 * DAY)
        assert (await shop.outbox())["review_request:1002:all"] == "sent"


OFFERS = {
    "vip": {"tiers": [{"name": "gold", "orders": 1}]},
    "promotions": {
        name: {
            "tier": "gold",
            "cron": "0 10 * * *",
            "start": "2026-11-22",
            "end": "2026-12-20",
            "offer": f"{name}: 全场九折",
            "quiet": "0m",  # also to who has just bought something
        }
        for name in ("spring", "tea")
    },
}


def order(number: str, shop: World) -> dict[str, object]:
    return {"id": number, "placed_at": shop.clock.now, "total": "128.00", "currency": "CNY"}


async def test_an_offer_that_the_weekly_cap_holds_back_comes_when_there_is_room(database_url: str) -> None:
    """Also to a buyer who has left one order unpaid and waits for another."""
    async with world(database_url, **OFFERS) as shop:
        agreed = {"id": "ann", "name": "安娜", "locale": "zh-CN", "agrees": True}
        for number in ("1001", "1002"):
            await shop.post("order.placed", {"order": order(number, shop) | {"buyer": agreed}})
        await pay(shop)
        await shop.forward(6 * DAY)
        offers = [m for m in shop.receiver.messages if m["template"] == "vip_promotion"]
        assert len(offers) == 1
        await shop.forward(8 * DAY)
        offers = [m for m in shop.receiver.messages if m["template"] == "vip_promotion"]
        assert len({offer["text"] for offer in offers}) == 2
