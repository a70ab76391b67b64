"""A line of a seller's CSV file on its way to events: values handed out, mistakes collected."""

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

import msgspec

from bot.csv_import import cells
from bot.csv_import.file import Line
from bot.csv_import.words import BadCell, BadLine
from bot.domain.events import BuyerRef, Event, dump_event

_LONGEST_TEXT = 500

Value = TypeVar("Value")


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for cells that say nothing themselves. `channel`: whose buyers' ids the file has."""

    channel: str
    currency: str
    region: str
    zone: ZoneInfo
    now: datetime


class Entry(msgspec.Struct, frozen=True):
    """One buyer or one order: where it stands, its name in the file, and what it says, or what is wrong."""

    line: int
    key: str
    lines: int = 1
    events: tuple[Event, ...] = ()
    bad: tuple[BadLine, ...] = ()


class Row:
    """A line being read: hands out values and collects what is wrong."""

    def __init__(self, line: Line) -> None:
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


def ref_of(row: Row, frame: Frame) -> BuyerRef:
    before = len(row.bad)
    ref = BuyerRef(
        id=row.get("buyer", cells.identity),
        name=row.get("name", words),
        email=row.get("email", cells.email),
        phone=row.get("phone", lambda cell: cells.phone(cell, frame.region)),
        locale=row.get("locale", cells.locale),
        timezone=row.get("timezone", cells.timezone),
    )
    if not (ref.id or ref.email or ref.phone) and len(row.bad) == before:
        row.blame(None, "nobody")
    return ref


def at(frame: Frame, cell: str) -> datetime:
    return cells.moment(cell, frame.zone, frame.now)


def words(cell: str) -> str:
    if len(cell) > _LONGEST_TEXT:
        raise BadCell("too_long", most=_LONGEST_TEXT)
    return cell


def named(event: Event, content: Event | None = None) -> Event:
    """With an id that follows from what it says, so that the same line said twice is one event."""
    digest = hashlib.blake2b(dump_event(content or event), digest_size=12).hexdigest()
    return msgspec.structs.replace(event, external_id=f"import:{event.external_id}:{digest}")
