"""Cancelled, refunded, refunded in part."""

from tests.handlers import world
from tests.handlers.world import PLACED, Desk, days, hours


def test_a_cancelled_order_is_reported_as_of_its_cancelling() -> None:
    desk = Desk().take(world.placed(), world.cancelled())

    assert desk.waiting["cancelled:1001"].at == PLACED + hours(2)


def test_a_cancelling_taken_back_is_not_reported() -> None:
    desk = Desk().take(world.placed(), world.cancelled(), world.reopened())

    assert desk.why_outdated("cancelled:1001") == "order_reopened"


def test_a_refund_without_an_amount_is_the_whole() -> None:
    desk = Desk().take(world.refunded())

    assert desk.waiting["refunded:1001:r1"].template == "refunded"


def test_a_part_is_reported_as_a_part_with_its_refund() -> None:
    desk = Desk().take(world.placed(), world.paid(), world.refunded(2000))

    notice = desk.waiting["refunded:1001:r1"]
    assert (notice.template, notice.values, notice.at) == (
        "partly_refunded",
        {"refund": "r1"},
        PLACED + days(5),
    )
    assert desk.why_outdated("refunded:1001:r1") is None


def test_a_refund_of_the_total_is_reported_as_the_whole() -> None:
    desk = Desk().take(world.placed(), world.refunded(12800))

    assert desk.waiting["refunded:1001:r1"].template == "refunded"


def test_an_amount_is_reported_only_when_the_total_is_known() -> None:
    desk = Desk().take(world.refunded(2000))
    assert desk.messages == {}

    desk.take(world.placed())

    assert desk.waiting["refunded:1001:r1"].template == "partly_refunded"


def test_each_refund_has_a_message_of_its_own() -> None:
    desk = Desk().take(world.placed(), world.refunded(2000, refund="r1"), world.refunded(3000, refund="r2"))

    assert {"refunded:1001:r1", "refunded:1001:r2"} <= set(desk.waiting)


def test_the_whole_money_back_ends_what_was_cheerful() -> None:
    desk = Desk().take(world.placed(), world.paid(), world.shipped(), world.refunded())

    assert desk.why_outdated("payment_received:1001") == "order_refunded"
    assert desk.why_outdated("shipped:1001:A") == "order_refunded"
