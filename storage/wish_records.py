"""The table of wishes: what each address wants to hear of us, word for word."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, select, tuple_

from bot.domain.wishes import NOTHING_SAID, AddressKey, Standing, Wish, standing
from storage.bulk import insert_new
from storage.database import take_ids
from storage.sql_in import is_in
from storage.tables import wishes


class WishRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A wish with the address that it is about, and where it came from."""

    address: AddressKey
    wish: Wish
    channel: str
    event: str
    buyer: str | None = None
    version: str | None = None


_WISH = (wishes.c.kind, wishes.c.value, *(wishes.c[name] for name in Wish.__struct_fields__))


def of_addresses(
    connection: Connection, shop: str, addresses: Collection[AddressKey]
) -> dict[AddressKey, list[Wish]]:
    """The wishes of these addresses, in no order; an address without any is left out."""
    found: dict[AddressKey, list[Wish]] = defaultdict(list)
    if not addresses:
        return found
    wanted = frozenset(addresses)
    values = {value for _, value in wanted}
    statement = select(*_WISH).where(wishes.c.shop == shop, is_in(connection, wishes.c.value, values))
    for row in connection.execute(statement).all():
        if (row.kind, row.value) in wanted:
            found[row.kind, row.value].append(_wish(row))
    return found


def standings(
    connection: Connection, shop: str, addresses: Collection[AddressKey]
) -> defaultdict[AddressKey, Standing]:
    """What holds for each of these addresses."""
    found = {address: standing(said) for address, said in of_addresses(connection, shop, addresses).items()}
    return defaultdict(lambda: NOTHING_SAID, found)


def recorded(
    connection: Connection, shop: str, addresses: Collection[AddressKey]
) -> dict[AddressKey, list[tuple[Wish, datetime]]]:
    """The wishes of these addresses with the times at which they were recorded."""
    found: dict[AddressKey, list[tuple[Wish, datetime]]] = defaultdict(list)
    if addresses:
        values = {value for _, value in addresses}
        statement = select(*_WISH, wishes.c.recorded_at).where(
            wishes.c.shop == shop, is_in(connection, wishes.c.value, values)
        )
        for row in connection.execute(statement).all():
            found[row.kind, row.value].append((_wish(row), row.recorded_at))
    return found


def add(connection: Connection, shop: str, new: Sequence[WishRecord], now: datetime) -> None:
    """Append wishes. Raises what the database raises."""
    if new:
        ids = take_ids(connection, len(new))
        rows = [_row(shop, id, each, now) for id, each in zip(ids, new, strict=True)]
        insert_new(connection, wishes, rows)


def wanting_offers(
    connection: Connection, shop: str, after: AddressKey, limit: int
) -> list[tuple[AddressKey, tuple[str, ...]]]:
    """The next `limit` addresses that ever said yes to offers, with the buyers for whom they said so: first
    who said so themselves, then the one for whom it was said first, because others may type it later."""
    here = tuple_(wishes.c.kind, wishes.c.value)
    said_yes = (wishes.c.shop == shop, wishes.c.yes, wishes.c.what == "offers")
    behind = here > tuple_(*after, types=[wishes.c.kind.type, wishes.c.value.type])
    page = select(wishes.c.kind, wishes.c.value).where(*said_yes, behind).distinct()
    page = page.order_by(wishes.c.kind, wishes.c.value).limit(limit)
    found = {(row.kind, row.value): dict[str, None]() for row in connection.execute(page).all()}
    if found:
        values = {value for _, value in found}
        statement = select(wishes.c.kind, wishes.c.value, wishes.c.buyer).where(
            *said_yes, wishes.c.buyer.is_not(None), is_in(connection, wishes.c.value, values)
        )
        oldest = statement.order_by(wishes.c.confirmed.desc(), wishes.c.at, wishes.c.buyer)
        for row in connection.execute(oldest).all():
            if (row.kind, row.value) in found:
                found[row.kind, row.value].setdefault(row.buyer)
    return [(address, tuple(buyers)) for address, buyers in found.items()]


def _row(shop: str, id: int, each: WishRecord, now: datetime) -> dict[str, Any]:
    return {
        "shop": shop,
        "id": id,
        "kind": each.address[0],
        "value": each.address[1],
        **msgspec.structs.asdict(each.wish),
        "buyer": each.buyer,
        "channel": each.channel,
        "event": each.event,
        "recorded_at": now,
        "version": each.version,
    }


def _wish(row: Any) -> Wish:
    return Wish(**{name: row._mapping[name] for name in Wish.__struct_fields__})
