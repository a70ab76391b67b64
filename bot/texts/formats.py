"""Money, times and numbers in the reader's language, by Babel; cached because values repeat."""

import re
from datetime import date as date_
from datetime import datetime, timedelta
from functools import lru_cache
from math import inf
from typing import Literal

from babel import Locale
from babel.dates import format_skeleton, format_time, format_timedelta, get_day_names
from babel.lists import format_list
from babel.numbers import format_currency, format_decimal

from bot.domain.money import Money
from bot.domain.shop import WEEK

CACHED = 4096
_FIGURE = re.compile(r"(?<=\d)(?=[^\d\s.,])")  # in Chinese a space follows a number: 2 天
_BETWEEN_DAYS = {"en": "{} to {}", "zh": "{}至{}"}
_UNITS: tuple[tuple[Literal["day", "hour", "minute", "second"], int], ...] = (
    ("day", 86400),
    ("hour", 3600),
    ("minute", 60),
    ("second", 1),
)


@lru_cache(maxsize=64)
def language(locale: str) -> Locale:
    return Locale.parse(locale, sep="-")


@lru_cache(maxsize=CACHED)
def money(amount: Money, locale: str) -> str:
    if amount.currency == "TWD":  # people in Taiwan write NT$3,290, with cents only where there are any
        digits = "#,##0" if amount.minor % 100 == 0 else "#,##0.00"
        return format_decimal(amount.decimal, format=f"NT${digits}", locale=language(locale))
    return _plain(format_currency(amount.decimal, amount.currency, locale=language(locale)))


def date(at: datetime, locale: str) -> str:
    return _date(at.date(), locale)


def time(at: datetime, locale: str) -> str:
    return _time(_minute(at), locale)


def moment(at: datetime, locale: str) -> str:
    return _moment(_minute(at), locale)


def _minute(at: datetime) -> datetime:
    """Cut to what is shown, so that all messages of a minute share a cache entry."""
    return at.replace(tzinfo=None, second=0, microsecond=0)


# Equal times of two zones hash alike, so the caches are keyed by wall clock time.
@lru_cache(maxsize=CACHED)
def _date(day: date_, locale: str) -> str:
    return format_skeleton("MMMMd", day, locale=language(locale))


@lru_cache(maxsize=CACHED)
def _time(wall: datetime, locale: str) -> str:
    return _plain(format_time(wall, "short", locale=language(locale)))


@lru_cache(maxsize=CACHED)
def _moment(wall: datetime, locale: str) -> str:
    between = " " if locale.startswith(("zh", "ja")) else ", "
    return _date(wall.date(), locale) + between + _time(wall, locale)


@lru_cache(maxsize=CACHED)
def duration(seconds: int, locale: str) -> str:
    """Format a length of time in at most two units: "2 days", "1 hour 30 minutes"."""
    parts, left = [], abs(seconds)
    for unit, size in _UNITS:
        count, left = divmod(left, size)
        if count:
            wait = timedelta(seconds=count * size)
            parts.append(format_timedelta(wait, granularity=unit, threshold=inf, locale=language(locale)))
    if not parts:
        return format_timedelta(timedelta(0), granularity="minute", locale=language(locale))
    return _FIGURE.sub(" ", " ".join(parts[:2])) if locale.startswith("zh") else " ".join(parts[:2])


@lru_cache(maxsize=CACHED)
def number(count: int | float, locale: str) -> str:
    return format_decimal(count, locale=language(locale))


@lru_cache(maxsize=CACHED)
def plural_form(count: int | float, locale: str) -> str:
    return str(language(locale).plural_form(abs(count)))


@lru_cache(maxsize=CACHED)
def weekdays(days: tuple[str, ...], locale: str) -> str:
    """Name days of the week: "Monday to Friday" where they follow each other, else one by one."""
    names = get_day_names("wide" if not locale.startswith("zh") else "abbreviated", locale=language(locale))
    numbers = sorted(WEEK.index(day) for day in days if day in WEEK)
    if len(numbers) > 2 and numbers[-1] - numbers[0] == len(numbers) - 1:
        return _BETWEEN_DAYS.get(locale[:2], "{}–{}").format(names[numbers[0]], names[numbers[-1]])
    return join_list([names[number] for number in numbers], locale)


def join_list(parts: list[str], locale: str) -> str:
    return format_list(parts, locale=language(locale))


def _plain(text: str) -> str:
    return text.replace("\u202f", " ").replace("\xa0", " ")
