"""The order's state follows from its facts alone."""

from datetime import UTC, datetime

import pytest

from bot.domain.events import (
    BuyerRef,
    Line,
    OrderEvent,
    OrderPlaced,
    OrderRefunded,
    OrderShipped,
    PaymentReceived,
)
from bot.domain.money import Money
from bot.domain.orders import Order, merge

AT = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)


def placed(pieces: int = 3, **fields: object) -> OrderPlaced:
    lines = (Line(title="mug", quantity=pieces, price=Money(2000, "CNY")),)
    details = {
        "placed_at": AT,
        "total": Money(6000, "CNY"),
        "buyer": BuyerRef(id="ann"),
        "lines": lines,
        **fields,
    }
    return OrderPlaced(channel="shop", external_id="p", at=AT, order="1001", **details)  # type: ignore[arg-type]  # fields of a test


def shipped(parcel: str, pieces: int | None = None, last: bool | None = None) -> OrderShipped:
    return OrderShipped(
        channel="shop", external_id=parcel, at=AT, order="1001", parcel=parcel, pieces=pieces, last=last
    )


def paid(minor: int | None, currency: str = "CNY") -> PaymentReceived:
    amount = None if minor is None else Money(minor, currency)
    return PaymentReceived(channel="shop", external_id=f"paid{minor}", at=AT, order="1001", amount=amount)


def order_of(*events: OrderEvent) -> Order:
    order = None
    for event in events:
        order = merge(order, event)
    assert order is not None
    return order


@pytest.mark.parametrize(
    ("events", "state"),
    [
        ((placed(),), "unpaid"),
        ((placed(pay_on_delivery=True),), "on_delivery"),
        ((paid(None),), "paid"),
        ((placed(), paid(6000)), "paid"),
        ((placed(), paid(2000)), "partly_paid"),
        ((placed(), paid(6000, "JPY")), "partly_paid"),
        ((placed(), shipped("a")), "shipped"),
        ((placed(), shipped("a", last=False)), "partly_shipped"),
        ((placed(), shipped("a", pieces=1)), "partly_shipped"),
        ((placed(), shipped("a", pieces=1), shipped("b", pieces=2)), "shipped"),
        ((placed(), shipped("a", pieces=1, last=True)), "shipped"),
    ],
)
def test_the_state_is_what_the_facts_make_it(events: tuple[OrderEvent, ...], state: str) -> None:
    assert order_of(*events).state == state
    assert order_of(*reversed(events)).state == state


def test_two_transfers_with_one_memo_are_two_and_one_told_twice_is_one() -> None:
    later = PaymentReceived(
        channel="shop",
        external_id="x",
        at=AT.replace(hour=5),
        order="1001",
        amount=Money(2000, "CNY"),
        reference="m",
    )
    first = PaymentReceived(
        channel="shop", external_id="y", at=AT, order="1001", amount=Money(4000, "CNY"), reference="m"
    )
    again = PaymentReceived(
        channel="shop", external_id="z", at=AT, order="1001", amount=Money(4000, "CNY"), reference="m"
    )
    order = order_of(placed(), first, again, later)
    assert order.paid_minor == 6000
    assert order.paid_in_full


def test_refunds_of_other_money_are_not_weighed_against_the_total() -> None:
    refund = OrderRefunded(
        channel="shop", external_id="r", at=AT, order="1001", refund="r", amount=Money(9999, "JPY")
    )
    assert not order_of(placed(), refund).refunded_in_full
