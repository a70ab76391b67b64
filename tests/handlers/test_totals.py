"""The total goes up or down after the buyer heard of it."""

from datetime import datetime
from itertools import permutations
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.context import Case, Said
from bot.domain.events import OrderPlaced
from bot.domain.money import Money
from bot.domain.orders import merge
from handlers import totals
from tests.handlers import world
from tests.handlers.world import PLACED, Desk, hours, not_before

replace = msgspec.structs.replace

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


@pytest.mark.parametrize(("paid", "named"), [(12800, False), (15000, True)])
def test_thanks_name_the_total_only_where_nothing_is_left_of_it(paid: int, named: bool) -> None:
    desk = Desk().take(shown(0, 12800), shown(2, 15000))
    thanks = replace(said(15000, "payment_received", 2.5), paid_sum=Money(paid, "CNY"))

    assert desk.why_outdated(NOW_150, said=(said(12800), thanks)) == ("already_told" if named else None)


def test_a_total_that_may_have_been_read_counts_as_named() -> None:
    desk = Desk().take(shown(0, 12800), shown(2, 15000))
    lost = replace(said(12800), state="unknown", sent_at=None, written_at=PLACED)

    assert desk.why_outdated(NOW_150, said=(lost,)) is None


def test_a_total_that_changed_again_is_not_told() -> None:
    desk = Desk().take(shown(0, 12800), shown(2, 15000), shown(3, 12000))

    assert desk.why_outdated(NOW_150, said=(said(12800),)) == "total_changed_again"
    assert desk.why_outdated("total_changed:1001:12000CNY", said=(said(12800),)) is None


def test_a_total_that_comes_back_is_told_again() -> None:
    desk = Desk().take(shown(0, 12800), shown(2, 15000), shown(3, 12800))

    back = "total_changed:1001:12800CNY"
    assert desk.waiting[back].at == PLACED + hours(3)
    assert desk.why_outdated(back, said=(said(12800), said(15000, "total_changed", 2))) is None


def test_a_change_to_a_total_that_was_told_before_is_told_once_more() -> None:
    desk = Desk().take(shown(0, 12800), shown(2, 15000), shown(3, 12800), shown(4, 15000), shown(5, 15000))
    told = (said(12800), said(15000, "total_changed", 2), said(12800, "total_changed", 3))

    again = f"{NOW_150}:2"
    assert desk.waiting[again].at == PLACED + hours(4)
    assert desk.why_outdated(again, said=told) is None
    assert desk.why_outdated(NOW_150, said=told) == "total_changed_again"
    assert desk.why_outdated(again, said=(*told, said(15000, "total_changed", 4))) == "already_told"
    assert "weigh:1001:total 15000:2" in desk.wakes
    assert f"{NOW_150}:3" not in desk.messages


def test_a_change_that_is_taken_back_before_it_was_told_is_not_told() -> None:
    desk = Desk().take(shown(0, 12800), shown(2, 15000), shown(2.1, 12800))

    assert desk.why_outdated(NOW_150, said=(said(12800),)) == "total_changed_again"
    assert desk.why_outdated("total_changed:1001:12800CNY", said=(said(12800),)) == "already_told"


@given(
    st.lists(st.tuples(st.integers(0, 9), st.sampled_from((12800, 15000, 9000))), max_size=7), st.randoms()
)
def test_more_showings_only_add_changes_or_make_them_earlier(
    showings: list[tuple[int, int]], random: Random
) -> None:
    order, before = None, dict[tuple[Money, int], datetime]()
    for at, minor in showings:
        order = merge(order, shown(at, minor))
        now = totals.changes(order)
        assert all(now[change] <= at for change, at in before.items())
        before = now
    turned = None
    for at, minor in random.sample(showings, len(showings)):
        turned = merge(turned, shown(at, minor))
    assert (totals.changes(turned) if turned else {}) == before


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


def test_no_sum_to_pay_is_told_while_the_buyer_wants_to_cancel_and_a_person_has_not_settled_it() -> None:
    desk = Desk().take(shown(0, 12800), shown(2, 15000))
    wish = Case(
        number=4, kind="order_change", key="c", reason="asked_to_cancel", opened_at=PLACED, order="1001"
    )
    say, now = desk.waiting[NOW_150], PLACED + hours(3)

    assert not_before(say, desk.facts(cases=(wish,)), now) == now + totals.LOOKS_AGAIN
    for settled in (
        replace(wish, closed_at=now),
        replace(wish, order="1002"),
        replace(wish, reason="asked_to_change"),
    ):
        assert not_before(say, desk.facts(cases=(settled,)), now) is None
