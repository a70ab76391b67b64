"""The judge itself, where it is about parcels: what is said of them, and what is promised before."""

import pytest

from tests.outside.facts import Cancelled, Carried, Delivered, OptedOut, TakenBack
from tests.outside.histories import DAY, HOUR, MAIL, MINUTE, fact, found, hears, paid, placed, shipped

UNTRUE = {
    "nothing left": ((), hears(DAY, "shipped")),
    "taken back": ((shipped(HOUR), fact(TakenBack, 2 * HOUR, parcel="A")), hears(DAY, "shipped")),
    "one of one": (
        (shipped(HOUR, last=True),),
        hears(DAY, "shipped", text="part of your order 2301 is on its way. The rest will follow."),
    ),
    "one is missing": (
        (shipped(HOUR), shipped(HOUR, "B"), fact(Delivered, DAY, parcel="A")),
        hears(2 * DAY, "delivered"),
    ),
    "arrived": ((shipped(HOUR), fact(Delivered, DAY, parcel="A")), hears(7 * DAY, "delayed")),
    "arrived by another name": (
        (shipped(HOUR), shipped(2 * HOUR, tracking="X1"), fact(Delivered, DAY, parcel="A", name="X1")),
        hears(7 * DAY, "delayed"),
    ),
    "the last of several that are to come": (
        (shipped(HOUR, last=False),),
        hears(DAY, "shipped", text="the last parcel of order 2301 is on its way."),
    ),
    "given up that was not": ((shipped(HOUR),), hears(DAY, "shipment_cancelled")),
    "given up by the carrier": (
        (shipped(HOUR), fact(Carried, DAY, parcel="A", failed=True)),
        hears(2 * DAY, "when_ship", text="Order 2301 has left and is on its way."),
    ),
    "an attempt that nobody made": ((shipped(HOUR),), hears(DAY, "delivery_attempted")),
    "a number of nothing": ((), hears(DAY, "tracking_changed")),
    "nameless in an answer": ((shipped(HOUR),), hears(DAY, "when_ship", text="2301 has left\n- Parcel ")),
    "too early to be late": ((shipped(HOUR),), hears(2 * DAY, "delayed")),
    "nameless": ((shipped(HOUR, last=True),), hears(DAY, "shipped", text="2301 left\nParcel:")),
}
TRUE = {
    "left": ((shipped(HOUR),), hears(DAY, "shipped", text="2301 left\nParcel: Royal Mail X1")),
    "one of two": (
        (shipped(HOUR, last=False),),
        hears(DAY, "shipped", text="part of your order 2301 is on its way. The rest will follow."),
    ),
    "the last of two": (
        (shipped(HOUR, last=False), shipped(2 * HOUR, "B", last=True)),
        hears(DAY, "shipped", text="the last parcel of order 2301 is on its way."),
    ),
    "given up": ((shipped(HOUR), fact(TakenBack, 2 * HOUR, parcel="A")), hears(DAY, "shipment_cancelled")),
    "tried by the carrier": (
        (shipped(HOUR), fact(Carried, DAY, parcel="A", failed=False)),
        hears(2 * DAY, "delivery_attempted", text="Order 2301 is on its way."),
    ),
    "all arrived": ((shipped(HOUR), fact(Delivered, DAY)), hears(2 * DAY, "delivered")),
    "late": ((shipped(HOUR),), hears(7 * DAY, "delayed")),
    "arrived by a name nobody knows": (
        (shipped(HOUR), fact(Delivered, DAY, parcel="A", name="X1")),
        hears(7 * DAY, "delayed"),
    ),
}


@pytest.mark.parametrize("case", UNTRUE)
def test_untrue_words_about_parcels_are_found(case: str) -> None:
    events, said = UNTRUE[case]
    assert found("parcels", placed(), *events, said)


@pytest.mark.parametrize("case", TRUE)
def test_true_words_about_parcels_are_right(case: str) -> None:
    events, said = TRUE[case]
    assert not found("parcels", placed(), *events, said)


def test_one_parcel_is_announced_once_and_a_dozen_not_within_an_hour() -> None:
    said = (hears(2 * HOUR, "shipped"), hears(3 * HOUR, "shipped"))
    assert found("one-parcel", placed(), shipped(HOUR), *said)
    assert found("one-parcel", placed(), shipped(HOUR), shipped(2 * HOUR, tracking="X1"), *said)
    assert not found("one-parcel", placed(), shipped(HOUR), shipped(2 * HOUR, "B"), *said)
    three = [shipped(HOUR, parcel) for parcel in "ABC"]
    assert found("one-parcel", placed(), *three, *(hears(n * 10 * MINUTE, "shipped") for n in (7, 8, 9)))
    assert not found("one-parcel", placed(), *three, *(hears(n * HOUR, "shipped") for n in (2, 4, 6)))


def test_a_tracking_number_that_comes_later_is_said() -> None:
    events = (placed(), shipped(HOUR), hears(HOUR, "shipped"), shipped(2 * HOUR, tracking="X1"))
    assert found("corrections", *events)
    assert not found("corrections", *events, fact(OptedOut, 3 * HOUR, addresses=(MAIL,)))
    assert not found("corrections", *events, hears(3 * HOUR, "tracking_changed", text="2301: X1"))


@pytest.mark.parametrize(
    "words",
    [
        "We'll send it within 2 working days of your payment.",
        "We ship as soon as we have it.",
        "We're packing it and will send it by Wednesday, 25 November.",
        "付款后 2 个工作日内发货。",
        "最晚 11月25日（星期三）发货",
        "收到款項後 2 個工作天內出貨。",
        "補齊後就為您出貨",
    ],
)
def test_a_promise_of_shipping_after_it_left_is_found(words: str) -> None:
    assert found(
        "promises", placed(), paid(MINUTE), shipped(HOUR), hears(2 * HOUR, "payment_received", text=words)
    )
    assert not found("promises", placed(), paid(MINUTE), hears(2 * HOUR, "payment_received", text=words))


def test_a_promise_of_shipping_is_found_when_cancelled_or_long_past() -> None:
    said = hears(9 * DAY, "when_ship", text="It leaves within 2 days after payment.")
    assert found("promises", placed(), paid(MINUTE), said)
    assert found(
        "promises", placed(), fact(Cancelled, HOUR), hears(DAY, "when_ship", text="We ship within 2 days")
    )
    assert not found(
        "promises", placed(), shipped(HOUR, last=False), hears(DAY, "when_ship", text="We ship within")
    )


def test_a_number_that_was_not_told_yet_may_be_of_the_parcel_that_left() -> None:
    back = fact(TakenBack, 2 * HOUR, parcel="A", name="X1")
    said = hears(3 * HOUR, "payment_received", text="We ship within 2 days")
    assert not found("promises", placed(), shipped(HOUR), back, said)
    assert found("promises", placed(), shipped(HOUR), back, shipped(2 * HOUR, "B", tracking="X2"), said)


@pytest.mark.parametrize("words", ["send it by Wednesday, {} November", "最晚 11月{}日（星期三）发货"])
def test_a_day_that_is_named_is_ahead_and_not_later_than_promised(words: str) -> None:
    """Paid on Monday the 23rd, to be sent within two working days."""
    for day, after, wrong in ((25, HOUR, False), (25, 2 * DAY, False), (25, 3 * DAY, True), (27, HOUR, True)):
        said = hears(after, "when_ship", text=words.format(day))
        assert bool(found("promises", placed(), paid(MINUTE), said)) is wrong


def test_weekends_are_not_counted() -> None:
    """Paid on Friday the 27th."""
    events = (placed(4 * DAY), paid(4 * DAY))
    by = "send it by {}, {} December"
    assert not found("promises", *events, hears(5 * DAY, "when_ship", text=by.format("Tuesday", 1)))
    assert found("promises", *events, hears(5 * DAY, "when_ship", text=by.format("Wednesday", 2)))
