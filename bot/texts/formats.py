"""Money, times and numbers in the reader's language, by Babel; cached because values repeat."""

import re
from collections.abc import Iterable
from datetime import date as date_
from datetime import datetime, timedelta
from functools import lru_cache
from math import inf
from typing import Literal
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import (
    format_date,
    format_skeleton,
    format_time,
    format_timedelta,
    get_day_names,
    get_timezone_location,
    get_timezone_name,
)
from babel.lists import format_list
from babel.numbers import format_currency, format_decimal

from bot.domain.money import Money
from bot.domain.working_days import WEEKDAYS

CACHED = 4096
_FIGURE = re.compile(r"(?<=\d)(?=[^\d\s.,])")  # in Chinese a space follows a number: 2 天
_BORDER = re.compile(r"[\u3400-\u9fff][A-Za-z0-9]|[A-Za-z0-9][\u3400-\u9fff]")
_USUAL_NAMES = {  # where people say it otherwise than CLDR does; by zone, language and script
    ("Europe/London", "en", None): "UK time",
    ("Asia/Shanghai", "zh", "Hans"): "北京时间",
    ("Asia/Shanghai", "zh", "Hant"): "北京時間",
    ("Asia/Shanghai", "zh", None): "北京时间",
}
_WORKDAYS = {  # by language, and region or script: one, and more
    ("en", None): ("{} business day", "{} business days"),  # as in America
    ("en", "US"): ("{} business day", "{} business days"),
    ("en", "CA"): ("{} business day", "{} business days"),
    ("en", "*"): ("{} working day", "{} working days"),
    ("zh", "Hant"): ("{} 個工作天", "{} 個工作天"),
    ("zh", "*"): ("{} 个工作日", "{} 个工作日"),
}
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


class NamedZone(ZoneInfo):
    """A zone that may not be the reader's: times in it are shown with its name."""


@lru_cache(maxsize=CACHED)
def regional(locale: str, shop_locale: str, region: str) -> str:
    """A reader's locale with a region, in whose way dates are written: their own, else the shop's.

    region: the shop's country, for a language that its settings name without one.
    """
    reader, shop = language(locale), language(shop_locale)
    if reader.territory:
        return locale
    if shop.territory and shop.language == reader.language:
        return shop_locale
    try:
        return str(Locale.parse(f"{locale}-{region}", sep="-")).replace("_", "-")
    except (UnknownLocaleError, ValueError):
        return locale


def nearest(text_locale: str, reader_locale: str) -> str:
    """The reader's locale if the text is in its language and script, else the text's."""
    text, reader = language(text_locale), language(reader_locale)
    return reader_locale if (text.language, text.script) == (reader.language, reader.script) else text_locale


def date(at: datetime, locale: str) -> str:
    return _date(at.date(), locale)


def day(at: datetime, locale: str) -> str:
    """Format a date with its weekday."""
    return _day(at.date(), locale)


def time(at: datetime, locale: str) -> str:
    return _of_zone(_time(_minute(at), locale), at, locale)


def moment(at: datetime, locale: str) -> str:
    return _of_zone(_moment(_minute(at), locale), at, locale)


def _of_zone(shown: str, at: datetime, locale: str) -> str:
    """With the zone's name where that is to be told, without brackets, since the time may stand in some."""
    if not isinstance(at.tzinfo, NamedZone):
        return shown
    name = _zone_name(at.tzinfo.key, locale)
    return f"{name} {shown}" if names_first(locale) else f"{shown} {name}"


def names_first(locale: str) -> bool:
    """Whether the zone stands before the time: 北京时间 20:07."""
    return locale.startswith(("zh", "ja"))


def joined(parts: Iterable[str], locale: str) -> str:
    """The parts of a text; in Chinese with a space between a character and the letter or figure beside it."""
    if not locale.startswith("zh"):
        return "".join(parts)
    text: list[str] = []
    last = ""
    for part in parts:
        if part:
            # Most borders are of one script or at a sign, which is seen without the pattern.
            mixed = last.isascii() is not part[0].isascii() and _BORDER.fullmatch(last + part[0])
            text.append(f" {part}" if mixed else part)
            last = part[-1]
    return "".join(text)


@lru_cache(maxsize=CACHED)
def _zone_name(key: str, locale: str) -> str:
    """As people call it, winter and summer alike: "UK time", "北京时间"."""
    reader, zone = language(locale), ZoneInfo(key)
    if "/" not in key:  # such as UTC
        return key
    usual = _USUAL_NAMES.get((key, reader.language, reader.script)) or _USUAL_NAMES.get(
        (key, reader.language, None)
    )
    if usual:
        return usual
    name = get_timezone_name(zone, "long", locale=reader, zone_variant="generic")
    if name.startswith("GMT"):  # no name of its own
        name = get_timezone_location(zone, locale=reader)
    return name.removesuffix(" Time") + " time" if name.endswith(" Time") else name


def _minute(at: datetime) -> datetime:
    """Cut to what is shown, so that all messages of a minute share a cache entry."""
    return at.replace(tzinfo=None, second=0, microsecond=0)


# Equal times of two zones hash alike, so the caches are keyed by wall clock time.
@lru_cache(maxsize=CACHED)
def _date(day: date_, locale: str) -> str:
    return format_skeleton("MMMMd", day, locale=language(locale))


@lru_cache(maxsize=CACHED)
def _day(day: date_, locale: str) -> str:
    weekday = format_date(day, "EEEE", locale=language(locale))
    if locale.startswith(("zh", "ja")):
        return f"{_date(day, locale)}（{weekday}）"
    return f"{weekday}, {_date(day, locale)}"


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
def workdays(seconds: int, locale: str) -> str:
    """Format a promised time in working days, rounded up; less than one day as it is."""
    days = -(-seconds // 86400)
    reader = language(locale)
    form = (
        _WORKDAYS.get((reader.language, reader.territory))
        or (reader.script and _WORKDAYS.get((reader.language, reader.script)))
        or _WORKDAYS.get((reader.language, "*"))
    )
    if seconds < 86400 or form is None:
        return duration(seconds, locale)
    one, other = form
    return (one if days == 1 else other).format(number(days, locale))


@lru_cache(maxsize=CACHED)
def number(count: int | float, locale: str) -> str:
    return format_decimal(count, locale=language(locale))


@lru_cache(maxsize=CACHED)
def plural_form(count: int | float, locale: str) -> str:
    return str(language(locale).plural_form(abs(count)))


@lru_cache(maxsize=CACHED)
def weekdays(days: tuple[str, ...], locale: str) -> str:
    """Name days of the week: "Sunday to Thursday" where they follow each other, else one by one."""
    names = get_day_names("wide" if not locale.startswith("zh") else "abbreviated", locale=language(locale))
    numbers = sorted(WEEKDAYS.index(day) for day in days if day in WEEKDAYS)
    begins = [number for number in numbers if (number - 1) % 7 not in numbers] or [0]
    if len(numbers) > 2 and len(begins) == 1:
        last = (begins[0] + len(numbers) - 1) % 7
        return _BETWEEN_DAYS.get(locale[:2], "{}–{}").format(names[begins[0]], names[last])
    return join_list([names[number] for number in numbers], locale)


def join_list(parts: list[str], locale: str, either: bool = False) -> str:
    return format_list(parts, "or" if either else "standard", locale=language(locale))


def _plain(text: str) -> str:
    return text.replace("\u202f", " ").replace("\xa0", " ")
