"""Parcels: announced when they leave, watched on their way, reported when late or delivered.

A platform may report the arrival of the whole order or of each parcel. Each report gives a message of its
own, and only one of them is valid when it is due: see `valid_report`.
"""

from datetime import datetime, timedelta

import msgspec

from bot.domain.actions import Action, OpenCase, Say, Unsay, WakeAt
from bot.domain.context import Context
from bot.domain.events import TimeCame
from bot.domain.messages import DueMessage, Facts, MessagePolicies, Reason
from bot.domain.orders import Order
from bot.domain.parcels import Parcel
from bot.domain.reasons import Reasons
from handlers import message_policies as policy
from handlers.reminders import FORGOTTEN
from handlers.validity import arrived, cancelled, iso, refunded_in_full

GUESSED = ("completed", "travel")  # good enough to ask for a review, not to report an arrival


class Arrival(msgspec.Struct, frozen=True):
    """`by`: all, parcel-<id>, completed (the platform closed the order), or travel (nobody reports it)."""

    by: str
    at: datetime


def announce(order: Order, context: Context) -> list[Action]:
    return [
        Say(
            template="shipped",
            key=f"shipped:{order.id}:{parcel.id}",
            order=order.id,
            at=parcel.shipped_at,
            values={"parcel": parcel.id},
        )
        for parcel in order.shipped
    ]


def watch(order: Order, context: Context) -> list[Action]:
    delay = context.shop.followups.delay
    return [
        WakeAt(
            key=f"parcel_check:{order.id}:{parcel.id}",
            at=parcel.shipped_at + delay,
            what="parcel_check",
            order=order.id,
        )
        for parcel in order.shipped
        if parcel.shipped_at and parcel.followed
    ]


def check(event: TimeCame, context: Context) -> list[Action]:
    """Check every parcel on its way: one that moved is checked again later, one that stands still is late."""
    order = context.order
    if order is None or cancelled(order) or refunded_in_full(order) or order.completed_at:
        return []
    now = max(context.now, event.at)  # so that no check is lost to a clock that was set back
    return [
        action
        for parcel in order.shipped
        if parcel.followed and not has_arrived(parcel, order)
        for action in _check_parcel(parcel, order, context, now)
    ]


def _check_parcel(parcel: Parcel, order: Order, context: Context, now: datetime) -> list[Action]:
    seen_at = last_seen(parcel)
    if seen_at is None:
        return []
    late_at = seen_at + context.shop.followups.delay
    if now < late_at:
        again = f"parcel_check:{order.id}:{parcel.id}:{int(seen_at.timestamp())}"
        return [WakeAt(key=again, at=late_at, what="parcel_check", order=order.id)]
    if now - late_at > FORGOTTEN:
        return []
    return [
        Say(
            template="delayed",
            key=f"delayed:{order.id}:{parcel.id}",
            order=order.id,
            at=late_at,
            values={"parcel": parcel.id},
        ),
        OpenCase(
            kind="delay",
            key=f"delay:{order.id}:{parcel.id}",
            reason="parcel_late",
            order=order.id,
            details={"order": order.shown_number, "days": (now - seen_at).days, "parcel": parcel.id},
        ),
    ]


def last_seen(parcel: Parcel) -> datetime | None:
    return max((at for at in (parcel.shipped_at, parcel.moved_at) if at), default=None)


def has_arrived(parcel: Parcel, order: Order) -> bool:
    return parcel.delivered_at is not None or order.all_delivered_at is not None


def arrivals(order: Order, travel: timedelta) -> list[Arrival]:
    """List every report of an arrival. More facts add reports and take none away."""
    reports = [
        Arrival(f"parcel-{parcel.id}", parcel.delivered_at) for parcel in order.parcels if parcel.delivered_at
    ]
    if order.all_delivered_at:
        reports.append(Arrival("all", order.all_delivered_at))
    if order.completed_at:
        reports.append(Arrival("completed", order.completed_at))
    if order.all_shipped:
        left_at = max(parcel.shipped_at for parcel in order.shipped if parcel.shipped_at)
        if not any(parcel.followed for parcel in order.shipped):
            reports.append(Arrival("travel", left_at + travel))
    return reports


def valid_report(order: Order) -> str | None:
    """Name the report that is valid now: of the whole order, else of the last parcel, else the closing."""
    if order.all_delivered_at:
        return "all"
    if order.delivered_at:
        last = max((parcel.delivered_at, parcel.id) for parcel in order.parcels if parcel.delivered_at)
        return f"parcel-{last[1]}"
    if order.completed_at:
        return "completed"
    unreported = order.all_shipped and not any(parcel.followed for parcel in order.shipped)
    return "travel" if unreported else None


def arrive(order: Order, context: Context) -> list[Action]:
    says: list[Action] = [
        Say(
            template="delivered",
            key=f"delivered:{order.id}:{arrival.by}",
            order=order.id,
            at=arrival.at,
            values={"by": arrival.by},
        )
        for arrival in arrivals(order, context.shop.followups.travel)
        if arrival.by not in GUESSED and not (arrival.by == "all" and _reported_by_parcels(order, context))
    ]
    known = arrived(order)
    if order.all_delivered_at and known:
        says.append(Unsay(prefix=f"delivered:{order.id}:parcel-", why=known.code, values=known.values))
    return says


def _reported_by_parcels(order: Order, context: Context) -> bool:
    """True if the last parcel's arrival was reported: that of the whole order is no news then."""
    sent = {said.key for said in context.said if said.sent_at}
    keys = {f"delivered:{order.id}:parcel-{parcel.id}" for parcel in order.parcels}
    return bool(keys & sent) and all(parcel.delivered_at for parcel in order.shipped)


def why_not_announce(due: DueMessage, order: Order, facts: Facts, now: datetime) -> Reason | None:
    outdated = cancelled(order) or refunded_in_full(order)
    parcel = _parcel(due, order)
    if outdated or parcel is None or parcel.shipped_at is None:
        return outdated or Reason("order_unknown", {"order": order.shown_number})
    return arrived(order) if has_arrived(parcel, order) else None


def why_not_report_delay(due: DueMessage, order: Order, facts: Facts, now: datetime) -> Reason | None:
    outdated = why_not_announce(due, order, facts, now)
    parcel = _parcel(due, order)
    if outdated or parcel is None:
        return outdated
    seen_at = last_seen(parcel)
    if seen_at and now < seen_at + facts.shop.followups.delay:
        return Reason("parcel_moved", {"order": order.shown_number, "moved_at": iso(seen_at)})
    return None


def why_not_report_arrival(due: DueMessage, order: Order, facts: Facts, now: datetime) -> Reason | None:
    return cancelled(order) or refunded_in_full(order) or reported_otherwise(due, order)


def reported_otherwise(due: DueMessage, order: Order) -> Reason | None:
    """None if this message's report of the arrival is the valid one."""
    by = valid_report(order)
    if by == due.values.get("by"):
        return None
    if by is None:
        return Reason("order_not_delivered", {"order": order.shown_number})
    return arrived(order)


def _parcel(due: DueMessage, order: Order) -> Parcel | None:
    return next((parcel for parcel in order.parcels if parcel.id == due.values.get("parcel")), None)


POLICIES: MessagePolicies = {
    "shipped": policy.shipping(
        why_not_announce,
        about_parcel=True,
        variables=("parcel.shipped_at",),
        samples=({"parcel": "a"}, {"parcel": "b"}),
    ),
    "delayed": policy.shipping(
        why_not_report_delay,
        about_parcel=True,
        variables=("parcel.shipped_at",),
        samples=({"parcel": "a"}, {"parcel": "b"}),
    ),
    "delivered": policy.shipping(why_not_report_arrival, samples=({"by": "parcel-a"}, {"by": "all"})),
}

REASONS: Reasons = {
    "order_not_delivered": ("order",),
    "parcel_moved": ("order", "moved_at"),
    "parcel_late": ("order", "days"),
}
