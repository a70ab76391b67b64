"""Read the cells of a CSV line: parsed values, and the faults found on the way."""

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

import msgspec

from bot.csv_import import cells
from bot.csv_import.faults import BadCell, BadLine
from bot.csv_import.file import CsvLine
from bot.domain.events import BuyerRef, Event, dump_event

_LONGEST_TEXT = 500

Value = TypeVar("Value")


class ImportContext(msgspec.Struct, frozen=True, kw_only=True):
    """What cells are read with: the shop's defaults, and `channel`, the one whose buyer ids the file has."""

    channel: str
    currency: str
    region: str
    zone: ZoneInfo
    now: datetime


class ImportedRecord(msgspec.Struct, frozen=True):
    """One buyer, order or product of the file: its first line, its key, and its events or faults."""

    line: int
    key: str
    lines: int = 1
    events: tuple[Event, ...] = ()
    bad: tuple[BadLine, ...] = ()


class CellReader:
    """Parses the cells of one line and collects the faults in `bad`."""

    def __init__(self, line: CsvLine) -> None:
        self.number = line.number
        self.cells = line.cells
        self.bad: list[BadLine] = []

    def __contains__(self, column: str) -> bool:
        return column in self.cells

    def get(self, column: str, read: Callable[[str], Value]) -> Value | None:
        cell = self.cells.get(column)
        if cell is None:
            return None
        try:
            return read(cell)
        except BadCell as bad:
            self.blame(column, bad.code, **bad.values)
            return None

    def need(self, column: str, read: Callable[[str], Value], example: str) -> Value | None:
        if column not in self.cells:
            self.blame(column, "missing", example=example)
        return self.get(column, read)

    def blame(self, column: str | None, code: str, **values: object) -> None:
        self.bad.append(BadLine(self.number, column, code, values))


def buyer_ref(row: CellReader, context: ImportContext) -> BuyerRef:
    before = len(row.bad)
    ref = BuyerRef(
        id=row.get("buyer", cells.identity),
        name=row.get("name", text),
        email=row.get("email", cells.email),
        phone=row.get("phone", lambda cell: cells.phone(cell, context.region)),
        locale=row.get("locale", cells.locale),
        timezone=row.get("timezone", cells.timezone),
    )
    if not (ref.id or ref.email or ref.phone) and len(row.bad) == before:
        row.blame(None, "nobody")
    return ref


def at(context: ImportContext, cell: str) -> datetime:
    return cells.timestamp(cell, context.zone, context.now)


def text(cell: str) -> str:
    if len(cell) > _LONGEST_TEXT:
        raise BadCell("too_long", most=_LONGEST_TEXT)
    return cell


def with_content_id(event: Event, content: Event | None = None) -> Event:
    """Give the event an id made from its content, so that a repeated line is the same event."""
    digest = hashlib.blake2b(dump_event(content or event), digest_size=12).hexdigest()
    return msgspec.structs.replace(event, external_id=f"import:{event.external_id}:{digest}")
