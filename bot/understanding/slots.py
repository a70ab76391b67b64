"""What a message names: order and tracking numbers, amounts and offers, quantities, phones, dates."""

import re
import unicodedata
from datetime import date
from decimal import Decimal

import phonenumbers

from bot.domain.meanings import Slots
from bot.understanding.dates import date_in
from bot.understanding.numerals import number_of, numerals_written_out
from bot.understanding.slot_patterns import (
    ACCOUNT_END,
    BARE_ORDER,
    LINK,
    MONEY,
    OFFER,
    ORDER,
    POSTAGE_FREE,
    QUANTITY,
    TRACKING,
)

LONGEST = 600  # characters read
MOST = 5  # numbers of one kind that are read

_SIGNS = {
    **dict.fromkeys(("¥", "￥", "cny", "rmb", "元", "块", "块钱", "yuan", "kuai", "圆"), "CNY"),
    **dict.fromkeys(("塊", "塊錢", "圓", "nt", "nt$", "twd"), "TWD"),
    **dict.fromkeys(("£", "gbp", "quid", "pound", "pounds"), "GBP"),
    **dict.fromkeys(("€", "eur", "euro", "euros"), "EUR"),
    **dict.fromkeys(("usd",), "USD"),
    **dict.fromkeys(("hk", "hk$"), "HKD"),
}  # a $ alone is of several countries, so it names no currency
REGIONS = {"zh-CN": "CN", "zh-TW": "TW", "zh-HK": "HK", "en-GB": "GB", "en-US": "US"}


def slots_of(text: str, language: str = "", today: date | None = None) -> Slots:
    """Read what a text names. today: the shop's date, without which no date is read. Never raises."""
    parted = text[:LONGEST].replace("，", "， ")  # which is made a comma, as within a number
    plain = numerals_written_out(unicodedata.normalize("NFKC", parted)[:LONGEST])
    bare = LINK.sub(" ", plain)
    phones, rest = _phones(bare, language)
    tracking = _found(TRACKING, rest)
    rest = TRACKING.sub(" ", rest)
    money, offered = MONEY.search(rest), OFFER.search(rest)
    amount = _amount(money) or _offer_amount(offered)
    quantity = QUANTITY.search(_without(rest, money or offered))
    return Slots(
        orders=_orders(rest),
        tracking=tracking,
        amount=amount,
        currency=_currency(money),
        offer=amount is not None and offered is not None,
        quantity=_quantity(quantity),
        postage_free=POSTAGE_FREE.search(rest) is not None,
        phones=phones,
        day=date_in(plain, today) if today else None,
    )


def _orders(text: str) -> tuple[str, ...]:
    named = _found(ORDER, text)
    return named or _found(BARE_ORDER, ACCOUNT_END.sub(" ", MONEY.sub(" ", text)))


def _found(pattern: re.Pattern[str], text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each[1].strip("-/") for each in pattern.finditer(text)))[:MOST]


def _phones(text: str, language: str) -> tuple[tuple[str, ...], str]:
    """The phone numbers, and the text without them. Only digits that are long enough are looked at."""
    region = REGIONS.get(language, "CN" if language.startswith("zh") else "GB")
    if sum(sign.isdigit() for sign in text) < 8:
        return (), text
    found = [
        each
        for each in phonenumbers.PhoneNumberMatcher(text, region, max_tries=MOST)
        if sum(sign.isdigit() for sign in each.raw_string) >= 8
    ]
    written = (phonenumbers.format_number(each.number, phonenumbers.PhoneNumberFormat.E164) for each in found)
    for each in found:
        text = text.replace(each.raw_string, " " * len(each.raw_string))
    return tuple(dict.fromkeys(written))[:MOST], text


def _amount(found: re.Match[str] | None) -> Decimal | None:
    return number_of(found["one"] or found["two"]) if found else None


def _offer_amount(found: re.Match[str] | None) -> Decimal | None:
    return number_of(found["a"] or found["b"] or found["c"]) if found else None


def _currency(found: re.Match[str] | None) -> str | None:
    return _SIGNS.get((found["before"] or found["after"]).casefold()) if found else None


def _quantity(found: re.Match[str] | None) -> int | None:
    number = int(found["a"] or found["b"] or found["c"]) if found else 0
    return number or None


def _without(text: str, found: re.Match[str] | None) -> str:
    """The text without the number that was read as an amount."""
    if found is None:
        return text
    group = next(name for name, value in found.groupdict().items() if value and value[0].isdigit())
    return f"{text[: found.start(group)]}~{text[found.end(group) :]}"
