"""Export all that is known of a buyer: every row of every table, the archive's too, as one document."""

import gzip
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from bot.domain.erasing import Scope
from storage import buyer_export, buyer_scope, erasing, trail
from storage.buyer_scope import Candidate
from storage.database import Database
from storage.trail import BUYER_EXPORTED, Trace


class Export(msgspec.Struct, frozen=True, kw_only=True):
    """records: rows by table. archived: rows of the archive's files, likewise.

    said_elsewhere: others' files in which an address of theirs was only said; they are not exported.
    """

    shop: str
    buyer: str
    exported_at: datetime
    records: dict[str, list[dict[str, Any]]]
    archived: dict[str, list[dict[str, Any]]]
    said_elsewhere: list[Candidate]


def export(
    database: Database, shop: str, buyer: str, archive: Path | None, who: str, now: datetime
) -> Export | None:
    """All that is stored about a buyer (our id); None if there is none. It stands in the trail.

    Raises what the database raises, and OSError for a file of the archive that cannot be read.
    """
    present = database.read_now(partial(buyer_scope.present, shop=shop, id=buyer))
    if present is None:
        return None
    scope = database.read_now(partial(buyer_scope.scope_of, shop=shop, id=present))
    records = database.read_now(partial(buyer_export.of_buyer, shop=shop, scope=scope))
    for name, pages in (("inbox", buyer_export.events), ("unreadable", buyer_export.deliveries)):
        records[name] = list(buyer_export.pages(database.read_now, pages, shop, scope))
    trace = Trace(shop=shop, at=now, what=BUYER_EXPORTED, who=who, about=present)
    database.write_now(partial(trail.add, trace=trace))
    others: dict[str, Candidate] = {}
    for _, value in (*scope.addresses, *scope.shared):
        for each in database.read_now(partial(buyer_scope.candidates, shop=shop, name=value)):
            if each.id not in scope.buyers:
                others[each.id] = each
    return Export(
        shop=shop,
        buyer=present,
        exported_at=now,
        records={name: rows for name, rows in records.items() if rows},
        archived=_archived(archive / shop, scope) if archive else {},
        said_elsewhere=list(others.values()),
    )


def _archived(folder: Path, scope: Scope) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for file in sorted(folder.glob("*/*.jsonl.gz")):
        table = file.name.partition("-")[0]
        for row in _rows(file):
            if erasing.is_archived_of(row, table, scope):
                found.setdefault(table, []).append(buyer_export.shown(row))
    return found


def _rows(file: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(file, "rb") as packed:
        for line in packed:
            yield erasing.archived_fields(msgspec.json.decode(line))
