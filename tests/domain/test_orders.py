"""The order's state follows from its facts alone."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import msgspec
import pytest

from bot.domain.balance import back_since
from bot.domain.events import (
    BuyerRef,
    Line,
    OrderCancelled,
    OrderCompleted,
    OrderDelivered,
    OrderEvent,
    OrderPlaced,
    OrderRefunded,
    OrderReopened,
    OrderShipped,
    ParcelMoved,
    PaymentReceived,
    ReviewPosted,
)
from bot.domain.money import Money
from bot.domain.orders import Order, merge, review_id

HOUR = timedelta(hours=1)
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
        ((placed(), paid(6000, "JPY")), "payment_unclear"),
        ((placed(), shipped("a")), "shipped"),
        ((placed(), shipped("a", last=False)), "partly_shipped"),
        ((placed(), shipped("a", pieces=1)), "partly_shipped"),
        ((placed(pieces=1), shipped("a", pieces=0)), "partly_shipped"),
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


# Single rules; each fact may come first


def fact(type: type[OrderEvent], at: datetime = AT, **fields: Any) -> Any:
    return type(channel="shop", external_id=f"{type.__name__} {at} {fields}", at=at, order="1001", **fields)


def alike(*events: OrderEvent) -> Order:
    """The order that these facts make in whatever sequence, each of them told twice."""
    orders = [order_of(*some, *some) for some in permutations(events)]
    assert all(order == orders[0] for order in orders)
    return orders[0]


def test_a_parcel_once_said_to_be_the_last_stays_the_last() -> None:
    order = alike(shipped("a", last=True), shipped("a", last=False), shipped("a"))
    assert order.parcels[0].last is True
    assert order.state == "shipped"


def test_a_parcel_said_not_to_be_the_last_is_not_made_so_by_saying_nothing() -> None:
    order = alike(shipped("a", last=False), shipped("a"))
    assert order.parcels[0].last is False
    assert order.state == "partly_shipped"


def test_a_part_that_arrived_is_no_arrival_of_the_order_nor_is_it_when_the_deal_is_closed() -> None:
    part = (placed(), shipped("a", last=False), fact(OrderDelivered, AT + HOUR, parcel="a"))
    assert alike(*part).delivered_at is None
    assert alike(*part, fact(OrderCompleted, AT + 2 * HOUR)).delivered_at is None


def test_the_order_has_arrived_with_its_last_parcel_at_its_first_report() -> None:
    order = alike(
        shipped("a"),
        shipped("b", last=True),
        fact(OrderDelivered, AT + 2 * HOUR, parcel="a"),
        fact(OrderDelivered, AT + HOUR, parcel="b"),
    )
    assert (order.delivered_at, order.state) == (AT + 2 * HOUR, "delivered")
    first = alike(fact(OrderDelivered, AT, parcel="a"), fact(OrderDelivered, AT + HOUR, parcel="a"))
    assert first.parcels[0].delivered_at == AT


def test_while_one_parcel_is_on_its_way_the_order_has_not_arrived() -> None:
    order = alike(shipped("a"), shipped("b", last=True), fact(OrderDelivered, AT + HOUR, parcel="a"))
    assert (order.delivered_at, order.state) == (None, "shipped")


def test_an_arrival_of_the_whole_is_believed_over_the_parcels() -> None:
    order = alike(shipped("a"), fact(OrderDelivered, AT + HOUR), fact(OrderDelivered, AT + 2 * HOUR))
    assert (order.delivered_at, order.state) == (AT + HOUR, "delivered")


@pytest.mark.parametrize(
    ("cancelled", "reopened", "state"),
    [(AT, None, "cancelled"), (AT, AT, "unpaid"), (AT, AT + HOUR, "unpaid"), (AT + HOUR, AT, "cancelled")],
)
def test_an_order_reopened_at_its_cancelling_or_later_is_open(
    cancelled: datetime, reopened: datetime | None, state: str
) -> None:
    back = [fact(OrderReopened, reopened)] if reopened else []
    assert alike(placed(), fact(OrderCancelled, cancelled), *back).state == state


def test_the_last_cancelling_and_the_last_reopening_count_and_the_first_completion() -> None:
    order = alike(fact(OrderCancelled, AT), fact(OrderCancelled, AT + HOUR))
    assert order.cancelled_at == AT + HOUR
    order = alike(fact(OrderReopened, AT), fact(OrderReopened, AT + HOUR))
    assert (order.reopened_at, order.cancelled) == (AT + HOUR, False)
    order = alike(fact(OrderCompleted, AT + HOUR), fact(OrderCompleted, AT))
    assert (order.completed_at, order.state) == (AT, "completed")


def test_the_newest_showing_of_an_order_wins_and_the_first_placing_stays() -> None:
    old = placed(number="A1", total=Money(6000, "CNY"), postcode="200000", placed_at=AT)
    new = fact(
        OrderPlaced,
        AT + HOUR,
        number="A2",
        placed_at=AT + HOUR,
        total=Money(7000, "CNY"),
        postage=Money(800, "CNY"),
        postcode="100000",
        buyer=BuyerRef(id="ann"),
        lines=(Line(title="cup", quantity=1, price=Money(6200, "CNY")),),
    )
    order = alike(old, new)
    assert (order.number, order.total, order.postage) == ("A2", Money(7000, "CNY"), Money(800, "CNY"))
    assert (order.postcode, order.lines) == ("100000", new.lines)
    assert (order.placed_at, order.shown_at) == (AT, AT + HOUR)


@pytest.mark.parametrize(
    "other",
    [
        {"number": "1002"},
        {"total": Money(9000, "CNY")},
        {"postage": Money(100, "CNY")},
        {"lines": ()},
        {"postcode": "100000"},
    ],
)
def test_of_two_showings_with_one_timestamp_the_content_decides(other: dict[str, Any]) -> None:
    alike(
        placed(number="1001", postcode="200000"), placed(**{"number": "1001", "postcode": "200000", **other})
    )


def test_once_it_is_to_be_paid_on_delivery_it_stays_so() -> None:
    assert alike(placed(pay_on_delivery=True), placed()).state == "on_delivery"


def test_the_newest_words_on_a_parcel_win_and_its_first_leaving_stays() -> None:
    old = fact(OrderShipped, AT, parcel="a", carrier="SF", tracking="1", tracking_url="u1", pieces=1)
    new = fact(OrderShipped, AT + HOUR, parcel="a", carrier="YT", tracking="2", tracking_url="u2", pieces=2)
    (parcel,) = alike(old, new).parcels
    assert (parcel.carrier, parcel.tracking, parcel.tracking_url, parcel.pieces) == ("YT", "2", "u2", 2)
    assert (parcel.shipped_at, parcel.shown_at) == (AT, AT + HOUR)


def test_words_on_a_parcel_are_as_old_as_the_platform_says() -> None:
    late = fact(OrderShipped, AT, parcel="a", tracking="2", shown_at=AT + 2 * HOUR)
    order = alike(fact(OrderShipped, AT + HOUR, parcel="a", tracking="1"), late)
    assert order.parcels[0].tracking == "2"


@pytest.mark.parametrize("field", ["carrier", "tracking", "tracking_url"])
def test_of_two_words_on_a_parcel_with_one_timestamp_the_content_decides(field: str) -> None:
    one = fact(OrderShipped, parcel="a", **{field: "1"})
    order = alike(one, fact(OrderShipped, parcel="a", **{field: "2"}), fact(OrderShipped, parcel="a"))
    assert getattr(order.parcels[0], field) == "2"


@pytest.mark.parametrize("fewer", [None, 0, 1])
def test_of_two_counts_of_a_parcel_with_one_timestamp_the_greater_stays(fewer: int | None) -> None:
    order = alike(fact(OrderShipped, parcel="a", pieces=fewer), fact(OrderShipped, parcel="a", pieces=2))
    assert order.parcels[0].pieces == 2
    assert alike(shipped("a", pieces=0), shipped("a")).parcels[0].pieces == 0


def test_a_parcel_that_one_platform_follows_is_followed() -> None:
    silent = fact(OrderShipped, parcel="a", followed=False)
    assert alike(silent).parcels[0].followed is False
    assert alike(silent, fact(OrderShipped, AT + HOUR, parcel="a")).parcels[0].followed is True


def test_the_newest_movement_of_a_parcel_wins_and_of_two_at_once_the_content_decides() -> None:
    seen = fact(ParcelMoved, AT, parcel="a", status="in transit")
    near = fact(ParcelMoved, AT + HOUR, parcel="a", status="arriving")
    (parcel,) = alike(seen, near).parcels
    assert (parcel.id, parcel.moved_at, parcel.status) == ("a", AT + HOUR, "arriving")
    twin = fact(ParcelMoved, AT, parcel="a", status="out")
    assert alike(seen, twin).parcels[0].status == "out"


def test_a_movement_of_no_known_parcel_changes_nothing() -> None:
    assert order_of(placed(), fact(ParcelMoved, parcel=None, status="x")) == order_of(placed())


def test_parcels_that_are_not_shipped_are_not_counted() -> None:
    order = alike(placed(), fact(ParcelMoved, parcel="a", status="label printed"))
    assert (order.state, order.all_shipped) == ("unpaid", False)


def test_a_payment_is_told_apart_by_time_amount_and_reference() -> None:
    one = fact(PaymentReceived, AT, amount=Money(2000, "CNY"), reference="m", method="card")
    again = fact(PaymentReceived, AT, amount=Money(2000, "CNY"), reference="m", method="wire")
    others = (
        fact(PaymentReceived, AT + HOUR, amount=Money(2000, "CNY"), reference="m"),
        fact(PaymentReceived, AT, amount=Money(1000, "CNY"), reference="m"),
        fact(PaymentReceived, AT, amount=Money(2000, "CNY"), reference="n"),
    )
    assert len(alike(one, again).payments) == 1
    assert [len(alike(one, other).payments) for other in others] == [2, 2, 2]
    paid = alike(one).payments[0]
    assert (paid.at, paid.amount, paid.method, paid.reference) == (AT, Money(2000, "CNY"), "card", "m")
    assert alike(one, others[0]).paid_at == AT
    assert alike(placed()).paid_at is None


def test_of_one_payment_told_with_two_sums_the_newest_counts_and_of_two_at_once_the_content_decides() -> None:
    def told(minor: int, after: timedelta = timedelta(0)) -> PaymentReceived:
        return fact(PaymentReceived, AT + after, payment="p", amount=Money(minor, "CNY"))

    assert alike(placed(), told(2000), told(3000, HOUR)).paid_minor == 3000
    assert alike(placed(), told(2000), told(3000, HOUR), told(2000, 2 * HOUR)).paid_minor == 2000
    assert alike(placed(), told(2000), told(3000)).paid_minor == 3000
    again = alike(placed(), told(2000), told(2000, HOUR))
    assert [(each.at, each.last_at) for each in again.payments] == [(AT, AT + HOUR)]
    assert again.paid_at == AT


def test_a_payment_of_the_whole_is_the_total_and_of_an_unknown_total_nothing_countable() -> None:
    assert alike(placed(), paid(None)).paid_minor == 6000
    assert alike(paid(None)).paid_minor == 0
    assert alike(placed(), paid(None), paid(2000)).paid_minor == 6000
    assert alike(placed(), paid(2000), paid(1000)).paid_minor == 3000


def test_what_was_paid_for_an_order_of_unknown_total_is_enough() -> None:
    assert alike(paid(1)).state == "paid"


def test_an_order_that_costs_nothing_is_paid() -> None:
    assert alike(placed(total=Money(0, "CNY"))).state == "paid"
    assert not alike(placed(total=Money(1, "CNY"))).free


def test_a_refund_of_the_whole_or_of_as_much_as_the_total_ends_the_order() -> None:
    part = fact(OrderRefunded, refund="r1", amount=Money(2000, "CNY"))
    rest = fact(OrderRefunded, AT + HOUR, refund="r2", amount=Money(4000, "CNY"))
    assert (alike(placed(), part).state, alike(placed(), part).refunded_minor) == ("unpaid", 2000)
    assert (alike(placed(), part, rest).state, alike(placed(), part, rest).refunded_minor) == (
        "refunded",
        6000,
    )
    whole = fact(OrderRefunded, refund="r1")
    assert (alike(placed(), whole).state, alike(placed(), whole).refunded_minor) == ("refunded", 6000)
    assert (alike(whole).state, alike(whole).refunded_minor) == ("refunded", 0)
    assert alike(part).state == "unknown"


def test_a_refund_that_is_repeated_without_its_sum_keeps_it() -> None:
    for first, again in ((Money(3000, "CNY"), None), (None, Money(3000, "CNY"))):
        order = alike(
            placed(),
            fact(OrderRefunded, AT, refund="r", amount=first),
            fact(OrderRefunded, AT + HOUR, refund="r", amount=again),
        )
        assert (order.refunded_minor, order.refunded_in_full) == (3000, False)
        assert [back_since(refund) for refund in order.refunds] == [AT]


def test_of_one_refund_told_differently_the_later_word_counts() -> None:
    order = alike(
        placed(),
        fact(OrderRefunded, AT, refund="r", amount=Money(3000, "CNY")),
        fact(OrderRefunded, AT + HOUR, refund="r", amount=Money(2000, "CNY")),
    )
    assert [(refund.id, refund.at, refund.amount) for refund in order.refunds] == [
        ("r", AT + HOUR, Money(2000, "CNY"))
    ]


def test_a_changed_rating_is_another_version_of_the_same_review() -> None:
    order = alike(
        fact(ReviewPosted, AT, review="v", rating=2), fact(ReviewPosted, AT + HOUR, review="v", rating=5)
    )
    assert [(each.id, each.review, each.at, each.rating) for each in order.reviews] == [
        ("v:2", "v", AT, 2),
        ("v:5", "v", AT + HOUR, 5),
    ]


def test_a_review_without_an_id_is_known_by_its_time_and_rating() -> None:
    posted = fact(ReviewPosted, AT, rating=4)
    assert review_id(posted) == "2026-11-21T04:00:00+00:00 4"
    assert review_id(fact(ReviewPosted, AT, review="v", rating=4)) == "v"


def test_an_order_is_made_by_its_first_fact_whatever_that_is() -> None:
    order = order_of(fact(OrderCompleted))
    assert (order.id, order.channel, order.shown_number) == ("1001", "shop", "1001")
    assert order_of(placed(number="A1")).shown_number == "A1"
    assert Order(id="1", channel="shop").state == "unknown"


def test_no_file_takes_away_what_only_the_system_knows() -> None:
    shown = placed(paid=Money(6000, "CNY"), number="#1001")
    file = msgspec.structs.replace(placed(of_file=True, total=Money(5000, "CNY")), at=AT + HOUR)
    for events in permutations((shown, file)):
        order = order_of(*events)
        assert (order.number, order.told_paid, order.total) == (
            "#1001",
            Money(6000, "CNY"),
            Money(5000, "CNY"),
        )


def test_an_order_stored_before_its_account_had_a_time_is_not_set_back_by_an_older_snapshot() -> None:
    newer = msgspec.structs.replace(placed(paid=Money(6000, "CNY"), number="#1001"), at=AT + HOUR)
    stored = msgspec.structs.replace(order_of(newer), account_at=None)

    assert merge(stored, placed(paid=Money(0, "CNY"), number="#1001")).told_paid == Money(6000, "CNY")


def test_a_payment_after_the_platforms_own_account_comes_on_top_until_that_is_told_anew() -> None:
    shown = placed(paid=Money(2000, "CNY"))
    rest = msgspec.structs.replace(paid(4000), at=AT + HOUR, payment="z")
    anew = msgspec.structs.replace(placed(paid=Money(2500, "CNY")), at=AT + 2 * HOUR)

    assert alike(shown, msgspec.structs.replace(rest, at=AT)).paid == Money(2000, "CNY")
    assert alike(shown, rest).paid == Money(6000, "CNY")
    assert alike(shown, rest).covered_at == AT + HOUR
    assert alike(shown, rest, anew).paid == Money(2500, "CNY")
