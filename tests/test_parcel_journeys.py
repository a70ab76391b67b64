"""Parcels on their way, over HTTP, on both databases: told once, together, by any name, while it is true."""

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from sqlalchemy import select

from bot.operations.audit.audit import audit
from storage.tables import cases
from tests.world import NOON, World, world

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
ABOUT_PARCELS = (
    "shipped",
    "tracking_changed",
    "shipment_cancelled",
    "delivery_attempted",
    "ready_for_pickup",
    "delayed",
    "delivered",
)


def told(shop: World) -> list[str]:
    """The templates about parcels and reviews, in the order in which the buyer read them."""
    wanted = (*ABOUT_PARCELS, "review_request")
    return [template for template in shop.receiver.templates if template in wanted]


def texts(shop: World, template: str) -> list[str]:
    return [each["text"] for each in shop.receiver.messages if each["template"] == template]


async def paid_order(shop: World, **fields: Any) -> None:
    await shop.place(**fields)
    await shop.fact("paid", amount="128.00", currency="CNY")
    await shop.forward(HOUR)


async def test_a_parcel_told_by_id_that_arrives_by_its_number_is_never_late(database_url: str) -> None:
    async with world(database_url) as shop:
        await paid_order(shop)
        await shop.fact("shipped", parcel="p1", carrier="顺丰", tracking="SF123")
        await shop.fact("shipped", tracking="sf 123", shipped_at=shop.clock.now)
        await shop.forward(2 * DAY)
        await shop.fact("delivered", tracking="SF123")
        await shop.forward(14 * DAY)
        assert told(shop) == ["shipped", "delivered", "review_request"]


async def test_a_parcel_that_waits_in_a_store_is_neither_on_its_way_nor_late(database_url: str) -> None:
    async with world(database_url) as shop:
        await paid_order(shop)
        await shop.fact("shipped", parcel="p1", carrier="7-ELEVEN", tracking="C1")
        await shop.forward(2 * DAY)
        await shop.fact("ready_for_pickup", tracking="C1")
        await shop.settle()
        await shop.say("我的订单到哪了")
        await shop.settle()
        assert "已经可以取了" in texts(shop, "where_is_order")[0]
        await shop.forward(7 * DAY)
        await shop.fact("delivered", tracking="C1")
        await shop.forward(DAY)
        assert told(shop) == ["shipped", "ready_for_pickup"]


async def test_what_is_fetched_in_the_shop_is_never_called_on_its_way(database_url: str) -> None:
    async with world(database_url) as shop:
        await paid_order(shop)
        await shop.fact("ready_for_pickup", parcel="p1")
        await shop.fact("shipped", parcel="p1")
        await shop.forward(DAY)
        assert told(shop) == ["ready_for_pickup"]


async def test_what_found_no_address_is_said_once_the_order_is_shown_with_one(database_url: str) -> None:
    async with world(database_url) as shop:
        await shop.place(buyer={"name": "安娜", "phone": "+8613800000000"})
        await shop.forward(HOUR)
        await shop.fact("shipped", parcel="p1", tracking="SF123")
        await shop.forward(HOUR)
        assert shop.receiver.templates == []
        await shop.place(at=NOON)
        await shop.forward(HOUR)
        assert shop.receiver.templates == ["order_confirmation", "shipped"]
        await shop.forward(10 * MINUTE)
        assert shop.receiver.templates == ["order_confirmation", "shipped"]


async def test_a_parcel_without_a_number_that_arrives_by_one_is_never_late(database_url: str) -> None:
    async with world(database_url) as shop:
        await paid_order(shop)
        await shop.fact("shipped", parcel="p1")
        await shop.forward(2 * DAY)
        await shop.fact("delivered", tracking="SF123")
        await shop.forward(14 * DAY)
        assert told(shop) == ["shipped", "delivered", "review_request"]


async def test_an_arrival_that_is_told_before_the_leaving_is_said_once_both_are_known(
    database_url: str,
) -> None:
    async with world(database_url) as shop:
        await paid_order(shop)
        await shop.fact("delivered", parcel="p1")
        await shop.forward(HOUR)
        assert told(shop) == []
        await shop.fact("shipped", parcel="p1", tracking="SF1", shipped_at=shop.clock.now - 3 * HOUR)
        await shop.forward(2 * DAY)
        assert told(shop) == ["delivered"]


async def test_a_parcel_that_is_taken_back_is_neither_late_nor_waited_for(database_url: str) -> None:
    async with world(database_url) as shop:
        await paid_order(shop)
        await shop.fact("shipped", parcel="p1", tracking="SF1")
        await shop.forward(HOUR)
        await shop.fact("parcel_cancelled", parcel="p1")
        await shop.forward(7 * DAY)
        assert told(shop) == ["shipped", "shipment_cancelled"]
        await shop.fact("shipped", parcel="p2", tracking="SF2")
        await shop.forward(DAY)
        await shop.fact("delivered", parcel="p2")
        await shop.forward(10 * DAY)
        assert told(shop)[2:] == ["shipped", "delivered", "review_request"]


async def test_a_parcel_is_called_off_each_time_that_it_is_taken_back(database_url: str) -> None:
    async with world(database_url) as shop:
        await paid_order(shop)
        for _ in range(3):
            await shop.fact("shipped", parcel="p1", tracking="SF1", shipped_at=shop.clock.now)
            await shop.forward(DAY)
            await shop.fact("parcel_cancelled", parcel="p1", cancelled_at=shop.clock.now)
            await shop.forward(DAY)
        assert told(shop) == ["shipped", "shipment_cancelled"] * 3


@pytest.mark.parametrize(
    ("arrives", "back", "leaves"),
    [
        ({"parcel": "p1"}, {"parcel": "p1"}, {"parcel": "p1", "tracking": "SF1"}),
        ({"tracking": "SF1"}, {"tracking": "SF1"}, {"parcel": "p1", "tracking": "SF1"}),
        ({}, {"parcel": "p1"}, {"parcel": "p1", "tracking": "SF1"}),
        ({}, {"parcel": "p1"}, {"parcel": "p2", "tracking": "SF2"}),
    ],
)
async def test_what_was_called_off_after_its_arrival_is_told_to_leave_and_to_arrive_again(
    database_url: str, arrives: dict[str, str], back: dict[str, str], leaves: dict[str, str]
) -> None:
    async with world(database_url) as shop:
        await paid_order(shop)
        await shop.fact("shipped", parcel="p1", tracking="SF1")
        await shop.forward(2 * HOUR)
        await shop.fact("delivered", **arrives)
        await shop.forward(2 * HOUR)
        await shop.fact("parcel_cancelled", **back)
        await shop.forward(2 * HOUR)
        await shop.fact("shipped", **leaves)
        await shop.forward(DAY)
        await shop.fact("delivered", **arrives)
        await shop.forward(14 * DAY)
        once = ["shipped", "delivered"]
        assert told(shop) == [*once, "shipment_cancelled", *once, "review_request"]
        parts = shop.program.parts
        assert list(audit(parts.database, parts.config.shops, shop.clock.now)) == []


async def test_what_was_taken_back_before_it_was_told_is_never_told(database_url: str) -> None:
    async with world(database_url, now=NOON + 14 * HOUR) as shop:  # in quiet hours
        await paid_order(shop)
        await shop.fact("shipped", parcel="p1", tracking="SF1")
        await shop.fact("parcel_cancelled", tracking="SF1")
        await shop.forward(DAY)
        assert told(shop) == []


async def test_the_whole_is_not_told_again_while_a_parcels_word_is_in_hand(database_url: str) -> None:
    async with world(database_url) as shop:
        await paid_order(shop)
        await shop.fact("shipped", parcel="p1", last=True)
        await shop.forward(DAY)
        shop.receiver.answers = lambda message: 503 if message["template"] == "delivered" else 200
        await shop.fact("delivered", parcel="p1")
        await shop.settle()
        shop.receiver.answers = lambda message: 200
        await shop.fact("delivered")
        await shop.forward(DAY)
        assert told(shop) == ["shipped", "delivered"]


async def test_the_whole_after_its_last_parcel_is_no_news(database_url: str) -> None:
    async with world(database_url) as shop:
        await paid_order(shop)
        await shop.fact("shipped", parcel="p1", last=True)
        await shop.forward(DAY)
        await shop.fact("delivered", parcel="p1")
        await shop.settle()
        await shop.fact("delivered")
        await shop.forward(DAY)
        assert told(shop) == ["shipped", "delivered"]


async def test_each_number_and_carrier_that_differs_from_what_was_read_is_told_once(
    database_url: str,
) -> None:
    async with world(database_url) as shop:
        await paid_order(shop)
        await shop.fact("shipped", parcel="p1")
        await shop.forward(HOUR)
        names = (
            "顺丰 SF1",
            "顺丰 SF1",
            "顺丰 SF2",
            "顺丰 SF1",
            "顺丰 SF2",
            "圆通 SF2",
            "圆通 SF2",
            "顺丰 SF2",
        )
        for name in names:
            carrier, number = name.split()
            await shop.fact("shipped", parcel="p1", tracking=number, carrier=carrier)
            await shop.forward(DAY)
        corrections = [name for name, before in zip(names, ("", *names), strict=False) if name != before]
        assert told(shop) == ["shipped", *["tracking_changed"] * len(corrections)]
        for name, text in zip(corrections, texts(shop, "tracking_changed"), strict=True):
            assert name in text
        assert "快递：" not in texts(shop, "shipped")[0]  # nothing is printed where the number is not known


async def test_a_number_of_a_parcel_that_left_without_a_name_is_a_correction(database_url: str) -> None:
    async with world(database_url) as shop:
        await paid_order(shop)
        await shop.fact("shipped")
        await shop.forward(HOUR)
        await shop.fact("shipped", tracking="SF1")
        await shop.forward(HOUR)
        assert told(shop) == ["shipped", "tracking_changed"]


async def test_a_number_corrected_before_the_notice_went_out_stands_in_the_notice(database_url: str) -> None:
    async with world(database_url, now=NOON + 14 * HOUR) as shop:  # in quiet hours
        await paid_order(shop)
        await shop.fact("shipped", parcel="p1", tracking="SF1")
        await shop.forward(MINUTE)
        await shop.fact("shipped", parcel="p1", tracking="SF2")
        await shop.forward(DAY)
        assert told(shop) == ["shipped"]
        assert "SF2" in texts(shop, "shipped")[0]


async def test_twelve_parcels_of_an_hour_go_in_one_message_and_the_last_is_named(database_url: str) -> None:
    async with world(database_url) as shop:
        await paid_order(shop)
        for place in range(12):
            await shop.fact("shipped", parcel=f"p{place}", tracking=f"SF{place:02}", last=False)
            await shop.forward(4 * MINUTE)
        await shop.forward(2 * HOUR)
        assert told(shop) == ["shipped"]
        assert all(f"SF{place:02}" in texts(shop, "shipped")[0] for place in range(12))
        await shop.fact("shipped", parcel="p12", tracking="SF12", last=True)
        await shop.settle()
        assert told(shop) == ["shipped", "shipped"]
        assert "最后一个包裹" in texts(shop, "shipped")[1]
        assert "SF11" not in texts(shop, "shipped")[1]


async def test_twelve_parcels_of_which_nobody_says_whether_more_follow_go_in_two(database_url: str) -> None:
    async with world(database_url) as shop:
        await paid_order(shop)
        for place in range(12):
            await shop.fact("shipped", tracking=f"SF{place:02}")
            await shop.forward(4 * MINUTE)
        await shop.forward(2 * HOUR)
        assert told(shop) == ["shipped", "shipped"]
        assert "最后" not in texts(shop, "shipped")[1]


async def test_parcels_that_make_the_order_whole_wait_for_nothing(database_url: str) -> None:
    async with world(database_url) as shop:
        await paid_order(shop)
        await shop.fact("shipped", parcel="p1", tracking="SF1", last=False)
        await shop.forward(10 * MINUTE)
        await shop.fact("shipped", parcel="p2", tracking="SF2", last=True)
        await shop.settle()
        assert told(shop) == ["shipped"]
        assert "一共 2 个包裹" in texts(shop, "shipped")[0]
        assert "其余" not in texts(shop, "shipped")[0]


async def test_no_review_is_asked_for_while_a_part_is_still_to_come(database_url: str) -> None:
    async with world(database_url) as shop:
        await paid_order(shop)
        await shop.fact("shipped", parcel="p1", last=False)
        await shop.forward(DAY)
        await shop.fact("delivered", parcel="p1")
        await shop.forward(14 * DAY)
        assert told(shop) == ["shipped"]
        await shop.fact("shipped", parcel="p2", last=True)
        await shop.forward(DAY)
        await shop.fact("delivered", parcel="p2")
        await shop.forward(14 * DAY)
        assert told(shop) == ["shipped", "shipped", "delivered", "review_request"]


async def test_a_refunded_order_is_asked_for_no_review(database_url: str) -> None:
    async with world(database_url) as shop:
        await paid_order(shop)
        await shop.fact("shipped", parcel="p1", last=True)
        await shop.forward(DAY)
        await shop.fact("delivered", parcel="p1")
        await shop.forward(DAY)
        await shop.fact("refunded", refund="r1")
        await shop.forward(14 * DAY)
        assert "review_request" not in told(shop)


async def test_a_parcel_is_late_by_its_own_times(database_url: str) -> None:
    async with world(database_url) as shop:
        await paid_order(shop)
        await shop.fact("shipped", parcel="p1", tracking="SF1", last=False)
        await shop.forward(3 * DAY)
        await shop.fact("shipped", parcel="p2", tracking="SF2", last=True)
        await shop.forward(3 * DAY)
        assert told(shop) == ["shipped", "shipped", "delayed"]
        assert "SF1" in texts(shop, "delayed")[0]
        await shop.fact("delivered", tracking="SF1")
        await shop.fact("parcel_cancelled", tracking="SF2")
        await shop.forward(5 * DAY)
        assert texts(shop, "delayed")[1:] == []


async def test_who_owes_a_transfer_hears_before_the_parcel_that_the_carrier_takes_the_money(
    database_url: str,
) -> None:
    async with world(database_url) as shop:
        await shop.place(pay_on_delivery=False)
        await shop.forward(MINUTE)
        await shop.place(pay_on_delivery=True)
        await shop.fact("shipped", parcel="p1", tracking="SF1", last=True)
        await shop.forward(HOUR)
        for way in (False, True):
            await shop.place(pay_on_delivery=way)
            await shop.forward(HOUR)
        assert shop.receiver.templates == ["order_confirmation", "pay_way_changed", "shipped"]
        assert "货到付款" in texts(shop, "pay_way_changed")[0]


@pytest.mark.parametrize("name", [{}, {"parcel": "p1"}, {"tracking": "SF1"}])
async def test_what_is_ready_is_told_once_also_if_nobody_told_that_it_left(
    database_url: str, name: dict[str, str]
) -> None:
    async with world(database_url) as shop:
        await paid_order(shop)
        await shop.fact("ready_for_pickup", **name)
        await shop.forward(HOUR)
        await shop.say("我的订单到哪了")
        await shop.settle()
        assert "已经可以取了" in texts(shop, "where_is_order")[0]
        await shop.fact("ready_for_pickup", parcel="p1")
        await shop.fact("shipped", parcel="p1", tracking="SF1")
        await shop.forward(9 * DAY)
        assert told(shop) == ["ready_for_pickup"]
        assert not {"reassurance", "payment_reminder"} & set(shop.receiver.templates)
        parts = shop.program.parts
        assert list(audit(parts.database, parts.config.shops, shop.clock.now)) == []


async def test_an_order_of_which_a_part_was_taken_back_is_whole_once_something_leaves_after_that(
    database_url: str,
) -> None:
    async with world(database_url) as shop:
        await paid_order(shop)
        await shop.fact("shipped", parcel="p1", tracking="SF1", last=False)
        await shop.fact("shipped", parcel="p2", tracking="SF2", last=True)
        await shop.forward(2 * HOUR)
        await shop.fact("parcel_cancelled", parcel="p1")
        await shop.forward(HOUR)
        await shop.fact("delivered", parcel="p2")
        await shop.forward(14 * DAY)
        assert told(shop) == ["shipped", "shipment_cancelled"]
        await shop.fact("shipped", parcel="p3", tracking="SF3")
        await shop.forward(DAY)
        await shop.fact("delivered", parcel="p3")
        await shop.forward(14 * DAY)
        assert told(shop)[2:] == ["shipped", "delivered", "review_request"]


@pytest.mark.parametrize("minutes", [(0, 0, 0), (0, 5, 9), (9, 5, 0), (5, 9, 5)], ids=str)
@pytest.mark.parametrize("apart", [timedelta(0), 5 * MINUTE], ids=str)
async def test_an_arrival_is_told_once_whichever_parcels_word_comes_last(
    database_url: str, minutes: tuple[int, ...], apart: timedelta
) -> None:
    arrivals = {"".join(parcels): parcels for parcels in permutations("abc")}
    async with world(database_url) as shop:
        for order in arrivals:
            await shop.place(order, buyer=f"buyer of {order}")
            await shop.fact("paid", order, amount="128.00", currency="CNY")
        await shop.forward(HOUR)
        for order in arrivals:
            for parcel in "abc":
                await shop.fact(
                    "shipped", order, parcel=parcel, tracking=f"{order}{parcel}", last=parcel == "c"
                )
        await shop.forward(DAY)
        came = shop.clock.now - HOUR
        for place, later in enumerate(minutes):
            for order, parcels in arrivals.items():
                at = came + later * MINUTE
                await shop.fact("delivered", order, parcel=parcels[place], delivered_at=at)
            await shop.forward(apart)
        await shop.forward(HOUR)
        for order in arrivals:
            heard = [each["template"] for each in shop.receiver.messages if each["order"] == order]
            assert [name for name in heard if name in ABOUT_PARCELS] == ["shipped", "delivered"], order


async def test_what_arrived_though_nobody_sent_it_promises_nothing_and_goes_to_the_seller(
    database_url: str,
) -> None:
    """By a number that nobody had told, or after it was called off; once it was told to leave it is told, and
    so is that it leaves again after that."""
    async with world(database_url) as shop:
        await paid_order(shop)
        await shop.place("off", buyer="bob")
        await shop.fact("paid", "off", amount="128.00", currency="CNY")
        await shop.fact("shipped", "off", parcel="p1", tracking="SF9")
        await shop.forward(HOUR)
        await shop.fact("parcel_cancelled", "off", parcel="p1")
        await shop.forward(HOUR)
        await shop.fact("delivered", tracking="SF1")
        await shop.fact("delivered", "off", parcel="p1")
        await shop.forward(MINUTE)
        for buyer in ("ann", "bob"):
            await shop.say("我的订单到哪了", buyer=buyer)
        await shop.settle()
        answers = texts(shop, "where_is_order")
        assert len(answers) == 2
        assert all("正在核实" in text for text in answers)
        assert "delivered" not in told(shop)

        await shop.forward(5 * HOUR)
        assert await open_reasons(shop, "parcel_failed") == ["arrival_unclear", "arrival_unclear"]
        await shop.forward(20 * HOUR)
        await shop.fact("shipped", tracking="SF1", shipped_at=shop.clock.now - 2 * DAY)
        await shop.fact("shipped", "off", parcel="p1", tracking="SF9", shipped_at=shop.clock.now - MINUTE)
        await shop.forward(2 * HOUR)
        assert await open_reasons(shop, "parcel_failed") == []
        assert told(shop) == [
            "shipped",
            "shipment_cancelled",
            "shipped",
            "delivered",
        ]  # what left again is not there


async def test_what_left_is_told_days_later_to_who_heard_of_the_order(database_url: str) -> None:
    """And nobody reads that a parcel stands still of which nobody told them."""
    async with world(database_url) as shop:
        await paid_order(shop)
        await shop.place("long ago", buyer="bob")
        await shop.fact("paid", "long ago", amount="128.00", currency="CNY")
        await shop.forward(9 * DAY)
        await shop.fact("shipped", tracking="SF1", shipped_at=shop.clock.now - 4 * DAY)
        await shop.fact("shipped", "long ago", tracking="SF2", shipped_at=shop.clock.now - 8 * DAY)
        await shop.forward(3 * DAY)
        heard = [(each["order"], each["template"]) for each in shop.receiver.messages]
        assert [each for each in heard if each[1] in ABOUT_PARCELS] == [
            ("1001", "shipped"),
            ("1001", "delayed"),
        ]
        assert await open_reasons(shop, "delay") == ["parcel_late", "parcel_late"]


async def test_a_parcel_that_waits_is_not_forgotten_where_another_leaves(database_url: str) -> None:
    async with world(database_url) as shop:
        await paid_order(shop)
        await shop.fact("ready_for_pickup", parcel="p1")
        await shop.forward(HOUR)
        await shop.fact("shipped", parcel="p2", tracking="SF2", last=True)
        await shop.forward(HOUR)
        await shop.say("我的订单到哪了")
        await shop.settle()

        assert told(shop) == ["ready_for_pickup", "shipped"]
        assert "您的订单 1001 已经发货" not in texts(shop, "shipped")[0]
        assert [line for line in texts(shop, "where_is_order")[0].split("\n") if line.startswith("·")] == [
            "· 包裹：已经可以取了",
            "· 包裹 SF2",
        ]


async def open_reasons(shop: World, kind: str) -> list[str]:
    here = select(cases.c.reason).where(cases.c.kind == kind, cases.c.closed_at.is_(None))
    rows = await shop.program.parts.database.read(lambda connection: connection.execute(here).all())
    return [row.reason for row in rows]


@pytest.mark.parametrize("left", [True, False])
async def test_what_waited_and_was_taken_back_is_told_off_and_told_again(
    database_url: str, left: bool
) -> None:
    async with world(database_url, limits={"per_day": 50}) as shop:
        await paid_order(shop)
        for _ in range(2):
            if left:
                await shop.fact("shipped", parcel="p1", carrier="7-ELEVEN", tracking="C1")
                await shop.forward(HOUR)
            await shop.fact("ready_for_pickup", parcel="p1")
            await shop.forward(HOUR)
            await shop.fact("parcel_cancelled", parcel="p1")
            await shop.forward(HOUR)
        assert told(shop) == [*["shipped"] * left, "ready_for_pickup", "shipment_cancelled"] * 2
        assert all("请先不要去取" in text for text in texts(shop, "shipment_cancelled"))
        await shop.fact("ready_for_pickup", parcel="p1")
        await shop.settle()
        await shop.say("我的订单到哪了")
        await shop.settle()
        assert "已经可以取了" in texts(shop, "where_is_order")[-1]


async def test_beside_a_parcel_that_was_called_off_only_what_was_sent_is_called_delivered(
    database_url: str,
) -> None:
    """Whether anything is missing nobody counted: the other one may have been a label printed twice."""
    async with world(database_url) as shop:
        await paid_order(shop)
        await shop.fact("shipped", parcel="p1", tracking="SF1")
        await shop.fact("shipped", parcel="p2", tracking="SF2")
        await shop.forward(2 * HOUR)
        await shop.fact("parcel_cancelled", parcel="p2")
        await shop.settle()
        await shop.say("我的订单到哪了")
        await shop.settle()
        assert "目前寄出的包裹正在路上" in texts(shop, "where_is_order")[0]
        await shop.fact("delivered", parcel="p1")
        await shop.forward(HOUR)
        assert "目前寄出的包裹已经送达" in texts(shop, "delivered")[0]
        await shop.say("我的订单到哪了")
        await shop.settle()
        assert "目前寄出的包裹已在" in texts(shop, "where_is_order")[1]
