"""Promise 4: whatever the order of arrival, and however often, the same is said."""

from datetime import datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.context import Case
from bot.domain.events import OrderEvent
from bot.domain.money import Money
from handlers import journey
from tests.handlers import world
from tests.handlers.world import Desk, days, hours

DEAL: tuple[OrderEvent, ...] = (
    world.placed(),
    world.paid(),
    world.refunded(2000),
    world.cancelled(),
    world.shipped("A"),
    world.shipped("B", after=days(1.5)),
    world.delivered(),
)


def shown(after: float, **money: Any) -> OrderEvent:
    return world.placed(world.PLACED + hours(after), placed_at=world.PLACED, **money)


STRANGER: tuple[OrderEvent, ...] = (
    world.placed(),
    world.paid(hours(1), 5000),
    world.paid(hours(4), 7800),
    world.cancelled(hours(2)),
    world.reopened(hours(3)),
    world.shipped("A"),
    world.moved("A"),
    world.shipped("B", after=days(2)),
    world.delivered("A", days(3)),
    world.delivered("B", days(4)),
    world.delivered(None, days(4.5)),
    world.completed(days(5)),
    world.refunded(2000, days(6), "r1"),
    world.refunded(12800, days(7), "r2"),
    world.refunded(None, days(8), "r3"),
    shown(0.5, pay_on_delivery=True),
    shown(0.6, pay_on_delivery=False),
    shown(0.7, pay_on_delivery=True),
    shown(0.8, paid=Money(0, "CNY"), authorised=True),
    shown(0.9, paid=Money(3600, "CNY")),
    shown(7 * 24, paid=Money(12800, "CNY"), total=Money(9000, "CNY"), asked=False),
    world.reviewed(5, days(9)),
    world.reviewed(1, days(10)),
)


def outcome(events: list[OrderEvent]) -> dict[str, Any]:
    desk = Desk().take(*events)
    return {
        "state": desk.order and desk.order.state,
        "record": desk.order,
        "said": {key: (message.say, message.withdrawn is None) for key, message in desk.messages.items()},
        "cases": {key: case.open for key, case in desk.cases.items()},
        "wakes": desk.wakes,
    }


@st.composite
def two_arrivals(draw: st.DrawFn, pool: tuple[OrderEvent, ...]) -> tuple[list[OrderEvent], list[OrderEvent]]:
    """Some of the facts, arriving twice in orders of their own, each with repeats."""
    facts = draw(st.lists(st.sampled_from(pool), min_size=1, unique=True))
    repeats = st.lists(st.sampled_from(facts), max_size=4)
    first = draw(st.permutations(facts + draw(repeats)))
    second = draw(st.permutations(facts + draw(repeats)))
    return first, second


@given(two_arrivals(DEAL))
@settings(max_examples=300, deadline=None)
def test_a_deals_events_in_any_order_and_repeated_end_alike(
    arrivals: tuple[list[OrderEvent], list[OrderEvent]],
) -> None:
    one, other = arrivals

    assert outcome(one) == outcome(other)


@given(two_arrivals(STRANGER))
@settings(max_examples=500, deadline=None)
def test_parts_reopenings_and_changed_reviews_in_any_order_end_alike(
    arrivals: tuple[list[OrderEvent], list[OrderEvent]],
) -> None:
    one, other = arrivals

    assert outcome(one) == outcome(other)


@given(st.permutations(DEAL))
@settings(max_examples=200, deadline=None)
def test_nobody_is_reminded_once_the_payment_is_known(events: list[OrderEvent]) -> None:
    desk = Desk()
    for event in events:
        desk.take(event)
        if desk.order and desk.order.payments:
            reminders = {key for key in desk.messages if key.startswith("payment_reminder:")}
            assert not reminders & set(desk.waiting)
            assert all(desk.why_outdated(key) for key in reminders)


@given(st.permutations(DEAL), st.integers(1, 7))
@settings(max_examples=200, deadline=None)
def test_what_is_withdrawn_is_also_outdated_if_it_is_still_queued(
    events: list[OrderEvent], known: int
) -> None:
    desk = Desk().take(*events[:known])
    gone = set(desk.messages) - set(desk.waiting)

    assert all(desk.why_outdated(key) for key in gone)


@pytest.mark.parametrize("now", [world.PLACED, world.PLACED + days(400)])
def test_due_times_are_the_platforms_and_not_ours(now: datetime) -> None:
    desk = Desk().take(*DEAL, now=now)

    assert {message.say.at for message in desk.messages.values()} == {
        message.say.at for message in Desk().take(*DEAL).messages.values()
    }
    assert all(message.say.at for message in desk.messages.values())


def test_withdrawing_for_one_order_leaves_its_longer_namesake_alone() -> None:
    desk = Desk().take(world.placed(order="10011"))
    desk.order = None

    desk.take(world.placed(), world.cancelled())

    assert all(key in desk.waiting for key in desk.messages if ":10011" in key)


def test_whom_no_second_word_reached_is_waited_for_no_more_once_they_paid_or_it_left() -> None:
    order = Desk().take(world.placed()).order
    known = {"number": 1, "reason": "no_answer", "order": "1001", "opened_at": world.PLACED}
    case = msgspec.convert({"kind": "no_answer", "key": "no_answer:1001", **known}, Case)
    assert order is not None
    assert not journey.settled(case, order)

    for fact in (world.paid(days(2)), world.shipped()):
        known = Desk().take(world.placed(), fact).order
        assert known is not None
        assert journey.settled(case, known)


def test_a_payment_settles_the_claim_and_the_unpaid_case() -> None:
    desk = Desk().take(world.placed())
    desk.take(world.time_came("unpaid_closed", world.PLACED + days(3)))
    assert desk.open_cases == {"unpaid:1001"}

    desk.take(world.paid(days(2)))

    assert desk.open_cases == set()
