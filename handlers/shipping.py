"""Parcels on their way: watched, reported when late, not taken in or delivered.

A platform may report the arrival of the whole order or of each parcel. Each report gives a message of its
own, and only one of them is valid when it is due: see `valid_report`.
"""

from datetime import datetime, timedelta

import msgspec

from bot.domain.actions import Action, CloseCase, OpenCase, Say, WakeAt
from bot.domain.context import Context
from bot.domain.events import TimeCame
from bot.domain.messages import DueMessage, Facts, MessagePolicies, Reason
from bot.domain.orders import Order
from bot.domain.parcel_news import (
    AGAIN,
    REACHED,
    WAITS,
    last_told_at,
    off_before,
    parcel_of,
    told_arrived,
    told_ids,
    told_on_its_way,
    told_to_fetch,
)
from bot.domain.parcels import ATTEMPTED, Parcel
from bot.domain.reasons import ARRIVAL_UNCLEAR, Reasons
from handlers import message_policies as policy
from handlers.leaving import gone, on_its_way
from handlers.reminders import FORGOTTEN
from handlers.validity import arrived, cancelled, iso, refunded_in_full

LEAVING_COMES = timedelta(hours=4)  # after the arrival: so long platforms repeat a delivery that failed
ASKED_AFTER = timedelta(hours=1)
LOOK_AGAIN, LOOK_LATER = timedelta(minutes=5), timedelta(hours=1)
A_DAY = timedelta(days=1)


class Arrival(msgspec.Struct, frozen=True):
    """`by`: all, parcel-<id>; guesses: travel-<id> (nobody follows it), with the time where it left again;
    completed (the order was closed)."""

    by: str
    at: datetime

    @property
    def guessed(self) -> bool:
        """Good enough to ask for a review, not to report an arrival."""
        return self.by == "completed" or self.by.startswith("travel-")


def watch(order: Order, context: Context) -> list[Action]:
    delay = context.shop.followups.delay
    return [
        WakeAt(
            key=f"parcel_check:{order.id}:{parcel.id}",
            at=parcel.shipped_at + delay,
            what="parcel_check",
            order=order.id,
        )
        for parcel in order.parcels
        if parcel.shipped_at and parcel.followed
    ]


def check(event: TimeCame, context: Context) -> list[Action]:
    """Check every parcel on its way: one that moved is checked again later, one that stands still is late."""
    order = context.order
    if order is None or order.completed_at:
        return []
    now = max(context.now, event.at)  # so that no check is lost to a clock that was set back
    return [
        action
        for parcel in order.shipped
        if parcel.followed and not on_its_way(order, parcel)
        for action in _check_parcel(parcel, order, context, now)
    ]


def _check_parcel(parcel: Parcel, order: Order, context: Context, now: datetime) -> list[Action]:
    """Late by its own times, and once, by whatever name it was late."""
    keys = {f"delayed:{order.id}:{id}" for id in parcel.ids}
    if parcel.seen_at is None or any(said.key in keys for said in context.said):
        return []
    late_at = parcel.seen_at + context.shop.followups.delay
    if now < late_at:
        again = f"parcel_check:{order.id}:{parcel.id}:{int(parcel.seen_at.timestamp())}"
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
            details={
                "order": order.shown_number,
                "days": (now - parcel.seen_at).days,
                "parcel": parcel.tracking or parcel.id,
            },
        ),
    ]


def report_attempt(order: Order, context: Context) -> list[Action]:
    return [
        Say(
            template="delivery_attempted",
            key=f"delivery_attempted:{order.id}:{record.id}",
            order=order.id,
            at=record.attempted_at,
            earliest=True,
            values={"parcel": record.id},
        )
        for record in order.parcels
        if record.attempted_at
    ]


def report_ready(order: Order, context: Context) -> list[Action]:
    """Each parcel that waits to be fetched, and anew what waits again after anything was taken back."""
    return [
        Say(
            template=WAITS,
            key=f"{WAITS}:{order.id}:{record.id}{_again(at if at != record.ready_at else None)}",
            order=order.id,
            at=at,
            earliest=True,
            values={"parcel": record.id},
        )
        for record in order.parcels
        for at in (record.ready_at, *record.ready_later)
        if at and (at == record.ready_at or off_before(order, at))
    ]


def show_failure(order: Order, context: Context) -> list[Action]:
    """A parcel that the carrier gave up goes to the seller, who knows what becomes of it."""
    failed = [record for record in order.parcels if record.failed_at]
    opened: list[Action] = [
        OpenCase(
            kind="parcel_failed",
            key=_failure(order, record),
            reason="parcel_given_up",
            order=order.id,
            details={"order": order.shown_number, "parcel": record.tracking or record.id},
        )
        for record in failed
    ]
    keys = (_failure(order, record) for record in failed)
    # The rule that closes cases sees only those that were open before this event.
    return opened + [CloseCase(key=key) for key in keys if failure_case_settled(key, order)]


def _failure(order: Order, record: Parcel) -> str:
    return f"parcel_failed:{order.id}:{record.id}"


def late_case_settled(key: str, order: Order) -> bool:
    """True if the parcel of a case about a delay arrived or was taken back."""
    parcel = parcel_of(order, key.removeprefix(f"delay:{order.id}:"))
    return parcel is not None and (parcel.taken_back or order.has_arrived(parcel))


def failure_case_settled(key: str, order: Order) -> bool:
    """True once who told of the failure tells that the parcel arrived or was taken back, whatever else comes:
    so no order of arrival closes a case that another would have left open."""
    if key.startswith(f"{ARRIVAL_UNCLEAR}:"):
        return not order.arrival_unclear
    id = key.removeprefix(f"parcel_failed:{order.id}:")
    ended = any(each.id == id and (each.delivered_at or each.cancelled_at) for each in order.parcels)
    return ended or order.all_delivered_at is not None


def arrivals(order: Order, travel: timedelta) -> list[Arrival]:
    """List every report of an arrival. More facts add reports and take none away.

    Who closes an order may do so as the parcel leaves: it is there after the usual time, as one that nobody
    follows.
    """
    reports = [
        Arrival(_parcel(record, at), at)
        for record in order.parcels
        for at in record.arrival_times
        if at == record.delivered_at or off_before(order, at)
    ]
    reports += [
        Arrival(_all(order, at), at)
        for at in order.all_delivered_times
        if at == order.all_delivered_at or off_before(order, at)
    ]
    reports += [Arrival(_completed(order, at), at + travel) for at in order.completed_times]
    reports += [
        Arrival(_travel(record, at), at + travel)
        for record in order.parcels
        for at in record.out_times
        if record.shipped_at and (at == record.shipped_at or off_before(order, at))
        if record.unfollowed or not record.followed
    ]
    return reports


def valid_report(order: Order) -> str | None:
    """Name the report that is valid now: of the whole order, else of the last parcel; else the guess, by the
    parcels that nobody follows, or by the closing as long as no carrier says where the parcels are."""
    if order.all_arrived_at:
        return _all(order, order.all_arrived_at)
    if order.delivered_at:
        last = max((each.delivered_at, each.id, each) for each in order.sent if each.delivered_at)[2]
        return _first_told(order, last)
    told = {record.id for record in order.parcels if record.shipped_at}
    guessed = all(told & set(parcel.ids) and not parcel.followed for parcel in order.shipped)
    if order.all_shipped and guessed:
        return _travelled(
            order, max(order.shipped, key=lambda each: (each.sent_at or each.shipped_at, each.id))
        )
    carried = any(parcel.moved_at and not order.has_arrived(parcel) for parcel in order.shipped)
    return _completed(order, order.completed_at) if order.completed_at and not carried else None


def _all(order: Order, at: datetime) -> str:
    """One that was told anew, after a parcel was taken back, is another."""
    return "all" + _again(at if at != order.all_delivered_at else None)


def _parcel(record: Parcel, at: datetime) -> str:
    """One that arrived anew, after it was taken back, is told anew."""
    return f"parcel-{record.id}" + _again(at if at != record.delivered_at else None)


def _again(at: datetime | None) -> str:
    return f":{at:%Y%m%dT%H%M%S}" if at else ""


def _completed(order: Order, at: datetime) -> str:
    """One that was completed anew is asked about later."""
    return "completed" + _again(at if at != order.completed_times[0] else None)


def _travel(record: Parcel, at: datetime | None) -> str:
    return f"travel-{record.id}" + _again(at if at != record.shipped_at else None)


def _travelled(order: Order, parcel: Parcel) -> str:
    """The guess by when this parcel left, of its record that says so; else of the first."""
    records = [each for each in order.parcels if each.id in parcel.ids and each.shipped_at]
    left = [each for each in records if each.sent_at == parcel.sent_at]
    first = min(left or records, key=lambda each: (each.sent_at, each.id))
    return _travel(first, first.sent_at)


def _first_told(order: Order, parcel: Parcel) -> str:
    """The report of its arrival by the record that tells it first, since it left for the last time."""
    told = (each for each in order.parcels if each.id in parcel.ids)
    return min(_parcel(each, at) for each in told for at in each.arrival_times if at == parcel.delivered_at)


def arrive(order: Order, context: Context) -> list[Action]:
    """Queue each report; which of them is valid may change until they are due."""
    return [
        Say(
            template="delivered",
            key=f"delivered:{order.id}:{arrival.by}",
            order=order.id,
            at=arrival.at,
            earliest=True,
            values={"by": arrival.by},
        )
        for arrival in arrivals(order, context.shop.followups.travel)
        if not arrival.guessed
    ]


def why_not_report_delay(due: DueMessage, order: Order, facts: Facts, now: datetime) -> Reason | None:
    parcel = parcel_of(order, due.values.get("parcel"))
    if (outdated := on_its_way(order, parcel)) or parcel is None or parcel.seen_at is None:
        return outdated
    if order.completed_at:  # whoever closed it knows where the parcels are
        return arrived(order)
    if now < parcel.seen_at + facts.shop.followups.delay:
        return Reason("parcel_moved", {"order": order.shown_number, "moved_at": iso(parcel.seen_at)})
    if told_ids("delayed", order, facts.said) & set(parcel.ids):
        return Reason("parcel_told", {"order": order.shown_number})
    if not told_on_its_way(order, facts.said) & set(parcel.ids):
        return Reason("parcel_not_told", {"order": order.shown_number})
    return None


def not_in_one_breath(due: DueMessage, facts: Facts, now: datetime) -> tuple[datetime, Reason] | None:
    """What was told to leave today, because it was booked days late, is given a day."""
    told = last_told_at(facts.order, facts.said) if facts.order else None
    if facts.order is None or told is None or told + A_DAY <= now:
        return None
    until = told + A_DAY
    return until, Reason("said_lately", {"order": facts.order.shown_number, "until": iso(until)})


def why_not_report_attempt(due: DueMessage, order: Order, facts: Facts, now: datetime) -> Reason | None:
    parcel = parcel_of(order, due.values.get("parcel"))
    if (outdated := on_its_way(order, parcel)) or parcel is None:
        return outdated
    if parcel.status != ATTEMPTED and parcel.moved_at:
        return Reason("parcel_moved", {"order": order.shown_number, "moved_at": iso(parcel.moved_at)})
    if told_ids("delivery_attempted", order, facts.said) & set(parcel.ids):
        return Reason("parcel_told", {"order": order.shown_number})
    return None


def why_not_report_ready(due: DueMessage, order: Order, facts: Facts, now: datetime) -> Reason | None:
    parcel = parcel_of(order, due.values.get("parcel"))
    if (outdated := gone(order, parcel)) or parcel is None:
        return outdated
    if not parcel.ready:
        return Reason("parcel_moved", {"order": order.shown_number, "moved_at": iso(parcel.moved_at or now)})
    told = told_to_fetch(order, facts.said)
    if told & set(parcel.ids) or _told_without_a_name(parcel, order, told):
        return Reason("parcel_told", {"order": order.shown_number})
    return None


def _told_without_a_name(parcel: Parcel, order: Order, told: set[str]) -> bool:
    """True if one of them has no name, and nobody told of any that left: it is the same one."""
    if any(record.shipped_at for record in order.parcels):
        return False
    named = {record.id: record.named for record in order.parcels}
    return bool(told & named.keys()) and not all(named.get(id, True) for id in {*told, *parcel.ids})


def why_not_report_arrival(due: DueMessage, order: Order, facts: Facts, now: datetime) -> Reason | None:
    if outdated := cancelled(order) or refunded_in_full(order):
        return outdated
    if order.arrival_unclear or _leaving_awaited(due, order, now):
        return None  # and `not_yet_arrived` holds it back
    if all(parcel.ready_at for parcel in order.sent) and order.sent:
        return Reason("parcel_fetched", {"order": order.shown_number})
    otherwise = None if _in_its_place(due, order, facts) else reported_otherwise(due, order)
    return otherwise or (arrived(order) if _arrival_told(order, facts) else None)


def _named(due: DueMessage, order: Order) -> str | None:
    parcel = parcel_of(order, AGAIN.sub("", str(due.values.get("by")).removeprefix("parcel-")))
    return (parcel.tracking or parcel.id) if parcel else None


def _in_its_place(due: DueMessage, order: Order, facts: Facts) -> bool:
    """True for a report of any parcel's arrival where the valid one came to nothing: it was due while another
    parcel was on its way."""
    key = f"delivered:{order.id}:{valid_report(order)}"
    over = any(said.key == key and said.state == "skipped" for said in facts.said)
    mine = parcel_of(order, AGAIN.sub("", str(due.values.get("by")).removeprefix("parcel-")))
    return over and mine is not None and order.has_arrived(mine)


def not_yet_arrived(due: DueMessage, facts: Facts, now: datetime) -> tuple[datetime, Reason] | None:
    """A carrier's word of the arrival may come before the shop's word that the parcel left. Where that takes
    long, the seller is asked."""
    order = facts.order
    if order is None:
        return None
    if order.arrival_unclear and now >= due.created_at + ASKED_AFTER:
        why = Reason(ARRIVAL_UNCLEAR, {"order": order.shown_number, "parcel": _named(due, order)})
        return now + LOOK_LATER, why
    if not order.arrival_unclear and not _leaving_awaited(due, order, now):
        return None
    return now + LOOK_AGAIN, Reason("order_not_delivered", {"order": order.shown_number})


def _leaving_awaited(due: DueMessage, order: Order, now: datetime) -> bool:
    """True while the word that this parcel left may still come."""
    parcel = parcel_of(order, AGAIN.sub("", str(due.values.get("by")).removeprefix("parcel-")))
    unknown = parcel is not None and parcel.shipped_at is None and valid_report(order) is None
    return unknown and now < due.created_at + LEAVING_COMES


def _arrival_told(order: Order, facts: Facts) -> bool:
    """True if the buyer read, or may have read, of the arrival of every parcel: the whole is no news then."""
    before = [said for said in facts.said if said.template == "delivered" and said.state in REACHED]
    told = told_arrived(order, facts.said)
    there = [parcel for parcel in order.sent if order.has_arrived(parcel)]
    kept = all(said.parcels is not None for said in before)
    return bool(before) and (not kept or all(told & set(parcel.ids) for parcel in there))


def reported_otherwise(due: DueMessage, order: Order) -> Reason | None:
    """None if this message's report of the arrival is the valid one."""
    by, said_by = valid_report(order), due.values.get("by")
    if by == said_by or (by or "").startswith(f"{said_by}-"):  # before a parcel's name was kept with it
        return None
    return (arrived(order) if by else None) or Reason("order_not_delivered", {"order": order.shown_number})


POLICIES: MessagePolicies = {
    "delayed": policy.shipping(
        why_not_report_delay,
        about_parcel=True,
        not_before=not_in_one_breath,
        variables=("parcel.shipped_at",),
        samples=({"parcel": "a"}, {"parcel": "b"}),
    ),
    "delivery_attempted": policy.shipping(
        why_not_report_attempt,
        about_parcel=True,
        variables=("parcel.shipped_at",),
        samples=({"parcel": "a"}, {"parcel": "b"}),
    ),
    "ready_for_pickup": policy.shipping(
        why_not_report_ready,
        about_parcel=True,
        variables=("parcel.shipped_at",),
        samples=({"parcel": "a"}, {"parcel": "b"}),
    ),
    "delivered": policy.shipping(why_not_report_arrival, not_before=not_yet_arrived),
}

REASONS: Reasons = {
    "order_not_delivered": ("order",),
    "parcel_moved": ("order", "moved_at"),
    "parcel_fetched": ("order",),
    "parcel_late": ("order", "days"),
    "parcel_given_up": ("order", "parcel"),
}
