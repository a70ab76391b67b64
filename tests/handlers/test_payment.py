"""Money came, in whole, in part, or too late."""

from bot.domain.money import Money
from tests.handlers import world
from tests.handlers.world import PLACED, Desk, days, hours


def test_payment_is_acknowledged_as_of_its_own_time() -> None:
    desk = Desk().take(world.placed(), world.paid())

    assert desk.waiting["payment_received:1001"].at == PLACED + hours(1)


def test_a_payment_is_acknowledged_when_its_parts_fill_the_total() -> None:
    desk = Desk().take(world.placed(), world.paid(hours(1), 5000))
    assert "payment_received:1001" not in desk.messages

    desk.take(world.paid(hours(4), 7800))

    assert desk.waiting["payment_received:1001"].at == PLACED + hours(4)


def test_a_partial_payment_is_a_case_until_it_is_filled_up() -> None:
    desk = Desk().take(world.placed(), world.paid(hours(1), 5000))
    assert desk.open_cases == {"paid_partly:1001"}
    assert desk.reasons["paid_partly:1001"].details["amount"] == "50.00 CNY"

    desk.take(world.paid(hours(4), 7800))

    assert desk.open_cases == set()


def test_an_amount_is_not_judged_before_the_total_is_known() -> None:
    desk = Desk().take(world.paid(minor=5000))

    assert (desk.messages, desk.cases) == ({}, {})


def test_money_after_cancelling_is_a_case_and_no_acknowledgement() -> None:
    desk = Desk().take(world.placed(), world.cancelled(hours(2)), world.paid(hours(5)))

    assert desk.open_cases == {"paid_after_cancel:1001"}
    assert desk.why_outdated("payment_received:1001") == "order_cancelled"


def test_cancelling_after_payment_is_no_late_payment() -> None:
    desk = Desk().take(world.placed(), world.paid(hours(1)), world.cancelled(hours(2)))

    assert desk.cases == {}


def test_a_payment_at_exactly_the_time_of_the_cancelling_is_not_late() -> None:
    desk = Desk().take(world.placed(), world.cancelled(hours(2)), world.paid(hours(2)))

    assert desk.cases == {}


def test_a_late_payment_is_settled_when_the_order_comes_back() -> None:
    desk = Desk().take(world.placed(), world.cancelled(hours(2)), world.paid(hours(5)))

    desk.take(world.reopened(hours(6)))

    assert desk.open_cases == set()
    assert desk.why_outdated("payment_received:1001") is None


def test_a_day_after_payment_the_buyer_is_reassured() -> None:
    desk = Desk().take(world.placed(), world.paid())

    assert desk.waiting["reassurance:1001:1"].at == PLACED + hours(25)
    assert desk.why_outdated("reassurance:1001:1") is None


def test_nobody_is_reassured_once_the_parcel_left_or_the_order_ended() -> None:
    begun = (world.placed(), world.paid())

    assert Desk().take(*begun, world.shipped()).why_withdrawn("reassurance") == {"order_shipped"}
    assert Desk().take(*begun, world.cancelled()).why_withdrawn("reassurance") == {"order_cancelled"}
    assert Desk().take(*begun, world.refunded(2000)).why_withdrawn("reassurance") == {"order_refunded"}


def test_nobody_is_reassured_while_a_case_is_open() -> None:
    desk = Desk().take(world.placed(), world.paid())

    assert desk.why_outdated("reassurance:1001:1", cases=(world.human_case(),)) == "case_open"


def test_a_payment_overtaken_by_a_higher_total_is_not_acknowledged() -> None:
    desk = Desk().take(world.placed(), world.paid(minor=12800))

    desk.take(
        world.placed(PLACED + days(1), total=Money(15000, "CNY")),
    )

    assert desk.why_outdated("payment_received:1001") == "order_partly_paid"
