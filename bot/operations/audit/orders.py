"""Whether what was said about an order was true by what had come in, and whether its record holds that."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta

import msgspec

from bot.domain.events import OrderEvent
from bot.domain.orders import Order, merge
from bot.operations.audit.conversations import Breach, began
from storage.audit_queries import Fact, Sending

Untruth = Callable[[Order], bool]

CLOCKS_APART = timedelta(days=1)  # at most, between a platform's and ours

_ASKING_FOR_MONEY: dict[str, Untruth] = {
    "order_paid": lambda order: bool(order.payments),
    "order_cancelled": lambda order: order.cancelled,
    "order_refunded": lambda order: bool(order.refunds),
}
_ASKING_FOR_REVIEW: dict[str, Untruth] = {
    "order_cancelled": lambda order: order.cancelled,
    "order_refunded": lambda order: bool(order.refunds),
    "order_reviewed": lambda order: bool(order.reviews),
}
_OF_A_LIVING_ORDER: dict[str, Untruth] = {
    "order_cancelled": lambda order: order.cancelled,
    "order_refunded": lambda order: order.refunded_in_full,
}

# What must not be so when these are said.
UNTRUE: dict[str, dict[str, Untruth]] = {
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


def broken_about_order(sending: Sending, told: list[Fact], slack: timedelta) -> Iterator[Breach]:
    """Where the message was untrue by the facts that had reached us, not only by those that had happened."""
    rules = UNTRUE.get(sending.template)
    if rules is None:
        return
    at = began(sending)
    # Untrue both shortly before and shortly after: what changed in between may not have been on disk.
    before, by_then = _known(told, at - slack), _known(told, at + slack)
    for code, untrue in rules.items():
        if before and by_then and untrue(before) and untrue(by_then):
            yield Breach(3, code, sending)


def facts_missing(told: list[Fact], record: Order | None, archived_until: datetime | None = None) -> bool:
    """Whether merging the handled events again gives another order than the one on record.

    The facts of a parked event may or may not be in the record: its handler failed before or after them.
    Of an order whose first events may lie in the archive, the record must at least hold all that is told.
    """
    done = _merged(fact for fact in told if fact.state == "done")
    if done is None:
        return False
    if record is None:
        return True
    if archived_until and (record.placed_at is None or record.placed_at < archived_until + CLOCKS_APART):
        again = _merged((fact for fact in told if fact.state == "done"), record)
        return again != record
    parked = _merged(fact for fact in told if fact.state != "open")
    return _compared(record) not in {_compared(done), _compared(parked or done)}


def _known(told: Iterable[Fact], at: datetime) -> Order | None:
    return _merged(fact for fact in told if fact.received_at <= at)


def _merged(facts: Iterable[Fact], order: Order | None = None) -> Order | None:
    for fact in facts:
        if isinstance(fact.event, OrderEvent):
            order = merge(order, fact.event)
    return order


def _compared(order: Order) -> bytes:
    """Without what depends on who came first: the channel, and the buyer as we call her."""
    return msgspec.json.encode(msgspec.structs.replace(order, buyer=None, channel=""))
