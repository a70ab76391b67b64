"""The judge itself, where it is about what has to be heard and was not."""

from dataclasses import replace

import pytest

from tests.outside.facts import Cancelled, Delivered, OptedOut, Refunded, Restored, Voided
from tests.outside.histories import (
    ANN,
    CHAT,
    DAY,
    HOUR,
    MAIL,
    MINUTE,
    NOON,
    STRANGER,
    fact,
    found,
    hears,
    paid,
    placed,
    shipped,
    wrote,
)
from tests.outside.history import Case, Shop

CONFIRMED = (placed(), hears(MINUTE, "order_confirmation"))
BACK = fact(Refunded, DAY, refund="r")

MISSING = {
    "a parcel": ("announced", (shipped(HOUR),)),
    "a parcel's number": ("announced", (shipped(HOUR, tracking="X1"), hears(HOUR, "shipped", text="left"))),
    "a payment": ("acknowledged", (paid(HOUR),)),
    "the rest of a payment": (
        "acknowledged",
        (
            paid(HOUR, "5.00"),
            hears(HOUR, "payment_received", number="2301", paid="£5.00"),
            paid(DAY, "15.00", ref="q"),
        ),
    ),
    "a refund": ("given-back", (paid(HOUR), BACK)),
    "a cancellation": ("called-off", (fact(Cancelled, HOUR),)),
    "a delay": ("late-cases", (paid(HOUR),)),
    "a request for a review": ("reviews-asked", (shipped(HOUR), fact(Delivered, DAY))),
}
SAID = {
    "a parcel": hears(2 * HOUR, "shipped", text="left"),
    "a parcel's number": hears(2 * HOUR, "tracking_changed", text="X1"),
    "a payment": hears(2 * HOUR, "payment_received"),
    "the rest of a payment": hears(2 * DAY, "payment_received", number="2301", paid="£20.00"),
    "a refund": hears(2 * DAY, "refunded"),
    "a cancellation": hears(2 * HOUR, "cancelled"),
    "a delay": shipped(2 * DAY),
    "a request for a review": hears(8 * DAY, "review_request"),
}


@pytest.mark.parametrize("what", MISSING)
def test_what_was_not_said_is_found_and_what_was_said_is_not(what: str) -> None:
    rule, events = MISSING[what]
    assert found(rule, *CONFIRMED, *events)
    assert not found(rule, *CONFIRMED, *events, SAID[what])


@pytest.mark.parametrize("what", MISSING)
def test_a_run_that_ends_soon_owes_nothing(what: str) -> None:
    rule, events = MISSING[what]
    assert not found(rule, *CONFIRMED, *events, ends=2 * DAY)


@pytest.mark.parametrize("what", [what for what in MISSING if what != "a delay"])
def test_a_stop_excuses_silence(what: str) -> None:
    rule, events = MISSING[what]
    assert not found(rule, *CONFIRMED, *events, fact(OptedOut, MINUTE, addresses=(MAIL,)))


@pytest.mark.parametrize("what", [what for what in MISSING if what != "a delay"])
def test_a_stop_that_was_taken_back_excuses_only_what_was_owed_meanwhile(what: str) -> None:
    rule, events = MISSING[what]
    stop, start = wrote(MINUTE, "stop", chat=CHAT), wrote(2 * MINUTE, "start", chat=CHAT)
    late = wrote(9 * DAY, "start", chat=CHAT)
    assert found(rule, *CONFIRMED, stop, start, *events)
    assert not found(rule, *CONFIRMED, stop, *events, late)


def test_a_stop_of_the_mailbox_that_was_the_orders_then_excuses_silence() -> None:
    corrected = placed(5 * HOUR, replace(ANN, email="new@example.com"))
    gone = fact(OptedOut, MINUTE, addresses=(MAIL,))
    assert not found("announced", *CONFIRMED, gone, shipped(HOUR), corrected)
    assert found("announced", *CONFIRMED, shipped(HOUR), corrected)


def test_a_stop_in_a_chat_that_opened_the_order_excuses_no_silence_elsewhere() -> None:
    opened = wrote(HOUR, "proof", "2301 5678", number="2301", digits="5678")
    strange = (opened, hears(HOUR, "where_is_order", STRANGER), wrote(2 * HOUR, "stop"))
    assert found("announced", *CONFIRMED, *strange, shipped(3 * HOUR))
    assert not found("announced", *CONFIRMED, *strange, shipped(3 * HOUR), hears(3 * HOUR, "shipped"))


def test_a_payment_that_is_told_again_was_acknowledged_before() -> None:
    said = hears(2 * HOUR, "payment_received")
    assert not found("acknowledged", *CONFIRMED, paid(HOUR), said, paid(3 * HOUR))


def test_a_parcel_that_came_at_once_need_not_be_announced() -> None:
    assert not found("announced", *CONFIRMED, shipped(HOUR), fact(Delivered, 2 * HOUR))


def test_a_cancellation_that_was_taken_back_need_not_be_said() -> None:
    gone = (*CONFIRMED, fact(Cancelled, HOUR), hears(HOUR, "cancelled"), fact(Restored, 2 * HOUR))
    assert not found("called-off", *gone)
    assert found("called-off", *gone, fact(Cancelled, DAY))
    assert not found("called-off", *gone, fact(Cancelled, DAY), hears(DAY, "cancelled"))
    back = (DAY, Restored(order="webhook/2301", at=NOON + 2 * HOUR))
    assert not found("called-off", *gone[:-1], back, fact(Cancelled, DAY))


def test_a_case_shows_a_delay_and_a_small_cap_excuses_buyers_words_only() -> None:
    case = Case(opened_at=NOON + 3 * DAY, order="2301", who=None)
    assert not found("late-cases", *CONFIRMED, paid(HOUR), cases=[case])
    assert found("late-cases", *CONFIRMED, paid(HOUR), shop=Shop(per_day=2))
    assert not found("acknowledged", *CONFIRMED, paid(HOUR), shop=Shop(per_day=2))


def test_a_case_about_another_order_keeps_no_review_back() -> None:
    came = (*CONFIRMED, shipped(HOUR), fact(Delivered, DAY))
    waits, another = "Annabel · webhook:ann", "Benedict · webhook:ben"
    for order, who, excused in (
        ("2301", waits, True),
        ("2302", waits, False),
        (None, waits, True),
        (None, another, False),
    ):
        case = Case(opened_at=NOON, order=order, who=who)
        assert bool(found("reviews-asked", *came, cases=[case])) is not excused


def test_a_payment_that_was_taken_back_is_a_case_since_then() -> None:
    gone = (placed(), fact(Voided, DAY))
    before, since, later = (Case(opened_at=NOON + at, order="2301", who=None) for at in (HOUR, DAY, 2 * DAY))
    assert found("taken-back", *gone)
    assert found("taken-back", *gone, cases=[before, later])
    assert not found("taken-back", *gone, cases=[since])
    assert not found("taken-back", *gone, fact(Cancelled, 2 * DAY))
    assert not found("taken-back", *gone, ends=2 * DAY)


def test_what_is_to_go_back_after_a_cancelling_is_a_case_since_then() -> None:
    gone = (placed(), paid(HOUR), fact(Cancelled, DAY))
    since, later = (Case(opened_at=NOON + at, order="2301", who=None) for at in (DAY, 2 * DAY))
    assert found("to-go-back", *gone)
    assert found("to-go-back", *gone, cases=[later])
    assert not found("to-go-back", *gone, cases=[since])
    assert not found("to-go-back", *gone, BACK)
    assert not found("to-go-back", placed(), fact(Cancelled, DAY))
    assert not found("to-go-back", *gone, fact(Restored, DAY + HOUR))


def test_a_restoring_is_said_unless_the_order_is_cancelled_again_at_once() -> None:
    back = (placed(), fact(Cancelled, HOUR), hears(HOUR, "cancelled"), fact(Restored, DAY))
    assert found("restored", *back)
    assert not found("restored", *back, hears(DAY, "restored"))
    assert not found("restored", *back, fact(Cancelled, DAY + HOUR))
    assert found("restored", *back, fact(Cancelled, 3 * DAY))
    late = hears(2 * DAY + HOUR, "restored")
    assert found("restored", *back, late)
    crowded = (hears(DAY, "payment_received"), hears(DAY + HOUR, "shipped"), late)
    assert not found("restored", *back, *crowded, shop=Shop(per_day=2))
