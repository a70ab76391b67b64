"""Reads ISO 20022 statements (camt.052, camt.053 and camt.054), an entry at a time.

By expat itself: a document that declares a type is refused, so nothing in it can be expanded or fetched.
"""

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import BinaryIO
from xml.parsers import expat

import msgspec

from bot.csv_import.faults import BadCell, BadLine, shown
from bot.domain.money import Money, parse_money
from bot.statements.csv_lines import Context
from bot.statements.lines import Booking, Ignored, Read, own_id, tidy

BANK = "camt"
_CHUNK = 1 << 16
_DEEPEST = 40
_LARGEST = 500_000  # elements of one entry, which may be a batch of transfers
_LONGEST = 2_000  # characters of one element that are kept


class Element(msgspec.Struct):
    """An element without its namespace."""

    name: str
    line: int
    text: str = ""
    attributes: dict[str, str] = {}
    children: list["Element"] = []

    def all(self, path: str) -> list["Element"]:
        found = [self]
        for name in path.split("/"):
            found = [child for each in found for child in each.children if child.name == name]
        return found

    def first(self, *paths: str) -> str:
        """The text of the first of these that is there."""
        return next((each.text.strip() for path in paths for each in self.all(path) if each.text.strip()), "")


class NotCamt(Exception):
    """The document is not what it should be; the text is a code of a fault."""


class _Entries:
    """Collects entries while a document is read, and drops each once it was taken."""

    def __init__(self) -> None:
        self.done: list[Element] = []
        self.seen = False  # something of a statement
        self._open: list[Element] = []
        self._depth = self._count = 0
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.StartDoctypeDeclHandler = self._refuse

    def _refuse(self, *_: object) -> None:
        raise NotCamt("doctype")

    def _start(self, full: str, attributes: dict[str, str]) -> None:
        name = full.rpartition(" ")[2]
        self._depth += 1
        if self._depth > _DEEPEST:
            raise NotCamt("too_deep")
        self.seen = self.seen or name in ("Stmt", "Rpt", "Ntfctn")
        if self._open or (name == "Ntry" and self.seen):
            self._count += 1
            if self._count > _LARGEST:
                raise NotCamt("too_large")
            element = Element(name, self.parser.CurrentLineNumber, attributes=dict(attributes), children=[])
            if self._open:
                self._open[-1].children.append(element)
            self._open.append(element)

    def _end(self, full: str) -> None:
        self._depth -= 1
        if self._open:
            ended = self._open.pop()
            if not self._open:
                self.done.append(ended)
                self._count = 0

    def _text(self, text: str) -> None:
        if self._open and len(self._open[-1].text) < _LONGEST:
            self._open[-1].text += text[:_LONGEST]


def read_camt(file: BinaryIO, context: Context) -> Iterator[Read]:
    """Every transfer of every entry; an entry for several has a line for each."""
    entries = _Entries()
    try:
        while True:
            chunk = file.read(_CHUNK)
            entries.parser.Parse(chunk, not chunk)
            for entry in entries.done:
                yield from _read(entry, context)
            entries.done.clear()
            if not chunk:
                break
    except expat.ExpatError as error:
        yield BadLine(error.lineno, None, "not_xml", {"why": expat.errors.messages.get(error.code, "")})
    except (LookupError, ValueError) as error:  # of an encoding that there is not
        yield BadLine(1, None, "not_xml", {"why": shown(str(error))})
    except NotCamt as why:
        yield BadLine(entries.parser.CurrentLineNumber, None, str(why))
    else:
        if not entries.seen:
            yield BadLine(1, None, "not_camt")


def _read(entry: Element, context: Context) -> Iterator[Read]:
    if entry.first("CdtDbtInd") != "CRDT":
        yield Ignored(entry.line, "outgoing")
    elif entry.first("RvslInd").lower() in ("true", "1"):
        yield Ignored(entry.line, "reversal")
    elif entry.first("Sts", "Sts/Cd") not in ("BOOK", ""):
        yield Ignored(entry.line, "not_settled")
    else:
        transfers = entry.all("NtryDtls/TxDtls")
        own = [each for each in transfers if each.all("Amt") or each.all("AmtDtls/TxAmt/Amt")]
        if len(transfers) <= 1 or len(own) < len(transfers):
            yield _booking(entry, transfers[0] if transfers else entry, entry, context, 0)
            return
        for place, transfer in enumerate(transfers):
            if transfer.first("CdtDbtInd") in ("CRDT", ""):
                yield _booking(entry, transfer, transfer, context, place)
            else:
                yield Ignored(transfer.line, "outgoing")


def _booking(entry: Element, transfer: Element, of_sum: Element, context: Context, place: int) -> Read:
    try:
        amount = _money(next(iter([*of_sum.all("Amt"), *of_sum.all("AmtDtls/TxAmt/Amt")]), None), context)
        at, latest = _moment(entry, context)
    except BadCell as bad:
        name = "Amt" if bad.code == "amount" else "BookgDt"
        return BadLine(entry.line, name, bad.code, bad.values)
    if amount.minor <= 0:
        return Ignored(entry.line, "no_booking")
    parties = [transfer, *transfer.all("RltdPties")]
    names = (each.first("Dbtr/Nm", "Dbtr/Pty/Nm") for each in parties)
    payer = next((name for name in names if name), "")
    account = next(
        (id for each in parties if (id := each.first("DbtrAcct/Id/IBAN", "DbtrAcct/Id/Othr/Id"))), ""
    )
    said = [each.text for each in transfer.all("RmtInf/Ustrd")]
    said += [each.text for each in transfer.all("RmtInf/Strd/CdtrRefInf/Ref")]
    said += [transfer.first("Refs/EndToEndId"), entry.first("AddtlNtryInf")]
    own = own_id(transfer.first("Refs/AcctSvcrRef")) or own_id(entry.first("AcctSvcrRef", "NtryRef"))
    return Booking(
        line=entry.line,
        bank=BANK,
        at=at,
        latest=latest,
        amount=amount,
        payer=tidy(payer),
        account=tidy(account),
        text=tidy(" ".join(said)),
        id=f"{own}:{place}" if own and place else own,
    )


def _money(element: Element | None, context: Context) -> Money:
    text = element.text.strip() if element else ""
    code = element.attributes.get("Ccy", context.currency) if element else context.currency
    try:
        return parse_money(text, code)
    except (ValueError, ArithmeticError):
        raise BadCell("amount", given=shown(text), currency=shown(code)) from None


def _moment(entry: Element, context: Context) -> tuple[datetime, datetime]:
    text = entry.first("BookgDt/DtTm", "BookgDt/Dt", "ValDt/DtTm", "ValDt/Dt")
    try:
        at = datetime.fromisoformat(text)
        at = at.replace(tzinfo=at.tzinfo or context.zone)
        if "T" in text:
            return at, at
        begin = datetime.combine(at.date(), time(), context.zone)
        return min(begin + timedelta(hours=12), max(begin, context.now)), begin + timedelta(
            days=1, microseconds=-1
        )
    except (ValueError, OverflowError):
        raise BadCell("date", given=shown(text)) from None


def looks_like_camt(path: Path) -> bool:
    with path.open("rb") as file:
        begin = file.read(4096).lstrip(b"\xef\xbb\xbf \r\n\t")
    return begin.startswith((b"<?xml", b"<Document", b"<!DOCTYPE", b"\xff\xfe<", b"<"))
