"""Reads a message as it was heard: which order it is about, and the facts that own templates print."""

import re
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
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
    """The text but for the numbers of cases, which depend on what else happened."""
    return re.sub(r"(?i)(case |案|号|號|编号|編號)\s*\d+", r"\1", text)
