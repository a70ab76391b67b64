"""Reads SWIFT MT940 statements, a booking at a time: the fields :60: for the currency, :61: and :86:."""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime, time, timedelta
from pathlib import Path

from bot.csv_import.faults import BadCell, BadLine, shown
from bot.domain.money import Money, parse_money
from bot.statements.csv_lines import Context
from bot.statements.lines import Booking, Ignored, Read, own_id, tidy

BANK = "mt940"
_LONGEST_FIELD = 20_000  # characters
_FIELD = re.compile(r"\{?:(\d\d[A-Z]?):(.*)", re.DOTALL)
_BOOKING = re.compile(
    r"(?P<day>\d{6})(?P<booked>\d{4})?(?P<mark>R?[CD])[A-Z]?(?P<amount>\d{1,15},\d{0,4})"
    r"(?P<kind>[A-Z][A-Z0-9]{3})?(?P<reference>[^\n]*)"
)
_PART = re.compile(r"\?(\d\d)")
_FULL = 27  # characters of a part, which then may go on in the middle of a word
_NAMED = re.compile(r"/(NAME|REMI|IBAN|ORDP|BENM|EREF|TRTP|CSID|MARF|ISDT|RTRN|ID|CNTP)/")


def read_mt940(text: Iterable[str], context: Context) -> Iterator[Read]:
    currency, booking, began = context.currency, "", 0
    found = False
    for number, tag, value in _fields(text):
        found = found or tag in ("60F", "60M", "61", "25", "20")
        if booking and tag != "86":
            yield _read(booking, "", began, currency, context)
            booking = ""
        if tag in ("60F", "60M") and re.match(r"[CD]\d{6}[A-Z]{3}", value):
            currency = value[7:10]
        elif tag == "61":
            booking, began = value, number
        elif tag == "86" and booking:
            yield _read(booking, value, began, currency, context)
            booking = ""
    if booking:
        yield _read(booking, "", began, currency, context)
    if not found:
        yield BadLine(1, None, "not_mt940")


def _fields(text: Iterable[str]) -> Iterator[tuple[int, str, str]]:
    """Each field with the line that it begins in; lines without a tag belong to the field above them."""
    tag, value, began = "", "", 0
    for number, line in enumerate(text, start=1):
        line = line.rstrip("\r\n")
        if start := _FIELD.match(line):
            if tag:
                yield began, tag, value
            tag, value, began = start[1], start[2], number
        elif line.startswith(("-}", "{")) or line == "-":
            if tag:
                yield began, tag, value
            tag = ""
        elif tag and len(value) < _LONGEST_FIELD:
            value += "\n" + line[:_LONGEST_FIELD]
    if tag:
        yield began, tag, value


def _read(booking: str, about: str, line: int, currency: str, context: Context) -> Read:
    parts = _BOOKING.match(booking)
    if parts is None:
        return BadLine(line, ":61:", "mt940_line", {"given": shown(booking)})
    if parts["mark"] != "C":
        return Ignored(line, "reversal" if parts["mark"] == "RD" else "outgoing")
    try:
        amount = _money(parts["amount"], currency)
        begin = _day(parts["day"], context)
    except BadCell as bad:
        return BadLine(line, ":61:", bad.code, bad.values)
    if amount.minor <= 0:
        return Ignored(line, "no_booking")
    payer, account, text = _said(about)
    own, _, banks = parts["reference"].partition("//")
    return Booking(
        line=line,
        bank=BANK,
        at=min(begin + timedelta(hours=12), max(begin, context.now)),
        latest=begin + timedelta(days=1, microseconds=-1),
        amount=amount,
        payer=payer,
        account=account,
        text=tidy(f"{text} {own_id(own)}"),
        id=own_id(banks.partition("\n")[0]),
    )


def _money(text: str, currency: str) -> Money:
    try:
        return parse_money(text.replace(",", ".").rstrip("."), currency)
    except (ValueError, ArithmeticError):
        raise BadCell("amount", given=shown(text), currency=shown(currency)) from None


def _day(text: str, context: Context) -> datetime:
    try:
        day = datetime.strptime(text, "%y%m%d").date()  # noqa: DTZ007  # a day has no zone
        return datetime.combine(day, time(), context.zone)
    except ValueError:
        raise BadCell("date", given=shown(text)) from None


def _said(about: str) -> tuple[str, str, str]:
    """Payer, their account, and the text, from either of the two ways in which banks arrange a field :86:."""
    if _PART.search(about):
        return _in_parts(about)
    if _NAMED.search(about):
        pieces = _NAMED.split(about.replace("\n", ""))
        named = dict(zip(pieces[1::2], pieces[2::2], strict=True))
        text = " ".join(named.get(name, "") for name in ("REMI", "EREF"))
        return tidy(named.get("NAME", "")), tidy(named.get("IBAN", "")), tidy(text)
    return "", "", tidy(about)


def _in_parts(about: str) -> tuple[str, str, str]:
    pieces = _PART.split(about.replace("\n", ""))
    parts = {int(number): value for number, value in zip(pieces[1::2], pieces[2::2], strict=True)}
    text = ""
    for number in (*range(20, 30), *range(60, 64)):
        part = parts.get(number, "")
        text += part if len(part) >= _FULL else f"{part} "
    return tidy(parts.get(32, "") + parts.get(33, "")), tidy(parts.get(31, "")), tidy(text)


def looks_like_mt940(path: Path) -> bool:
    with path.open("rb") as file:
        begin = file.read(2048).lstrip(b"\xef\xbb\xbf \r\n\t")
    return bool(re.match(rb"(\{1:|:20:|:940:|:25:)", begin))
