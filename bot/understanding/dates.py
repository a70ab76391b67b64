"""The day that a message names, counted from the shop's day."""

import re
from datetime import date, timedelta

_AHEAD = (
    (re.compile(r"大后天|大後天"), 3),
    (re.compile(r"后天|後天|\bday after tomorrow\b", re.IGNORECASE), 2),
    (re.compile(r"明天|明早|明晚|明日|\btomorrow\b|\bmingtian\b|\btmrw?\b", re.IGNORECASE), 1),
    (re.compile(r"今天|今晚|今日|\btoday\b|\btonight\b|\bjintian\b", re.IGNORECASE), 0),
    (re.compile(r"前天|\bday before yesterday\b", re.IGNORECASE), -2),
    (re.compile(r"昨天|昨晚|昨日|\byesterday\b", re.IGNORECASE), -1),
)
_ISO = re.compile(r"(?<!\d)(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})(?!\d)")
_MONTH_DAY = re.compile(r"(?<!\d)(\d{1,2})月(\d{1,2})[日号號]?")
_DAY = re.compile(r"(?<![\d月])(\d{1,2})[号號](?![码碼楼樓店线線门門])")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NAMES = "|".join(_MONTHS)
_ENGLISH = re.compile(
    rf"\b(?:(\d{{1,2}})(?:st|nd|rd|th)? (?:of )?({_NAMES})[a-z]{{0,6}}"
    rf"|({_NAMES})[a-z]{{0,6}} (\d{{1,2}})(?:st|nd|rd|th)?)\b",
    re.IGNORECASE,
)
_WEEKDAYS = ("mon", "tues?", "wed", "thur?s?", "fri", "sat", "sun")
_WEEKDAY = tuple(
    re.compile(
        rf"(下)?(?:周|星期|礼拜|禮拜|週){sign}|\b(next )?(?:{word})(?:day|nesday|rday|urday|sday)?\b",
        re.IGNORECASE,
    )
    for sign, word in zip(("一", "二", "三", "四", "五", "六", "[日天]"), _WEEKDAYS, strict=True)
)


def date_in(text: str, today: date) -> date | None:
    """The first kind of date found in the text, or None. Days without a year are the nearest ones."""
    for pattern, ahead in _AHEAD:
        if pattern.search(text):
            return _shifted(today, ahead)
    return _written(text, today) or _weekday(text, today)


def _written(text: str, today: date) -> date | None:
    if found := _ISO.search(text):
        return _date(int(found[1]), int(found[2]), int(found[3]))
    if found := _MONTH_DAY.search(text):
        return _nearest(today, int(found[1]), int(found[2]))
    if found := _ENGLISH.search(text):
        month = (found[2] or found[3]).casefold()
        return _nearest(today, _MONTHS.index(month) + 1, int(found[1] or found[4]))
    if found := _DAY.search(text):
        return _date(today.year, today.month, int(found[1]))
    return None


def _weekday(text: str, today: date) -> date | None:
    """The next such day; "next" and 下 mean the one in the week after this."""
    for weekday, pattern in enumerate(_WEEKDAY):
        if found := pattern.search(text):
            if found[1] or found[2]:
                return _shifted(today, 7 - today.weekday() + weekday)
            return _shifted(today, (weekday - today.weekday()) % 7)
    return None


def _nearest(today: date, month: int, day: int) -> date | None:
    """That day in the year in which it is nearest."""
    days = [each for year in (-1, 0, 1) if (each := _date(today.year + year, month, day))]
    return min(days, key=lambda each: abs((each - today).days), default=None)


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _shifted(today: date, days: int) -> date | None:
    try:
        return today + timedelta(days=days)
    except OverflowError:
        return None
