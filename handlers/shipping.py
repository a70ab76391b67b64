"""Parcels: told when they leave, watched while they travel, told when they stop, told when they arrive.

What has arrived may be told by the platform for the whole order or parcel by parcel. Each telling is a
message of its own, and only one of them is true when its time comes: see `speaking`.
"""

from datetime import datetime, timedelta

import msgspec

from bot.domain.actions import Action, OpenCase, Say, Unsay, WakeAt
from bot.domain.context import Context
from bot.domain.events import TimeCame
from bot.domain.messages import DueMessage, Facts, Reason
from bot.domain.orders import Order, Parcel
from handlers.reminders import FORGOTTEN
from handlers.validity import arrived, cancelled, moment, refunded_in_full

GUESSED = ("completed", "travel")  # good enough to ask for a review, not to tell her that it is there


class Arrival(msgspec.Struct, frozen=True):
    """`by`: all, parcel-<id>, completed (the platform's closing word), or travel (nobody tells it at all)."""

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
    """Look at every parcel under way: one that moved is looked at again later, one that stands is late."""
    order = context.order
    if order is None or cancelled(order) or refunded_in_full(order) or order.completed_at:
        return []
    moment_now = max(context.now, event.at)  # a clock set back must not lose the look
    return [
        action
        for parcel in order.shipped
        if parcel.followed and not has_arrived(parcel, order)
        for action in _look_at(parcel, order, context, moment_now)
    ]


def _look_at(parcel: Parcel, order: Order, context: Context, now: datetime) -> list[Action]:
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
    """Every telling of an arrival. More facts add to them and take none away."""
    tellings = [
        Arrival(f"parcel-{parcel.id}", parcel.delivered_at) for parcel in order.parcels if parcel.delivered_at
    ]
    if order.all_delivered_at:
        tellings.append(Arrival("all", order.all_delivered_at))
    if order.completed_at:
        tellings.append(Arrival("completed", order.completed_at))
    if order.all_shipped:
        left_at = max(parcel.shipped_at for parcel in order.shipped if parcel.shipped_at)
        if not any(parcel.followed for parcel in order.shipped):
            tellings.append(Arrival("travel", left_at + travel))
    return tellings


def speaking(order: Order) -> str | None:
    """The one telling that is true now: the whole, else the last parcel of all, else the platform's close."""
    if order.all_delivered_at:
        return "all"
    if order.delivered_at:
        last = max((parcel.delivered_at, parcel.id) for parcel in order.parcels if parcel.delivered_at)
        return f"parcel-{last[1]}"
    if order.completed_at:
        return "completed"
    untold = order.all_shipped and not any(parcel.followed for parcel in order.shipped)
    return "travel" if untold else None


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
        if arrival.by not in GUESSED and not (arrival.by == "all" and _told_by_parcels(order, context))
    ]
    known = arrived(order)
    if order.all_delivered_at and known:
        says.append(Unsay(prefix=f"delivered:{order.id}:parcel-", why=known.code, values=known.values))
    return says


def _told_by_parcels(order: Order, context: Context) -> bool:
    """The buyer already read of the last parcel; the whole, told afterwards, is no news to her."""
    told = {said.key for said in context.said if said.sent_at}
    keys = {f"delivered:{order.id}:parcel-{parcel.id}" for parcel in order.parcels}
    return bool(keys & told) and all(parcel.delivered_at for parcel in order.shipped)


def still_on_its_way(due: DueMessage, order: Order, facts: Facts, now: datetime) -> Reason | None:
    untrue = cancelled(order) or refunded_in_full(order)
    parcel = _parcel(due, order)
    if untrue or parcel is None or parcel.shipped_at is None:
        return untrue or Reason("order_unknown", {"order": order.shown_number})
    return arrived(order) if has_arrived(parcel, order) else None


def still_late(due: DueMessage, order: Order, facts: Facts, now: datetime) -> Reason | None:
    untrue = still_on_its_way(due, order, facts, now)
    parcel = _parcel(due, order)
    if untrue or parcel is None:
        return untrue
    seen_at = last_seen(parcel)
    if seen_at and now < seen_at + facts.shop.followups.delay:
        return Reason("parcel_moved", {"order": order.shown_number, "moved_at": moment(seen_at)})
    return None


def still_arrived(due: DueMessage, order: Order, facts: Facts, now: datetime) -> Reason | None:
    return cancelled(order) or refunded_in_full(order) or told_otherwise(due, order)


def told_otherwise(due: DueMessage, order: Order) -> Reason | None:
    """None if this message's telling of the arrival is the one that is true now."""
    by = speaking(order)
    if by == due.values.get("by"):
        return None
    if by is None:
        return Reason("order_not_delivered", {"order": order.shown_number})
    return arrived(order)


def _parcel(due: DueMessage, order: Order) -> Parcel | None:
    return next((parcel for parcel in order.parcels if parcel.id == due.values.get("parcel")), None)
