"""What does not add up is a case for the seller, some minutes after the fact, until it does."""

from itertools import permutations

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
    desk = Desk().take(world.placed(), world.cancelled(hours(2)), world.paid(hours(5)))
    desk.take(world.weighed(hours(6)))
    assert desk.open_cases == {"paid_after_cancel:1001"}

    desk.take(world.reopened(hours(6)))
    assert desk.open_cases == set()


def test_money_before_or_at_the_cancelling_is_not_late() -> None:
    for after in (hours(1), hours(2)):
        desk = Desk().take(world.placed(), world.paid(after), world.cancelled(hours(2)))
        assert set(desk.take(world.weighed(hours(3))).cases) == {"refund_owed:1001"}


def test_other_money_is_a_case_and_covers_nothing() -> None:
    desk = weighed(world.placed(), world.paid(minor=12800, currency="KRW"))

    assert desk.open_cases == {"other_currency:1001"}
    assert desk.order is not None
    assert (desk.order.state, desk.order.left) == ("payment_unclear", None)


def test_a_refund_of_other_money_is_a_case() -> None:
    assert weighed(world.placed(), world.paid(), world.refunded(2000, currency="EUR")).open_cases == {
        "other_currency:1001:refund"
    }


def test_a_payment_given_up_is_a_case() -> None:
    desk = Desk().take(world.placed(paid=cny(12800)), world.placed(PLACED + days(1), paid=cny(0)))
    assert desk.wakes["weigh:1001:given up"] == PLACED + days(1) + hours(1 / 6)

    assert desk.take(world.weighed()).open_cases == {"payment_given_up:1001"}


def test_what_does_not_add_up_again_after_it_was_settled_is_another_case() -> None:
    part = world.placed(paid=cny(5000))
    whole = world.placed(PLACED + hours(2), paid=cny(12800))
    desk = Desk().take(part, world.weighed(hours(1)), whole)
    assert (set(desk.cases), desk.open_cases) == ({"paid_partly:1001"}, set())

    desk.take(world.placed(PLACED + hours(3), total=cny(15000), paid=cny(12800)), world.weighed(hours(4)))
    assert desk.open_cases == {"paid_partly:1001:15000"}

    desk.take(world.placed(PLACED + hours(5), total=cny(15000), paid=cny(15000)))
    desk.take(world.placed(PLACED + hours(6), total=cny(15000), paid=cny(12800)), world.weighed(hours(7)))
    assert desk.wakes["weigh:1001:given up"] == PLACED + hours(6 + 1 / 6)
    assert desk.open_cases == {"paid_partly:1001:15000:2"}


def test_what_is_owed_after_a_refund_is_a_case() -> None:
    desk = Desk().take(world.placed(paid=cny(12800)), world.refunded(2000, hours(1)))
    more = world.placed(PLACED + hours(3), total=cny(15000), paid=cny(12800), asked=False)

    assert desk.take(more).wakes["weigh:1001:owed 2200CNY"] == PLACED + hours(3 + 1 / 6)
    assert desk.take(world.weighed(hours(4))).open_cases == {"paid_partly:1001:15000"}


def test_what_is_to_be_given_back_after_a_refund_is_a_case_until_it_is() -> None:
    """Such a total allows for what had gone back by then, and is no news to the buyer."""
    whole, back = world.placed(paid=cny(12800)), world.refunded(2000, hours(1))
    less = world.placed(PLACED + hours(3), placed_at=PLACED, total=cny(9800), paid=cny(12800), asked=False)
    for events in permutations((whole, back, less)):
        desk = Desk().take(*events)
        assert desk.wakes["weigh:1001:owed -3000CNY"] == PLACED + hours(3 + 1 / 6)
        desk.take(world.weighed(hours(4)))
        assert desk.open_cases == {"overpaid:1001:3000"}
        assert not [key for key in desk.messages if key.startswith("total_changed:")]
        desk.take(world.refunded(3000, hours(5), "r2"))
        assert desk.open_cases == set()


def test_a_payment_given_up_twice_is_two_cases() -> None:
    given, taken = (cny(12800), cny(0)) * 2, (0, 1, 3, 4)
    desk = Desk()
    for place, (paid, after) in enumerate(zip(given, taken, strict=True)):
        desk.take(world.placed(PLACED + hours(after), paid=paid))
        if place % 2:
            desk.take(world.weighed(hours(after + 0.5)))
    assert desk.wakes["weigh:1001:given up:2"] == PLACED + hours(4 + 1 / 6)
    assert desk.open_cases == {"payment_given_up:1001:2"}
    assert set(desk.cases) == {"payment_given_up:1001", "payment_given_up:1001:2"}


def test_each_payment_after_a_cancelling_is_a_case() -> None:
    desk = weighed(world.placed(), world.cancelled(hours(2)), world.paid(hours(5), 12800))
    desk.take(world.refunded(12800, hours(6)), world.paid(hours(7), 4000), world.weighed(hours(8)))
    assert desk.open_cases == {"paid_after_cancel:1001:2"}  # the first one went back
    assert desk.reasons["paid_after_cancel:1001:2"].details["amount"] == "40.00 CNY"


def test_an_authorisation_given_up_is_a_case_until_the_money_comes() -> None:
    held = world.placed(paid=cny(0), authorised=True)
    desk = Desk().take(held, world.weighed())
    assert desk.cases == {}

    desk.take(world.placed(PLACED + days(1), paid=cny(0)), world.weighed())
    assert desk.wakes["weigh:1001:given up"] == PLACED + days(1) + hours(1 / 6)
    assert desk.open_cases == {"authorisation_given_up:1001"}

    desk.take(world.placed(PLACED + days(2), paid=cny(12800)))
    assert desk.open_cases == set()


def test_what_was_given_up_is_weighed_also_if_nobody_showed_that_it_was_set_aside() -> None:
    given_up = world.placed(PLACED + hours(2), paid=cny(0), given_up=True)
    for events in ([given_up], [world.placed(paid=cny(0)), given_up], [given_up, world.placed(paid=cny(0))]):
        desk = Desk().take(*events)
        assert PLACED + hours(2 + 1 / 6) in desk.wakes.values()
        assert desk.take(world.weighed(hours(3))).open_cases == {"authorisation_given_up:1001"}


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


def test_a_refund_of_what_nobody_paid_is_a_case_until_the_payment_is_told() -> None:
    for money in (world.refunded(2000), world.refunded()):
        (case,) = weighed(world.placed(), money).open_cases
        assert case.startswith("refunded_unpaid:1001:")
    for arrival in permutations((world.placed(), world.refunded(2000), world.paid(days(6), 12800))):
        assert weighed(*arrival).cases == {}

    desk = weighed(world.placed(), world.refunded(2000))
    assert desk.take(world.paid(minor=12800)).open_cases == set()


def test_what_was_paid_to_the_carrier_may_go_back_though_nobody_told_of_it() -> None:
    came = (world.placed(pay_on_delivery=True), world.delivered(), world.refunded(2000))
    for arrival in permutations(came):
        assert weighed(*arrival).cases == {}
    assert weighed(*came[:1], came[2]).open_cases == {"refunded_unpaid:1001:2000"}

    ahead = (world.placed(pay_on_delivery=True), world.paid(minor=2800), world.delivered())
    assert "refunded_more" not in str(weighed(*ahead, world.refunded(12800)).cases)
    assert "refunded_more:1001:12900" in weighed(*ahead, world.refunded(12900)).open_cases


def test_more_paid_back_than_was_paid_is_a_case_until_it_is_told_otherwise() -> None:
    """The buyer pays the rest back, or the refund is told with another sum."""
    for mend in (world.paid(days(6), 100), world.refunded(12800, days(6))):
        desk = weighed(world.placed(), world.paid(minor=12800), world.refunded(12900))
        assert desk.open_cases == {"refunded_more:1001:12900"}
        assert desk.take(mend).open_cases == set()


def test_more_than_the_total_is_a_case_until_it_is_given_back() -> None:
    desk = weighed(world.placed(), world.paid(), world.placed(PLACED + hours(3), total=cny(10000)))
    assert desk.open_cases == {"overpaid:1001:2800"}
    assert desk.reasons["overpaid:1001:2800"].details["amount"] == "28.00 CNY"

    desk.take(world.refunded(2800))
    assert desk.open_cases == set()


def test_old_money_of_an_import_is_not_weighed() -> None:
    desk = Desk().take(world.placed(), world.paid(minor=5000))

    assert desk.take(world.weighed(), now=PLACED + days(60)).cases == {}


def test_a_payment_told_of_and_then_shown_as_none_is_given_up_and_nobody_is_thanked() -> None:
    taken_back = world.placed(PLACED + hours(3), placed_at=PLACED, paid=cny(0))
    desk = Desk().take(world.placed(paid=cny(0)), world.paid(hours(1)), taken_back)

    assert PLACED + hours(3 + 1 / 6) in desk.wakes.values()
    desk.take(world.weighed())
    assert desk.open_cases == {"payment_given_up:1001"}


def test_a_parcel_that_leaves_after_the_cancelling_is_a_case_until_the_order_comes_back() -> None:
    desk = Desk().take(world.placed(), world.paid(), world.cancelled(hours(2)), world.shipped(after=days(1)))
    desk.take(world.weighed(days(1.1)))
    assert desk.open_cases == {"refund_owed:1001", "sent_after_cancel:1001"}
    assert weighed(world.placed(), world.shipped(after=hours(1)), world.cancelled(hours(2))).cases == {}

    desk.take(world.reopened(days(2)))
    assert desk.open_cases == set()


def test_of_two_sums_too_much_only_the_newest_is_open() -> None:
    desk = weighed(world.placed(), world.paid(hours(1), 13800))
    desk.take(world.paid(hours(2), 1000), world.weighed())

    assert desk.open_cases == {"overpaid:1001:2000"}


def test_other_money_beside_the_whole_is_shown_and_hides_no_payment() -> None:
    desk = weighed(world.placed(), world.paid(hours(1), 12800, currency="KRW"), world.paid(hours(2), 12800))

    assert desk.open_cases == {"other_currency:1001"}
    assert desk.order is not None
    assert desk.order.state == "paid"


def test_an_order_that_is_no_longer_paid_on_delivery_is_a_case_and_nobody_is_pressed() -> None:
    changed = world.placed(PLACED + hours(1), placed_at=PLACED, pay_on_delivery=False)
    for events in permutations((world.placed(pay_on_delivery=True), changed)):
        desk = weighed(*events)
        assert desk.open_cases == {"pay_way_changed:1001"}
        assert desk.order is not None
        assert desk.order.state == "unpaid"
        assert not [key for key in desk.waiting if key.startswith("payment_reminder:")]
    desk.take(world.paid(hours(5)))
    assert desk.open_cases == set()
    assert desk.why_outdated(world.acknowledged(hours(5))) is None


def test_what_is_to_go_back_after_a_cancelling_is_a_case_as_soon_as_the_buyer_is_told_so_until_it_went() -> (
    None
):
    desk = Desk().take(world.placed(), world.paid(), world.cancelled(hours(2)))
    assert PLACED + hours(2 + 1 / 6) in desk.wakes.values()

    desk.take(world.weighed(hours(2.2)))
    assert desk.open_cases == {"refund_owed:1001"}
    desk.take(world.reopened(days(4)))
    assert desk.open_cases == set()
    desk.take(world.cancelled(days(5)), world.cancelled(days(5.05)), world.weighed(days(5.1)))
    assert desk.open_cases == {"refund_owed:1001:2"}
    desk.take(world.refunded(after=days(9)))
    assert desk.open_cases == set()


def test_what_was_shown_as_paid_is_to_go_back_also_if_the_cancelling_shows_nothing_of_it() -> None:
    part = world.placed(PLACED + hours(1), placed_at=PLACED, paid=cny(2800))
    silent = world.placed(PLACED + hours(2), placed_at=PLACED)
    for arrival in permutations((world.placed(paid=cny(0)), part, silent, world.cancelled(hours(2)))):
        desk = Desk().take(*arrival, world.weighed(hours(2.2)))
        assert desk.open_cases == {"refund_owed:1001"}
        assert desk.reasons["refund_owed:1001"].details["amount"] == "28.00 CNY"


def test_what_is_to_go_back_is_weighed_anew_once_an_order_is_told_that_came_after_its_facts() -> None:
    facts = (world.paid(), world.cancelled(hours(1)))
    desk = Desk().take(*facts, world.weighed(hours(1.2)), now=PLACED + hours(1.2))
    before = set(desk.wakes)

    desk.take(world.placed(), now=PLACED + hours(3))
    assert PLACED + hours(1 + 1 / 6) in {at for key, at in desk.wakes.items() if key not in before}
    desk.take(world.weighed(hours(3)), now=PLACED + hours(3))
    assert desk.open_cases == {"refund_owed:1001"}


def test_nothing_is_to_go_back_where_nothing_came_or_it_went_with_the_cancelling() -> None:
    held = world.placed(paid=cny(0), authorised=True)
    for events in (
        [world.placed(), world.cancelled(hours(2))],
        [held, world.cancelled(hours(2))],
        [world.placed(), world.paid(), world.cancelled(hours(2)), world.refunded(12800, hours(2))],
    ):
        for arrival in permutations(events):
            assert weighed(*arrival).cases == {}


def test_what_comes_of_an_order_on_delivery_before_it_leaves_is_a_case_and_after_that_the_carriers() -> None:
    """In whatever order it is told, or becomes payable on delivery."""
    at_the_door = world.placed(PLACED + hours(2), placed_at=PLACED, pay_on_delivery=True)
    for minor in (12800, 5000):
        came = (world.placed(), at_the_door, world.paid(hours(3), minor), world.shipped(after=hours(4)))
        for events in permutations(came):
            desk = weighed(*events)
            assert desk.open_cases == {f"paid_ahead:1001:{minor}"}
            assert desk.why_outdated(world.acknowledged(hours(3), f"{minor}CNY")) is None

        late = (
            world.placed(pay_on_delivery=True),
            world.shipped(after=hours(4)),
            world.paid(hours(5), minor),
        )
        for events in permutations(late):
            desk = weighed(*events)
            assert not [key for key in desk.open_cases if key.startswith("paid_ahead")]
            assert desk.why_outdated(world.acknowledged(hours(5), f"{minor}CNY")) == "pay_on_delivery"


def test_what_becomes_payable_on_delivery_once_a_part_came_is_weighed_again() -> None:
    desk = Desk().take(world.placed(), world.paid(hours(1), 5000), world.weighed(hours(2)))
    assert desk.open_cases == {"paid_partly:1001"}

    desk.take(world.placed(PLACED + hours(3), placed_at=PLACED, pay_on_delivery=True))
    assert PLACED + hours(3 + 1 / 6) in desk.wakes.values()
    assert desk.take(world.weighed(hours(4))).open_cases == {"paid_ahead:1001:5000"}


def test_a_parcel_that_leaves_after_all_went_back_is_a_case_and_one_that_left_before_is_none() -> None:
    told = (world.placed(), world.paid(minor=12800), world.refunded(12800, after=hours(5)))
    for events in permutations((*told, world.shipped(after=hours(6)))):
        assert weighed(*events).open_cases == {"sent_after_refund:1001"}
    for events in permutations((*told, world.shipped(after=hours(4)))):
        assert weighed(*events).open_cases == set()


def test_what_comes_while_nothing_is_out_is_ahead_and_what_comes_at_the_door_adds_nothing_to_it() -> None:
    at_the_door = world.placed(pay_on_delivery=True)
    again = (world.shipped(after=hours(2)), world.taken_back(after=hours(3)), world.shipped(after=hours(6)))
    for events in permutations((at_the_door, *again, world.paid(hours(4), 12800))):
        assert weighed(*events).open_cases == {"paid_ahead:1001:12800"}

    part, rest = world.paid(hours(1), 2800), world.paid(hours(9), 10000)
    for events in permutations((at_the_door, part, world.shipped(after=hours(2)), rest)):
        desk = weighed(*events)
        assert desk.open_cases == {"paid_ahead:1001:2800"}
        assert desk.why_outdated(world.acknowledged(hours(9), "10000CNY")) == "pay_on_delivery"


def test_an_order_on_delivery_of_which_all_that_came_ahead_goes_back_is_paid_to_the_carrier() -> None:
    told = (world.placed(pay_on_delivery=True), world.paid(hours(1), 2800), world.refunded(2800, hours(3)))
    for events in permutations(told):
        desk = weighed(*events)
        assert desk.open_cases == set()
        assert desk.order is not None
        assert (desk.order.state, desk.order.left) == ("on_delivery", cny(12800))
