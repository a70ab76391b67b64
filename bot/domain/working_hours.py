"""When somebody of the shop is there again, in the shop's own zone; across midnight and clock changes."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
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


def _spans(
    today: date, hours: WorkingHours, zone: ZoneInfo, calendar: Calendar
) -> Iterator[tuple[datetime, datetime]]:
    """The working times from yesterday on."""
    overnight = DAY if hours.end < hours.start else DAY * 0
    for day in (today + DAY * number for number in range(-1, LONGEST_BREAK)):
        if _works(day, hours, calendar):
            opens, closes = (
                to_utc(day, hours.start, zone, False),
                to_utc(day + overnight, hours.end, zone, True),
            )
            yield opens.astimezone(UTC), closes.astimezone(UTC)


def _works(day: date, hours: WorkingHours, calendar: Calendar) -> bool:
    exception = None if hours.holidays else calendar.exception(day)
    return WEEKDAYS[day.weekday()] in hours.days if exception is None else exception
