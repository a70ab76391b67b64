"""Check what was said about an order against what had been told of it, by rules apart from the handlers.

Each rule reads events and messages alone, never the record that decided: it names what no buyer should have
read.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from bot.domain.events import (
    CANCELLED,
    COMPLETED,
    DELIVERED,
    OrderCancelled,
    OrderCompleted,
    OrderDelivered,
    OrderEvent,
    OrderListed,
    OrderPlaced,
    OrderReopened,
    OrderShipped,
    ParcelCancelled,
    PaymentReceived,
)
from bot.domain.shop import Shop
from bot.operations.audit.conversations import Violation, began
from storage.audit_queries import Fact, Sending

ONE_BREATH = timedelta(minutes=1)  # in which nobody thanks and reminds
FIRST_THINGS = timedelta(minutes=5)  # before the confirmation, in which nothing else is said

# What a text refers to; one of these must have been said before it.
LOOKS_BACK_TO: Mapping[str, tuple[str, ...]] = {
    "second_contact": ("order_confirmation", "payment_reminder"),
    "review_reminder": ("review_request",),
    "restored": ("cancelled",),
    "tracking_changed": ("shipped",),
    "shipment_cancelled": ("shipped",),
}
ABOUT_A_PARCEL = ("shipped", "delayed", "delivery_attempted", "tracking_changed")
ASKING = ("payment_reminder", "second_contact")
NAMING_SUMS = (*ASKING, "payment_received")


class Said(msgspec.Struct, frozen=True):
    """A message with all that had been told, and said, before it."""

    sending: Sending
    before: tuple[Sending, ...]
    told: tuple[OrderEvent, ...]
    shop: Shop

    def has(self, *kinds: type[OrderEvent]) -> bool:
        return any(isinstance(event, kinds) for event in self.told)


def false_statements(
    sending: Sending, others: Sequence[Sending], facts: Collection[Fact], shop: Shop, slack: timedelta
) -> Iterator[Violation]:
    """Violations of promises 2 and 3 by one message about an order. others: all messages about the order."""
    if sending.category == "answer":
        return
    at = began(sending)
    before = tuple(other for other in others if other.id != sending.id and began(other) < at)
    # A fact that arrived while the message was being sent may or may not have been known.
    views = [Said(sending, before, _told(facts, at + apart), shop) for apart in (-slack, slack)]
    for code, (promise, broken) in RULES.items():
        if all(broken(view) for view in views):
            yield Violation(promise, code, sending)
    if _said_too_early(sending, others):
        yield Violation(3, "before_confirmation", sending)


def _told(facts: Collection[Fact], by: datetime) -> tuple[OrderEvent, ...]:
    known = (fact.event for fact in facts if fact.received_at <= by)
    return tuple(each for event in known if isinstance(event, OrderEvent) for each in _parts(event))


def _parts(event: OrderEvent) -> list[OrderEvent]:
    """An event; a line of a file as what it tells, one by one."""
    if not isinstance(event, OrderListed):
        return [event]
    listing = event.listing
    of: dict[str, Any] = {"channel": event.channel, "external_id": "", "order": event.order}
    parts: list[OrderEvent] = [event]
    if listing.paid and (listing.paid.amount is None or listing.paid.amount.minor):
        parts.append(PaymentReceived(**of, at=listing.paid.at, amount=listing.paid.amount))
    for each in listing.parcels or ():
        parts.append(OrderShipped(**of, at=each.at, parcel=each.parcel, tracking=each.tracking))
    for step, since in listing.steps.items():
        if since:
            parts.append(_STEPS[step](**of, at=since))
        elif step == CANCELLED and listing.timed:
            parts.append(OrderReopened(**of, at=listing.at))
    return parts


_STEPS: dict[str, Callable[..., OrderEvent]] = {
    CANCELLED: OrderCancelled,
    DELIVERED: OrderDelivered,
    COMPLETED: OrderCompleted,
}


def _is_test(said: Said) -> bool:
    shown = [event for event in said.told if isinstance(event, OrderPlaced)]
    newest = max(shown, key=lambda event: event.at, default=None)
    return bool(newest and newest.test and not said.shop.say_test_orders)


def _thanked_for_nothing(said: Said) -> bool:
    if said.sending.template != "payment_received" or said.has(PaymentReceived):
        return False
    shown = [event for event in said.told if isinstance(event, OrderPlaced) and event.paid is not None]
    newest = max((event.at for event in shown), default=None)
    return all(event.paid is not None and event.paid.minor == 0 for event in shown if event.at == newest)


def _sum_unclear(said: Said) -> bool:
    """Money in a currency that no total of the order has."""
    if said.sending.template not in NAMING_SUMS:
        return False
    placed = [event for event in said.told if isinstance(event, OrderPlaced)]
    totals = {money.currency for event in placed for money in (event.total, event.shop_total) if money}
    paid = [event.amount for event in said.told if isinstance(event, PaymentReceived) and event.amount]
    return bool(placed) and any(money.currency not in totals and money.minor for money in paid)


def _taken_back(said: Said) -> bool:
    """A parcel that was taken back, and did not leave again."""
    parcel = said.sending.values.get("parcel")
    if said.sending.template not in ABOUT_A_PARCEL or not parcel:
        return False
    names = _names_of(parcel, said.told)
    gone = [event.at for event in said.told if isinstance(event, ParcelCancelled) and names & _names(event)]
    left = [event.at for event in said.told if isinstance(event, OrderShipped) and names & _names(event)]
    return bool(gone) and max(gone) > max(left, default=min(gone))


def _late_after_arrival(said: Said) -> bool:
    parcel = said.sending.values.get("parcel")
    if said.sending.template != "delayed" or not parcel:
        return False
    names = _names_of(parcel, said.told)
    arrivals = [event for event in said.told if isinstance(event, OrderDelivered)]
    return any(event.parcel is None or names & _names(event) for event in arrivals)


def _parcel_twice(said: Said) -> bool:
    """A parcel announced under one of its names that had been announced under another."""
    parcel = said.sending.values.get("parcel")
    if said.sending.template != "shipped" or not parcel or said.has(ParcelCancelled):
        return False
    names = _names_of(parcel, said.told)
    earlier = [other.values.get("parcel") for other in said.before if other.template == "shipped"]
    return any(other is not None and str(other).casefold() in names for other in earlier)


def _nothing_to_look_back_to(said: Said) -> bool:
    wanted = LOOKS_BACK_TO.get(said.sending.template)
    return bool(wanted) and not any(other.template in (wanted or ()) for other in said.before)


def _tidied_up(said: Said) -> bool:
    """Deleting an order that was done is no cancelling."""
    if said.sending.template != "cancelled":
        return False
    cancellings = [event for event in said.told if isinstance(event, OrderCancelled)]
    done = said.has(OrderShipped, OrderDelivered, OrderCompleted)
    return done and bool(cancellings) and all(event.reason == "deleted" for event in cancellings)


def _cancelled_twice(said: Said) -> bool:
    if said.sending.template != "cancelled":
        return False
    earlier = sum(other.template == "cancelled" for other in said.before)
    reopened = {event.at for event in said.told if isinstance(event, OrderReopened)}
    return earlier > len(reopened)


def _in_one_breath(said: Said) -> bool:
    """Asked for money in the breath in which the order was confirmed or a payment acknowledged."""
    if said.sending.template not in ASKING:
        return False
    at = began(said.sending)
    of_money = ("order_confirmation", "payment_received", *ASKING)
    breath = min(
        (ONE_BREATH, *(wait / 2 for wait in said.shop.payment.remind if wait))
    )  # as the shop wants it
    return any(other.template in of_money and at - began(other) < breath for other in said.before)


def _said_too_early(sending: Sending, others: Sequence[Sending]) -> bool:
    """Said shortly before the confirmation of its order."""
    if sending.template == "order_confirmation":
        return False
    confirmed = [began(other) for other in others if other.template == "order_confirmation"]
    return any(timedelta(0) < at - began(sending) < FIRST_THINGS for at in confirmed)


def _names(event: OrderEvent) -> frozenset[str]:
    """Every name of the parcel that an event tells."""
    given = (getattr(event, "parcel", None), getattr(event, "tracking", None), *getattr(event, "names", ()))
    return frozenset(str(name).casefold() for name in given if name)


def _names_of(parcel: object, told: Sequence[OrderEvent]) -> frozenset[str]:
    """All names of the parcel with this name: events that share one are about the same parcel."""
    known = frozenset({str(parcel).casefold()})
    groups = [names for event in told if (names := _names(event))]
    while True:
        more = known.union(*(names for names in groups if names & known))
        if more == known:
            return known
        known = more


RULES: Mapping[str, tuple[int, Callable[[Said], bool]]] = {
    "test_order": (3, _is_test),
    "nothing_paid": (3, _thanked_for_nothing),
    "sum_unclear": (3, _sum_unclear),
    "parcel_taken_back": (3, _taken_back),
    "late_after_arrival": (3, _late_after_arrival),
    "parcel_twice": (2, _parcel_twice),
    "nothing_said_before": (3, _nothing_to_look_back_to),
    "tidied_up": (3, _tidied_up),
    "cancelled_twice": (2, _cancelled_twice),
    "one_breath": (3, _in_one_breath),
}
