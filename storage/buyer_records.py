"""The tables of buyers, their identities and the notes about them."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from bot.domain.context import Buyer
from storage.asking import Asking, Query, Row, changed
from storage.bulk import insert_new, insert_numbered, upsert
from storage.tables import buyers, identities, notes

Identity = tuple[str, str]  # kind (a channel's name, or "guest of" one) and value

_times = msgspec.json.Decoder(dict[str, datetime])


class _BuyerRow(Row, frozen=True):
    id: str
    name: str | None
    email: str | None
    phone: str | None
    mailbox: str | None
    locale: str | None
    timezone: str | None
    created_at: datetime | None
    shown_at: datetime | None
    told_at: str | None


class _Owner(Row, frozen=True):
    kind: str
    value: str
    buyer: str


class _AddressRow(_Owner, frozen=True):
    is_id: bool


_BY_ID = Query(
    _BuyerRow,
    """
    SELECT buyers.shop, buyers.id, name, email, phone, mailbox, locale, timezone, created_at, shown_at,
        told_at
    FROM {given} CROSS JOIN buyers WHERE buyers.shop = given.shop AND buyers.id = given.id
    """,
    given="id",
)
_OWNERS = Query(
    _Owner,
    """
    SELECT identities.shop, identities.kind, identities.value, identities.buyer
    FROM {given} CROSS JOIN identities
    WHERE identities.shop = given.shop AND identities.kind = given.kind AND identities.value = given.value
    """,
    given="kind, value",
)
_ADDRESSES = Query(
    _AddressRow,
    """
    SELECT identities.shop, identities.kind, identities.value, identities.buyer, 1
    FROM {given} CROSS JOIN identities
    WHERE identities.shop = given.shop AND identities.buyer = given.buyer
    UNION ALL
    SELECT conversations.shop, conversations.channel, conversations.address, conversations.buyer, 0
    FROM {given} CROSS JOIN conversations
    WHERE conversations.shop = given.shop AND conversations.buyer = given.buyer
    """,
    given="buyer",
)


def by_id(ids: Collection[str]) -> Asking[dict[str, Buyer]]:
    rows = yield from _BY_ID.of(ids)
    return {row.id: _buyer(row) for row in rows}


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


def save(those: Iterable[Buyer]) -> Asking[None]:
    """Insert or replace buyers."""
    yield from changed(upsert, buyers, map(_row, those))


def _row(buyer: Buyer) -> dict[str, Any]:
    told_at = msgspec.json.encode(buyer.told_at).decode() if buyer.told_at else None
    return {**msgspec.structs.asdict(buyer), "told_at": told_at}


def _buyer(row: _BuyerRow) -> Buyer:
    known = msgspec.structs.asdict(row)
    del known["shop"]
    return Buyer(**known | {"told_at": _times.decode(row.told_at) if row.told_at else {}})


def owners(wanted: Collection[Identity]) -> Asking[dict[Identity, str]]:
    """The buyers of these identities; those without one are left out."""
    rows = yield from _OWNERS.of(wanted)
    return {(row.kind, row.value): row.buyer for row in rows}


def identities_of(connection: Connection, shop: str, buyer: str) -> set[Identity]:
    statement = select(identities.c.kind, identities.c.value).where(
        identities.c.shop == shop, identities.c.buyer == buyer
    )
    return {(kind, value) for kind, value in connection.execute(statement).all()}


def addresses_of(
    of_buyers: Collection[str],
) -> Asking[dict[str, tuple[tuple[str, str, bool], ...]]]:
    """Each buyer's addresses: (channel or kind, value, True if it is an identity and not only a chat)."""
    found: dict[str, list[tuple[str, str, bool]]] = defaultdict(list)
    for row in (yield from _ADDRESSES.of(of_buyers)):
        found[row.buyer].append((row.kind, row.value, row.is_id))
    return {buyer: tuple(theirs) for buyer, theirs in found.items()}


def add_identities(new: Mapping[Identity, str]) -> Asking[None]:
    """Store the owners of new identities; one that has an owner keeps them."""
    rows = [{"kind": kind, "value": value, "buyer": buyer} for (kind, value), buyer in new.items()]
    yield from changed(insert_new, identities, rows)


def add_notes(new: Sequence[tuple[str, str, str]], now: datetime) -> Asking[None]:
    """Add notes: (buyer, kind, text) each."""
    rows = [{"buyer": buyer, "kind": kind, "text": text, "at": now} for buyer, kind, text in new]
    yield from changed(insert_numbered, notes, rows)
