"""Which chats opened which orders, which links were used, and the wrong tries to prove an order."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, func, select

from storage.bulk import insert_new
from storage.database import take_ids
from storage.sql_in import is_in
from storage.tables import openings, used_links, wrong_tries

Place = tuple[str, str]  # channel and address of a chat
Link = tuple[str, str]  # an order, and the mark of the address to which the link was sent
ORDERS_OPENED = 200  # of one chat that are read, the newest

# Openings


def opened_by(
    connection: Connection, shop: str, chats: Collection[Place]
) -> dict[Place, list[tuple[str, str]]]:
    """The orders that each chat opened, with the marks of what it proved, the newest opening first."""
    found: dict[Place, list[tuple[str, str]]] = defaultdict(list)
    if chats:
        addresses = {address for _, address in chats}
        channels = {channel for channel, _ in chats}
        statement = select(
            openings.c.channel, openings.c.address, openings.c.order_id, openings.c.mark
        ).where(
            openings.c.shop == shop,
            is_in(connection, openings.c.channel, channels),
            is_in(connection, openings.c.address, addresses),
        )
        rows = connection.execute(statement.order_by(openings.c.at.desc()).limit(ORDERS_OPENED * len(chats)))
        for row in rows.all():
            if (row.channel, row.address) in chats:
                found[row.channel, row.address].append((row.order_id, row.mark))
    return found


def chats_of(
    connection: Connection, shop: str, orders: Collection[str]
) -> dict[str, list[tuple[Place, str]]]:
    """The chats that opened each order, with the marks of what they proved."""
    found: dict[str, list[tuple[Place, str]]] = defaultdict(list)
    if orders:
        statement = select(
            openings.c.order_id, openings.c.channel, openings.c.address, openings.c.mark
        ).where(openings.c.shop == shop, is_in(connection, openings.c.order_id, orders))
        for row in connection.execute(statement).all():
            found[row.order_id].append(((row.channel, row.address), row.mark))
    return found


def add_openings(
    connection: Connection, shop: str, opened: Mapping[tuple[str, Place, str], str], now: datetime
) -> None:
    """Open orders to chats: (order, chat, mark) -> how; what a chat opened before stays as it was."""
    rows = [
        {
            "shop": shop,
            "order_id": order,
            "channel": chat[0],
            "address": chat[1],
            "mark": mark,
            "how": how,
            "at": now,
        }
        for (order, chat, mark), how in opened.items()
    ]
    insert_new(connection, openings, rows)


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


def use_links(connection: Connection, shop: str, used: Mapping[Link, Place], now: datetime) -> None:
    rows = [
        {"shop": shop, "order_id": order, "mark": mark, "channel": chat[0], "address": chat[1], "at": now}
        for (order, mark), chat in used.items()
    ]
    insert_new(connection, used_links, rows)


# Wrong tries


def add_wrong_tries(
    connection: Connection, shop: str, tries: Sequence[tuple[str, Place]], now: datetime
) -> None:
    """Add wrong tries: (order, "" if it is nobody's; chat) each."""
    if tries:
        rows = [
            {"shop": shop, "id": id, "order_id": order, "channel": chat[0], "address": chat[1], "at": now}
            for id, (order, chat) in zip(take_ids(connection, len(tries)), tries, strict=True)
        ]
        insert_new(connection, wrong_tries, rows)


def tries_at(connection: Connection, shop: str, orders: Collection[str], since: datetime) -> dict[str, int]:
    """How many wrong tries each order had since then, over all chats."""
    if not orders:
        return {}
    statement = select(wrong_tries.c.order_id, func.count()).where(
        wrong_tries.c.shop == shop,
        is_in(connection, wrong_tries.c.order_id, orders),
        wrong_tries.c.at > since,
    )
    rows = connection.execute(statement.group_by(wrong_tries.c.order_id)).all()
    return {row[0]: row[1] for row in rows}


def tries_in_shop(connection: Connection, shop: str, since: datetime) -> int:
    found: int = connection.execute(
        select(func.count()).where(wrong_tries.c.shop == shop, wrong_tries.c.at > since)
    ).scalar_one()
    return found
