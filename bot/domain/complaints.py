"""By when a complaint is decided, and when the seller is warned: in the shop's working days."""

from datetime import datetime

from bot.domain.actions import WakeAt
from bot.domain.context import Case
from bot.domain.hours import to_utc
from bot.domain.shop import Shop, WorkingHours
from bot.domain.working_days import DAY, end_of_term
from bot.domain.working_hours import back_at

COMPLAINING = frozenset({"complaint", "damaged_item"})  # the intents
SOON, OVER = "decide_soon", "decide_late"  # what the two deadlines of a complaint are called


def decided_by(since: datetime, shop: Shop) -> datetime:
    """The end of the working day by which a complaint of `since` is decided."""
    return end_of_term(since, shop.complaints.decide_within, shop.zone(), shop.calendar_of_work)


def deadlines(case: Case, shop: Shop) -> list[WakeAt]:
    """When to warn the seller of an open complaint, and when its time is over."""
    if case.due_at is None:
        return []
    since = case.since
    days = ((SOON, _warned_at(case.due_at, shop)), (OVER, case.due_at))
    return [
        WakeAt(key=f"{what}:{case.number}:{case.reopened}", at=at, what=what, case=case.number)
        for what, at in days
        if at > since
    ]


def _warned_at(due_at: datetime, shop: Shop) -> datetime:
    """When people begin to work, so many working days before the last."""
    zone, calendar = shop.zone(), shop.calendar_of_work
    day, left = due_at.astimezone(zone).date(), shop.complaints.warn_days
    while left:
        day -= DAY
        left -= calendar.works_on(day)
    morning = (shop.working_hours or WorkingHours()).start
    at = to_utc(day, morning, zone, False)
    return back_at(at, shop.working_hours, zone, calendar) or at
