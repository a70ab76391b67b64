"""The tables of buyers, their identities and the notes about them."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, literal_column, select, union_all

from bot.domain.context import Buyer
from storage.bulk import insert_new, upsert
from storage.database import take_ids
from storage.sql_in import is_in
from storage.tables import buyers, conversations, identities, notes

Identity = tuple[str, str]  # kind (a channel's name, or "guest of" one) and value

_times = msgspec.json.Decoder(dict[str, datetime])
_BUYER = tuple(buyers.c[name] for name in Buyer.__struct_fields__)


def by_id(connection: Connection, shop: str, ids: Collection[str]) -> dict[str, Buyer]:
    if not ids:
        return {}
    statement = select(*_BUYER).where(buyers.c.shop == shop, is_in(connection, buyers.c.id, ids))
    return {row.id: _buyer(row) for row in connection.execute(statement).all()}


def present_id(connection: Connection, shop: str, id: str) -> str | None:
    """The buyer that `id` is today, following joins; None if there never was one."""
    while True:
        row = connection.execute(
            select(buyers.c.joined_to).where(buyers.c.shop == shop, buyers.c.id == id)
        ).one_or_none()
        if row is None:
            return None
        if row.joined_to is None:
            return id
        id = row.joined_to


def save(connection: Connection, shop: str, changed: Iterable[Buyer]) -> None:
    """Insert or replace buyers. Raises what the database raises."""
    upsert(connection, buyers, [_row(shop, buyer) for buyer in changed])


def _row(shop: str, buyer: Buyer) -> dict[str, Any]:
    told_at = msgspec.json.encode(buyer.told_at).decode() if buyer.told_at else None
    return {"shop": shop, **msgspec.structs.asdict(buyer), "told_at": told_at}


def _buyer(row: Row[Any]) -> Buyer:
    told_at = _times.decode(row.told_at) if row.told_at else {}
    return Buyer(**{**row._mapping, "told_at": told_at})


def owners(connection: Connection, shop: str, wanted: Iterable[Identity]) -> dict[Identity, str]:
    """The buyers of these identities; those without one are left out."""
    by_kind: dict[str, list[str]] = defaultdict(list)
    for kind, value in wanted:
        by_kind[kind].append(value)
    found: dict[Identity, str] = {}
    for kind, values in by_kind.items():
        statement = select(identities.c.value, identities.c.buyer).where(
            identities.c.shop == shop,
            identities.c.kind == kind,
            is_in(connection, identities.c.value, values),
        )
        found.update({(kind, value): buyer for value, buyer in connection.execute(statement).all()})
    return found


def identities_of(connection: Connection, shop: str, buyer: str) -> set[Identity]:
    statement = select(identities.c.kind, identities.c.value).where(
        identities.c.shop == shop, identities.c.buyer == buyer
    )
    return {(kind, value) for kind, value in connection.execute(statement).all()}


def addresses_of(
    connection: Connection, shop: str, of_buyers: Collection[str]
) -> dict[str, tuple[tuple[str, str, bool], ...]]:
    """Each buyer's addresses: (channel or kind, value, True if it is an identity and not only a chat)."""
    if not of_buyers:
        return {}
    ids = select(identities.c.buyer, identities.c.kind, identities.c.value, literal_column("1")).where(
        identities.c.shop == shop, is_in(connection, identities.c.buyer, of_buyers)
    )
    chats = select(
        conversations.c.buyer, conversations.c.channel, conversations.c.address, literal_column("0")
    ).where(conversations.c.shop == shop, is_in(connection, conversations.c.buyer, of_buyers))
    found: dict[str, list[tuple[str, str, bool]]] = defaultdict(list)
    for buyer, channel, value, is_id in connection.execute(union_all(ids, chats)).all():
        found[buyer].append((channel, value, bool(is_id)))
    return {buyer: tuple(theirs) for buyer, theirs in found.items()}


def add_identities(connection: Connection, shop: str, new: dict[Identity, str]) -> None:
    """Store the owners of new identities; one that has an owner keeps them."""
    rows = [
        {"shop": shop, "kind": kind, "value": value, "buyer": buyer} for (kind, value), buyer in new.items()
    ]
    insert_new(connection, identities, rows)


def add_notes(connection: Connection, shop: str, new: Sequence[tuple[str, str, str]], now: datetime) -> None:
    """Add notes: (buyer, kind, text) each."""
    if new:
        rows = [
            {"shop": shop, "buyer": buyer, "id": id, "kind": kind, "text": text, "at": now}
            for id, (buyer, kind, text) in zip(take_ids(connection, len(new)), new, strict=True)
        ]
        insert_new(connection, notes, rows)
