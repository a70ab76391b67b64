"""An order that has not left by the promised day: a case that opens by itself, and a person for who asks."""

from datetime import timedelta
from itertools import permutations

import msgspec

from bot.domain.actions import CallHuman
from bot.domain.context import Case
from bot.domain.money import Money
from bot.domain.shipping_promise import ships_by
from tests.handlers import world
from tests.handlers.world import HOUR, PLACED, Desk, chat_context, days, decide, hours, order_of, time_came

PAID = (world.placed(), world.paid())  # on a Friday at 11:00 in Shanghai
BY = ships_by(order_of(*PAID), world.SHOP) or PLACED  # the end of Tuesday


def late(desk: Desk, at: timedelta = timedelta(0)) -> Desk:
    return desk.take(time_came("late_shipping", BY + at), now=BY + at)


def test_the_deadline_is_the_end_of_the_promised_day() -> None:
    desk = Desk().take(*PAID)

    assert f"{BY:%a %d %b %H:%M:%S}" == "Tue 24 Nov 23:59:59"
    assert BY in desk.wakes.values()
    assert desk.open_cases == set()


def test_a_case_opens_at_the_deadline_and_closes_when_it_is_shipped() -> None:
    desk = late(Desk().take(*PAID))
    assert desk.open_cases == {"late_shipping:1001:2026-11-24"}
    assert desk.reasons["late_shipping:1001:2026-11-24"].details == {"order": "1001", "day": "2026-11-24"}

    desk.take(world.shipped(after=days(9)))

    assert desk.open_cases == set()


def test_a_case_closes_too_when_nothing_is_to_be_shipped_any_more() -> None:
    for end in (world.cancelled(days(9)), world.refunded(after=days(9)), world.completed(days(9))):
        assert late(Desk().take(*PAID)).take(end).open_cases == set()


def test_no_case_opens_for_what_left_ended_or_was_never_paid() -> None:
    for facts in ((*PAID, world.shipped()), (*PAID, world.cancelled()), (world.placed(),)):
        assert late(Desk().take(*facts)).cases == {}


def test_the_rest_of_an_order_of_which_a_part_left_is_due_on_the_same_day() -> None:
    key = "late_shipping:1001:2026-11-24"
    desk = late(Desk().take(*PAID, world.shipped(last=False), world.delivered("A")))
    assert desk.open_cases == {key}
    assert (desk.reasons[key].reason, desk.reasons[key].details) == (
        "late_rest",
        {"order": "1001", "day": "2026-11-24"},
    )
    assert late(desk).open_cases == {key}

    desk.take(world.shipped("B", after=days(9), last=True))

    assert desk.open_cases == set()


def test_a_part_that_leaves_late_closes_no_case() -> None:
    desk = late(Desk().take(*PAID)).take(world.shipped(after=days(9), last=False))

    assert desk.open_cases == {"late_shipping:1001:2026-11-24"}


def test_no_day_is_promised_for_the_rest_of_what_is_not_paid_or_may_have_left() -> None:
    unpaid = (world.placed(), world.shipped(last=False))
    for facts in (unpaid, (*PAID, world.shipped()), (*PAID, world.shipped(last=False), world.completed())):
        assert late(Desk().take(*facts)).cases == {}


def test_who_asks_after_the_late_rest_gets_a_person() -> None:
    order = order_of(*PAID, world.shipped(last=False))
    context = chat_context(order, now=BY + HOUR)

    calls = [a for a in decide(world.wrote("Where is my order?"), context) if isinstance(a, CallHuman)]

    assert [call.reason for call in calls] == ["asked_for_late"]


def test_an_order_whose_parcel_was_taken_back_after_the_day_is_late_again() -> None:
    back = PLACED + days(9)
    for facts in permutations((*PAID, world.shipped(), world.taken_back(after=days(9)))):
        desk = Desk().take(*facts)
        assert back in desk.wakes.values()

        desk.take(time_came("late_shipping", back), now=back)
        assert desk.open_cases == {f"late_shipping:1001:2026-11-24:{int(back.timestamp())}"}


def test_a_restored_order_has_a_new_day() -> None:
    desk = late(Desk().take(*PAID, world.cancelled(days(1)), world.reopened(days(3))))
    assert desk.open_cases == set()

    again = ships_by(desk.order or order_of(*PAID), desk.shop)
    assert again
    assert again > BY
    assert again in desk.wakes.values()


def test_an_order_that_was_deleted_and_restored_has_a_new_day() -> None:
    deleted = msgspec.structs.replace(world.cancelled(days(1)), reason="deleted")
    desk = Desk().take(*PAID, deleted, world.reopened(days(3)))

    again = ships_by(desk.order or order_of(*PAID), desk.shop)
    assert again
    assert again > BY
    assert again in desk.wakes.values()


def test_a_payment_that_only_the_order_itself_tells_has_its_day_as_well() -> None:
    shown = world.placed(paid=Money(12800, "CNY"))
    desk = Desk().take(shown)

    by = ships_by(order_of(shown), desk.shop)
    assert by is not None
    assert by in desk.wakes.values()


def test_an_import_of_old_orders_opens_no_cases() -> None:
    assert late(Desk().take(*PAID), days(31)).cases == {}


def test_the_deadlines_do_not_depend_on_the_order_of_arrival() -> None:
    facts = (
        world.placed(),
        world.paid(HOUR, 5000),
        world.paid(days(3), 7800),
        world.cancelled(days(4)),
        world.reopened(days(5)),
        world.shipped(after=days(6)),
    )
    ends = {tuple(sorted(Desk().take(*order).wakes.items())) for order in permutations(facts)}

    assert len(ends) == 1


def test_who_asks_after_a_late_order_gets_a_person() -> None:
    asked = world.wrote("Where is my order?")
    order = order_of(*PAID)

    before = decide(asked, chat_context(order, now=BY - HOUR))
    after = decide(asked, chat_context(order, now=BY + HOUR))

    assert [action for action in before if isinstance(action, CallHuman)] == []
    assert [action.reason for action in after if isinstance(action, CallHuman)] == ["asked_for_late"]


def test_nobody_is_reassured_about_a_late_order() -> None:
    desk = Desk(world.shop_with(payment={"ships_within": "1h"})).take(*PAID)
    key = next(key for key in desk.waiting if key.startswith("reassurance:"))

    assert desk.why_outdated(key, now=PLACED + HOUR) is None
    assert desk.why_outdated(key, now=PLACED + days(2)) == "late_shipping"


def test_one_case_is_enough() -> None:
    desk = late(Desk().take(*PAID))
    known = Case(
        number=9, kind="late_shipping", key="late_shipping:1001:x", reason="r", opened_at=BY, order="1001"
    )
    desk.cases = {known.key: known}

    late(desk, hours(1))

    assert desk.open_cases == {known.key}


def test_a_payment_that_was_taken_back_and_stands_again_has_a_new_day() -> None:
    desk = Desk().take(
        world.placed(paid=Money(0, "CNY")),
        world.paid(),
        world.placed(PLACED + days(1), placed_at=PLACED, paid=Money(0, "CNY")),
        world.placed(PLACED + days(8), placed_at=PLACED),
    )
    by = ships_by(desk.order, desk.shop) if desk.order else None

    assert by is not None
    assert by > PLACED + days(8)
    assert by in desk.wakes.values()


def test_a_parcel_that_is_called_off_and_not_replaced_is_a_case_a_day_later_until_another_leaves() -> None:
    """What of it is missing nobody counted: the rest is told as all of it."""
    both = (world.shipped("A"), world.shipped("B", after=days(1.1)), world.taken_back("B", days(2)))
    for told in permutations((*both, world.delivered("A"))):
        desk = Desk().take(*PAID, *told)
        assert PLACED + days(3) in desk.wakes.values()
        desk.take(time_came("late_shipping", PLACED + days(3)), now=PLACED + days(3))
        (key,) = desk.open_cases
        assert desk.reasons[key].reason == "nothing_in_its_place"
        assert desk.take(world.shipped("C", after=days(4))).open_cases == set()

    soon = Desk().take(*PAID, *both, world.shipped("C", after=days(2.5)))
    assert soon.take(time_came("late_shipping", PLACED + days(3)), now=PLACED + days(3)).open_cases == set()


def test_a_parcel_called_off_beside_one_that_is_surely_all_of_it_is_no_case() -> None:
    whole, twice = world.shipped("A", last=True), world.shipped("B")
    desk = Desk().take(*PAID, whole, twice, world.taken_back("B", days(2)))

    desk.take(time_came("late_shipping", PLACED + days(3)), now=PLACED + days(3))
    assert desk.open_cases == set()
