"""Parcels that leave: told once, those of an hour in one message, and what is corrected of them later.

Each record of a parcel queues a message of its own, so that the facts decide which messages there are and not
the order in which they came. The first that is due tells all that is news; the others find it told.
"""

from collections.abc import Iterator
from datetime import datetime

from bot.domain.actions import Action, Say, Value
from bot.domain.context import Context
from bot.domain.messages import DueMessage, Facts, MessagePolicies, Reason
from bot.domain.orders import Order
from bot.domain.parcel_names import numbers_in
from bot.domain.parcel_news import (
    CORRECTED,
    LEFT,
    TAKEN_BACK,
    parcel_of,
    together_until,
    told_numbers,
    told_on_its_way,
)
from bot.domain.parcels import Number, Parcel
from bot.domain.reasons import Reasons
from handlers import message_policies as policy
from handlers.validity import cancelled, iso, parcel_arrived, refunded_in_full


def announce(order: Order, context: Context) -> list[Action]:
    """Each record, and once more when it left again after it was taken back."""
    return [
        *(_about(LEFT, order, each, each.shipped_at) for each in order.parcels if each.shipped_at),
        *(
            _about(LEFT, order, each, at, f":{at:%Y%m%dT%H%M%S}")
            for each in order.parcels
            if (at := each.left_at) and (back := each.first_cancelled_at or each.cancelled_at) and back < at
        ),
    ]


def correct(order: Order, context: Context) -> list[Action]:
    """A number that is told later, by whichever system; the first of a parcel is none."""
    unnamed = [number for each in order.parcels if not each.named for number in each.known_numbers]
    return [
        Say(
            template=CORRECTED,
            key=f"{CORRECTED}:{order.id}:{record.id}:{number.tracking}",
            order=order.id,
            at=number.first,
            earliest=True,
            values={"parcel": record.id, "number": number.tracking},
        )
        for record in order.parcels
        for number in _later([*record.known_numbers, *(unnamed if record.named else ())])
    ]


def take_back(order: Order, context: Context) -> list[Action]:
    """Each record that was taken back, once it is known which parcel that left it is."""
    whole = order.parcels_by_id
    return [
        _about(TAKEN_BACK, order, each, each.first_cancelled_at or each.cancelled_at)
        for each in order.parcels
        if each.cancelled_at and whole[each.id].shipped_at
    ]


def _about(template: str, order: Order, record: Parcel, at: datetime | None, again: str = "") -> Say:
    key = f"{template}:{order.id}:{record.id}{again}"
    values: dict[str, Value] = {"parcel": record.id}
    return Say(template=template, key=key, order=order.id, at=at, earliest=True, values=values)


def _later(numbers: list[Number]) -> Iterator[Number]:
    """Those that were told after another one, also if they were told before it too."""
    if len(numbers) < 2:
        return
    begun = [(each.first, each.tracking or "") for each in numbers]
    for number in numbers:
        name = number.tracking
        if name and any(other != name and (at, other) < (number.last, name) for at, other in begun):
            yield number


def gone(order: Order, parcel: Parcel | None) -> Reason | None:
    """Why nothing about this parcel is to be said any more; None while it is on its way."""
    if outdated := cancelled(order) or refunded_in_full(order):
        return outdated
    if parcel is None or parcel.shipped_at is None:
        return Reason("order_unknown", {"order": order.shown_number})
    if parcel.taken_back:
        return Reason("parcel_taken_back", {"order": order.shown_number})
    return parcel_arrived(order, parcel)


def on_its_way(order: Order, parcel: Parcel | None) -> Reason | None:
    """As `gone`, and the carrier has not given up."""
    if (outdated := gone(order, parcel)) or parcel is None:
        return outdated
    return Reason("parcel_failed", {"order": order.shown_number}) if parcel.failed else None


def why_not_announce(due: DueMessage, order: Order, facts: Facts, now: datetime) -> Reason | None:
    parcel = parcel_of(order, due.values.get("parcel"))
    if (outdated := on_its_way(order, parcel)) or parcel is None:
        return outdated
    if told_on_its_way(order, facts.said) & set(parcel.ids):
        return Reason("parcel_told", {"order": order.shown_number})
    return None


def wait_for_more(due: DueMessage, facts: Facts, now: datetime) -> tuple[datetime, Reason] | None:
    until = together_until(facts.order, facts.said) if facts.order else None
    return (until, Reason("parcels_together", {"until": iso(until)})) if until and until > now else None


def why_not_correct(due: DueMessage, order: Order, facts: Facts, now: datetime) -> Reason | None:
    parcel = parcel_of(order, due.values.get("parcel"))
    if (outdated := gone(order, parcel)) or parcel is None:
        return outdated
    numbers = told_numbers(parcel, order, facts.said)
    current = numbers_in(parcel.tracking)
    if current != numbers_in(due.values.get("number")):
        return Reason("number_changed", {"order": order.shown_number})
    if numbers is None or any(numbers_in(number) == current for number in numbers):
        return Reason("number_told", {"order": order.shown_number})
    return None


def why_not_take_back(due: DueMessage, order: Order, facts: Facts, now: datetime) -> Reason | None:
    if outdated := cancelled(order) or refunded_in_full(order):
        return outdated
    parcel = parcel_of(order, due.values.get("parcel"))
    if parcel is None or not parcel.taken_back:
        return Reason("parcel_left_again", {"order": order.shown_number})
    if not told_on_its_way(order, facts.said) & set(parcel.ids):
        return Reason("parcel_not_told", {"order": order.shown_number})
    return None


_SAMPLES = ({"parcel": "a"}, {"parcel": "b"})

POLICIES: MessagePolicies = {
    LEFT: policy.shipping(
        why_not_announce,
        about_parcel=True,
        not_before=wait_for_more,
        variables=("parcel.shipped_at",),
        samples=_SAMPLES,
    ),
    CORRECTED: policy.shipping(
        why_not_correct,
        about_parcel=True,
        variables=("parcel.tracking",),
        samples=({"parcel": "a", "number": "SF123"}, {"parcel": "b", "number": "RM 12"}),
    ),
    TAKEN_BACK: policy.shipping(
        why_not_take_back,
        samples=_SAMPLES,
    ),
}

REASONS: Reasons = {
    "parcel_told": ("order",),
    "parcel_not_told": ("order",),
    "parcel_failed": ("order",),
    "parcel_taken_back": ("order",),
    "parcel_left_again": ("order",),
    "parcels_together": ("until",),
    "number_told": ("order",),
    "number_changed": ("order",),
}
