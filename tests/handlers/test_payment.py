"""Money came: in whole, in parts, in one piece told twice, on delivery, or not at all in the end."""

from datetime import datetime

import msgspec
import pytest

from bot.domain.context import Said
from bot.domain.events import Line
from bot.domain.money import Money
from bot.domain.shipping_promise import ships_by
from handlers import payment
from tests.handlers import world
from tests.handlers.world import PLACED, Desk, acknowledged, days, hours


def said(paid: int, template: str = "payment_received") -> Said:
    return Said(
        key="x", template=template, state="sent", sent_at=PLACED, paid=True, paid_sum=Money(paid, "CNY")
    )


def test_payment_is_acknowledged_as_of_its_own_time() -> None:
    desk = Desk().take(world.placed(), world.paid())

    assert desk.waiting[acknowledged()].at == PLACED + hours(1)
    assert desk.why_outdated(acknowledged()) is None


def test_each_part_is_acknowledged_as_of_its_own_time() -> None:
    desk = Desk().take(world.placed(), world.paid(hours(1), 5000), world.paid(hours(4), 7800))

    first, rest = acknowledged(hours(1), "5000CNY"), acknowledged(hours(4), "7800CNY")
    assert (desk.waiting[first].at, desk.waiting[rest].at) == (PLACED + hours(1), PLACED + hours(4))
    assert desk.why_outdated(rest, said=(said(5000),)) is None
    assert desk.why_outdated(rest, said=(said(12800),)) == "already_told"


def test_a_sum_that_the_confirmation_named_is_not_told_again() -> None:
    desk = Desk().take(world.placed(), world.paid(minor=12800))
    key = acknowledged(how_much="12800CNY")

    assert desk.why_outdated(key, said=(said(12800, "order_confirmation"),)) == "already_told"
    assert desk.why_outdated(key, said=(said(12800, "payment_reminder"),)) is None


def test_less_than_was_told_before_was_not_paid_since() -> None:
    desk = Desk().take(world.placed(paid=Money(12800, "CNY")))
    desk.take(world.placed(PLACED + days(1), total=Money(6800, "CNY"), paid=Money(6800, "CNY")))

    assert desk.why_outdated("payment_received:1001:6800CNY", said=(said(12800),)) == "already_told"


def test_what_was_said_while_the_payment_was_not_clear_told_no_sum() -> None:
    desk = Desk().take(world.placed(), world.paid(minor=12800))
    unclear = msgspec.structs.replace(said(0, "order_confirmation"), paid_sum=None, total=Money(12800, "CNY"))

    assert desk.why_outdated(acknowledged(how_much="12800CNY"), said=(unclear,)) is None


def test_a_payment_known_by_its_reference_has_one_word_whenever_it_is_told() -> None:
    told = [world.paid(after, 12800, reference="tx9") for after in (hours(1), hours(3), hours(2))]
    desk = Desk().take(told[1], world.placed(), told[0], told[2])

    assert {key for key in desk.messages if key.startswith("payment")} == {
        "payment_received:1001:tx9-12800CNY",
        *(f"payment_reminder:1001:{step}" for step in (1, 2, 3)),
    }
    assert desk.waiting["payment_received:1001:tx9-12800CNY"].at == PLACED + hours(1)
    assert desk.order is not None
    assert desk.order.paid == Money(12800, "CNY")


def test_the_memo_of_all_transfers_names_none_of_them() -> None:
    halves = [world.paid(after, 6400, reference="1001") for after in (hours(1), hours(2))]
    desk = Desk().take(world.placed(), *halves)

    assert desk.order is not None
    assert desk.order.paid_in_full


def test_two_equal_payments_of_one_second_are_told_apart_by_their_own_ids() -> None:
    desk = Desk().take(world.placed(), *(world.paid(minor=6400, payment=name) for name in ("p1", "p2", "p1")))

    assert desk.order is not None
    assert desk.order.paid == Money(12800, "CNY")


def test_an_amount_is_not_judged_before_the_total_is_known() -> None:
    desk = Desk().take(world.paid(minor=5000))

    assert (desk.messages, desk.cases) == ({}, {})


def test_what_the_platform_shows_as_paid_is_acknowledged_once_for_each_sum() -> None:
    desk = Desk()
    for after, sum in ((0, 0), (1, 5000), (2, 5000), (3, 12800), (4, 12800)):
        desk.take(world.placed(PLACED + hours(after), paid=Money(sum, "CNY")))

    thanks = {key: say.at for key, say in desk.waiting.items() if key.startswith("payment_received")}
    assert thanks == {
        "payment_received:1001:5000CNY": PLACED + hours(1),
        "payment_received:1001:12800CNY": PLACED + hours(3),
    }


def test_money_after_cancelling_is_not_acknowledged() -> None:
    desk = Desk().take(world.placed(), world.cancelled(hours(2)), world.paid(hours(5)))

    assert desk.why_outdated(acknowledged(hours(5))) == "order_cancelled"


def test_a_late_payment_is_acknowledged_when_the_order_comes_back() -> None:
    desk = Desk().take(world.placed(), world.cancelled(hours(2)), world.paid(hours(5)))

    desk.take(world.reopened(hours(6)))

    assert desk.why_outdated(acknowledged(hours(5))) is None


@pytest.mark.parametrize("minor", [None, 12800])
def test_nothing_is_said_of_money_that_comes_on_delivery(minor: int | None) -> None:
    desk = Desk().take(world.placed(pay_on_delivery=True), world.shipped(), world.paid(days(1), minor))
    key = acknowledged(days(1), f"{minor}CNY" if minor else "all")

    assert desk.why_outdated(key) == "pay_on_delivery"
    assert desk.why_withdrawn("reassurance") == {"order_shipped"}


@pytest.mark.parametrize("minor", [None, 0])
def test_of_nothing_nothing_arrived(minor: int | None) -> None:
    desk = Desk().take(world.placed(total=Money(0, "CNY")), world.paid(minor=minor))

    thanks = [key for key in desk.messages if key.startswith("payment_received")]
    assert {desk.why_outdated(key) for key in thanks} <= {"order_not_paid"}
    assert desk.order is not None
    assert (desk.order.state, desk.order.paid_at) == ("paid", None)


def test_other_money_is_not_acknowledged() -> None:
    desk = Desk().take(world.placed(), world.paid(minor=12800, currency="KRW"))

    assert desk.why_outdated(acknowledged(how_much="12800KRW")) == "payment_unclear"


def test_a_payment_that_was_given_up_is_not_acknowledged() -> None:
    desk = Desk().take(
        world.placed(paid=Money(12800, "CNY")), world.placed(PLACED + days(1), paid=Money(0, "CNY"))
    )

    assert desk.why_outdated("payment_received:1001:12800CNY") == "payment_unclear"


def test_a_day_after_payment_the_buyer_is_reassured() -> None:
    desk = Desk().take(world.placed(), world.paid())
    key = acknowledged().replace("payment_received", "reassurance")

    assert desk.waiting[key].at == PLACED + hours(25)
    assert desk.why_outdated(key) is None
    assert desk.why_outdated(key, said=(said(12800, "reassurance"),)) == "already_told"
    assert desk.why_outdated(key, cases=(world.human_case(),)) == "case_open"


def test_nobody_is_reassured_in_one_breath_with_another_word_of_the_day_it_leaves() -> None:
    """A payment may be told of a day late: its thanks are sent when the reassurance is due."""
    desk = Desk().take(world.placed(), world.paid())
    say = desk.waiting[acknowledged().replace("payment_received", "reassurance")]
    now = PLACED + hours(26)

    def waits(thanks: Said) -> datetime | None:
        return world.not_before(say, desk.facts(said=(world.confirmed(), thanks)), now)

    queued = msgspec.structs.replace(said(12800), state="queued", sent_at=None)
    assert waits(queued) == now + payment.LOOK_AGAIN
    assert waits(msgspec.structs.replace(said(12800), sent_at=now)) == now + payment.APART
    assert waits(msgspec.structs.replace(said(12800), sent_at=PLACED + hours(1))) is None
    assert waits(msgspec.structs.replace(queued, state="skipped")) is None


def test_who_has_authorised_the_payment_is_reassured_and_not_thanked_for_money() -> None:
    held = world.placed(paid=Money(0, "CNY"), authorised=True)
    desk = Desk().take(held)
    assert desk.waiting["reassurance:1001:authorised"].at == PLACED + days(1)
    assert desk.why_outdated("reassurance:1001:authorised") is None
    assert not [key for key in desk.waiting if key.startswith("payment_received")]
    assert desk.why_withdrawn("payment_reminder") == {"order_authorised"}

    desk.take(world.placed(PLACED + days(1), paid=Money(12800, "CNY")))
    assert desk.why_outdated("payment_received:1001:12800CNY") is None


def test_nobody_is_told_of_packing_where_there_is_nothing_to_send() -> None:
    voucher = Line(title="Voucher", quantity=1, price=Money(12800, "CNY"), to_ship=0)
    off = Line(title="10 off", quantity=1, price=Money(-1000, "CNY"))
    desk = Desk().take(world.placed(lines=(voucher, off)), world.paid())
    (key,) = [key for key in desk.waiting if key.startswith("reassurance:")]

    assert desk.why_outdated(key) == "nothing_to_send"
    assert desk.order is not None
    assert ships_by(desk.order, world.shop_with(payment={"ships_within": "2d"})) is None


def test_nobody_is_reassured_once_the_parcel_left_or_the_order_ended() -> None:
    begun = (world.placed(), world.paid())

    assert Desk().take(*begun, world.shipped()).why_withdrawn("reassurance") == {"order_shipped"}
    assert Desk().take(*begun, world.cancelled()).why_withdrawn("reassurance") == {"order_cancelled"}
    assert Desk().take(*begun, world.refunded(2000)).why_withdrawn("reassurance") == {"order_refunded"}


def test_a_payment_of_the_whole_is_a_part_once_the_total_grew() -> None:
    desk = Desk().take(
        world.placed(), world.paid(), world.placed(PLACED + days(1), total=Money(15000, "CNY"))
    )

    assert desk.order is not None
    assert (desk.order.paid, desk.order.left) == (Money(12800, "CNY"), Money(2200, "CNY"))
    assert desk.why_outdated(acknowledged().replace("payment_received", "reassurance")) == "order_partly_paid"
