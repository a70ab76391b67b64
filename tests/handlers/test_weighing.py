"""What does not add up is a case for the seller, some minutes after the fact, until it does."""

from bot.domain.events import OrderEvent
from bot.domain.money import Money
from tests.handlers import world
from tests.handlers.world import PLACED, Desk, days, hours


def weighed(*events: OrderEvent) -> Desk:
    return Desk().take(*events, world.weighed())


def cny(minor: int) -> Money:
    return Money(minor, "CNY")


def test_an_ordinary_payment_needs_no_weighing() -> None:
    for money in (world.paid(), world.paid(minor=12800)):
        desk = Desk().take(world.placed(), money)
        assert not [key for key in desk.wakes if key.startswith("weigh")]


def test_a_part_is_weighed_ten_minutes_after_it_came_and_a_case_until_it_is_filled_up() -> None:
    desk = Desk().take(world.placed(), world.paid(hours(1), 5000))
    assert PLACED + hours(1 + 1 / 6) in desk.wakes.values()

    desk.take(world.weighed(hours(2)))
    assert desk.open_cases == {"paid_partly:1001"}
    assert desk.reasons["paid_partly:1001"].details["amount"] == "50.00 CNY"

    desk.take(world.paid(hours(4), 7800))
    assert desk.open_cases == set()


def test_a_part_whose_rest_came_meanwhile_is_no_case() -> None:
    assert weighed(world.placed(), world.paid(hours(1), 5000), world.paid(hours(4), 7800)).cases == {}


def test_money_after_cancelling_is_a_case_until_the_order_comes_back() -> None:
    desk = weighed(world.placed(), world.cancelled(hours(2)), world.paid(hours(5)))
    assert desk.open_cases == {"paid_after_cancel:1001"}

    desk.take(world.reopened(hours(6)))
    assert desk.open_cases == set()


def test_money_before_or_at_the_cancelling_is_not_late() -> None:
    for after in (hours(1), hours(2)):
        assert weighed(world.placed(), world.paid(after), world.cancelled(hours(2))).cases == {}


def test_other_money_is_a_case_and_covers_nothing() -> None:
    desk = weighed(world.placed(), world.paid(minor=12800, currency="KRW"))

    assert desk.open_cases == {"other_currency:1001"}
    assert desk.order is not None
    assert (desk.order.state, desk.order.left) == ("payment_unclear", None)


def test_a_refund_of_other_money_is_a_case() -> None:
    assert weighed(world.placed(), world.paid(), world.refunded(2000, currency="EUR")).open_cases == {
        "other_currency:1001"
    }


def test_a_payment_given_up_is_a_case() -> None:
    desk = Desk().take(world.placed(paid=cny(12800)), world.placed(PLACED + days(1), paid=cny(0)))
    assert desk.wakes["weigh:1001:given up"] == PLACED + days(1) + hours(1 / 6)

    assert desk.take(world.weighed()).open_cases == {"payment_given_up:1001"}


def test_an_authorisation_given_up_is_a_case_until_the_money_comes() -> None:
    held = world.placed(paid=cny(0), authorised=True)
    desk = Desk().take(held, world.weighed())
    assert desk.cases == {}

    desk.take(world.placed(PLACED + days(1), paid=cny(0)), world.weighed())
    assert desk.wakes["weigh:1001:given up"] == PLACED + days(1) + hours(1 / 6)
    assert desk.open_cases == {"authorisation_given_up:1001"}

    desk.take(world.placed(PLACED + days(2), paid=cny(12800)))
    assert desk.open_cases == set()


def test_an_authorisation_that_an_older_release_took_for_a_payment_is_not_given_up() -> None:
    desk = Desk().take(
        world.placed(paid=cny(12800)), world.placed(PLACED + days(1), paid=cny(0), authorised=True)
    )

    assert desk.take(world.weighed()).cases == {}


def test_a_refund_larger_than_what_was_paid_is_a_case_and_an_equal_one_is_not() -> None:
    assert weighed(world.placed(), world.paid(minor=12800), world.refunded(12900)).open_cases == {
        "refunded_more:1001:12900"
    }
    assert weighed(world.placed(), world.paid(minor=12800), world.refunded(12800)).cases == {}


def test_more_than_the_total_is_a_case_until_it_is_given_back() -> None:
    desk = weighed(world.placed(), world.paid(), world.placed(PLACED + hours(3), total=cny(10000)))
    assert desk.open_cases == {"overpaid:1001:2800"}
    assert desk.reasons["overpaid:1001:2800"].details["amount"] == "28.00 CNY"

    desk.take(world.refunded(2800))
    assert desk.open_cases == set()


def test_old_money_of_an_import_is_not_weighed() -> None:
    desk = Desk().take(world.placed(), world.paid(minor=5000))

    assert desk.take(world.weighed(), now=PLACED + days(60)).cases == {}
