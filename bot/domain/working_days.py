"""The shop's working days, in which promised times are counted."""

from collections.abc import Collection
from datetime import date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

DAY = timedelta(days=1)
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
END_OF_DAY = time(23, 59, 59)


def end_of_term(
    since: datetime,
    within: timedelta,
    zone: ZoneInfo,
    working: Collection[str],
    days_off: Collection[date] = (),
) -> datetime:
    """When a promise "within so long" ends: at the end of a working day of the shop, in its zone.

    Whole days are counted in working days, of which the day of `since` is none; what is left of `within` is
    counted by the clock. working: names of WEEKDAYS, at least one.
    """
    whole, rest = divmod(within, DAY)
    day = (since.astimezone(zone) + rest).date()
    for _ in range(whole):
        day = _working(day + DAY, working, days_off)
    return datetime.combine(_working(day, working, days_off), END_OF_DAY, zone)


def _working(day: date, working: Collection[str], days_off: Collection[date]) -> date:
    """`day`, or the first working day after it."""
    while WEEKDAYS[day.weekday()] not in working or day in days_off:
        day += DAY
    return day
