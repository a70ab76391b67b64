"""Check what was said about an order against what had been told of it, by rules apart from the handlers.

Each rule reads events and messages alone, never the record that decided: it names what no buyer should have
read.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from bot.domain.events import (
    OrderCancelled,
    OrderCompleted,
    OrderDelivered,
    OrderEvent,
    OrderPlaced,
    OrderRefunded,
    OrderReopened,
    OrderShipped,
    ParcelCancelled,
    ParcelMoved,
)
from bot.domain.parcels import ATTEMPTED, READY
from bot.domain.shop import Shop
from bot.operations.audit import money, parcels
from bot.operations.audit.conversations import Violation, began
from bot.operations.audit.files import with_parts
from bot.operations.audit.said import Said
from storage.audit_queries import Fact, KnownCase, Sending

ONE_BREATH = timedelta(minutes=1)  # in which nobody thanks and reminds
FIRST_THINGS = timedelta(minutes=5)  # before the confirmation, in which nothing else is said

CLAIM = "payment_claim"
# Cases that the seller settles before anything is to be paid, by their kind or their reason.
HOLDING = (CLAIM, "quote", "payment_failed")

# What a text refers to; one of these must have been said before it.
LOOKS_BACK_TO: Mapping[str, tuple[str, ...]] = {
    "second_contact": ("order_confirmation", "payment_reminder"),
    "review_reminder": ("review_request",),
    "restored": ("cancelled",),
    "tracking_changed": ("shipped",),
    "shipment_cancelled": ("shipped",),
}

# What a text says has happened; somebody must have told one of these before it.
TOLD_BY: Mapping[str, tuple[type[OrderEvent], ...]] = {
    "shipped": (OrderShipped,),
    "tracking_changed": (OrderShipped,),
    "delayed": (OrderShipped,),
    "delivery_attempted": (ParcelMoved,),
    "ready_for_pickup": (ParcelMoved,),
    "shipment_cancelled": (ParcelCancelled,),
    "delivered": (OrderDelivered,),
    "review_request": (OrderDelivered, OrderCompleted, OrderShipped),
    "cancelled": (OrderCancelled,),
    "restored": (OrderReopened,),
    "refunded": (OrderRefunded,),
    "partly_refunded": (OrderRefunded,),
}
MOVED_TO = {"delivery_attempted": ATTEMPTED, "ready_for_pickup": READY}
OF_ITS_PARCEL = ("shipped", *MOVED_TO)  # and of no other


def false_statements(
    sending: Sending,
    others: Sequence[Sending],
    facts: Collection[Fact],
    shop: Shop,
    slack: timedelta,
    cases: Collection[KnownCase] = (),
) -> Iterator[Violation]:
    """Violations of promises 2 and 3 by one message about an order. others: all messages about the order.
    cases: all that are about it."""
    at = began(sending)
    before = tuple(other for other in others if other.id != sending.id and began(other) < at)
    # What arrived while the message was being sent may have been known as far as any of it.
    arrived = {fact.received_at for fact in facts if abs(fact.received_at - at) < slack}
    held = any(_holds(each) and _open(each, at - slack, at + slack) for each in cases)
    looked_for = any(each.kind == CLAIM and _touches(each, at - slack, at + slack) for each in cases)
    views = [Said(sending, before, _told(facts, by), shop, held) for by in (at - slack, *arrived, at + slack)]
    if sending.category == "answer":
        if sending.template == "payment_claimed" and not looked_for:
            yield Violation(3, "nobody_looks", sending)
        return
    for code, (promise, broken) in RULES.items():
        if all(broken(view) for view in views):
            yield Violation(promise, code, sending)
    shown = (fact.received_at for fact in facts if isinstance(fact.event, OrderPlaced))
    if _said_too_early(sending, others) and min(shown, default=at) <= at:
        yield Violation(3, "before_confirmation", sending)


def _holds(case: KnownCase) -> bool:
    return case.kind in HOLDING or case.reason in HOLDING


def _open(case: KnownCase, since: datetime, until: datetime) -> bool:
    """Open all that time."""
    return case.opened_at < since and (case.closed_at is None or case.closed_at > until)


def _touches(case: KnownCase, since: datetime, until: datetime) -> bool:
    """Open at any moment of that time."""
    return case.opened_at <= until and (case.closed_at is None or case.closed_at >= since)


def _told(facts: Collection[Fact], by: datetime) -> tuple[OrderEvent, ...]:
    """Who says anything of an order knows its first showing, which may have led to it in that very moment."""
    shown = [fact for fact in facts if isinstance(fact.event, OrderPlaced)]
    first = min(shown, key=lambda fact: fact.received_at, default=None)
    known = (fact.event for fact in facts if fact.received_at <= by or fact is first)
    return with_parts([event for event in known if isinstance(event, OrderEvent)])


def _is_test(said: Said) -> bool:
    newest = max(said.shown, key=lambda event: event.at, default=None)
    return bool(newest and newest.test and not said.shop.say_test_orders)


def _reassured_too_late(said: Said) -> bool:
    """ "We are packing it", although it has left."""
    return said.sending.template == "reassurance" and said.has(OrderShipped, OrderDelivered, OrderCompleted)


def _nothing_to_look_back_to(said: Said) -> bool:
    wanted = LOOKS_BACK_TO.get(said.sending.template)
    return (wanted is not None and not said.earlier(*wanted)) or (_nth_reminder(said) > 1 and not said.before)


def _nothing_told(said: Said) -> bool:
    """Nobody had told of what it says has happened."""
    template, parcel = said.sending.template, said.sending.values.get("parcel")
    if template not in TOLD_BY:
        return False
    told = parcels.about(parcel, said.told) if parcel and template in OF_ITS_PARCEL else said.told
    status = MOVED_TO.get(template)
    grounds = [event for event in told if isinstance(event, TOLD_BY[template])]
    return not any(status is None or getattr(event, "status", None) == status for event in grounds)


def _nth_reminder(said: Said) -> int:
    """Which reminder its text says it is; 0 for another text. Older ones said the step that was planned."""
    sending = said.sending
    if sending.template != "payment_reminder":
        return 0
    nth: int = sending.facts.get("step") or sending.values.get("step", 1)
    return nth


def _pressed(said: Said) -> bool:
    """Asked for money while the seller was to settle a case first, or after the word that nobody would."""
    if said.sending.template not in money.ASKING:
        return False
    return said.held or bool(said.earlier("reminders_ended"))


def _tidied_up(said: Said) -> bool:
    """Deleting an order that was done is no cancelling, and without any nothing is to be told."""
    if said.sending.template != "cancelled":
        return False
    cancellings = [event for event in said.told if isinstance(event, OrderCancelled)]
    done = said.has(OrderShipped, OrderDelivered, OrderCompleted)
    return done and all(event.reason == "deleted" for event in cancellings)


def _cancelled_twice(said: Said) -> bool:
    if said.sending.template != "cancelled":
        return False
    reopened = {event.at for event in said.told if isinstance(event, OrderReopened)}
    return len(said.earlier("cancelled")) > len(reopened)


def _in_one_breath(said: Said) -> bool:
    """Asked for money in the breath in which the order was confirmed, changed or partly paid."""
    if said.sending.template not in money.ASKING:
        return False
    breath = min(
        (ONE_BREATH, *(wait / 2 for wait in said.shop.payment.remind if wait))
    )  # as the shop wants it
    of_money = said.earlier("order_confirmation", "total_changed", *money.NAMING_SUMS)
    return any(said.at - began(other) < breath for other in of_money)


def _said_too_early(sending: Sending, others: Sequence[Sending]) -> bool:
    """Said shortly before the confirmation of its order, which could have gone out then as well."""
    if sending.template == "order_confirmation":
        return False
    confirmed = [each for each in others if each.template == "order_confirmation"]
    soon = [each for each in confirmed if timedelta(0) < began(each) - began(sending) < FIRST_THINGS]
    return any(_had_a_way(each, sending) for each in soon)


def _had_a_way(confirmation: Sending, then: Sending) -> bool:
    """False where the channel by which it went out was not known yet: only a chat had proved the order."""
    ways, known = (set(each.facts.get("ways") or ()) for each in (confirmation, then))
    return not ways or not known or bool(ways & known)


RULES: Mapping[str, tuple[int, Callable[[Said], bool]]] = {
    **money.RULES,
    **parcels.RULES,
    "test_order": (3, _is_test),
    "reassured_too_late": (3, _reassured_too_late),
    "nothing_told": (3, _nothing_told),
    "pressed": (3, _pressed),
    "nothing_said_before": (3, _nothing_to_look_back_to),
    "tidied_up": (3, _tidied_up),
    "cancelled_twice": (2, _cancelled_twice),
    "one_breath": (3, _in_one_breath),
}
