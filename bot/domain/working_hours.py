"""When somebody of the shop is there again, in the shop's own zone; across midnight and clock changes."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import count
from zoneinfo import ZoneInfo

from bot.domain.hours import DAY, to_utc
from bot.domain.shop import WorkingHours
from bot.domain.working_days import WEEKDAYS, Calendar

LONGEST_BREAK = 60  # days for which nobody may be there
EVERY_DAY = Calendar()


def back_at(
    now: datetime, hours: WorkingHours | None, zone: ZoneInfo, calendar: Calendar = EVERY_DAY
) -> datetime | None:
    """The next time that somebody is there, in UTC; None if somebody is there now, or nobody knows.

    calendar: of the shop, for its holidays and the weekends that it works.
    """
    if hours is None or hours.start == hours.end:
        return None
    today = now.astimezone(zone).date()
    for opens, closes in _spans(today, hours, zone, calendar):
        if opens <= now < closes:
            return None
        if opens > now:
            return opens
    return None


def working_time_over(
    begins: datetime,
    wait: timedelta,
    hours: WorkingHours | None,
    zone: ZoneInfo,
    calendar: Calendar = EVERY_DAY,
) -> datetime:
    """When `wait` of time in which somebody is there has passed, in UTC; by the clock if nobody knows.

    Of no time at all, or of time that ends as people leave: the moment itself, not the next morning.
    """
    if hours is None or hours.start == hours.end or not wait:
        return (begins + wait).astimezone(UTC)
    left, today = wait, begins.astimezone(zone).date()
    for opens, closes in _spans(today, hours, zone, calendar, None):
        there = closes - max(opens, begins)
        if there >= left:
            return max(opens, begins).astimezone(UTC) + left
        left -= max(there, timedelta(0))
    raise AssertionError  # the days do not end


def _spans(
    today: date,
    hours: WorkingHours,
    zone: ZoneInfo,
    calendar: Calendar,
    days: int | None = LONGEST_BREAK,
) -> Iterator[tuple[datetime, datetime]]:
    """The working times from yesterday on; of so many days, or without end."""
    overnight = DAY if hours.end < hours.start else DAY * 0
    for day in (today + DAY * number for number in (count(-1) if days is None else range(-1, days))):
        if _works(day, hours, calendar):
            opens, closes = (
                to_utc(day, hours.start, zone, False),
                to_utc(day + overnight, hours.end, zone, True),
            )
            yield opens.astimezone(UTC), closes.astimezone(UTC)


def _works(day: date, hours: WorkingHours, calendar: Calendar) -> bool:
    exception = None if hours.holidays else calendar.exception(day)
    return WEEKDAYS[day.weekday()] in hours.days if exception is None else exception
