"""Check messages about an order against the events that had arrived, and the record against all events."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta

import msgspec

from bot.domain.erasing import is_erased
from bot.domain.events import OrderEvent
from bot.domain.orders import Order, merge
from bot.operations.audit.conversations import Violation, began
from storage.audit_queries import Fact, Sending

Outdated = Callable[[Order], bool]

CLOCKS_APART = timedelta(days=1)  # at most, between a platform's and ours

_ASKING_FOR_MONEY: dict[str, Outdated] = {
    "order_paid": lambda order: order.first_paid_at is not None,
    "order_authorised": lambda order: order.authorised_at is not None,
    "order_cancelled": lambda order: order.cancelled,
    "order_refunded": lambda order: bool(order.refunds),
}
_ASKING_FOR_REVIEW: dict[str, Outdated] = {
    "order_cancelled": lambda order: order.cancelled,
    "order_refunded": lambda order: bool(order.refunds),
    "order_reviewed": lambda order: bool(order.reviews),
}
_OF_A_LIVING_ORDER: dict[str, Outdated] = {
    "order_cancelled": lambda order: order.cancelled,
    "order_refunded": lambda order: order.refunded_in_full,
}

# What must not hold when these templates are sent.
OUTDATED: dict[str, dict[str, Outdated]] = {
    "payment_reminder": _ASKING_FOR_MONEY,
    "second_contact": _ASKING_FOR_MONEY,
    "review_request": _ASKING_FOR_REVIEW,
    "review_reminder": _ASKING_FOR_REVIEW,
    "order_confirmation": _OF_A_LIVING_ORDER,
    "payment_received": _OF_A_LIVING_ORDER,
    "reassurance": _OF_A_LIVING_ORDER,
    "shipped": _OF_A_LIVING_ORDER,
    "delayed": _OF_A_LIVING_ORDER,
    "delivered": _OF_A_LIVING_ORDER,
}


def violations_about_order(sending: Sending, facts: list[Fact], slack: timedelta) -> Iterator[Violation]:
    """Violations where facts that had reached us made the message untrue before it was sent."""
    rules = OUTDATED.get(sending.template)
    if rules is None:
        return
    at = began(sending)
    # Outdated both shortly before and after: what changed in between may not have been committed.
    before, by_then = _known(facts, at - slack), _known(facts, at + slack)
    for code, outdated in rules.items():
        if before and by_then and outdated(before) and outdated(by_then):
            yield Violation(3, code, sending)


def record_differs(facts: list[Fact], record: Order | None, archived_until: datetime | None = None) -> bool:
    """True if merging the handled events again gives another order than the record.

    The facts of a parked event may or may not be in the record: its handler failed before or after them.
    Where the first events may be in the archive, the record must at least contain all the others.
    """
    done = [fact for fact in facts if fact.state == "done"]
    if not done:
        return False
    if record is None:
        return True
    if archived_until and (record.placed_at is None or record.placed_at < archived_until + CLOCKS_APART):
        return _merged(done, record) != record
    handled = [fact for fact in facts if fact.state != "open"]
    new = Order(id=record.id, channel=record.channel, own_id=record.own_id)
    again = [_merged(done, new) or new, _merged(handled, new) or new]
    if is_erased(record.buyer):  # an order of theirs has no contacts any more
        again = [msgspec.structs.replace(each, contacts=None) for each in again]
    return _compared(record) not in {_compared(each) for each in again}


def _known(facts: Iterable[Fact], at: datetime) -> Order | None:
    return _merged(fact for fact in facts if fact.received_at <= at)


def _merged(facts: Iterable[Fact], order: Order | None = None) -> Order | None:
    for fact in facts:
        if isinstance(fact.event, OrderEvent):
            order = merge(order, fact.event)
    return order


def _compared(order: Order) -> bytes:
    """The order as JSON, without what is no fact of the platform's: our buyer, and what they asked for in a
    chat."""
    asked = {"reminders_ended_at": None, "cancelling_since": None}
    return msgspec.json.encode(msgspec.structs.replace(order, buyer=None, **asked))
