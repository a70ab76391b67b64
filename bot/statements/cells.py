"""Dates and sums as banks write them. All raise BadCell."""

import re
import unicodedata
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

from bot.csv_import.faults import BadCell, shown
from bot.domain.money import Money, parse_money

_MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
_NUMERIC = re.compile(r"(\d{1,4})[-/.年 ](\d{1,2})[-/.月 ](\d{1,4})日?(?!\d)")
_WORDED = re.compile(r"(\d{1,2})[- ]([A-Z]{3,9})[- ,]+(\d{2,4})(?!\d)")
_PACKED = re.compile(r"((?:19|20)\d\d)(\d\d)(\d\d)(?!\d)")
_TIME = re.compile(r"[ T]*(\d{1,2}):(\d\d)(?::(\d\d)(?:\.\d+)?)?(?:\s*(AM|PM))?")
_MINGUO = 1911  # the year before the first of the Republic, by which banks in Taiwan count
_NOTHING = frozenset(("", "-", "--", "/"))
_AMOUNT = re.compile(
    r"(?P<open>\()?\s*(?P<sign>[+-])?\s*(?:[A-Z]{1,3}\$?|[$€£¥])?\s*(?P<inner>[+-])?\s*"
    r"(?P<digits>\d[\d.,' ]*|[.,]\d+)"
    r"\s*(?:元|[A-Z]{3}|[$€£¥])?\s*(?P<behind>-|CR|DR)?\s*\)?",
    re.IGNORECASE,
)
_CURRENCIES = {
    "人民币": "CNY", "人民币元": "CNY", "RMB": "CNY", "人民幣": "CNY", "美元": "USD", "美金": "USD",
    "港币": "HKD", "港元": "HKD", "港幣": "HKD", "欧元": "EUR", "歐元": "EUR", "英镑": "GBP", "英鎊": "GBP",
    "日元": "JPY", "日圆": "JPY", "日圓": "JPY", "日幣": "JPY", "新台币": "TWD", "新臺幣": "TWD",
    "新台幣": "TWD", "NTD": "TWD", "NT$": "TWD",
}  # fmt: skip
_LAST_MOMENT = timedelta(microseconds=1)


@lru_cache(maxsize=4096)
def moment(
    date: str, clock: str, order: Literal["dmy", "mdy"], zone: ZoneInfo, now: datetime
) -> tuple[datetime, datetime]:
    """When it was, and until when it may have been, in UTC: a day has no time, and a minute no seconds."""
    text = unicodedata.normalize("NFKC", date).strip().upper()
    day, rest = _day(text, order, date)
    at_time = _TIME.match(unicodedata.normalize("NFKC", clock).strip().upper()) or _TIME.match(rest)
    try:
        begin = datetime.combine(day, _clock(at_time), zone)
        span = timedelta(days=1) if at_time is None else timedelta(minutes=0 if at_time[3] else 1)
        at = (begin + timedelta(hours=12) if at_time is None else begin).astimezone(UTC)
        latest = (begin + span).astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadCell("date", given=shown(date)) from None
    if not 1970 <= at.year < 2200:
        raise BadCell("date", given=shown(date))
    if at > now + timedelta(days=2):
        raise BadCell("future", given=shown(date))
    return min(at, max(now, begin.astimezone(UTC))), latest - (_LAST_MOMENT if span else timedelta(0))


def _day(text: str, order: str, given: str) -> tuple[datetime, str]:
    if found := _PACKED.match(text):
        year, month, day = int(found[1]), int(found[2]), int(found[3])
    elif found := _WORDED.match(text):
        month = _MONTHS.index(found[2][:3]) + 1 if found[2][:3] in _MONTHS else 0
        year, day = _full(found[3]), int(found[1])
    elif found := _NUMERIC.match(text):
        first, second, third = found[1], found[2], found[3]
        if len(first) >= 3:
            year, month, day = int(first) + (_MINGUO if len(first) == 3 else 0), int(second), int(third)
        else:
            year = _full(third)
            day, month = (int(first), int(second)) if order == "dmy" else (int(second), int(first))
    else:
        raise BadCell("date", given=shown(given))
    try:
        return datetime(year, month, day, tzinfo=UTC), text[found.end() :]
    except ValueError:
        raise BadCell("date", given=shown(given)) from None


def _full(year: str) -> int:
    return int(year) + (2000 if len(year) == 2 else 0)


def _clock(found: re.Match[str] | None) -> time:
    if found is None:
        return time()
    hour = int(found[1]) % 12 + (12 if found[4] == "PM" else 0) if found[4] else int(found[1])
    return time(hour, int(found[2]), int(found[3] or 0))


def money(cell: str, currency: str, decimal: Literal[".", ","]) -> Money | None:
    """None for an empty cell. Below zero: with a sign before or behind it, in brackets, or as DR."""
    text = unicodedata.normalize("NFKC", cell).strip().replace("−", "-")
    if text in _NOTHING:
        return None
    wrong = BadCell("amount", given=shown(cell), currency=currency)
    found = _AMOUNT.fullmatch(text)
    if found is None:
        raise wrong
    away = bool(found["open"]) or "-" in (found["sign"], found["inner"], found["behind"]) or _is_debit(found)
    digits = re.sub(r"[' ]", "", found["digits"])
    digits = digits.replace(".", "").replace(",", ".") if decimal == "," else digits.replace(",", "")
    try:
        return parse_money(-Decimal(digits) if away else Decimal(digits), currency)
    except (ValueError, ArithmeticError):
        raise wrong from None


def _is_debit(found: re.Match[str]) -> bool:
    return (found["behind"] or "").upper() == "DR"


def currency(cell: str, known: frozenset[str]) -> str:
    text = unicodedata.normalize("NFKC", cell).strip().upper()
    code = _CURRENCIES.get(text, text)
    if code not in known:
        raise BadCell("currency", given=shown(cell))
    return code
