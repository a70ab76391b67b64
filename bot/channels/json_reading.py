"""Read a platform's JSON; what is wrong with it is reported with its place and how to correct it."""

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Any, NoReturn, TypeVar

import msgspec
from babel.numbers import list_currencies

from bot.domain.errors import Unreadable
from bot.domain.money import Money, parse_money

Form = TypeVar("Form")
Id = str | int  # some are above 2^53, some platforms send text
Amount = str | int | float
Timestamp = Annotated[datetime, msgspec.Meta(tz=True)]


class _Deleted(msgspec.Struct, frozen=True):
    id: Id


_deleted: msgspec.json.Decoder[_Deleted] = msgspec.json.Decoder(_Deleted)
_objects: msgspec.json.Decoder[dict[str, Any]] = msgspec.json.Decoder(dict[str, Any])

_CURRENCIES = frozenset(list_currencies())
_LONGEST_ID = 200
_LONGEST_AMOUNT = 40
_YEARS = range(1970, 2200)  # outside of them a time cannot be converted to every zone
_WRITE_TIMESTAMP = "write 2026-11-21T10:00:00+08:00"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_MISSING = re.compile(r"Object missing required field `(.*)`")
# After an odd number of backslashes these six characters are no escape, but text.
_NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")


def read(decoder: "msgspec.json.Decoder[Form]", body: bytes) -> Form:
    """Decode a body without its NUL characters, because databases take none. Raises Unreadable."""
    if b"\\u0000" in body:
        body = _NUL.sub(rb"\1", body)
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise Unreadable(_explain(str(error))) from None
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise Unreadable("the body is not JSON") from None


def deleted_id(body: bytes) -> str:
    """The id of what was deleted. Platforms do not sign the topic, so that any genuine body can be sent again
    as a deletion; a real one has nothing but its id. Raises Unreadable for any other."""
    told = read(_objects, body)
    if set(told) != {"id"}:
        raise Unreadable("a deletion has nothing but its id; this body was sent with the topic of another")
    return identity(read(_deleted, body).id, "id")


def _explain(problem: str) -> str:
    problem, _, path = problem.partition(" - at `$")
    place = path.removesuffix("`").removeprefix(".") or "the body"
    if missing := _MISSING.fullmatch(problem):
        return f"{place}.{missing[1]} is missing" if path else f"{missing[1]} is missing"
    if problem.endswith("with a timezone component"):
        return f"{place} has no time zone; {_WRITE_TIMESTAMP}"
    if problem.startswith(("Invalid RFC3339", "Expected `datetime")):
        return f"{place} is not a timestamp; {_WRITE_TIMESTAMP}"
    return f"{place}: {problem[:1].lower()}{problem[1:].replace('`', '')}"


def missing(place: str, example: str) -> NoReturn:
    raise Unreadable(f"{place} is missing; write {example}")


def timestamp(at: datetime, place: str) -> datetime:
    """Convert to UTC, so that equal times are written alike. A time without a zone is taken as UTC."""
    if at.year not in _YEARS:
        raise Unreadable(f"{place} is in the year {at.year}; {_WRITE_TIMESTAMP}")
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def identity(value: Id, place: str) -> str:
    """A platform's id as text: not empty, at most 200 characters, none of them a control character."""
    text = value.strip() if isinstance(value, str) else str(value)
    if not text:
        raise Unreadable(f"{place} is empty")
    if _CONTROL.search(text):
        raise Unreadable(f"{place} has a control character in it")
    if len(text) > _LONGEST_ID:
        raise Unreadable(f"{place} is longer than {_LONGEST_ID} characters")
    return text


def currency(code: str | None, place: str) -> str:
    """A currency code (ISO 4217) in capitals."""
    if code is None:
        missing(place, "CNY")
    written = code.strip().upper()
    if written not in _CURRENCIES:
        raise Unreadable(f"{place}: {code[:12]!r} is not a currency; write CNY")
    return written


def money(value: Amount, code: str, place: str, below_zero: bool = False) -> Money:
    """An amount of a known currency, rounded to what it can be paid in.

    below_zero: allowed where a platform writes discounts so.
    """
    text = str(value)
    if len(text) > _LONGEST_AMOUNT:
        raise Unreadable(f"{place} is longer than an amount of money; write 12.50")
    try:
        amount = _parsed(text, code)
    except (ValueError, ArithmeticError) as error:
        raise Unreadable(f"{place}: {error}; write 12.50") from None
    if amount.minor < 0 and not below_zero:
        raise Unreadable(f"{place}: {text!r} is below zero; write 12.50")
    return amount


def pieces(quantity: int | float) -> int | float:
    """A quantity as people write it: 2 and not 2.0."""
    return int(quantity) if quantity == int(quantity) else quantity


@lru_cache(maxsize=4096)  # prices repeat
def _parsed(text: str, code: str) -> Money:
    return parse_money(text, code, rounded=True)
