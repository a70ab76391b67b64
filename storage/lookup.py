"""Find the record that a seller names, by id, number or address."""

from collections.abc import Collection, Sequence

import msgspec
from sqlalchemy import Connection, func, or_, select

from bot.domain.buyers import GUEST
from bot.domain.orders import Order
from bot.domain.untrusted_text import friendly_name
from bot.domain.wishes import mailbox
from storage import buyer_records
from storage.asking import ask
from storage.sql_in import is_in
from storage.tables import buyers, identities, orders

LARGEST_ID = 2**63 - 1
LIKELY = 50  # orders with one number; of more than these the newest count

_order = msgspec.json.Decoder(Order)


def find_order(connection: Connection, shop: str, name: str) -> Order | None:
    """An order by id, else by the number that the buyer sees; of several the newest."""
    if not can_be_kept(name):
        return None
    found = [
        _order.decode(record)
        for record in connection.scalars(
            select(orders.c.record)
            .where(orders.c.shop == shop, or_(orders.c.id == name, orders.c.number == name))
            .order_by(orders.c.placed_at.desc().nulls_last())
            .limit(LIKELY)
        )
    ]
    return next((order for order in found if order.id == name), found[0] if found else None)


def orders_numbered(connection: Connection, shop: str, number: str) -> Sequence[str]:
    return connection.scalars(
        select(orders.c.id).where(orders.c.shop == shop, orders.c.number == number)
    ).all()


def numbers_of(connection: Connection, shop: str, ids: Collection[str]) -> dict[str, str]:
    """The numbers that buyers see, by the orders' ids."""
    here = select(orders.c.id, orders.c.number).where(
        orders.c.shop == shop, is_in(connection, orders.c.id, ids), orders.c.number.is_not(None)
    )
    return {row.id: row.number for row in connection.execute(here)} if ids else {}


def names_of(connection: Connection, shop: str, ids: Collection[str]) -> dict[str, str]:
    """What those of these buyers who told a name are called."""
    here = select(buyers.c.id, buyers.c.name).where(
        buyers.c.shop == shop, is_in(connection, buyers.c.id, ids), buyers.c.name.is_not(None)
    )
    named = ((row.id, friendly_name(row.name)) for row in connection.execute(here))
    return {id: name for id, name in named if name}


def find_buyer(connection: Connection, shop: str, name: str) -> str | None:
    """Our id of a buyer, from that id (followed through joins), an address, or "channel:address"."""
    if not can_be_kept(name):
        return None
    present = buyer_records.present_id(connection, shop, name)
    if present:
        return present
    first, _, rest = name.partition(":")
    kinds = _kinds(connection, shop)
    wanted = [(first, rest)] if first in kinds and rest else []
    wanted += [(kind, mailbox(name) if kind.startswith(GUEST) else name) for kind in kinds]
    owners = ask(connection, shop, buyer_records.owners(wanted))
    return next((owners[identity] for identity in wanted if identity in owners), None) or _named_by(
        connection, shop, name
    )


def _named_by(connection: Connection, shop: str, contact: str) -> str | None:
    """The buyer of the newest order with this mail address or phone."""
    found: str | None = connection.scalar(
        select(orders.c.buyer)
        .where(
            orders.c.shop == shop,
            orders.c.buyer.is_not(None),
            or_(orders.c.email == mailbox(contact), orders.c.phone == contact),
        )
        .order_by(orders.c.placed_at.desc().nulls_last())
        .limit(1)
    )
    return found


def _kinds(connection: Connection, shop: str) -> list[str]:
    """The kinds of identities that a shop has, by a loose index scan."""
    found: list[str] = []
    while True:
        more = identities.c.kind > (found[-1] if found else "")
        kind = connection.scalar(select(func.min(identities.c.kind)).where(identities.c.shop == shop, more))
        if kind is None:
            return found
        found.append(kind)


def id_in(text: str) -> int | None:
    """The id that a text stands for; None if it is none that fits the column."""
    if not (text.isascii() and text.isdecimal() and len(text) <= 19):
        return None
    number = int(text)
    return number if number <= LARGEST_ID else None


def can_be_kept(text: str) -> bool:
    """True if a key could be this text: PostgreSQL stores no NUL, and UTF-8 no lone surrogate."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\x00" not in text
