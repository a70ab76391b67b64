"""The table of wishes: what each address wants to hear of us, word for word."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, select, tuple_

from bot.domain.wishes import NOTHING_SAID, AddressKey, Standing, What, Wish, standing
from storage.asking import Asking, Query, Row, changed
from storage.bulk import insert_numbered
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


class _WishRow(Row, frozen=True):
    kind: str
    value: str
    what: What
    yes: bool
    at: datetime
    flag: str | None
    confirmed: bool
    recorded_at: datetime


_OF_ADDRESSES = Query(
    _WishRow,
    """
    SELECT wishes.shop, wishes.kind, wishes.value, what, yes, at, flag, confirmed, recorded_at
    FROM {given} CROSS JOIN wishes
    WHERE wishes.shop = given.shop AND wishes.kind = given.kind AND wishes.value = given.value
    """,
    given="kind, value",
)


def recorded(
    addresses: Collection[AddressKey],
) -> Asking[dict[AddressKey, list[tuple[Wish, datetime]]]]:
    """The wishes of these addresses, with the times at which they were recorded, in no order; an address
    without any is left out."""
    found: dict[AddressKey, list[tuple[Wish, datetime]]] = defaultdict(list)
    for row in (yield from _OF_ADDRESSES.of(addresses)):
        wish = Wish(what=row.what, yes=row.yes, at=row.at, flag=row.flag, confirmed=row.confirmed)
        found[row.kind, row.value].append((wish, row.recorded_at))
    return found


def of_addresses(addresses: Collection[AddressKey]) -> Asking[dict[AddressKey, list[Wish]]]:
    """The wishes of these addresses, in no order; an address without any is left out."""
    found = yield from recorded(addresses)
    return {address: [wish for wish, _ in said] for address, said in found.items()}


def standings(addresses: Collection[AddressKey]) -> Asking[defaultdict[AddressKey, Standing]]:
    """What holds for each of these addresses."""
    said = yield from of_addresses(addresses)
    return defaultdict(lambda: NOTHING_SAID, {address: standing(those) for address, those in said.items()})


def add(new: Sequence[WishRecord], now: datetime) -> Asking[None]:
    """Append wishes."""
    yield from changed(insert_numbered, wishes, [_row(each, now) for each in new])


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


def wanting_for(connection: Connection, shop: str, buyer: str) -> list[AddressKey]:
    """The addresses for which a yes to offers came from this buyer."""
    here = select(wishes.c.kind, wishes.c.value).where(
        wishes.c.shop == shop, wishes.c.buyer == buyer, wishes.c.yes, wishes.c.what == "offers"
    )
    return [(row.kind, row.value) for row in connection.execute(here.distinct())]


def _row(each: WishRecord, now: datetime) -> dict[str, Any]:
    return {
        "kind": each.address[0],
        "value": each.address[1],
        **msgspec.structs.asdict(each.wish),
        "buyer": each.buyer,
        "channel": each.channel,
        "event": each.event,
        "recorded_at": now,
        "version": each.version,
    }
