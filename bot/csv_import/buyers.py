"""From the lines of a seller's file of buyers to events."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import partial

import msgspec

from bot.csv_import import cells
from bot.csv_import.file import Line
from bot.csv_import.rows import Entry, Frame, Row, at, named, ref_of
from bot.csv_import.words import BadLine
from bot.domain.events import BuyerOptedOut, BuyerRef, BuyerUpdated, Event

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)  # older than any word of a platform, so it only fills gaps


def buyers(lines: Iterable[Line | BadLine], frame: Frame) -> Iterator[Entry]:
    for line in lines:
        if isinstance(line, BadLine):
            yield Entry(line.line, "", bad=(line,))
            continue
        row = Row(line)
        events = tuple(named(*each) for each in _buyer_events(row, frame))
        key = line.cells.get("buyer") or line.cells.get("phone") or line.cells.get("email") or ""
        yield Entry(line.number, key, events=events, bad=tuple(row.bad))


def _buyer_events(row: Row, frame: Frame) -> Iterator[tuple[Event, Event | None]]:
    """Each event, and what it is named by where its own time is only that of the import."""
    ref = ref_of(row, frame)
    said_at = row.get("updated_at", partial(at, frame))
    agrees, stopped = row.get("agrees", cells.yes_no), row.get("stopped", cells.yes_no)
    if row.bad:
        return
    told_at = said_at or frame.now
    shown = BuyerUpdated(channel=frame.channel, external_id="buyer", at=told_at, buyer=ref)
    yield shown, None if said_at else _replace(shown, at=_LONG_AGO)
    who = BuyerRef(id=ref.id, email=ref.email, phone=ref.phone)
    if agrees is not None:
        # A yes without its day must not undo a no that she said since; a no may always be said.
        when = said_at or (_LONG_AGO if agrees else frame.now)
        consent = BuyerUpdated(
            channel=frame.channel, external_id="agrees", at=when, buyer=_replace(who, agrees=agrees)
        )
        yield consent, None if said_at else _replace(consent, at=_LONG_AGO)
    if stopped:
        stop = BuyerOptedOut(channel=frame.channel, external_id="stopped", at=told_at, buyer=who)
        yield stop, None if said_at else _replace(stop, at=_LONG_AGO)


_replace = msgspec.structs.replace
