"""Shopify: what an order costs, what is paid of it, and what went back."""

from datetime import datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from bot.domain.events import (
    Event,
    OrderPlaced,
)
from bot.domain.money import Money
from bot.domain.orders import Order
from handlers import totals
from handlers.weighing import findings
from tests.channels.shopify_bodies import THEN, merged, moved, order, told


@pytest.mark.parametrize("status", ["paid", "partially_refunded", "refunded"])
@pytest.mark.parametrize("topic", ["orders/create", "orders/updated"])
def test_an_order_that_is_already_paid_says_so(topic: str, status: str) -> None:
    events = told(topic, order(financial_status=status))

    assert merged(events).paid_in_full
    assert merged(events).paid_at == THEN


@pytest.mark.parametrize("status", ["pending", "voided", "partially_paid", None])
def test_an_order_that_is_not_paid_in_full_does_not(status: str | None) -> None:
    state = merged(told("orders/create", order(financial_status=status)))

    assert (state.state, state.paid_at) == ("unpaid", None)


EURO = {"presentment_currency": "EUR", "financial_status": "paid"}


def both(shop: str, shown: str) -> dict[str, Any]:
    """One sum as the shop in US dollars and the buyer in euros see it."""
    return {
        "shop_money": {"amount": shop, "currency_code": "USD"},
        "presentment_money": {"amount": shown, "currency_code": "EUR"},
    }


@pytest.mark.parametrize(
    ("left", "paid", "state"),
    [("398.00", 0, "unpaid"), ("98.00", 30000, "partly_paid"), ("0", 39800, "paid")],
)
def test_what_is_outstanding_is_the_platforms_own_word(left: str, paid: int, state: str) -> None:
    status = {"unpaid": "pending", "partly_paid": "partially_paid", "paid": "paid"}[state]
    known = merged(told("orders/updated", order(total_outstanding=left, financial_status=status)))

    assert (known.paid, known.state) == (Money(paid, "USD"), state)


def test_an_order_edited_after_payment_owes_the_difference() -> None:
    paid = told("orders/paid", order(financial_status="paid"))
    more = {
        "current_total_price": "418.00",
        "total_outstanding": "20.00",
        "updated_at": "2022-01-03T00:00:00Z",
    }
    known = merged(paid, told("orders/updated", order(financial_status="partially_paid", **more)))

    assert (known.paid, known.left) == (Money(39800, "USD"), Money(2000, "USD"))


def test_an_order_that_an_edit_made_cheaper_after_payment_is_overpaid() -> None:
    paid = told("orders/paid", order(financial_status="paid", total_outstanding="0.00"))
    less = {"current_total_price": "388.00", "total_outstanding": "-10.00"}
    cheaper = order(financial_status="paid", updated_at="2022-01-03T00:00:00Z", **less)

    for known in (
        merged(paid, told("orders/updated", cheaper)),
        merged(told("orders/updated", cheaper), paid),
    ):
        assert (known.paid, known.overpaid, known.state) == (Money(39800, "USD"), Money(1000, "USD"), "paid")


@pytest.mark.parametrize(
    ("left", "paid"),
    [
        ("-10.00", Money(280000, "CNY")),
        ("-5.00", None),
    ],  # all of the first total; a sum told in dollars alone
)
def test_a_cheaper_order_in_the_buyers_currency_claims_no_sum_that_nobody_told(
    left: str, paid: Money | None
) -> None:
    def both(dollars: str, yuan: str) -> dict[str, Any]:
        return {
            "shop_money": {"amount": dollars, "currency_code": "USD"},
            "presentment_money": {"amount": yuan, "currency_code": "CNY"},
        }

    body = order(
        financial_status="paid",
        presentment_currency="CNY",
        total_price="398.00",
        total_price_set=both("398.00", "2800.00"),
        current_total_price="388.00",
        current_total_price_set=both("388.00", "2730.00"),
        total_outstanding=left,
    )
    known = merged(told("orders/updated", body))

    assert (known.total, known.paid) == (Money(273000, "CNY"), paid)


def test_a_refund_that_lowers_the_current_total_is_no_edit() -> None:
    back = {"kind": "refund", "status": "success", "amount": "98.00", "currency": "USD"}
    refund = {"id": 7, "created_at": "2022-01-03T00:00:00Z", "transactions": [back]}
    body = order(
        financial_status="partially_refunded",
        total_price="398.00",
        current_total_price="300.00",
        total_outstanding="0.00",
        refunds=[refund],
    )
    known = merged(told("orders/updated", body))

    assert (known.total, known.paid, known.refunded) == tuple(Money(m, "USD") for m in (39800, 39800, 9800))
    assert not known.shown_money[0].asked


@pytest.mark.parametrize(
    ("status", "current", "left", "back", "paid", "whole"),
    [
        ("refunded", "0.00", "0.00", "100.00", 10000, True),  # a deposit, cancelled and given back
        ("refunded", "398.00", "398.00", "100.00", 10000, True),
        ("partially_refunded", "398.00", "348.00", "50.00", 10000, False),
        ("partially_refunded", "300.00", "0.00", "98.00", 39800, False),
        ("refunded", "0.00", "0.00", "398.00", 39800, True),
    ],
)
def test_what_was_paid_before_a_refund_is_no_more_than_that(
    status: str, current: str, left: str, back: str, paid: int, whole: bool
) -> None:
    body = order(
        financial_status=status,
        total_price="398.00",
        current_total_price=current,
        total_outstanding=left,
        refunds=[{"id": 7, "created_at": "2022-01-03T00:00:00Z", "transactions": [moved(back)]}],
    )
    known = merged(told("orders/updated", body))

    assert (known.paid, known.refunded_in_full) == (Money(paid, "USD"), whole)


@pytest.mark.parametrize("topic", ["orders/cancelled", "orders/updated", "orders/paid"])
def test_what_went_back_is_read_whichever_topic_the_body_comes_by(topic: str) -> None:
    refund = {"id": 7, "created_at": "2022-01-03T00:00:00Z", "transactions": [moved("398.00")]}
    body = order(cancelled_at=LATER, financial_status="refunded", refunds=[refund], updated_at=LATER)

    assert merged(told(topic, body)).refunded == Money(39800, "USD")
    assert merged(told(topic, body)).cancelled is (topic != "orders/paid")


def test_an_edit_after_a_refund_asks_for_more_and_a_refund_of_money_alone_for_nothing() -> None:
    refund = {"id": 7, "created_at": "2022-01-03T00:00:00Z", "transactions": [moved("60.00")]}
    first = {"total_price": "128.00", "refunds": [refund], "updated_at": "2022-01-03T00:00:00Z"}
    raised = order(
        **first, financial_status="partially_paid", current_total_price="88.00", total_outstanding="20.00"
    )
    goodwill = order(
        **first, financial_status="partially_refunded", current_total_price="128.00", total_outstanding="0.00"
    )

    known = merged(told("orders/updated", raised))
    assert (known.paid, known.left) == (Money(12800, "USD"), Money(2000, "USD"))
    assert merged(told("orders/updated", goodwill)).paid == Money(12800, "USD")


@pytest.mark.parametrize(("current", "status"), [("38.00", "partially_refunded"), ("98.00", "paid")])
def test_an_edit_after_a_refund_that_leaves_less_than_nothing_to_pay_is_to_be_given_back(
    current: str, status: str
) -> None:
    """Whether what goes back in between is in the current total or not: what is outstanding decides."""
    first = {"id": 7, "processed_at": "2022-01-02T00:00:00Z", "transactions": [moved("60.00")]}
    again = {"id": 8, "processed_at": "2022-01-05T00:00:00Z", "transactions": [moved("30.00")]}
    body = {"total_price": "128.00", "financial_status": status, "updated_at": "2022-01-04T00:00:00Z"}
    cheaper = order(**body, refunds=[first], current_total_price=current, total_outstanding="-30.00")
    parts = (told("orders/create", order(total_price="128.00")), told("orders/updated", cheaper))
    settled = told("refunds/create", {**again, "order_id": order()["id"]})

    for batches in permutations(parts):
        known = merged(*batches)
        assert (known.paid, known.left, known.overpaid) == (Money(12800, "USD"), None, Money(3000, "USD"))
        assert not known.refunded_in_full
    for batches in permutations((*parts, settled)):
        assert merged(*batches).overpaid is None


@pytest.mark.parametrize(
    ("total", "named", "more"),
    [
        ("388.00", [{"code": "SUMMER"}], ("SUMMER",)),
        ("388.00", [{"title": "Two for less"}, {"code": "X"}], ("Two for less, X",)),
        ("388.00", [], ()),
        ("390.00", [{"code": "SUMMER"}], ()),  # part of it is off something else
    ],
)
def test_a_discount_is_a_line_where_that_makes_the_lines_add_up(
    total: str, named: list[dict[str, str]], more: tuple[str, ...]
) -> None:
    body = order(
        total_price=total,
        current_total_price=total,
        taxes_included=True,
        line_items=[{"id": 1, "name": "Mug", "price": "199.00", "quantity": 2}],
        total_shipping_price_set=None,
        total_discounts="10.00",
        discount_applications=named,
    )
    (event,) = told("orders/create", body)
    assert isinstance(event, OrderPlaced)

    assert [line.title for line in event.lines] == ["Mug", *more]
    assert not more or sum(line.price.minor * line.quantity for line in event.lines) == event.total.minor


LATER = "2022-01-03T00:00:00Z"
HELD = told("orders/create", order(financial_status="authorized"))


@pytest.mark.parametrize("outstanding", [None, "398.00", "0.00"])
def test_an_authorisation_is_no_payment_and_leaves_nothing_owed(outstanding: str | None) -> None:
    known = merged(told("orders/create", order(financial_status="authorized", total_outstanding=outstanding)))

    assert (known.state, known.authorisation, known.left) == ("authorised", "held", None)
    assert (known.paid, known.first_paid_at) == (Money(0, "USD"), None)


@pytest.mark.parametrize("status", ["voided", "expired"])
def test_an_authorisation_that_is_given_up_was_no_payment(status: str) -> None:
    gone = told("orders/updated", order(financial_status=status, updated_at=LATER))

    for known in (merged(HELD, gone), merged(gone, HELD)):
        assert (known.state, known.authorisation, known.first_paid_at) == ("unpaid", "released", None)
        assert known.left == known.total


def test_a_capture_is_the_payment_of_what_was_authorised() -> None:
    taken = told("orders/paid", order(financial_status="paid", updated_at=LATER))

    for known in (merged(HELD, taken), merged(taken, HELD)):
        assert (known.state, known.authorisation, known.paid) == ("paid", None, known.total)
        assert known.first_paid_at == datetime.fromisoformat(LATER)


def test_what_was_given_up_had_been_set_aside_also_if_nobody_showed_that() -> None:
    void = told("orders/updated", order(financial_status="voided", updated_at=LATER))

    for known in (merged(void), merged(HELD, void), merged(void, HELD)):
        assert (known.state, known.authorisation, known.left) == ("unpaid", "released", known.total)
        assert [each.reason for each in findings(known)] == ["authorisation_given_up"]


def test_the_rest_of_what_was_authorised_is_asked_of_nobody_after_a_part_was_taken() -> None:
    part = {"financial_status": "partially_paid", "total_outstanding": "300.00"}
    taken = told("orders/updated", order(**part, updated_at=LATER))
    dearer = {**part, "current_total_price": "418.00", "total_outstanding": "320.00"}
    edited = told("orders/updated", order(**dearer, updated_at="2022-01-04T00:00:00Z"))
    paid = told("orders/paid", order(financial_status="paid", updated_at="2022-01-05T00:00:00Z"))
    void = told("orders/updated", order(financial_status="voided", updated_at="2022-01-05T00:00:00Z"))
    anew = told("orders/updated", order(**part, updated_at="2022-01-06T00:00:00Z"))

    def ends(*batches: tuple[Event, ...]) -> set[tuple[str, int | None]]:
        every = (merged(*arrival) for arrival in permutations(batches))
        return {(known.state, known.left and known.left.minor) for known in every}

    assert ends(HELD, taken) == ends(HELD, taken, edited) == {("payment_unclear", None)}
    assert ends(HELD, taken, paid) == {("paid", None)}
    assert ends(HELD, taken, void) == {("unpaid", 39800)}
    assert ends(taken) == ends(HELD, taken, void, anew) == {("partly_paid", 30000)}


def test_the_buyers_currency_and_the_shops_are_kept_apart() -> None:
    body = order(
        **EURO,
        total_price_set=both("388.00", "350.00"),
        current_total_price_set=both("398.00", "360.00"),
        total_shipping_price_set=both("10.00", "9.00"),
    )
    (event,) = told("orders/create", body)
    assert isinstance(event, OrderPlaced)

    assert (event.total, event.shop_total) == (Money(36000, "EUR"), Money(39800, "USD"))
    assert (event.postage, event.paid) == (Money(900, "EUR"), Money(36000, "EUR"))


def test_a_part_known_in_the_shops_currency_alone_is_not_weighed_against_the_buyers_total() -> None:
    body = order(
        presentment_currency="EUR",
        financial_status="partially_paid",
        total_outstanding="98.00",
        total_price_set=both("388.00", "350.00"),
        current_total_price_set=both("398.00", "360.00"),
    )
    known = merged(told("orders/updated", body))

    assert (known.paid, known.left, known.state) == (None, None, "payment_unclear")


@pytest.mark.parametrize(
    ("current", "left"), [("398.00", "298.00"), ("398.00", "0.00"), ("0.00", "-100.00"), ("0.00", "0.00")]
)
def test_what_was_paid_of_an_order_stays_paid_when_cancelling_empties_its_total(
    current: str, left: str
) -> None:
    part = {"financial_status": "partially_paid"}
    paid = told("orders/updated", order(**part, total_outstanding="298.00"))
    body = order(
        **part,
        cancelled_at="2022-01-02T00:00:00Z",
        updated_at="2022-01-02T00:00:00Z",
        current_total_price=current,
        total_outstanding=left,
    )

    for known in (merged(paid, told("orders/cancelled", body)), merged(told("orders/cancelled", body), paid)):
        assert known.to_refund == Money(10000, "USD")


@pytest.mark.parametrize(
    ("changes", "tax"),
    [
        ({"taxes_included": False, "total_tax": "1.35"}, 135),
        ({"taxes_included": False, "total_tax": "1.35", "current_total_tax": "0.80"}, 80),
        ({"taxes_included": True, "total_tax": "1.35"}, None),
    ],
)
def test_tax_that_comes_on_top_of_the_prices_is_told(changes: dict[str, Any], tax: int | None) -> None:
    body = order(**{"current_total_tax": None, **changes})
    (placed,) = (each for each in told("orders/create", body) if isinstance(each, OrderPlaced))

    assert placed.tax == (Money(tax, "USD") if tax else None)


def history(*steps: dict[str, Any]) -> tuple[Order, ...]:
    """The order after each of these hours: its body, with what went back so far."""
    batches = []
    for hour, step in enumerate(steps):
        at = (THEN + timedelta(hours=hour)).isoformat()
        back = [
            {
                "id": id,
                "processed_at": (THEN + timedelta(hours=since)).isoformat(),
                "transactions": [moved(sum)],
            }
            for id, (since, sum) in enumerate(step.get("back", ()), start=1)
        ]
        body = order(
            **{
                "total_price": "128.00",
                "updated_at": at,
                "refunds": back,
                **{k: v for k, v in step.items() if k != "back"},
            }
        )
        batches.append(told("orders/updated", body))
    return tuple(merged(*batches[: place + 1]) for place in range(len(batches)))


PAID = {"financial_status": "paid", "current_total_price": "128.00", "total_outstanding": "0.00"}
PART_BACK = {**PAID, "financial_status": "partially_refunded"}


def dollars(*sums: float) -> tuple[Money, ...]:
    return tuple(Money(round(sum * 100), "USD") for sum in sums)


def test_what_an_edit_asks_for_after_a_refund_is_owed_and_told_and_counts_when_it_comes() -> None:
    cheaper = {**PAID, "current_total_price": "100.00", "total_outstanding": "-28.00"}
    part = {**PART_BACK, "back": [(2, "28.00")]}
    *_, raised, settled = history(
        PAID,
        cheaper,
        {**part, "current_total_price": "100.00"},
        {**part, "total_outstanding": "28.00"},
        {**part},
    )

    assert (raised.total, raised.paid, raised.left) == dollars(128, 128, 28)
    assert (Money(12800, "USD"), 1) in totals.changes(raised)
    assert [each.reason for each in findings(raised)] == ["paid_partly"]
    assert (settled.paid, settled.left, settled.paid_in_full) == (*dollars(156), None, True)
    assert findings(settled) == []


def test_what_an_edit_raised_and_took_back_is_all_given_back_when_it_is_cancelled() -> None:
    back = {**PART_BACK, "back": [(4, "22.00")]}
    whole = {
        "financial_status": "refunded",
        "back": [(4, "22.00"), (6, "128.00")],
        "cancelled_at": at_hour(5),
    }
    *_, cancelled, given_back = history(
        PAID,
        {
            **PAID,
            "financial_status": "partially_paid",
            "current_total_price": "150.00",
            "total_outstanding": "22.00",
        },
        {**PAID, "current_total_price": "150.00"},
        {**PAID, "total_outstanding": "-22.00"},
        back,
        {**back, "cancelled_at": at_hour(5)},
        {**whole, "current_total_price": "0.00", "total_outstanding": "0.00"},
    )

    assert (cancelled.paid, cancelled.to_refund) == dollars(150, 128)
    assert given_back.refunded_in_full
    assert findings(given_back) == []


def at_hour(hour: int) -> str:
    return (THEN + timedelta(hours=hour)).isoformat()


def test_a_part_that_went_back_of_too_little_is_asked_of_nobody_and_thanked_for_when_it_comes() -> None:
    part = {**PART_BACK, "back": [(2, "10.00")]}
    *_, less, settled = history(
        {**PAID, "financial_status": "pending", "total_outstanding": "128.00"},
        {**PAID, "financial_status": "partially_paid", "total_outstanding": "28.00"},
        {**part, "total_outstanding": "38.00"},
        part,
    )

    assert (less.paid, less.left) == (*dollars(100), None)
    assert (settled.paid, settled.paid_in_full) == (*dollars(138), True)


def test_a_refund_that_what_is_outstanding_does_not_know_of_is_no_payment() -> None:
    aside = {**PAID, "financial_status": "authorized", "total_outstanding": "128.00"}
    taken = {**PAID, "financial_status": "partially_paid", "total_outstanding": "28.00"}
    *_, known = history(aside, taken, {**PART_BACK, "total_outstanding": "28.00", "back": [(2, "10.00")]})

    assert known.paid == Money(10000, "USD")


@pytest.mark.parametrize(("current", "left"), [("128.00", "0.00"), ("0.00", "0.00"), ("0.00", "-123.00")])
def test_a_cancelling_that_waives_what_is_outstanding_is_no_payment(current: str, left: str) -> None:
    part = {**PART_BACK, "total_outstanding": "5.00", "back": [(1, "5.00")]}
    off = {**part, "cancelled_at": at_hour(2), "current_total_price": current, "total_outstanding": left}
    *_, cancelled = history(PAID, part, off)

    assert (cancelled.paid, cancelled.to_refund) == dollars(128, 123)
    assert [each.reason for each in findings(cancelled)] == ["refund_owed"]
