"""Queries of the audit: all messages sent and all events received, page by page."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, and_, func, or_, select, text, tuple_

from bot.domain.events import STOPS, AgentReplied, BotSwitched, Event, OrderEvent, load_event
from bot.domain.orders import Order
from bot.domain.quotes import PRICES_TOLD
from storage import order_records
from storage.asking import ask
from storage.proof_records import Place
from storage.tables import (
    OF_ORDERS,
    buyers,
    cases,
    conversations,
    identities,
    in_state,
    inbox,
    openings,
    orders,
    outbox,
    sendable_at,
    templates,
)

PAGE = 500
SAID = ("sent", "unknown")  # what reached the buyer, or may have
Cursor = tuple[str, datetime, int]  # buyer, time, id


class Sending(msgspec.Struct, frozen=True, kw_only=True):
    """A message that was sent. settled_at: when its outcome was known. facts: as of the decision."""

    id: int
    key: str
    buyer: str
    template: str
    category: str
    state: str
    values: dict[str, Any]
    facts: dict[str, Any]
    settled_at: datetime
    due_at: datetime | None = None
    order: str | None = None
    channel: str | None = None
    address: str | None = None
    text: str | None = None
    receipt: str | None = None
    own: bool | None = None  # in the seller's words, not ours

    @property
    def place(self) -> Cursor:
        return self.buyer, self.settled_at, self.id


class KnownCase(msgspec.Struct, frozen=True, kw_only=True):
    """A case, by what it holds back and where its buyer waits (channel:address)."""

    kind: str
    opened_at: datetime
    reason: str = ""
    closed_at: datetime | None = None
    order: str | None = None
    buyer: str | None = None
    chat: str | None = None


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """An event of the inbox, read again."""

    id: int
    state: str
    received_at: datetime
    event: Event


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """A chat that may hear of an order: it opened it, or its owner has this id there (`of`)."""

    chat: Place
    at: datetime | None = None  # None: at all times
    of: Place | None = None


_COLUMNS = (
    *(outbox.c[name] for name in ("id", "key", "buyer", "template", "category", "state", "values", "facts")),
    *(outbox.c[name] for name in ("settled_at", "due_at", "channel", "address", "text", "receipt")),
    outbox.c.order_id.label("order"),
    select(templates.c.own)
    .where(templates.c.shop == outbox.c.shop, templates.c.id == outbox.c.version)
    .scalar_subquery()
    .label("own"),
)


def repeatable_reads(connection: Connection) -> None:
    """Let this transaction read one snapshot (REPEATABLE READ). SQLite always does."""
    if connection.dialect.name == "postgresql":
        connection.execution_options(isolation_level="REPEATABLE READ")


def sendings(connection: Connection, shop: str, after: Cursor | None) -> list[Sending]:
    """The next page of messages, ordered by buyer and time."""
    where: list[ColumnElement[bool]] = [outbox.c.settled_at.is_not(None)]
    if after is not None:
        here = tuple_(outbox.c.buyer, outbox.c.settled_at, outbox.c.id)
        where.append(here > tuple_(*after, types=[column.type for column in here.clauses]))
    statement = select(*_COLUMNS).where(outbox.c.shop == shop, outbox.c.state.in_(SAID), *where)
    in_order = statement.order_by(outbox.c.buyer, outbox.c.settled_at, outbox.c.id)
    return _read(connection, in_order.limit(PAGE))


def sendings_about(connection: Connection, shop: str, orders: Collection[str]) -> dict[str, list[Sending]]:
    """The messages that were sent about each of these orders."""
    found: dict[str, list[Sending]] = {}
    for sending in _said(connection, shop, outbox.c.order_id.in_(orders)):
        found.setdefault(sending.order or "", []).append(sending)
    return found


def known_cases(
    connection: Connection, shop: str, of_buyers: Collection[str] | None = None
) -> Iterator[KnownCase]:
    """All cases, or those of these buyers."""
    columns = [cases.c[name] for name in ("kind", "reason", "opened_at", "closed_at", "buyer", "chat")]
    statement = select(*columns, cases.c.order_id.label("order")).where(cases.c.shop == shop)
    if of_buyers is not None:
        statement = statement.where(cases.c.buyer.in_(of_buyers))
    for row in connection.execute(statement.execution_options(yield_per=PAGE)):
        yield KnownCase(**row._mapping)


def prices_told(connection: Connection, shop: str, of_buyers: Collection[str]) -> dict[str, list[Sending]]:
    """The messages to each of these buyers that told a price or that a quote is honoured."""
    found: dict[str, list[Sending]] = {}
    here = outbox.c.buyer.in_(of_buyers), outbox.c.template.in_((*PRICES_TOLD, "quote_seen"))
    for sending in _said(connection, shop, *here):
        found.setdefault(sending.buyer, []).append(sending)
    return found


def sendings_to(
    connection: Connection, shop: str, buyer: str, since: datetime, until: datetime
) -> list[Sending]:
    return _said(
        connection,
        shop,
        outbox.c.buyer == buyer,
        sendable_at(since),
        outbox.c.settled_at >= since,
        outbox.c.settled_at <= until,
    )


def _said(connection: Connection, shop: str, *where: ColumnElement[bool]) -> list[Sending]:
    statement = select(*_COLUMNS).where(outbox.c.shop == shop, outbox.c.state.in_(SAID), *where)
    return _read(connection, statement.where(outbox.c.settled_at.is_not(None)))


def _read(connection: Connection, statement: Any) -> list[Sending]:
    return [
        Sending(
            **dict(row._mapping)
            | {
                "values": msgspec.json.decode(row._mapping["values"]),
                "facts": msgspec.json.decode(row.facts) if row.facts else {},
            }
        )
        for row in connection.execute(statement)
    ]


def repeated_keys(connection: Connection, shop: str) -> list[str]:
    """Keys that the outbox has more than once, in spite of its constraint."""
    statement = select(outbox.c.key).where(outbox.c.shop == shop).group_by(outbox.c.key)
    return list(connection.scalars(statement.having(func.count() > 1)))


def overdue_sendings(connection: Connection, shop: str, now: datetime) -> Sequence[Any]:
    """Messages in hand whose lease is over: id, key and the lease's end."""
    return connection.execute(
        select(outbox.c.id, outbox.c.key, outbox.c.lease_until).where(
            outbox.c.shop == shop, in_state(outbox, "sending"), outbox.c.lease_until < now
        )
    ).all()


def overdue_events(connection: Connection, shop: str, since: datetime, after: int) -> list[Any]:
    """The next page of events that are open and came before `since`: id, type and arrival."""
    statement = select(inbox.c.id, inbox.c.type, inbox.c.received_at).where(
        inbox.c.shop == shop, in_state(inbox, "open"), inbox.c.received_at < since, inbox.c.id > after
    )
    return list(connection.execute(statement.order_by(inbox.c.id).limit(PAGE)))


def orders_with_facts(
    connection: Connection, shop: str
) -> Iterator[tuple[Mapping[str, list[Fact]], Mapping[str, Order]]]:
    """All orders that have events, about PAGE events at a time: events in order of arrival, and records.

    Orders have threads of their own, in the order of which an index has them.
    """
    narrow = select(inbox.c.thread, inbox.c.id).where(inbox.c.shop == shop, text(OF_ORDERS))
    in_order = narrow.order_by(inbox.c.thread, inbox.c.id).execution_options(yield_per=PAGE)
    rows = connection.execute(in_order)
    ids: list[int] = []
    for _, events in groupby(rows, key=lambda row: row.thread):
        ids += [row.id for row in events]
        if len(ids) >= PAGE:
            yield _with_records(connection, shop, ids)
            ids = []
    if ids:
        yield _with_records(connection, shop, ids)


def _with_records(
    connection: Connection, shop: str, ids: list[int]
) -> tuple[Mapping[str, list[Fact]], Mapping[str, Order]]:
    """Of two systems' orders with one id, one is kept under the id with the channel behind it; what others
    told of the id is about the first of them."""
    found: dict[tuple[str, str], list[Fact]] = {}
    for start in range(0, len(ids), PAGE):
        for fact in _facts(connection, shop, inbox.c.id.in_(ids[start : start + PAGE])):
            if isinstance(fact.event, OrderEvent):
                found.setdefault((fact.event.order, fact.event.channel), []).append(fact)
    names = {name for order, channel in found for name in (order, f"{order}@{channel}")}
    records = ask(connection, shop, order_records.by_id(names))
    facts: dict[str, list[Fact]] = {}
    for (order, channel), theirs in found.items():
        own = f"{order}@{channel}"
        facts.setdefault(own if own in records else order, []).extend(theirs)
    for theirs in facts.values():
        theirs.sort(key=lambda fact: fact.id)
    return facts, records


def openings_of(connection: Connection, shop: str, of_orders: Collection[str]) -> dict[str, list[Opening]]:
    """For each order the chats that opened it, and those whose owners have the same file as its buyer."""
    found: dict[str, list[Opening]] = {}
    opened = select(openings).where(openings.c.shop == shop, openings.c.order_id.in_(of_orders))
    for row in connection.execute(opened):
        at = None if row.how == "before" else row.at  # made by a migration, for what was opened before
        found.setdefault(row.order_id, []).append(Opening(chat=(row.channel, row.address), at=at))
    chats = (
        select(orders.c.id, identities.c.kind, identities.c.value, conversations.c.address)
        .join(identities, and_(identities.c.shop == orders.c.shop, identities.c.buyer == orders.c.buyer))
        .join(
            conversations,
            and_(
                conversations.c.shop == orders.c.shop,
                conversations.c.buyer == orders.c.buyer,
                conversations.c.channel == identities.c.kind,
            ),
        )
        .where(orders.c.shop == shop, orders.c.id.in_(of_orders))
    )
    for row in connection.execute(chats):
        of = (row.kind, row.value)
        found.setdefault(row.id, []).append(Opening(chat=(row.kind, row.address), of=of))
    return found


def agent_replies(connection: Connection, shop: str, after: int) -> list[Fact]:
    """The next page of replies by people of the shop."""
    tag = str(AgentReplied.__struct_config__.tag)
    here = (inbox.c.type == tag, inbox.c.state == "done", inbox.c.id > after)
    return _facts(connection, shop, *here, limit=PAGE)


def let_speak_again(
    connection: Connection, shop: str, channel: str, address: str, since: datetime, until: datetime
) -> bool:
    """True if the seller let the bot speak again in this chat in that time."""
    tag = str(BotSwitched.__struct_config__.tag)
    here = (inbox.c.type == tag, inbox.c.received_at > since, inbox.c.received_at <= until)
    switched = (fact.event for fact in _facts(connection, shop, *here, limit=PAGE))
    chat = (channel, address)
    return any(
        isinstance(each, BotSwitched) and not each.silent and (each.channel, each.conversation) == chat
        for each in switched
    )


def buyer_of_chat(connection: Connection, shop: str, channel: str, address: str) -> str | None:
    here = (
        conversations.c.shop == shop,
        conversations.c.channel == channel,
        conversations.c.address == address,
    )
    found: str | None = connection.scalar(select(conversations.c.buyer).where(*here))
    return found


def joined_buyers(connection: Connection, shop: str, of_buyers: Collection[str]) -> set[str]:
    """Those of these buyers into whom another record was joined."""
    statement = select(buyers.c.joined_to).where(buyers.c.shop == shop, buyers.c.joined_to.in_(of_buyers))
    return set(connection.scalars(statement.distinct()))


def came_later(connection: Connection, shop: str, buyer: str, said_at: datetime, sent_at: datetime) -> bool:
    """True if the event of `said_at` about this buyer reached us only after `sent_at`."""
    addresses = connection.execute(
        select(identities.c.kind, identities.c.value).where(
            identities.c.shop == shop, identities.c.buyer == buyer
        )
    ).all()
    kinds = {kind for kind, _ in addresses} | {"link"}
    threads = [f"chat:{kind}:{value}" for kind in kinds for _, value in [*addresses, (kind, buyer)]]
    threads += [STOPS, *(f"order:{order.id}" for order in order_records.all_of(connection, shop, buyer))]
    later = _facts(
        connection,
        shop,
        inbox.c.received_at > sent_at,
        or_(*(inbox.c.thread.in_(threads[start : start + PAGE]) for start in range(0, len(threads), PAGE))),
    )
    return any(fact.event.at == said_at for fact in later)


def _facts(
    connection: Connection, shop: str, *where: ColumnElement[bool], limit: int | None = None
) -> list[Fact]:
    columns = (inbox.c.id, inbox.c.state, inbox.c.received_at, inbox.c.body)
    statement = select(*columns).where(inbox.c.shop == shop, *where).order_by(inbox.c.id).limit(limit)
    found = []
    for row in connection.execute(statement):
        try:
            event = load_event(row.body)
        except msgspec.DecodeError:
            continue  # parked as it is, and shown there
        found.append(Fact(id=row.id, state=row.state, received_at=row.received_at, event=event))
    return found
