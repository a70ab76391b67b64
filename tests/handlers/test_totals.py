"""The total goes up or down after the buyer heard of it."""

from itertools import permutations

import pytest

from bot.domain.context import Said
from bot.domain.events import OrderPlaced
from bot.domain.money import Money
from tests.handlers import world
from tests.handlers.world import PLACED, Desk, hours

NOW_150 = "total_changed:1001:15000CNY"


def shown(after: float, minor: int) -> OrderPlaced:
    return world.placed(PLACED + hours(after), total=Money(minor, "CNY"))


def said(total: int | None, template: str = "order_confirmation", after: float = 0) -> Said:
    known = None if total is None else Money(total, "CNY")
    return Said(key="x", template=template, state="sent", sent_at=PLACED + hours(after), total=known)


def test_a_changed_total_is_told_as_of_its_change_after_the_confirmation() -> None:
    desk = Desk().take(shown(0, 12800), shown(2, 15000), shown(3, 15000))

    assert desk.waiting[NOW_150].at == PLACED + hours(2)
    assert desk.why_outdated(NOW_150, said=(said(12800),)) is None


@pytest.mark.parametrize(
    "told", [(), (said(15000),), (said(12800), said(15000, "payment_reminder", 2.5)), (said(None),)]
)
def test_it_is_not_told_where_nothing_or_that_very_total_was_named_last(told: tuple[Said, ...]) -> None:
    desk = Desk().take(shown(0, 12800), shown(2, 15000))

    assert desk.why_outdated(NOW_150, said=told) == "already_told"


def test_a_total_that_changed_again_is_not_told() -> None:
    desk = Desk().take(shown(0, 12800), shown(2, 15000), shown(3, 12000))

    assert desk.why_outdated(NOW_150, said=(said(12800),)) == "total_changed_again"
    assert desk.why_outdated("total_changed:1001:12000CNY", said=(said(12800),)) is None


def test_a_total_that_comes_back_is_told_again() -> None:
    desk = Desk().take(shown(0, 12800), shown(2, 15000), shown(3, 12800))

    back = "total_changed:1001:12800CNY"
    assert desk.waiting[back].at == PLACED + hours(3)
    assert desk.why_outdated(back, said=(said(12800), said(15000, "total_changed", 2))) is None


def test_in_whatever_order_the_totals_come_the_same_is_planned() -> None:
    facts = [shown(0, 12800), shown(2, 15000), shown(3, 12800), shown(4, 9000)]
    desks = [Desk().take(*some) for some in permutations(facts)]
    ends = [{key: say.at for key, say in desk.waiting.items() if "changed" in key} for desk in desks]

    assert all(end == ends[0] for end in ends)


def test_a_total_from_which_refunds_are_taken_off_is_no_change() -> None:
    desk = Desk().take(
        shown(0, 12800), world.placed(PLACED + hours(2), total=Money(9000, "CNY"), asked=False)
    )

    assert not [key for key in desk.messages if key.startswith("total_changed")]


def test_nothing_is_said_of_the_total_of_a_cancelled_order() -> None:
    desk = Desk().take(shown(0, 12800), shown(2, 15000), world.cancelled(hours(3)))

    assert desk.why_outdated(NOW_150, said=(said(12800),)) == "order_cancelled"
