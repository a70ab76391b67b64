"""What a shop promised and how that stands: due times and states, from the facts alone."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import msgspec

from bot.domain.actions import NotePromise, WakeAt
from bot.domain.context import Case
from bot.domain.hours import to_utc
from bot.domain.orders import Order
from bot.domain.shop import ServicePromise, Shop, WorkingHours
from bot.domain.working_days import end_of_term
from bot.domain.working_hours import working_time_over

SOON, DUE = "promise_soon", "promise_due"  # what the two deadlines of a promise are called
WARNED_AFTER = 0.75  # of the time of a promise
AGAIN_WITHIN = timedelta(days=182)  # a second miss to the same buyer
GRACE = timedelta(minutes=10)  # for the word that it was kept, before anybody apologises


class Course(msgspec.Struct, frozen=True, kw_only=True):
    """How one promise ran. off_at: from when on nobody could keep it, as for a cancelled order.

    held: nobody was to keep it when it was due, because the buyer asked to wait.
    """

    since: datetime
    due_at: datetime
    done_at: datetime | None = None
    off_at: datetime | None = None
    held: bool = False


# The first row that holds is the state. Each row depends on the facts and the time alone.
STATES: tuple[tuple[str, Callable[[Course, datetime], bool]], ...] = (
    ("kept", lambda c, now: c.done_at is not None and c.done_at <= c.due_at),
    ("withdrawn", lambda c, now: c.off_at is not None and c.off_at <= c.due_at),
    ("excused", lambda c, now: c.held and now >= c.due_at),
    ("missed", lambda c, now: c.done_at is not None or now >= c.due_at),
    ("open", lambda c, now: True),
)


def state_of(course: Course, now: datetime) -> str:
    return next(name for name, holds in STATES if holds(course, now))


def _paid_since(order: Order) -> datetime | None:
    """When it was paid in full, or restored after that; a free order when it was placed."""
    since = order.ready_at or (order.placed_at if order.free else None)
    if since and order.called_off_at and order.reopened_at and not order.cancelled:
        return max(since, order.reopened_at)
    return since


def _shipped_at(order: Order) -> datetime | None:
    """When all that is known to be sent had left, or the deal was closed or arrived without such a word."""
    if order.all_shipped:
        return max(at for parcel in order.shipped if (at := parcel.sent_at))
    return order.delivered_at or order.completed_at


def _refunded_at(order: Order) -> datetime | None:
    return max(each.at for each in order.refunds) if order.refunded_in_full else None


BY_ORDER: Mapping[str, Callable[[Order], datetime | None]] = {
    "order.placed": lambda order: order.placed_at,
    "order.paid": _paid_since,
    "order.shipped": _shipped_at,
    "order.delivered": lambda order: order.delivered_at or order.completed_at,
    "order.cancelled": lambda order: order.called_off_at if order.cancelled else None,
    "order.refunded": _refunded_at,
}
BY_CASE: Mapping[str, Callable[[Case], datetime | None]] = {
    "case.opened": lambda case: case.opened_at,
    "case.answered": lambda case: min(filter(None, (case.answered_at, case.closed_at)), default=None),
    "case.closed": lambda case: case.closed_at,
}


def due_at(promise: ServicePromise, since: datetime, shop: Shop) -> datetime:
    """Until when a promise given at `since` is to be kept."""
    zone, calendar = shop.zone(), shop.calendar_of_work
    match promise.counted:
        case "working_days":
            return end_of_term(since, promise.within, zone, calendar)
        case "working_hours":
            return working_time_over(since, promise.within, shop.working_hours, zone, calendar)
        case _:
            return since + promise.within


def warned_at(promise: ServicePromise, since: datetime, shop: Shop) -> datetime | None:
    """When the seller is warned that a promise of `since` is due; None if there is no time for that."""
    zone, due = shop.zone(), due_at(promise, since, shop)
    if not promise.warn:
        return None
    if promise.counted == "working_days":
        morning = (shop.working_hours or WorkingHours()).start
        at = to_utc(due.astimezone(zone).date(), morning, zone, False)
    else:
        at = due_at(promise.model_copy(update={"within": promise.within * WARNED_AFTER}), since, shop)
    return at if since < at < due else None


def of_order(promise: ServicePromise, order: Order, shop: Shop, held: bool = False) -> Course | None:
    """None if nothing was promised of this order, or what promised it was taken back."""
    since = BY_ORDER[promise.since](order)
    if promise.of_cases or since is None or _excepted(promise, order):
        return None
    off_at = None
    if promise.until != "order.refunded":
        called_off = order.called_off_at if order.cancelled else None
        off_at = min(filter(None, (called_off, _refunded_at(order))), default=None)
    return Course(
        since=since,
        due_at=due_at(promise, since, shop),
        done_at=BY_ORDER[promise.until](order),
        off_at=off_at,
        held=held and "held" in promise.not_for,
    )


def of_case(promise: ServicePromise, case: Case, shop: Shop) -> Course | None:
    """None if nothing was promised of cases of this kind."""
    if not promise.of_cases or case.kind not in promise.cases:
        return None
    return Course(
        since=case.opened_at,
        due_at=due_at(promise, case.opened_at, shop),
        done_at=BY_CASE[promise.until](case),
    )


def _excepted(promise: ServicePromise, order: Order) -> bool:
    on_delivery = order.pay_on_delivery and "pay_on_delivery" in promise.not_for
    never_sent = order.sends_nothing and promise.until in ("order.shipped", "order.delivered")
    return on_delivery or never_sent or any(line.sku in promise.not_skus for line in order.lines)


def noted(
    name: str, course: Course | None, now: datetime, order: str | None = None, case: int | None = None
) -> NotePromise:
    """What the ledger says of a promise; course: None if it is taken back."""
    if course is None:
        return NotePromise(name=name, order=order, case=case, state="withdrawn")
    return NotePromise(
        name=name,
        order=order,
        case=case,
        state=state_of(course, now),
        given_at=course.since,
        due_at=course.due_at,
        done_at=course.done_at,
    )


def deadline(what: str, name: str, at: datetime, order: str | None = None, case: int | None = None) -> WakeAt:
    """A deadline of this promise, once for each time."""
    key = f"{what}:{name}:{order or case}:{int(at.timestamp())}"
    return WakeAt(key=key, at=at, what=what, order=order, case=case)


def look_back(name: str, due: datetime, order: str | None = None, case: int | None = None) -> WakeAt:
    """The deadline at which it is judged whether a promise was kept."""
    return deadline(DUE, name, due + GRACE, order, case)


def of_new_case(case: Case, shop: Shop) -> tuple[list[NotePromise], list[WakeAt]]:
    """What the ledger says of the promises about a case that opens, and when to look again.

    A complaint has warnings of its own.
    """
    given: list[NotePromise] = []
    wakes: list[WakeAt] = []
    for name, promise in shop.promises.items():
        course = of_case(promise, case, shop)
        if course is None:
            continue
        given.append(noted(name, course, course.since, case=case.number))
        wakes.append(look_back(name, course.due_at, case=case.number))
        warned = warned_at(promise, course.since, shop)
        if warned and case.due_at is None:
            wakes.append(deadline(SOON, name, warned, case=case.number))
    return given, wakes
