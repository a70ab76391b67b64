"""Erasures under way, their receipts, and the keyed hashes of what was erased."""

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, insert, select, update

from bot.domain.erasing import Scope
from storage.asking import Asking, Query, Row, changed
from storage.bulk import insert_or_change, update_rows, upsert
from storage.inbox import shops_with
from storage.lookup import can_be_kept
from storage.tables import erased, erasures

FIRST = "records"  # the step of an erasure that has just begun

_counts = msgspec.json.Decoder(dict[str, int])
_scopes = msgspec.json.Decoder(Scope)


class Erasure(msgspec.Struct, frozen=True, kw_only=True):
    """An erasure under way (scope: whom it is about), or its receipt, which has no data of anybody.

    counts: how many rows were changed, by table.
    """

    shop: str
    id: str
    at: datetime
    who: str
    step: str
    counts: dict[str, int]
    cursor: str | None = None
    scope: Scope | None = None
    done_at: datetime | None = None


class ErasedRow(Row, frozen=True):
    """What is known of an address or order that was erased at `at`: a stop that its owner wished."""

    digest: str
    at: datetime
    stopped: str | None
    stopped_at: datetime | None


_OF = Query(
    ErasedRow,
    """
    SELECT erased.shop, erased.digest, erased.at, erased.stopped, erased.stopped_at
    FROM {given} CROSS JOIN erased WHERE erased.shop = given.shop AND erased.digest = given.digest
    """,
    given="digest",
)


def known(digests: Collection[str]) -> Asking[dict[str, ErasedRow]]:
    """What is known of these hashes; those of nobody who was erased are left out."""
    rows = yield from _OF.of(digests)
    return {row.digest: row for row in rows}


def remember(rows: Mapping[str, tuple[str, datetime] | None], now: datetime) -> Asking[None]:
    """Store hashes with the stops of their owners; an earlier stop stays where none is given."""
    every = [{"digest": digest, "at": now} for digest in sorted(rows)]
    stops = [
        {"digest": digest, "at": now, "stopped": stop[0], "stopped_at": stop[1]}
        for digest, stop in sorted(rows.items())
        if stop is not None
    ]
    yield from changed(insert_or_change, erased, every, columns=("at",))
    yield from changed(upsert, erased, stops)


def stop(rows: Collection[ErasedRow]) -> Asking[None]:
    """Store later stops of addresses that are known by their hashes alone."""
    stops = [{"digest": row.digest, "stopped": row.stopped, "stopped_at": row.stopped_at} for row in rows]
    yield from changed(update_rows, erased, stops)


def taken_over(digests: Collection[str]) -> Asking[None]:
    """Forget the stops of these hashes, because the addresses have them as wishes of their own again."""
    rows = [{"digest": digest, "stopped": None, "stopped_at": None} for digest in sorted(digests)]
    yield from changed(update_rows, erased, rows)


def begin(connection: Connection, erasure: Erasure) -> None:
    connection.execute(insert(erasures).values(_row(erasure)))


def save(connection: Connection, before: Erasure, after: Erasure) -> Erasure:
    """Move an erasure on, unless another program did; returns where it stands."""
    here = update(erasures).where(
        erasures.c.shop == before.shop,
        erasures.c.id == before.id,
        erasures.c.step == before.step,
        erasures.c.cursor.is_not_distinct_from(before.cursor),
        erasures.c.done_at.is_(None),
    )
    if connection.execute(here.values(_row(after))).rowcount == 1:
        return after
    return find(connection, before.shop, before.id) or after


def shops_with_some_under_way(connection: Connection) -> list[str]:
    return shops_with(connection, "erasures", "done_at IS NULL")


def under_way(connection: Connection, shop: str) -> list[Erasure]:
    """The erasures of a shop that are not done, the oldest first."""
    here = select(erasures).where(erasures.c.shop == shop, erasures.c.done_at.is_(None))
    return [_erasure(row) for row in connection.execute(here.order_by(erasures.c.at, erasures.c.id))]


def find(connection: Connection, shop: str, id: str) -> Erasure | None:
    if not can_be_kept(id):
        return None
    row = connection.execute(
        select(erasures).where(erasures.c.shop == shop, erasures.c.id == id)
    ).one_or_none()
    return _erasure(row) if row else None


def newest(connection: Connection, shop: str, limit: int) -> list[Erasure]:
    here = select(erasures).where(erasures.c.shop == shop)
    return [_erasure(row) for row in connection.execute(here.order_by(erasures.c.at.desc()).limit(limit))]


def _row(erasure: Erasure) -> dict[str, Any]:
    return {
        **{name: getattr(erasure, name) for name in ("shop", "id", "at", "who", "step", "cursor", "done_at")},
        "scope": msgspec.json.encode(erasure.scope).decode() if erasure.scope else None,
        "counts": msgspec.json.encode(erasure.counts).decode(),
    }


def _erasure(row: Any) -> Erasure:
    known = dict(row._mapping)
    known["counts"] = _counts.decode(row.counts)
    known["scope"] = _scopes.decode(row.scope) if row.scope else None
    return Erasure(**known)


def added(counts: Mapping[str, int], more: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted((Counter(counts) + Counter(more)).items()))
