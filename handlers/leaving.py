"""Parcels that leave: told once, those of an hour in one message, and what is corrected of them later.

Each record of a parcel queues a message of its own, so that the facts decide which messages there are and not
the order in which they came. The first that is due tells all that is news; the others find it told.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from bot.domain.actions import Action, Say, Value
from bot.domain.context import Context
from bot.domain.messages import DueMessage, Facts, MessagePolicies, Reason
from bot.domain.orders import Order
from bot.domain.parcel_names import numbers_in, plain
from bot.domain.parcel_news import (
    CORRECTED,
    LEFT,
    TAKEN_BACK,
    off_before,
    parcel_of,
    together_until,
    told_as,
    told_on_its_way,
    told_to_fetch,
)
from bot.domain.parcels import Number, Parcel
from bot.domain.reasons import Reasons
from handlers import message_policies as policy
from handlers.validity import cancelled, iso, parcel_arrived, refunded_in_full

NUMBER_COMES = timedelta(days=3)  # after it was taken back: a system may tell numbers by the day
LOOK_AGAIN = timedelta(hours=1)

Name = tuple[str | None, str | None]  # a tracking number and a carrier


def announce(order: Order, context: Context) -> list[Action]:
    """Each record, and once more each time that it left after anything was taken back."""
    return [
        *(_about(LEFT, order, each, each.shipped_at) for each in order.parcels if each.shipped_at),
        *(
            _about(LEFT, order, each, at, f":{at:%Y%m%dT%H%M%S}")
            for each in order.parcels
            for at in each.left_times[1:]
            if off_before(order, at)
        ),
    ]


def correct(order: Order, context: Context) -> list[Action]:
    """Each number or carrier that is told after another one, by whichever system, each time that it is; which
    of these differs from what the buyer read is found when it is due."""
    unnamed = [number for each in order.parcels if not each.named for number in each.known_numbers]
    return [
        _correction(order, record, name, time, at)
        for record in order.parcels
        for name, begun in _later([*record.known_numbers, *(unnamed if record.named else ())])
        for time, at in enumerate(begun, start=1)
    ]


def _correction(order: Order, record: Parcel, name: Name, time: int, at: datetime) -> Say:
    number, carrier = name
    key = f"{CORRECTED}:{order.id}:{record.id}:{number}"
    key += f":{carrier}" if carrier else ""
    key += f":{time}" if time > 1 else ""
    values: dict[str, Value] = {"parcel": record.id, "number": number}
    values |= {"carrier": carrier} if carrier else {}
    return Say(template=CORRECTED, key=key, order=order.id, at=at, earliest=True, values=values)


def take_back(order: Order, context: Context) -> list[Action]:
    """Each record that was taken back, once anything left: which parcel that is, is found when it is due; and
    once more when it was taken back after it left again."""
    left = any(parcel.shipped_at for parcel in order.parcels_by_id.values())
    gone = [each for each in order.parcels if each.cancelled_at and left]
    return [
        *(_about(TAKEN_BACK, order, each, each.off_times[0]) for each in gone),
        *(
            _about(TAKEN_BACK, order, each, _next(each.off_times, at), f":{at:%Y%m%dT%H%M%S}")
            for each in gone
            for at in each.out_times
            if each.off_times[0] < at < each.off_times[-1]
        ),
    ]


def _next(times: tuple[datetime, ...], after: datetime) -> datetime:
    return next(at for at in times if at > after)


def _about(template: str, order: Order, record: Parcel, at: datetime | None, again: str = "") -> Say:
    key = f"{template}:{order.id}:{record.id}{again}"
    values: dict[str, Value] = {"parcel": record.id}
    return Say(template=template, key=key, order=order.id, at=at, earliest=True, values=values)


def _later(numbers: list[Number]) -> Iterator[tuple[Name, list[datetime]]]:
    """Those that were told after another one, also if they were told before it too, with the times at which
    each began to be told. One more fact adds times, or makes them earlier, and takes none away."""
    if len(numbers) < 2:
        return
    names = ((at, each.carrier or "", each.tracking or "") for each in numbers for at in each.times)
    begun: dict[Name, list[datetime]] = {}
    later: set[Name] = set()
    name: Name = (None, None)
    for place, (at, carrier, number) in enumerate(sorted(names)):
        before, name = name, (number or None, carrier or None)
        if place == 0 or name != before:
            begun.setdefault(name, []).append(at)
        if number and any(number != other or _unlike(carrier, by) for other, by in begun):
            later.add(name)
    yield from ((name, begun[name]) for name in sorted(later, key=str))


def _unlike(carrier: str | None, other: str | None) -> bool:
    """A carrier that is not named is like any."""
    return bool(carrier and other) and plain(carrier or "") != plain(other or "")


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
    """As `gone`, and the carrier has neither given up nor leaves it to the buyer to fetch it."""
    if (outdated := gone(order, parcel)) or parcel is None:
        return outdated
    why = "parcel_failed" if parcel.failed else "parcel_ready" if parcel.ready else None
    return Reason(why, {"order": order.shown_number}) if why else None


def why_not_announce(due: DueMessage, order: Order, facts: Facts, now: datetime) -> Reason | None:
    parcel = parcel_of(order, due.values.get("parcel"))
    if (outdated := on_its_way(order, parcel)) or parcel is None:
        off = outdated is not None and outdated.code == "parcel_taken_back"
        return None if off and _may_be_another(due, order, now) else outdated
    if told_on_its_way(order, facts.said) & set(parcel.ids):
        return Reason("parcel_told", {"order": order.shown_number})
    return None


def _may_be_another(due: DueMessage, order: Order, now: datetime) -> bool:
    """True while the number by which a parcel was taken back may still be told of another one."""
    parcel = parcel_of(order, due.values.get("parcel"))
    unknown = parcel and parcel.taken_back and (parcel.guessed or parcel.shipped_at is None)
    off_at = parcel.cancelled_at if parcel and unknown else None
    return off_at is not None and now < off_at + NUMBER_COMES


def _while_unknown(due: DueMessage, facts: Facts, now: datetime) -> tuple[datetime, Reason] | None:
    order = facts.order
    if order is None or not _may_be_another(due, order, now):
        return None
    return now + LOOK_AGAIN, Reason("parcel_taken_back", {"order": order.shown_number})


def wait_for_more(due: DueMessage, facts: Facts, now: datetime) -> tuple[datetime, Reason] | None:
    if unknown := _while_unknown(due, facts, now):
        return unknown
    until = together_until(facts.order, facts.said) if facts.order else None
    return (until, Reason("parcels_together", {"until": iso(until)})) if until and until > now else None


def why_not_correct(due: DueMessage, order: Order, facts: Facts, now: datetime) -> Reason | None:
    parcel = parcel_of(order, due.values.get("parcel"))
    if (outdated := gone(order, parcel)) or parcel is None:
        return outdated
    number, carrier = due.values.get("number"), due.values.get("carrier")
    if not _same(parcel, number, carrier) or (carrier and not parcel.carrier):
        return Reason("number_changed", {"order": order.shown_number})
    told = told_as(parcel, order, facts.said)
    if not told or any(_same(parcel, each.number, each.carrier) for each in told):
        return Reason("number_told", {"order": order.shown_number})
    return None


def _same(parcel: Parcel, number: str | None, carrier: str | None) -> bool:
    return numbers_in(parcel.tracking) == numbers_in(number) and not _unlike(parcel.carrier, carrier)


def why_not_take_back(due: DueMessage, order: Order, facts: Facts, now: datetime) -> Reason | None:
    if outdated := cancelled(order) or refunded_in_full(order):
        return outdated
    parcel = parcel_of(order, due.values.get("parcel"))
    if parcel is None or not parcel.taken_back:
        return Reason("parcel_left_again", {"order": order.shown_number})
    if not _heard_of(order, facts) & set(parcel.ids) and not _may_be_another(due, order, now):
        return Reason("parcel_not_told", {"order": order.shown_number})
    return None


def _heard_of(order: Order, facts: Facts) -> set[str]:
    return told_on_its_way(order, facts.said) | told_to_fetch(order, facts.said)


def _while_unknown_and_untold(due: DueMessage, facts: Facts, now: datetime) -> tuple[datetime, Reason] | None:
    """Of a parcel that they heard of, they hear at once."""
    parcel = parcel_of(facts.order, due.values.get("parcel")) if facts.order else None
    told = facts.order and _heard_of(facts.order, facts) & set(parcel.ids if parcel else ())
    return None if told else _while_unknown(due, facts, now)


_SAMPLES = ({"parcel": "a"}, {"parcel": "b"})

POLICIES: MessagePolicies = {
    LEFT: policy.leaving(
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
        not_before=_while_unknown_and_untold,
        samples=_SAMPLES,
    ),
}

REASONS: Reasons = {
    "parcel_told": ("order",),
    "parcel_not_told": ("order",),
    "parcel_failed": ("order",),
    "parcel_ready": ("order",),
    "parcel_taken_back": ("order",),
    "parcel_left_again": ("order",),
    "parcels_together": ("until",),
    "number_told": ("order",),
    "number_changed": ("order",),
}
