"""Which chats opened which orders, which links were used, and the wrong tries to prove an order."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, func, select

from storage.asking import Asking, Query, Row, changed
from storage.bulk import insert_new, insert_numbered
from storage.sql_in import is_in
from storage.tables import openings, used_links, wrong_tries

Place = tuple[str, str]  # channel and address of a chat
Link = tuple[str, str]  # an order, and the mark of the address to which the link was sent
ORDERS_OPENED = 200  # of one chat that are read, the newest

# Openings


class _Opening(Row, frozen=True):
    order: str
    channel: str
    address: str
    mark: str


class _Tries(Row, frozen=True):
    order: str
    times: int


_OPENED_BY = Query(
    _Opening,
    """
    SELECT openings.shop, openings.order_id, openings.channel, openings.address, openings.mark
    FROM {given} CROSS JOIN openings
    WHERE openings.shop = given.shop AND openings.channel = given.channel
        AND openings.address = given.address
    ORDER BY openings.at DESC
    """,
    given="channel, address",
)
_CHATS_OF = Query(
    _Opening,
    """
    SELECT openings.shop, openings.order_id, openings.channel, openings.address, openings.mark
    FROM {given} CROSS JOIN openings
    WHERE openings.shop = given.shop AND openings.order_id = given.id
    ORDER BY openings.at
    """,
    given="id",
)
_TRIES = Query(
    _Tries,
    """
    SELECT wrong_tries.shop, wrong_tries.order_id, count(*) FROM {given} CROSS JOIN wrong_tries
    WHERE wrong_tries.shop = given.shop AND wrong_tries.order_id = given.id AND wrong_tries.at > :since
    GROUP BY wrong_tries.shop, wrong_tries.order_id
    """,
    given="id",
)


def opened_by(chats: Collection[Place]) -> Asking[dict[Place, list[tuple[str, str]]]]:
    """The orders that each chat opened, with the marks of what it proved, the newest opening first."""
    found: dict[Place, list[tuple[str, str]]] = defaultdict(list)
    for row in (yield from _OPENED_BY.of(chats)):
        if len(found[row.channel, row.address]) < ORDERS_OPENED:
            found[row.channel, row.address].append((row.order, row.mark))
    return found


def chats_of(orders: Collection[str]) -> Asking[dict[str, list[tuple[Place, str]]]]:
    """The chats that opened each order, the first of them first, with the marks of what they proved."""
    found: dict[str, list[tuple[Place, str]]] = defaultdict(list)
    for row in (yield from _CHATS_OF.of(orders)):
        found[row.order].append(((row.channel, row.address), row.mark))
    return found


def add_openings(opened: Mapping[tuple[str, Place, str], str], now: datetime) -> Asking[None]:
    """Open orders to chats: (order, chat, mark) -> how; what a chat opened before stays as it was."""
    rows = [
        {
            "order_id": order,
            "channel": chat[0],
            "address": chat[1],
            "mark": mark,
            "how": how,
            "at": now,
        }
        for (order, chat, mark), how in opened.items()
    ]
    yield from changed(insert_new, openings, rows)


# Links


def users_of_links(connection: Connection, shop: str, orders: Collection[str]) -> dict[Link, Place]:
    """The chat that used each of these orders' links first."""
    if not orders:
        return {}
    statement = select(
        used_links.c.order_id, used_links.c.mark, used_links.c.channel, used_links.c.address
    ).where(used_links.c.shop == shop, is_in(connection, used_links.c.order_id, orders))
    return {
        (row.order_id, row.mark): (row.channel, row.address) for row in connection.execute(statement).all()
    }


def use_links(used: Mapping[Link, Place], now: datetime) -> Asking[None]:
    rows = [
        {"order_id": order, "mark": mark, "channel": chat[0], "address": chat[1], "at": now}
        for (order, mark), chat in used.items()
    ]
    yield from changed(insert_new, used_links, rows)


# Wrong tries


def add_wrong_tries(tries: Sequence[tuple[str, Place]], now: datetime) -> Asking[None]:
    """Add wrong tries: (order, "" if it is nobody's; chat) each."""
    rows = [{"order_id": order, "channel": chat[0], "address": chat[1], "at": now} for order, chat in tries]
    yield from changed(insert_numbered, wrong_tries, rows)


def tries_at(orders: Collection[str], since: datetime) -> Asking[dict[str, int]]:
    """How many wrong tries each order had since then, over all chats."""
    rows = yield from _TRIES.of(orders, since=since)
    return {row.order: row.times for row in rows}


def tries_in_shop(connection: Connection, shop: str, since: datetime) -> int:
    found: int = connection.execute(
        select(func.count()).where(wrong_tries.c.shop == shop, wrong_tries.c.at > since)
    ).scalar_one()
    return found
