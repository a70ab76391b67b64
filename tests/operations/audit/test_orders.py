"""A message about an order against the facts that had arrived, and a record against all of them."""

from datetime import datetime, timedelta

import msgspec
import pytest

from bot.domain.events import OrderCancelled, OrderEvent, OrderRefunded, PaymentReceived, ReviewPosted
from bot.domain.orders import Order, merge
from bot.operations.audit.orders import CLOCKS_APART, record_differs, violations_about_order
from storage.audit_queries import Fact, Sending
from tests.one_shop import HOUR, MINUTE, completed, placed
from tests.world import NOON

SLACK = timedelta(seconds=10)
FIELDS = {"channel": "web", "order": "1", "at": NOON}
PAID = PaymentReceived(external_id="p", **FIELDS)
CANCELLED = OrderCancelled(external_id="c", **FIELDS)
REFUNDED = OrderRefunded(external_id="r", refund="r", **FIELDS)
REVIEWED = ReviewPosted(external_id="v", rating=5, **FIELDS)


def fact(event: OrderEvent, received_at: datetime = NOON, state: str = "done") -> Fact:
    return Fact(id=1, state=state, received_at=received_at, event=event)


def codes(template: str, at: datetime, *facts: Fact) -> list[str]:
    sending = Sending(
        id=1,
        key="k",
        buyer="ann",
        template=template,
        category="service",
        state="sent",
        values={},
        facts={},
        settled_at=at,
    )
    return [violation.code for violation in violations_about_order(sending, list(facts), SLACK)]


def record_of(*events: OrderEvent) -> Order | None:
    order = None
    for event in events:
        order = merge(order, event)
    return order


@pytest.mark.parametrize(
    ("template", "event", "found"),
    [
        ("payment_reminder", PAID, ["order_paid"]),
        ("payment_reminder", CANCELLED, ["order_cancelled"]),
        ("payment_reminder", REVIEWED, []),
        ("review_request", PAID, []),
        ("review_request", REVIEWED, ["order_reviewed"]),
        ("review_request", REFUNDED, ["order_refunded"]),
        ("shipped", CANCELLED, ["order_cancelled"]),
        ("shipped", REFUNDED, ["order_refunded"]),
        ("shipped", PAID, []),
        ("greeting", CANCELLED, []),
    ],
)
def test_each_kind_of_message_has_facts_that_make_it_untrue(
    template: str, event: OrderEvent, found: list[str]
) -> None:
    assert codes(template, NOON + HOUR, fact(placed("1")), fact(event)) == found


def test_a_fact_counts_from_some_seconds_after_its_arrival() -> None:
    facts = [fact(placed("1"), NOON - HOUR), fact(PAID, NOON)]

    assert codes("payment_reminder", NOON + SLACK, *facts) == ["order_paid"]
    assert codes("payment_reminder", NOON + SLACK / 2, *facts) == []
    assert codes("payment_reminder", NOON - MINUTE, *facts) == []


def test_a_record_is_what_its_handled_events_make_of_it() -> None:
    order, done = placed("1"), completed("1")
    facts = [fact(order), fact(done)]

    assert not record_differs(facts, record_of(order, done))
    assert record_differs(facts, record_of(order))
    assert record_differs(facts, None)
    assert not record_differs([], None)
    moved = msgspec.structs.replace(record_of(order, done), buyer="bob")
    assert not record_differs(facts, moved)


def test_an_open_event_is_not_in_the_record_and_a_parked_one_may_be() -> None:
    order, done = placed("1"), completed("1")
    with_it, without_it = record_of(order, done), record_of(order)

    parked = [fact(order), fact(done, state="parked")]
    assert not record_differs(parked, with_it)
    assert not record_differs(parked, without_it)
    waits = [fact(order), fact(done, state="open")]
    assert record_differs(waits, with_it)
    assert not record_differs(waits, without_it)


def test_what_is_in_the_archive_may_be_in_the_record_but_no_later_fact_is_missing() -> None:
    order, done = placed("1"), completed("1")

    assert not record_differs([fact(done)], record_of(order, done), archived_until=NOON)
    assert record_differs([fact(done)], record_of(order), archived_until=NOON)
    assert record_differs([fact(done)], record_of(order, done), archived_until=NOON - CLOCKS_APART)


def test_a_record_that_is_kept_under_another_id_than_the_platforms_is_compared_like_any() -> None:
    record = merge(Order(id="1@web", own_id="1", channel="web"), PAID)
    assert not record_differs([fact(PAID)], record)
    assert record_differs([fact(PAID), fact(CANCELLED)], record)
