"""Lines of files: the newest decides, in whatever order they come, and no system's word is undone."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.domain.events import (
    BuyerRef,
    ListedParcel,
    ListedSum,
    Listing,
    OrderCancelled,
    OrderDelivered,
    OrderEvent,
    OrderListed,
    OrderPlaced,
    OrderRefunded,
    OrderReopened,
    OrderShipped,
    PaymentReceived,
)
from bot.domain.listings import contradicts, taken_back
from bot.domain.money import Money
from bot.domain.orders import Order, merge

AT = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
T1, T2 = (ListedParcel(name, AT, name) for name in ("T1", "T2"))
NOT_SO = {"delivered": None, "completed": None, "cancelled": None}
PLACED = OrderPlaced(
    channel="shop",
    external_id="p",
    at=AT,
    order="1",
    placed_at=AT,
    total=Money(12800, "GBP"),
    buyer=BuyerRef(id="ann"),
)


def so_far(minor: int | None) -> ListedSum:
    return ListedSum(AT, None if minor is None else Money(minor, "GBP"))


# Lines as the states of a file give them.
STATES: dict[str, dict[str, Any]] = {
    "unpaid": {"paid": so_far(0), "refunded": so_far(0), "parcels": (), "steps": NOT_SO},
    "paid": {"paid": so_far(None), "refunded": so_far(0), "parcels": (), "steps": NOT_SO},
    "partly_paid": {"paid": so_far(6400), "refunded": so_far(0), "parcels": (), "steps": NOT_SO},
    "shipped": {"paid": so_far(None), "refunded": so_far(0), "parcels": (T1,), "steps": NOT_SO},
    "delivered": {
        "paid": so_far(None), "refunded": so_far(0), "parcels": (T1,), "steps": {**NOT_SO, "delivered": AT},
    },
    "cancelled": {"steps": {"cancelled": AT}},
    "refunded": {"paid": so_far(None), "refunded": so_far(None)},
}  # fmt: skip


def line(state: str, hours: float, timed: bool = True, **more: Any) -> OrderListed:
    listing = Listing(at=AT + hours * HOUR, timed=timed, **{**STATES[state], **more})
    return OrderListed(channel="import", external_id="l", order="1", at=listing.at, listing=listing)


def order_of(*events: OrderEvent) -> Order:
    order = merge(None, PLACED)
    for event in events:
        order = merge(order, event)
    return order


@pytest.mark.parametrize("older", STATES)
@pytest.mark.parametrize("newer", STATES)
def test_the_newer_line_decides_whichever_comes_first(older: str, newer: str) -> None:
    lines = [line(older, 1), line(newer, 2)]

    orders = [order_of(*lines), order_of(*reversed(lines))]

    assert orders[0] == orders[1]
    assert orders[0].state == ("refunded" if older == "refunded" and newer == "cancelled" else newer)


def test_what_came_and_went_back_is_not_added_up() -> None:
    order = order_of(
        line("paid", 1, paid=so_far(6400)),
        line("paid", 2, paid=so_far(12800)),
        *(line("paid", 3 + n, refunded=so_far(minor)) for n, minor in enumerate((2000, 4000, 8800))),
    )

    assert order.paid == Money(12800, "GBP")
    assert order.refunded == Money(8800, "GBP")
    assert order.state == "paid"
    assert order_of(line("paid", 1), line("paid", 2, refunded=so_far(12800))).refunded_in_full


def test_money_of_files_and_of_a_system_is_compared_and_not_added_up() -> None:
    common: dict[str, Any] = {"channel": "shop", "external_id": "x", "order": "1", "at": AT}
    told = (
        PaymentReceived(**common, amount=Money(12800, "GBP")),
        OrderRefunded(**common, refund="r", amount=Money(3000, "GBP")),
    )

    order = order_of(*told, line("paid", 1, refunded=so_far(2000)), line("unpaid", 2))

    assert (order.paid, order.refunded) == (Money(12800, "GBP"), Money(3000, "GBP"))


def test_no_file_takes_back_what_a_system_told() -> None:
    common: dict[str, Any] = {"channel": "shop", "external_id": "x", "order": "1", "at": AT}
    for told, state in (
        (OrderShipped(**common, parcel="F1", tracking="T1"), "shipped"),
        (OrderShipped(**common, parcel="1", named=False), "shipped"),
        (OrderShipped(**common, parcel="T1", tracking="T1"), "shipped"),
        (OrderCancelled(**common), "cancelled"),
    ):
        order = order_of(line("shipped", 1), told, line("cancelled", 1.5), line("paid", 2))
        assert order.state == state, told
        assert order == order_of(line("paid", 2), line("cancelled", 1.5), told, line("shipped", 1))
    delivered = order_of(OrderDelivered(**common), line("delivered", 1), line("shipped", 2))
    assert delivered.delivered_at == AT


def test_a_step_that_is_shown_anew_is_done_anew() -> None:
    gone = order_of(line("cancelled", 1), line("paid", 2), line("cancelled", 3), line("cancelled", 4))
    sent = order_of(line("shipped", 1), line("paid", 2), line("shipped", 3), line("shipped", 4))

    assert gone.state == "cancelled"
    assert gone.cancelled_times == (AT, AT + 3 * HOUR)
    assert gone.restored_times == (AT + 2 * HOUR,)
    assert sent.state == "shipped"
    assert sent.parcels[0].seen_at == AT + 3 * HOUR  # and not again with each later line


def test_a_line_without_a_time_takes_nothing_back() -> None:
    order = order_of(line("delivered", 1), line("unpaid", 2, timed=False))

    assert order.state == "delivered"
    assert contradicts(line("unpaid", 2, timed=False).listing, order.listed)
    assert not taken_back(order.listed)


@pytest.mark.parametrize(
    "states", [("unpaid", "partly_paid", "paid", "shipped", "delivered"), ("cancelled",)]
)
def test_lines_without_times_that_go_on_contradict_nothing(states: tuple[str, ...]) -> None:
    events: list[OrderListed] = []
    for state in states:
        events.append(line(state, 0, timed=False))
        assert not contradicts(events[-1].listing, order_of(*events).listed), state


def test_an_arrival_that_is_taken_back_is_known() -> None:
    back = order_of(line("delivered", 1), line("shipped", 2))

    assert taken_back(back.listed) == {"delivered": AT + 2 * HOUR}
    assert not taken_back(order_of(line("shipped", 1), line("delivered", 2)).listed)


# Any lines and facts in any order

_common: dict[str, Any] = {"channel": "shop", "external_id": "x", "order": "1"}
_told = st.builds(
    lambda kind, hours, minor: {
        "paid": PaymentReceived(**_common, at=AT + hours * HOUR, amount=Money(minor, "GBP")),
        "refunded": OrderRefunded(**_common, at=AT + hours * HOUR, refund="r", amount=Money(minor, "GBP")),
        "shipped": OrderShipped(**_common, at=AT + hours * HOUR, parcel="F", tracking="T2"),
        "cancelled": OrderCancelled(**_common, at=AT + hours * HOUR),
        "reopened": OrderReopened(**_common, at=AT + hours * HOUR),
        "delivered": OrderDelivered(**_common, at=AT + hours * HOUR),
    }[kind],
    st.sampled_from(["paid", "refunded", "shipped", "cancelled", "reopened", "delivered"]),
    st.integers(0, 6),
    st.sampled_from([2000, 12800]),
)
_lines = st.builds(
    lambda state, hours, timed, more: line(state, hours, timed, **more),
    st.sampled_from(sorted(STATES)),
    st.integers(0, 6),
    st.sampled_from([True, True, False]),
    st.fixed_dictionaries(
        {},
        optional={
            "paid": st.sampled_from([so_far(6400), so_far(12800)]),
            "refunded": st.sampled_from([so_far(2000), so_far(4000)]),
            "parcels": st.sampled_from([(T1,), (T2,), (T1, T2), (ListedParcel("1", AT),)]),
        },
    ),
)


@settings(deadline=None)
@given(
    st.lists(_lines, min_size=1, max_size=7), st.lists(_told, max_size=3), st.randoms(use_true_random=False)
)
def test_any_lines_and_facts_in_any_order_end_alike(
    lines: list[OrderListed], told: list[OrderEvent], random: Any
) -> None:
    events: list[OrderEvent] = [PLACED, *lines, *told]
    shuffled = random.sample(events, len(events)) + random.sample(events, 2)

    one, other = (msgspec.json.encode(merged(each)) for each in (events, shuffled))

    assert one == other


def merged(events: list[OrderEvent]) -> Order:
    order = Order(id="1", channel="shop")
    for event in events:
        order = merge(order, event)
    return order


@settings(deadline=None)
@example(["shipped", "paid", "delivered"], Random(0))
@given(st.lists(st.sampled_from(sorted(STATES)), min_size=1, max_size=7), st.randoms(use_true_random=False))
def test_the_newest_of_any_lines_decides(states: list[str], random: Any) -> None:
    lines = [line(state, hour) for hour, state in enumerate(states)]
    random.shuffle(lines)

    order = order_of(*lines)

    others = [n for n, state in enumerate(states) if state not in ("cancelled", "refunded")]
    since = states[max(others, default=0) :]
    # Neither of the two says that the other is not so.
    assert order.state == ("refunded" if "refunded" in since else states[-1])
