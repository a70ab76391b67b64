"""Reading a platform's JSON so that whatever is wrong with it is named by its place and its mend."""

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, NoReturn, TypeVar

import msgspec
from babel.numbers import list_currencies

from bot.domain.errors import Unreadable
from bot.domain.money import Money, parse_money

Form = TypeVar("Form")
Id = str | int  # some pass 2^53, some platforms send text
Amount = str | int | float
Moment = Annotated[datetime, msgspec.Meta(tz=True)]

_CURRENCIES = frozenset(list_currencies())
_LONGEST_ID = 200
_LONGEST_AMOUNT = 40
_YEARS = range(1970, 2200)  # outside of them a moment cannot be turned into every zone
_WRITE_MOMENT = "write 2026-11-21T10:00:00+08:00"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_MISSING = re.compile(r"Object missing required field `(.*)`")
# A backslash before the escape would make it the six letters themselves.
_NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")


def read(decoder: "msgspec.json.Decoder[Form]", body: bytes) -> Form:
    """Decode, or raise Unreadable. Databases take no NUL in a text, so those are left out."""
    if b"\\u0000" in body:
        body = _NUL.sub(rb"\1", body)
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise Unreadable(_mend(str(error))) from None
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise Unreadable("the body is not JSON") from None


def _mend(said: str) -> str:
    said, _, path = said.partition(" - at `$")
    place = path.removesuffix("`").removeprefix(".") or "the body"
    if missing := _MISSING.fullmatch(said):
        return f"{place}.{missing[1]} is missing" if path else f"{missing[1]} is missing"
    if said.endswith("with a timezone component"):
        return f"{place} has no time zone; {_WRITE_MOMENT}"
    if said.startswith(("Invalid RFC3339", "Expected `datetime")):
        return f"{place} is not a moment; {_WRITE_MOMENT}"
    return f"{place}: {said[:1].lower()}{said[1:].replace('`', '')}"


def missing(place: str, example: str) -> NoReturn:
    raise Unreadable(f"{place} is missing; write {example}")


def moment(at: datetime, place: str) -> datetime:
    """In UTC, so that one moment is written in one way. A moment without a zone is taken for UTC."""
    if at.year not in _YEARS:
        raise Unreadable(f"{place} is in the year {at.year}; {_WRITE_MOMENT}")
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def identity(value: Id, place: str) -> str:
    text = value.strip() if isinstance(value, str) else str(value)
    if not text:
        raise Unreadable(f"{place} is empty")
    if _CONTROL.search(text):
        raise Unreadable(f"{place} has a control character in it")
    if len(text) > _LONGEST_ID:
        raise Unreadable(f"{place} is longer than {_LONGEST_ID} characters")
    return text


def currency(code: str | None, place: str) -> str:
    if code is None:
        missing(place, "CNY")
    known = code.strip().upper()
    if known not in _CURRENCIES:
        raise Unreadable(f"{place}: {code[:12]!r} is not a currency; write CNY")
    return known


def money(value: Amount, code: str, place: str) -> Money:
    text = str(value)
    if len(text) > _LONGEST_AMOUNT:
        raise Unreadable(f"{place} is longer than an amount of money; write 12.50")
    try:
        amount = _parsed(text, code)
    except (ValueError, ArithmeticError) as why:
        raise Unreadable(f"{place}: {why}; write 12.50") from None
    if amount.minor < 0:
        raise Unreadable(f"{place}: {text!r} is below nothing; write 12.50")
    return amount


_parsed = lru_cache(maxsize=4096)(parse_money)  # prices repeat
