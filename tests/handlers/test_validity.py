"""Which facts make a message about an order outdated, and which reason they give."""

from datetime import datetime, timedelta, timezone

import msgspec
import pytest

from bot.domain.context import Case
from bot.domain.messages import DueMessage, Facts, Reason
from bot.domain.money import Money
from bot.domain.orders import Order
from handlers import validity
from tests.handlers import world
from tests.handlers.world import ANN, PLACED, SHOP, days, hours, human_case, order_of

DUE = DueMessage(
    key="k",
    template="t",
    category="service",
    due_at=PLACED,
    created_at=PLACED,
    lateness=timedelta(days=1),
    order="1001",
)
UNPAID = order_of(world.placed())
HELD = order_of(world.placed(authorised=True))
CLAIM = Case(
    number=9, kind="payment_claim", key="c", reason="payment_claimed", opened_at=PLACED, order="1001"
)


def facts(order: Order | None = UNPAID, *cases: Case) -> Facts:
    return Facts(shop=SHOP, buyer=ANN, order=order, cases=cases)


def code(reason: Reason | None) -> str | None:
    """The code of a reason that is declared with just these values."""
    if reason is None:
        return None
    assert set(reason.values) == set(validity.REASONS[reason.code])
    return reason.code


def test_a_message_of_an_unknown_order_is_not_sent_whatever_its_own_check_says() -> None:
    check = validity.of_order(lambda due, order, known, now: None)

    assert check(DUE, facts(None), PLACED) == Reason("order_unknown", {"order": "1001"})
    assert check(DUE, facts(), PLACED) is None


@pytest.mark.parametrize(
    ("order", "now_cancelled", "ever"),
    [
        (UNPAID, None, None),
        (order_of(world.placed(), world.cancelled()), "order_cancelled", "order_cancelled"),
        (order_of(world.placed(), world.cancelled(), world.reopened()), None, "order_reopened"),
    ],
)
def test_a_reopened_order_is_not_cancelled_any_more_and_was_once(
    order: Order, now_cancelled: str | None, ever: str | None
) -> None:
    assert (code(validity.cancelled(order)), code(validity.ever_cancelled(order))) == (now_cancelled, ever)


@pytest.mark.parametrize(
    ("order", "why"),
    [
        (UNPAID, None),
        (order_of(world.placed(total=Money(0, "CNY"))), None),  # a later snapshot may cost something again
        (order_of(world.placed(), world.paid()), "order_paid"),
        (order_of(world.placed(), world.paid(minor=1)), "order_partly_paid"),
        (HELD, "order_authorised"),
        (order_of(world.placed(authorised=True), world.placed(PLACED + days(1))), "order_authorised"),
        (order_of(world.placed(), world.cancelled(), world.reopened()), "order_reopened"),
        (order_of(world.placed(), world.refunded(2000)), "order_refunded"),
        (order_of(world.placed(), world.shipped()), "order_shipped"),
        (order_of(world.placed(), world.delivered()), "order_delivered"),
        (order_of(world.placed(), world.completed()), "order_completed"),
    ],
)
def test_nobody_is_asked_to_pay_an_order_that_was_paid_left_or_ended(order: Order, why: str | None) -> None:
    assert code(validity.not_payable(order)) == why


def test_a_part_of_the_money_that_went_back_is_no_refund_in_full() -> None:
    part = order_of(world.placed(), world.paid(), world.refunded(2000))
    whole = order_of(world.placed(), world.paid(), world.refunded(12800))

    assert (code(validity.refunded(part)), validity.refunded_in_full(part)) == ("order_refunded", None)
    assert code(validity.refunded_in_full(whole)) == "order_refunded"


def test_an_order_has_arrived_with_the_first_parcel_of_it() -> None:
    order = order_of(
        world.placed(),
        world.shipped("A"),
        world.shipped("B"),
        world.delivered("A", days(3)),
        world.completed(days(5)),
    )
    reason = validity.arrived(order)

    assert code(reason) == "order_delivered"
    assert reason is not None
    assert reason.values["delivered_at"] == validity.iso(PLACED + days(3))


def test_an_order_is_closed_from_the_very_second_on() -> None:
    closes_at = PLACED + hours(72)

    assert validity.order_closed(UNPAID, closes_at, closes_at - timedelta(microseconds=1)) is None
    assert code(validity.order_closed(UNPAID, closes_at, closes_at)) == "order_closed"


@pytest.mark.parametrize(
    ("case", "of_claim", "of_any"),
    [
        (CLAIM, "case_open", "case_open"),
        (msgspec.structs.replace(CLAIM, closed_at=PLACED), None, None),
        (msgspec.structs.replace(CLAIM, order="1002"), None, "case_open"),
        (human_case(), None, "case_open"),
    ],
)
def test_an_open_claim_of_this_order_stops_a_reminder_and_any_open_case_stops_a_favour(
    case: Case, of_claim: str | None, of_any: str | None
) -> None:
    known = facts(UNPAID, case)

    assert (code(validity.claimed(UNPAID, known)), code(validity.case_open(known))) == (of_claim, of_any)


def test_a_time_in_a_reason_is_written_in_utc() -> None:
    shanghai = datetime(2026, 11, 21, 12, 0, tzinfo=timezone(hours(8)))

    assert validity.iso(shanghai) == "2026-11-21T04:00:00+00:00"


def test_buyers_and_sellers_hear_of_a_platforms_test_order_only_if_the_shop_tries() -> None:
    desk = world.Desk().take(world.placed(test=True), world.paid())
    tried = world.Desk(world.shop_with(say_test_orders=True)).take(world.placed(test=True), world.paid())

    close = world.time_came("late_shipping", world.PLACED + days(9))
    for each in (desk, tried):
        each.take(close, now=world.PLACED + days(9))

    assert {desk.why_outdated(key) for key in desk.messages} == {"test_order"}
    assert (len(desk.cases), len(tried.cases)) == (0, 1)
    assert tried.why_outdated(world.acknowledged()) is None
