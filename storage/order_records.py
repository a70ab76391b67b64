"""The table of orders: read and saved as whole records."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime

import msgspec
from sqlalchemy import Connection, func, select

from bot.domain.memos import without_digit
from bot.domain.order_numbers import kept_as, plain
from bot.domain.orders import Order
from bot.domain.wishes import mailbox
from storage.asking import Asking, Query, Row, changed
from storage.bulk import upsert
from storage.sql_in import is_in
from storage.tables import orders

ORDERS_SHOWN = 20  # of one buyer, newest first

_orders = msgspec.json.Decoder(Order)


class _Record(Row, frozen=True):
    record: str


class _RecordOf(Row, frozen=True):
    buyer: str
    record: str


class _RecordAt(Row, frozen=True):
    email: str
    record: str


class _IdOf(Row, frozen=True):
    buyer: str
    id: str


_BY_ID = Query(
    _Record,
    """
    SELECT orders.shop, orders.record FROM {given} CROSS JOIN orders
    WHERE orders.shop = given.shop AND orders.id = given.id
    """,
    given="id",
)
_BY_NUMBER = Query(
    _Record,
    """
    SELECT orders.shop, orders.record FROM {given} CROSS JOIN orders
    WHERE orders.shop = given.shop AND orders.number = given.number
    UNION ALL
    SELECT orders.shop, orders.record FROM {given} CROSS JOIN orders
    WHERE orders.shop = given.shop AND orders.plain_number = given.number
    """,
    given="number",
)
_NEWEST = Query(
    _RecordOf,
    """
    SELECT shop, buyer, record FROM (
        SELECT orders.shop, orders.buyer, orders.record, row_number() OVER (
            PARTITION BY orders.shop, orders.buyer ORDER BY orders.placed_at DESC NULLS LAST
        ) AS place
        FROM {given} CROSS JOIN orders WHERE orders.shop = given.shop AND orders.buyer = given.buyer
    ) AS found
    WHERE place <= :at_most ORDER BY place
    """,
    given="buyer",
)


_NEWEST_AT = Query(
    _RecordAt,
    """
    SELECT shop, email, record FROM (
        SELECT orders.shop, orders.email, orders.record, row_number() OVER (
            PARTITION BY orders.shop, orders.email ORDER BY orders.placed_at DESC NULLS LAST
        ) AS place
        FROM {given} CROSS JOIN orders WHERE orders.shop = given.shop AND orders.email = given.email
    ) AS found
    WHERE place <= :at_most ORDER BY place
    """,
    given="email",
)
_IDS = Query(
    _IdOf,
    """
    SELECT orders.shop, orders.buyer, orders.id FROM {given} CROSS JOIN orders
    WHERE orders.shop = given.shop AND orders.buyer = given.buyer
    """,
    given="buyer",
)


def by_id(ids: Collection[str]) -> Asking[dict[str, Order]]:
    rows = yield from _BY_ID.of(ids)
    return {order.id: order for order in (_orders.decode(row.record) for row in rows)}


def channels_of(connection: Connection, shop: str, ids: Collection[str]) -> dict[str, str]:
    """The channels of those of these orders that were placed."""
    if not ids:
        return {}
    here = select(orders.c.id, orders.c.channel).where(
        orders.c.shop == shop, is_in(connection, orders.c.id, ids), orders.c.placed_at.is_not(None)
    )
    return {row.id: row.channel for row in connection.execute(here)}


def by_number(numbers: Collection[str]) -> Asking[list[Order]]:
    """Orders whose number or memo is like one of `numbers`, or whose id is one of them."""
    found = yield from by_id(numbers)
    wanted = {*numbers, *(number for each in numbers if (number := without_digit(each)))}
    rows = yield from _BY_NUMBER.of(wanted.union(*map(kept_as, wanted)) - {""})
    found |= {order.id: order for order in (_orders.decode(row.record) for row in rows)}
    return list(found.values())


def newest_of(
    of_buyers: Collection[str], at_most: int = ORDERS_SHOWN
) -> Asking[dict[str, tuple[Order, ...]]]:
    """Up to `at_most` orders of each buyer, newest first."""
    found: dict[str, list[Order]] = defaultdict(list)
    for row in (yield from _NEWEST.of(of_buyers, at_most=at_most)):
        found[row.buyer].append(_orders.decode(row.record))
    return {buyer: tuple(theirs) for buyer, theirs in found.items()}


def newest_at(mailboxes: Collection[str]) -> Asking[dict[str, tuple[Order, ...]]]:
    """The newest ORDERS_SHOWN orders with each of these mailboxes among their contacts, newest first."""
    found: dict[str, list[Order]] = defaultdict(list)
    for row in (yield from _NEWEST_AT.of(mailboxes, at_most=ORDERS_SHOWN)):
        found[row.email].append(_orders.decode(row.record))
    return {email: tuple(theirs) for email, theirs in found.items()}


def all_of(connection: Connection, shop: str, buyer: str) -> list[Order]:
    statement = select(orders.c.record).where(orders.c.shop == shop, orders.c.buyer == buyer)
    return [_orders.decode(record) for record in connection.scalars(statement).all()]


def ids_of(of_buyers: Collection[str]) -> Asking[dict[str, list[str]]]:
    """The ids of all orders of these buyers."""
    found: dict[str, list[str]] = defaultdict(list)
    for row in (yield from _IDS.of(of_buyers)):
        found[row.buyer].append(row.id)
    return found


def standings(
    connection: Connection, shop: str, of_buyers: Collection[str], since: datetime, currency: str
) -> dict[str, tuple[int, int]]:
    """How many orders each buyer paid for since then, and how much in minor units, refunds subtracted."""
    if not of_buyers:
        return {}
    statement = (
        select(orders.c.buyer, func.count(), func.sum(orders.c.paid_minor - orders.c.refunded_minor))
        .where(
            orders.c.shop == shop,
            is_in(connection, orders.c.buyer, of_buyers),
            orders.c.placed_at >= since,
            orders.c.currency == currency,
            orders.c.paid_minor > 0,
            orders.c.state.not_in(("cancelled", "refunded")),
        )
        .group_by(orders.c.buyer)
    )
    return {buyer: (count, int(spent)) for buyer, count, spent in connection.execute(statement).all()}


def unpaid_or_lately(
    connection: Connection, shop: str, of_buyers: Collection[str], open_since: datetime, since: datetime
) -> dict[str, str]:
    """Why no offer is made to these buyers now: unpaid, for an order placed since `open_since` that waits for
    money; or bought_lately, for one placed since `since` that does not."""
    if not of_buyers:
        return {}
    statement = select(orders.c.buyer, orders.c.state, orders.c.placed_at).where(
        orders.c.shop == shop,
        is_in(connection, orders.c.buyer, of_buyers),
        orders.c.placed_at >= min(open_since, since),
        orders.c.state.not_in(("cancelled", "refunded")),
    )
    found: dict[str, str] = {}
    for row in connection.execute(statement):
        if row.state in ("unpaid", "partly_paid") and row.placed_at >= open_since:
            found[row.buyer] = "unpaid"
        elif row.placed_at >= since and row.state not in ("unpaid", "partly_paid"):
            found.setdefault(row.buyer, "bought_lately")
    return found


def of_contact(connection: Connection, shop: str, email: str | None, phone: str | None) -> list[Order]:
    """The newest ORDERS_SHOWN orders that have this mail address, or this phone, among their contacts."""
    found: dict[str, Order] = {}
    for column, value in ((orders.c.email, mailbox(email)), (orders.c.phone, phone)):
        if value:
            statement = select(orders.c.record).where(orders.c.shop == shop, column == value)
            newest = statement.order_by(orders.c.placed_at.desc().nulls_last()).limit(ORDERS_SHOWN)
            found |= {order.id: order for order in map(_orders.decode, connection.scalars(newest).all())}
    return list(found.values())


def _email(order: Order) -> str | None:
    email = order.contacts.known("email") if order.contacts else None
    return mailbox(email) or None


def compared(number: str) -> str | None:
    """What is kept to find an order by, where it is another text than its number."""
    return wanted if (wanted := plain(number)) != number else None


def save(those: Iterable[Order]) -> Asking[None]:
    """Insert or replace orders."""
    rows = [
        {
            "id": order.id,
            "channel": order.channel,
            "number": order.shown_number,
            "plain_number": compared(order.shown_number),
            "buyer": order.buyer,
            "email": _email(order),
            "phone": order.contacts.known("phone") if order.contacts else None,
            "state": order.state,
            "placed_at": order.placed_at,
            "currency": total.currency if (total := order.shop_total or order.total) else None,
            "total_minor": total.minor if total else None,
            "paid_minor": order.in_shop_money(order.paid),
            "refunded_minor": order.in_shop_money(order.refunded),
            "record": msgspec.json.encode(order).decode(),
        }
        for order in those
    ]
    yield from changed(upsert, orders, rows)
