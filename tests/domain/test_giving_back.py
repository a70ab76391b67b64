"""What went back covers nothing, and money that comes after all went back counts anew."""

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from bot.domain.events import OrderEvent, OrderRefunded, PaymentReceived
from bot.domain.giving_back import NOTHING
from bot.domain.money import Money
from bot.domain.orders import Order, merge
from tests.handlers import world
from tests.handlers.world import PLACED, hours

CNY = 128_00


def order_of(*told: int | None) -> Order:
    """told: hour by hour, what was paid, and below zero what went back; None: all of it went back. The same
    in any sequence."""
    events: list[OrderEvent] = [world.placed(total=Money(CNY, "CNY"))]
    for hour, minor in enumerate(told, start=1):
        amount = Money(abs(minor), "CNY") if minor else None
        base: dict[str, Any] = {
            "channel": "shop",
            "external_id": f"{hour}",
            "at": PLACED + hours(hour),
            "order": "1001",
        }
        if minor is None or minor < 0:
            events.append(OrderRefunded(**base, refund=f"r{hour}", amount=amount))
        else:
            events.append(PaymentReceived(**base, amount=amount, payment=f"p{hour}"))
    orders = set()
    for some in permutations(events):
        order = None
        for event in (*some, *some):
            order = merge(order, event)
        assert order is not None
        orders.add(order)
    (merged,) = orders
    return merged


@pytest.mark.parametrize(
    ("told", "state", "counted"),
    [
        ((CNY,), "paid", CNY),
        ((CNY, -CNY), "refunded", CNY),
        ((CNY, -CNY, CNY), "paid", CNY),
        ((CNY, None, CNY), "paid", CNY),
        ((CNY, -CNY, 6400), "partly_paid", 6400),
        ((CNY, -CNY, 6400, 6400), "paid", CNY),
        ((CNY, -CNY, CNY, -CNY), "refunded", CNY),
        ((6400, -6400), "refunded", 6400),
        ((6400, -6400, 6400), "partly_paid", 6400),
        ((6400, -3200, 9600), "paid", CNY),
        ((CNY, -2000), "paid", CNY),  # a gift
        ((CNY, CNY, -CNY, -2000), "paid", CNY),
        ((CNY, CNY, -20000), "paid", CNY),  # more than what was too much
        ((CNY, CNY, -CNY, -10000, -2800), "refunded", CNY),
        ((CNY, 500, -CNY), "refunded", CNY + 500),  # all of the order, without what came beyond it
        ((CNY, 500, -500, -12300), "paid", CNY),
        ((CNY, -2000, -10800), "refunded", CNY),
        ((CNY, -2000, -10800, CNY), "paid", CNY),
        ((13000, -200), "paid", CNY),
        ((13000, -CNY), "refunded", 13000),  # what is left was too much
        ((13000, -CNY, CNY), "paid", 13000),
        ((CNY, CNY, -CNY), "paid", CNY),  # paid twice, and one of them went back
        ((30000, -15000), "paid", 15000),
        ((-2000, CNY), "paid", CNY),  # a payment that is told with a later time
        ((-CNY, CNY), "refunded", CNY),
        ((None, 6400), "refunded", 6400),
    ],
)
def test_a_promise_stands_while_what_is_kept_covers_the_total(
    told: tuple[int | None, ...], state: str, counted: int
) -> None:
    order = order_of(*told)

    assert (order.state, order.counted) == (state, Money(counted, "CNY"))
    assert order.left == (Money(CNY - counted, "CNY") if counted < CNY else None)


@pytest.mark.parametrize("told", [(2000, -500), (6400, -3200, 6400)])
def test_whether_a_part_that_went_back_is_asked_for_again_nobody_tells_the_buyer(
    told: tuple[int, ...],
) -> None:
    order = order_of(*told)

    assert (order.state, order.left) == ("partly_paid", None)


def test_it_was_covered_when_what_is_kept_first_reached_the_total() -> None:
    assert order_of(CNY, -2000).covered_at == PLACED + hours(1)
    assert order_of(CNY, -CNY, 6400, 6400).covered_at == PLACED + hours(4)
    assert order_of(CNY, -CNY, 6400).covered_at is None


def test_what_another_source_tells_of_the_same_money_does_not_come_again() -> None:
    confirmed = PaymentReceived(
        channel="seller", external_id="c", at=PLACED + timedelta(days=1), order="1001"
    )
    order = merge(order_of(CNY, -CNY), confirmed)

    assert order.refunded_in_full
    assert order.gone_back.at == PLACED + hours(2)


def test_nothing_went_back_where_nothing_was_refunded() -> None:
    assert order_of(CNY).gone_back == NOTHING


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ((6400, -6400, CNY), CNY),
        ((CNY, -CNY, CNY), CNY),
        ((-6400, CNY), CNY),  # nothing was there to go back
        ((CNY, -2800, 2200), 15000),  # a gift is no part of what is paid
        ((6400, 6300, -6400), 12700),  # told by itself, beside what was paid
    ],
)
def test_what_is_paid_in_all_is_without_what_had_gone_back_before(told: tuple[int, ...], kept: int) -> None:
    assert order_of(*told).kept_paid == Money(kept, "CNY")


def test_what_a_total_that_rose_after_a_gift_leaves_to_pay_nobody_tells_the_buyer() -> None:
    raised = world.placed(PLACED + hours(3), placed_at=PLACED, total=Money(14000, "CNY"))
    back = world.refunded(2000, after=hours(2))
    for told in permutations((world.placed(total=Money(CNY, "CNY")), world.paid(minor=CNY), back, raised)):
        order = None
        for event in told:
            order = merge(order, event)
        assert order is not None
        assert (order.state, order.left) == ("partly_paid", None)

    settled = merge(order, world.paid(hours(4), 1200))
    assert (settled.state, settled.left) == ("paid", None)
