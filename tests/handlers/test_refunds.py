"""Cancelled, refunded, refunded in part."""

import msgspec
import pytest

from bot.domain.context import Said
from bot.domain.events import OrderEvent
from bot.domain.money import Money
from tests.handlers import world
from tests.handlers.world import PLACED, Desk, acknowledged, days, hours


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

    notice = desk.waiting["partly_refunded:1001:r1"]
    assert (notice.values, notice.at) == ({"refund": "r1"}, PLACED + days(5))
    assert desk.why_outdated("partly_refunded:1001:r1") is None
    assert desk.why_outdated("refunded:1001:r1") == "refund_told_otherwise"


@pytest.mark.parametrize("paid", [(), (world.paid(minor=12800),)])
def test_a_refund_of_the_total_is_reported_as_the_whole(paid: tuple[OrderEvent, ...]) -> None:
    desk = Desk().take(world.placed(), *paid, world.refunded(12800))

    assert desk.why_outdated("refunded:1001:r1") is None
    assert desk.why_outdated("partly_refunded:1001:r1") == "refund_told_otherwise"


def test_the_part_that_gives_back_the_rest_is_the_whole() -> None:
    desk = Desk().take(world.placed(), world.paid(), world.refunded(2800), world.refunded(10000, refund="r2"))

    assert desk.why_outdated("refunded:1001:r2") is None


def test_a_whole_told_before_is_not_told_again_by_its_number() -> None:
    desk = Desk().take(world.placed(), world.paid(), world.refunded(refund="all"), world.refunded(12800))
    told = Said(key="refunded:1001:all", template="refunded", state="sent", sent_at=PLACED)

    assert desk.order is not None
    assert desk.order.refunded == Money(12800, "CNY")
    assert desk.why_outdated("refunded:1001:r1") is None
    assert desk.why_outdated("refunded:1001:r1", said=(told,)) == "already_told"


def test_a_refund_in_other_money_is_not_called_a_part_or_the_whole() -> None:
    desk = Desk().take(world.placed(), world.paid(), world.refunded(12800, currency="EUR"))

    for template in ("refunded", "partly_refunded"):
        assert desk.why_outdated(f"{template}:1001:r1") == "payment_unclear"


def test_an_amount_is_reported_only_when_the_total_is_known() -> None:
    desk = Desk().take(world.refunded(2000))
    assert desk.messages == {}

    desk.take(world.placed())

    assert desk.why_outdated("partly_refunded:1001:r1") is None


def test_a_second_cancelling_after_a_reopening_is_reported_as_well() -> None:
    desk = Desk().take(world.placed(), world.cancelled(hours(2)), world.reopened(hours(3)))
    assert desk.why_outdated("cancelled:1001") == "order_reopened"

    desk.take(world.cancelled(hours(4)))
    again = f"cancelled:1001:{PLACED + hours(3):%Y%m%dT%H%M%S.%f}"
    assert (desk.waiting[again].at, desk.why_outdated(again)) == (PLACED + hours(4), None)
    assert desk.why_outdated("cancelled:1001") == "order_reopened"  # if it still waits, the second says it


def test_a_cancelling_that_is_told_again_and_again_is_one() -> None:
    desk = Desk().take(world.placed(), *(world.cancelled(hours(after)) for after in (4, 2, 3)))

    assert [key for key in desk.messages if key.startswith("cancelled")] == ["cancelled:1001"]
    assert desk.waiting["cancelled:1001"].at == PLACED + hours(2)


def deleted(after: float) -> OrderEvent:
    return msgspec.structs.replace(world.cancelled(days(after)), reason="deleted")


def test_deleting_an_order_that_was_done_is_tidying_up() -> None:
    for done in (world.shipped(), world.completed(), world.delivered(), world.refunded()):
        desk = Desk().take(world.placed(), world.paid(), done, deleted(90))
        assert desk.why_outdated("cancelled:1001") == "order_reopened"
        assert desk.order is not None
        assert not desk.order.cancelled


def test_deleting_an_open_order_cancels_it() -> None:
    desk = Desk().take(world.placed(), deleted(1))

    assert desk.why_outdated("cancelled:1001") is None


def test_each_refund_has_a_message_of_its_own() -> None:
    desk = Desk().take(world.placed(), world.refunded(2000, refund="r1"), world.refunded(3000, refund="r2"))

    assert {"refunded:1001:r1", "refunded:1001:r2"} <= set(desk.waiting)


def test_the_whole_money_back_ends_what_was_cheerful() -> None:
    desk = Desk().take(world.placed(), world.paid(), world.shipped(), world.refunded())

    assert desk.why_outdated(acknowledged()) == "order_refunded"
    assert desk.why_outdated("shipped:1001:A") == "order_refunded"
