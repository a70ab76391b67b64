"""When somebody of the shop is there again, in the shop's own zone; across midnight and clock changes."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from bot.domain.hours import DAY, to_utc
from bot.domain.shop import WorkingHours
from bot.domain.working_days import WEEKDAYS


def back_at(now: datetime, hours: WorkingHours | None, zone: ZoneInfo) -> datetime | None:
    """The next time that somebody is there, in UTC; None if somebody is there now, or nobody knows."""
    if hours is None or hours.start == hours.end:
        return None
    today = now.astimezone(zone).date()
    for opens, closes in _spans(today, hours, zone):
        if opens <= now < closes:
            return None
        if opens > now:
            return opens
    return None


def _spans(today: date, hours: WorkingHours, zone: ZoneInfo) -> Iterator[tuple[datetime, datetime]]:
    """The working times from yesterday on, for the eight days in which each weekday comes."""
    overnight = DAY if hours.end < hours.start else DAY * 0
    for day in (today + DAY * number for number in range(-1, 8)):
        if WEEKDAYS[day.weekday()] in hours.days:
            opens, closes = (
                to_utc(day, hours.start, zone, False),
                to_utc(day + overnight, hours.end, zone, True),
            )
            yield opens.astimezone(UTC), closes.astimezone(UTC)
