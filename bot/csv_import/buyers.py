"""Turn the lines of a file of buyers into events."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import partial

import msgspec

from bot.csv_import import cells
from bot.csv_import.faults import BadLine
from bot.csv_import.file import CsvLine
from bot.csv_import.rows import CellReader, ImportContext, ImportedRecord, at, buyer_ref, with_content_id
from bot.domain.events import BuyerOptedOut, BuyerRef, BuyerUpdated, Event

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)  # older than any event of a platform, so that it only fills gaps


def buyers(lines: Iterable[CsvLine | BadLine], context: ImportContext) -> Iterator[ImportedRecord]:
    for line in lines:
        if isinstance(line, BadLine):
            yield ImportedRecord(line.line, "", bad=(line,))
            continue
        row = CellReader(line)
        events = tuple(with_content_id(*each) for each in _buyer_events(row, context))
        key = line.cells.get("buyer") or line.cells.get("phone") or line.cells.get("email") or ""
        yield ImportedRecord(line.number, key, events=events, bad=tuple(row.bad))


def _buyer_events(row: CellReader, context: ImportContext) -> Iterator[tuple[Event, Event | None]]:
    """Each event, and what its id is made from where its time is only that of the import."""
    ref = buyer_ref(row, context)
    updated_at = row.get("updated_at", partial(at, context))
    agrees, stopped = row.get("agrees", cells.yes_no), row.get("stopped", cells.yes_no)
    if row.bad:
        return
    at_or_now = updated_at or context.now
    shown = BuyerUpdated(channel=context.channel, external_id="buyer", at=at_or_now, buyer=ref)
    yield shown, None if updated_at else _replace(shown, at=_LONG_AGO)
    who = BuyerRef(id=ref.id, email=ref.email, phone=ref.phone)
    if agrees is not None:
        # A yes without a date must not undo a later no; a no counts in any case.
        when = updated_at or (_LONG_AGO if agrees else context.now)
        consent = BuyerUpdated(
            channel=context.channel, external_id="agrees", at=when, buyer=_replace(who, agrees=agrees)
        )
        yield consent, None if updated_at else _replace(consent, at=_LONG_AGO)
    if stopped:
        stop = BuyerOptedOut(channel=context.channel, external_id="stopped", at=at_or_now, buyer=who)
        yield stop, None if updated_at else _replace(stop, at=_LONG_AGO)


_replace = msgspec.structs.replace
