"""The shop's records: orders, buyers with their identities, conversations, cases, and what was said."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    false,
    func,
    literal_column,
    null,
    select,
    union_all,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from bot.domain.actions import OpenCase
from bot.domain.context import Buyer, Case, Conversation, Said
from bot.domain.orders import Order
from storage.bulk import insert_new, upsert
from storage.database import take_ids
from storage.sql_in import is_in
from storage.tables import archived_messages, buyers, cases, conversations, identities, notes, orders, outbox

Identity = tuple[str, str]  # kind (email, phone, or a channel's name) and value

ORDERS_SHOWN = 20  # of one buyer, newest first

_orders = msgspec.json.Decoder(Order)
_BUYER = tuple(buyers.c[name] for name in Buyer.__struct_fields__)
_CHAT = tuple(conversations.c[name] for name in Conversation.__struct_fields__)


def _buyer(row: Sequence[Any]) -> Buyer:
    return Buyer(**dict(zip(Buyer.__struct_fields__, row, strict=True)))


def _conversation(row: Sequence[Any]) -> Conversation:
    return Conversation(**dict(zip(Conversation.__struct_fields__, row, strict=True)))


def orders_by_id(connection: Connection, shop: str, ids: Collection[str]) -> dict[str, Order]:
    if not ids:
        return {}
    statement = select(orders.c.record).where(orders.c.shop == shop, is_in(connection, orders.c.id, ids))
    return {order.id: order for order in map(_orders.decode, connection.scalars(statement).all())}


def orders_by_number(connection: Connection, shop: str, numbers: Collection[str]) -> list[Order]:
    """Orders of which one of `numbers` is the number or the id."""
    if not numbers:
        return []
    found = orders_by_id(connection, shop, numbers)
    statement = select(orders.c.record).where(
        orders.c.shop == shop, is_in(connection, orders.c.number, numbers)
    )
    for order in map(_orders.decode, connection.scalars(statement).all()):
        found[order.id] = order
    return list(found.values())


def orders_of(
    connection: Connection, shop: str, of_buyers: Collection[str], at_most: int = ORDERS_SHOWN
) -> dict[str, tuple[Order, ...]]:
    """The newest orders of each buyer."""
    if not of_buyers:
        return {}
    place = func.row_number().over(partition_by=orders.c.buyer, order_by=orders.c.placed_at.desc())
    ranked = (
        select(orders.c.record, orders.c.buyer, place.label("place"))
        .where(orders.c.shop == shop, is_in(connection, orders.c.buyer, of_buyers))
        .subquery()
    )
    statement = (
        select(ranked.c.buyer, ranked.c.record).where(ranked.c.place <= at_most).order_by(ranked.c.place)
    )
    found: dict[str, list[Order]] = defaultdict(list)
    for buyer, record in connection.execute(statement).all():
        found[buyer].append(_orders.decode(record))
    return {buyer: tuple(theirs) for buyer, theirs in found.items()}


def save_orders(connection: Connection, shop: str, changed: Iterable[Order]) -> None:
    rows = [
        {
            "shop": shop,
            "id": order.id,
            "channel": order.channel,
            "number": order.shown_number,
            "buyer": order.buyer,
            "state": order.state,
            "placed_at": order.placed_at,
            "currency": order.total.currency if order.total else None,
            "total_minor": order.total.minor if order.total else None,
            "paid_minor": order.paid_minor,
            "refunded_minor": order.refunded_minor,
            "record": msgspec.json.encode(order).decode(),
        }
        for order in changed
    ]
    upsert(connection, orders, rows)


def buyers_by_id(connection: Connection, shop: str, ids: Collection[str]) -> dict[str, Buyer]:
    if not ids:
        return {}
    statement = select(*_BUYER).where(buyers.c.shop == shop, is_in(connection, buyers.c.id, ids))
    return {row.id: _buyer(row) for row in connection.execute(statement).all()}


def present_buyer(connection: Connection, shop: str, id: str) -> str | None:
    """The file that stands for `id` today, following joins; None if there never was one."""
    while True:
        row = connection.execute(
            select(buyers.c.joined_to).where(buyers.c.shop == shop, buyers.c.id == id)
        ).one_or_none()
        if row is None:
            return None
        if row.joined_to is None:
            return id
        id = row.joined_to


def agreeing_buyers(connection: Connection, shop: str, after: str, limit: int) -> list[Buyer]:
    """Buyers who said yes to offers, by id, from behind `after`."""
    statement = select(*_BUYER).where(
        buyers.c.shop == shop, buyers.c.agrees, buyers.c.joined_to.is_(None), buyers.c.id > after
    )
    return [_buyer(row) for row in connection.execute(statement.order_by(buyers.c.id).limit(limit)).all()]


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


def save_buyers(connection: Connection, shop: str, changed: Iterable[Buyer]) -> None:
    upsert(connection, buyers, [{"shop": shop, **msgspec.structs.asdict(buyer)} for buyer in changed])


def owners(connection: Connection, shop: str, wanted: Iterable[Identity]) -> dict[Identity, str]:
    """Whose these identities are."""
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
    """Each buyer's addresses: (channel or kind, value, whether it is her id there and not only a chat's)."""
    if not of_buyers:
        return {}
    hers = select(identities.c.buyer, identities.c.kind, identities.c.value, literal_column("1")).where(
        identities.c.shop == shop, is_in(connection, identities.c.buyer, of_buyers)
    )
    chats = select(
        conversations.c.buyer, conversations.c.channel, conversations.c.address, literal_column("0")
    ).where(conversations.c.shop == shop, is_in(connection, conversations.c.buyer, of_buyers))
    found: dict[str, list[tuple[str, str, bool]]] = defaultdict(list)
    for buyer, channel, value, is_id in connection.execute(union_all(hers, chats)).all():
        found[buyer].append((channel, value, bool(is_id)))
    return {buyer: tuple(theirs) for buyer, theirs in found.items()}


def order_ids_of(connection: Connection, shop: str, of_buyers: Collection[str]) -> dict[str, list[str]]:
    """The ids of all their orders."""
    found: dict[str, list[str]] = defaultdict(list)
    if of_buyers:
        statement = select(orders.c.buyer, orders.c.id).where(
            orders.c.shop == shop, is_in(connection, orders.c.buyer, of_buyers)
        )
        for buyer, order in connection.execute(statement).all():
            found[buyer].append(order)
    return found


def add_identities(connection: Connection, shop: str, new: dict[Identity, str]) -> None:
    rows = [
        {"shop": shop, "kind": kind, "value": value, "buyer": buyer} for (kind, value), buyer in new.items()
    ]
    insert_new(connection, identities, rows)


def join(connection: Connection, shop: str, kept: str, lost: str) -> None:
    """Everything of `lost` is `kept`'s from now on; the empty file stays and says so."""
    for table in (identities, conversations, cases, notes, outbox):
        connection.execute(
            update(table).where(table.c.shop == shop, table.c.buyer == lost).values(buyer=kept)
        )
    theirs = all_orders_of(connection, shop, lost)
    save_orders(connection, shop, (msgspec.structs.replace(order, buyer=kept) for order in theirs))
    connection.execute(
        update(buyers).where(buyers.c.shop == shop, buyers.c.id == lost).values(joined_to=kept)
    )


def all_orders_of(connection: Connection, shop: str, buyer: str) -> list[Order]:
    statement = select(orders.c.record).where(orders.c.shop == shop, orders.c.buyer == buyer)
    return [_orders.decode(record) for record in connection.scalars(statement).all()]


def conversations_at(
    connection: Connection, shop: str, places: Iterable[Identity]
) -> dict[Identity, Conversation]:
    by_channel: dict[str, list[str]] = defaultdict(list)
    for channel, address in places:
        by_channel[channel].append(address)
    found: dict[Identity, Conversation] = {}
    for channel, addresses in by_channel.items():
        here = [conversations.c.channel == channel, is_in(connection, conversations.c.address, addresses)]
        for chat in _conversations(connection, shop, *here):
            found[chat.channel, chat.address] = chat
    return found


def conversations_of(
    connection: Connection, shop: str, of_buyers: Collection[str]
) -> dict[str, tuple[Conversation, ...]]:
    """Each buyer's chats, the one she last wrote in first."""
    found: dict[str, list[Conversation]] = defaultdict(list)
    if of_buyers:
        for chat in _conversations(connection, shop, is_in(connection, conversations.c.buyer, of_buyers)):
            found[chat.buyer].append(chat)
    return {buyer: tuple(sorted(chats, key=_last_heard, reverse=True)) for buyer, chats in found.items()}


def _last_heard(chat: Conversation) -> tuple[bool, float, str]:
    return chat.last_in_at is not None, chat.last_in_at.timestamp() if chat.last_in_at else 0.0, chat.name


def _conversations(connection: Connection, shop: str, *where: ColumnElement[bool]) -> list[Conversation]:
    statement = select(*_CHAT).where(conversations.c.shop == shop, *where)
    return [_conversation(row) for row in connection.execute(statement).all()]


def save_conversations(connection: Connection, shop: str, changed: Iterable[Conversation]) -> None:
    upsert(connection, conversations, [{"shop": shop, **msgspec.structs.asdict(chat)} for chat in changed])


def open_cases_of(
    connection: Connection, shop: str, of_buyers: Collection[str]
) -> dict[str, tuple[Case, ...]]:
    found: dict[str, list[Case]] = defaultdict(list)
    if of_buyers:
        statement = select(cases).where(
            cases.c.shop == shop, is_in(connection, cases.c.buyer, of_buyers), cases.c.closed_at.is_(None)
        )
        for row in sorted(connection.execute(statement).all(), key=lambda row: row.number):
            found[row.buyer].append(case_of(row))
    return {buyer: tuple(theirs) for buyer, theirs in found.items()}


def case_of(row: Row[Any]) -> Case:
    return Case(
        number=row.number,
        kind=row.kind,
        key=row.key,
        reason=row.reason,
        opened_at=row.opened_at,
        order=row.order_id,
        closed_at=row.closed_at,
    )


def block(connection: Connection, shop: str, buyer: str, channel: str, address: str, at: datetime) -> None:
    """Write to this address no more, until its owner writes to us."""
    known = conversations_at(connection, shop, [(channel, address)]).get((channel, address))
    chat = known or Conversation(channel=channel, address=address, buyer=buyer)
    save_conversations(connection, shop, [msgspec.structs.replace(chat, blocked_at=at)])


def open_case(
    connection: Connection, shop: str, opened: OpenCase, buyer: str | None, now: datetime
) -> Case | None:
    """The case under this key, if this is the first time; None if it was opened before."""
    row = {
        "shop": shop,
        "key": opened.key,
        "kind": opened.kind,
        "reason": opened.reason,
        "details": msgspec.json.encode(opened.details).decode(),
        "order_id": opened.order,
        "buyer": buyer,
        "draft": opened.draft,
        "opened_at": now,
    }
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    newest = select(func.max(cases.c.number)).where(cases.c.shop == shop)
    first = select(cases.c.number).where(cases.c.shop == shop, cases.c.key == opened.key)
    while connection.scalar(first) is None:
        number = (connection.scalar(newest) or 0) + 1
        new = insert(cases).values(number=number, **row).on_conflict_do_nothing().returning(*cases.c)
        if made := connection.execute(new).one_or_none():
            return case_of(made)
        # Another transaction took the number, for this case or for another one.
    return None


def add_notes(connection: Connection, shop: str, new: Sequence[tuple[str, str, str]], now: datetime) -> None:
    """(buyer, kind, text) each."""
    if new:
        rows = [
            {"shop": shop, "buyer": buyer, "id": id, "kind": kind, "text": text, "at": now}
            for id, (buyer, kind, text) in zip(take_ids(connection, len(new)), new, strict=True)
        ]
        insert_new(connection, notes, rows)


def close_cases(connection: Connection, shop: str, keys: Collection[str], now: datetime) -> None:
    if keys:
        here = update(cases).where(
            cases.c.shop == shop, is_in(connection, cases.c.key, keys), cases.c.closed_at.is_(None)
        )
        connection.execute(here.values(closed_at=now))


def close_numbered(connection: Connection, shop: str, number: int, now: datetime) -> None:
    here = update(cases).where(cases.c.shop == shop, cases.c.number == number, cases.c.closed_at.is_(None))
    connection.execute(here.values(closed_at=now))


def said_about(connection: Connection, shop: str, of_orders: Collection[str]) -> dict[str, tuple[Said, ...]]:
    """The messages about each order, also those that lie in the archive."""
    if not of_orders:
        return {}
    columns = (
        outbox.c.key,
        outbox.c.template,
        outbox.c.state,
        outbox.c.order_id,
        outbox.c.settled_at,
        outbox.c.facts,
    )
    here = select(*columns, false().label("paid")).where(
        outbox.c.shop == shop, is_in(connection, outbox.c.order_id, of_orders)
    )
    old = archived_messages.c
    archived = select(old.key, old.template, old.state, old.order_id, old.settled_at, null(), old.paid).where(
        old.shop == shop, is_in(connection, old.order_id, of_orders)
    )
    found: dict[str, list[Said]] = defaultdict(list)
    for row in connection.execute(here.union_all(archived)).all():
        found[row.order_id].append(_said(row))
    return {order: tuple(those) for order, those in found.items()}


class _KeptOrder(msgspec.Struct):
    paid_at: str | None = None


class _Kept(msgspec.Struct):
    """Of the facts kept with a message, what is looked at again."""

    order: _KeptOrder | None = None


_kept = msgspec.json.Decoder(_Kept)


def _said(row: Row[Any, Any, Any, Any, Any, Any, Any]) -> Said:
    return Said(
        key=row.key,
        template=row.template,
        state=row.state,
        order=row.order_id,
        sent_at=row.settled_at if row.state == "sent" else None,
        paid=bool(row.paid) or knew_paid(row.state, row.facts),
    )


def knew_paid(state: str, facts: str | None) -> bool:
    """Whether a message was sent knowing that its order was paid, by the facts kept with it."""
    kept = _kept.decode(facts) if facts else _Kept()
    return bool(state == "sent" and kept.order and kept.order.paid_at)
