"""Reads a message as it was heard: which order it is about, and the facts that own templates print."""

import re
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from typing import NamedTuple

MARK = "@@"  # begins the line of facts that our overlaid templates print

_SYMBOLS = {
    "en": {
        "£": "GBP",
        "€": "EUR",
        "$": "USD",
        "US$": "USD",
        "¥": "JPY",
        "JP¥": "JPY",
        "CN¥": "CNY",
        "NT$": "TWD",
    },
    "zh-CN": {"£": "GBP", "€": "EUR", "$": "USD", "US$": "USD", "¥": "CNY", "JP¥": "JPY", "NT$": "TWD"},
    "zh-TW": {
        "£": "GBP",
        "€": "EUR",
        "US$": "USD",
        "¥": "JPY",
        "JP¥": "JPY",
        "CN¥": "CNY",
        "$": "TWD",
        "NT$": "TWD",
    },
}
_AMOUNT = re.compile(r"(US\$|NT\$|JP¥|CN¥|[£€$¥]|[A-Z]{3}\s?)\s?(-?[\d,]+(?:\.\d+)?)")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_MONTH = "|".join(_MONTHS)
_DAY_IN_ENGLISH = re.compile(
    rf"(?P<day>\d{{1,2}}) (?P<month>{_MONTH})|(?P<month_before>{_MONTH}) (?P<day_after>\d{{1,2}})"
)
_DAY_IN_CHINESE = re.compile(r"(?P<month>\d{1,2})\s*月\s*(?P<day>\d{1,2})\s*日")
_SHIPPED_WORDS = Path(__file__).parents[2] / "templates"
_LINK = re.compile(r"https://t\.me/\w+\?start=([\w-]+)")


class Amount(NamedTuple):
    value: Decimal
    currency: str


def amounts(text: str, locale: str) -> list[Amount]:
    """The sums of money that a text names, in the order in which they stand."""
    found = []
    for symbol, digits in _AMOUNT.findall(text.replace("\u00a0", " ")):
        currency = _SYMBOLS[locale].get(symbol.strip()) or symbol.strip()
        try:
            found.append(Amount(Decimal(digits.replace(",", "")), currency))
        except InvalidOperation:
            continue
    return found


def amount(text: str, locale: str) -> Amount | None:
    return next(iter(amounts(text, locale)), None)


def printed(text: str) -> tuple[str, dict[str, str]] | None:
    """Template and facts of the line that an overlaid template adds; None for shipped words."""
    line = next((line for line in text.splitlines() if line.startswith(MARK)), None)
    if line is None:
        return None
    name, *pairs = line.removeprefix(MARK).strip().split("|")
    return name, dict(pair.split("=", 1) for pair in pairs if "=" in pair)


def words(text: str) -> str:
    """The text without the line of facts."""
    return "\n".join(line for line in text.splitlines() if not line.startswith(MARK))


def link(text: str) -> str | None:
    found = _LINK.search(text)
    return found[1] if found else None


def days(text: str, today: date) -> list[date]:
    """The days that a text names, each in the year in which it is nearest."""
    found = []
    for day, month in _days(text):
        near = (date(today.year + years, month, day) for years in (-1, 0, 1))
        found.append(min(near, key=lambda each: abs(each - today)))
    return found


def _days(text: str) -> Iterator[tuple[int, int]]:
    for match in _DAY_IN_ENGLISH.finditer(text):
        day, month = match["day"] or match["day_after"], match["month"] or match["month_before"]
        yield int(day), _MONTHS.index(month) + 1
    for match in _DAY_IN_CHINESE.finditer(text):
        yield int(match["day"]), int(match["month"])


def template(text: str) -> str | None:
    """The template of a letter in shipped words, known by its subject."""
    subject = text.partition("\n")[0]
    return next((name for pattern, name in _subjects() if pattern.fullmatch(subject)), None)


@cache
def _subjects() -> list[tuple[re.Pattern[str], str]]:
    found = []
    for path in sorted(_SHIPPED_WORDS.glob("*/*.txt")):
        first = path.read_text().partition("\n")[0]
        if first.startswith("Subject: "):
            written = re.split(r"{{.*?}}", first.removeprefix("Subject: "))
            found.append((re.compile(".+".join(map(re.escape, written))), path.stem))
    return sorted(found, key=lambda each: -len(each[0].pattern))


def names_in(text: str, numbers: Iterable[str]) -> list[str]:
    """Which of the orders' numbers stand in a text; a number within a longer one does not count."""
    found: list[str] = []
    for number in sorted(numbers, key=len, reverse=True):
        whole = re.compile(rf"(?<![A-Za-z0-9#/-]){re.escape(number)}(?![A-Za-z0-9/-])")
        if whole.search(text):
            found.append(number)
            text = whole.sub(" ", text)
    return found


def without_cases(text: str) -> str:
    """The text but for the numbers of cases, which depend on what else happened, and the tokens of links, in
    which the shop's own keys stand."""
    text = _LINK.sub("link", text)
    return re.sub(r"(?i)(case |案|号|號|编号|編號)\s*\d+", r"\1", text)
