"""The shop's working days, in which promised times are counted."""

from datetime import date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from bot.domain.public_holidays import holidays_of

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

DAY = timedelta(days=1)
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
END_OF_DAY = time(23, 59, 59)


class Calendar(msgspec.Struct, frozen=True, kw_only=True):
    """On which days the shop works: its own days come first, then its country's, then the week.

    weekdays: at least one. country: as `holidays_of` takes it; None: no holidays but `days_off`.
    """

    weekdays: tuple[Weekday, ...] = WEEKDAYS
    days_off: tuple[date, ...] = ()
    days_on: tuple[date, ...] = ()
    country: str | None = None

    def works_on(self, day: date) -> bool:
        exception = self.exception(day)
        return WEEKDAYS[day.weekday()] in self.weekdays if exception is None else exception

    def exception(self, day: date) -> bool | None:
        """Whether the shop works on a day that is not like others of the week; None for one that is."""
        if day in self.days_on or day in self.days_off:
            return day in self.days_on
        if self.country is None:
            return None
        of_year = holidays_of(self.country, day.year)
        return False if day in of_year.off else True if day in of_year.on else None


def end_of_term(since: datetime, within: timedelta, zone: ZoneInfo, calendar: Calendar) -> datetime:
    """When a promise "within so long" ends: at the end of a working day of the shop, in its zone.

    Whole days are counted in working days, of which the day of `since` is none; what is left of `within` is
    counted by the clock.
    """
    whole, rest = divmod(within, DAY)
    day = (since.astimezone(zone) + rest).date()
    for _ in range(whole):
        day = _working(day + DAY, calendar)
    return datetime.combine(_working(day, calendar), END_OF_DAY, zone)


def _working(day: date, calendar: Calendar) -> date:
    """`day`, or the first working day after it."""
    while not calendar.works_on(day):
        day += DAY
    return day
