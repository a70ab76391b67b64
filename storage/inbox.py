"""The inbox: every acknowledged event, open or handled."""

import contextlib
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, cast

import msgspec
from sqlalchemy import Boolean, Column, Connection, String, func, or_, select, text, update
from sqlalchemy.dialects import postgresql, sqlite

from bot.domain.errors import Unreadable
from bot.domain.events import Event, OrderEvent, dump_event, load_event, not_after
from bot.domain.settling import CLOCK_SET_BACK
from storage.asking import Asking, Query, Row, changed
from storage.bulk import existing_keys, insert_new, update_rows
from storage.database import take_ids
from storage.sql_in import is_in
from storage.tables import OF_ORDERS, Utc, archived_events, in_state, inbox, unreadable

OPEN = "state = 'open'"
TOLD_OF_ORDER = 1_000  # events that are looked at; no order has so many


class InboxEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event to store; body: as `dump_event` makes it. ready_at: not handled before; None: at once."""

    shop: str
    channel: str
    external_id: str
    thread: str
    type: str
    body: bytes
    received_at: datetime
    ready_at: datetime | None = None


class UnreadableDelivery(msgspec.Struct, frozen=True, kw_only=True):
    """A genuine delivery that we could not read, stored whole."""

    shop: str
    channel: str
    external_id: str
    headers: str
    body: bytes
    error: str
    received_at: datetime


def add(connection: Connection, arrivals: Sequence[InboxEvent]) -> None:
    """Store new events; one whose (shop, channel, external id) is stored or archived changes nothing.

    Must run in a writing transaction. Raises what the database raises.
    """
    if not arrivals:
        return
    first: dict[tuple[str, str, str], InboxEvent] = {}
    for arrival in arrivals:  # of repeats in one batch the first one stays
        first.setdefault((arrival.shop, arrival.channel, arrival.external_id), arrival)
    archived = existing_keys(connection, archived_events, list(first))
    rows = [
        {
            "shop": arrival.shop,
            "id": id,
            "channel": arrival.channel,
            "external_id": arrival.external_id,
            "thread": arrival.thread,
            "type": arrival.type,
            "body": arrival.body.decode(),
            "received_at": arrival.received_at,
            "ready_at": arrival.ready_at or arrival.received_at,
            "state": "open",
        }
        for id, (name, arrival) in zip(take_ids(connection, len(first)), first.items(), strict=True)
        if name not in archived
    ]
    insert_new(connection, inbox, rows)


def add_unreadable(connection: Connection, deliveries: Sequence[UnreadableDelivery]) -> None:
    """Store deliveries byte for byte; of the same body one is enough."""
    if deliveries:
        ids = take_ids(connection, len(deliveries))
        rows = [{"id": id, **msgspec.structs.asdict(each)} for id, each in zip(ids, deliveries, strict=True)]
        insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
        connection.execute(insert(unreadable).on_conflict_do_nothing(), rows)


def known(connection: Connection, shop: str, channel: str, external_ids: Sequence[str]) -> set[str]:
    """The ids among these that are in the inbox or in the archive."""
    here, there = (
        select(table.c.external_id).where(
            table.c.shop == shop,
            table.c.channel == channel,
            is_in(connection, table.c.external_id, external_ids),
        )
        for table in (inbox, archived_events)
    )
    return set(connection.scalars(here.union_all(there)))


class Waiting(msgspec.Struct, frozen=True):
    """The shops with events to be handled now, and when the next event of another one is ready.

    erasing: those of the shops that have erased somebody.
    """

    shops: tuple[str, ...]
    next_at: datetime | None
    erasing: frozenset[str] = frozenset()


def waiting(connection: Connection, now: datetime) -> Waiting:
    """Found by skipping from shop to shop through the index, with a look at the ends of each."""
    found = connection.execute(_ENDS).all()
    ready = [row.shop for row in found if row.first <= now or row.last > now + CLOCK_SET_BACK]
    next_at = min((row.first for row in found if row.first > now), default=None)
    return Waiting(tuple(ready), next_at, frozenset(row.shop for row in found if row.erasing))


def shops_with(connection: Connection, table: str, condition: str) -> list[str]:
    statement = text(f"{skipping(table, condition)} SELECT shop FROM found WHERE shop IS NOT NULL")
    return [row[0] for row in connection.execute(statement)]


def skipping(table: str, condition: str) -> str:
    """SQL text: the shops with such a row as `found`, from one to the next through the index, and NULL."""
    return (
        f"WITH RECURSIVE found(shop) AS ("
        f" SELECT min(shop) FROM {table} WHERE {condition}"
        f" UNION ALL SELECT (SELECT min(shop) FROM {table} WHERE {condition} AND shop > found.shop)"
        f" FROM found WHERE found.shop IS NOT NULL)"
    )


_END = "SELECT {end}(ready_at) FROM inbox WHERE inbox.shop = found.shop AND state = 'open'"
_ENDS = text(
    f"{skipping('inbox', OPEN)} SELECT shop, ({_END.format(end='min')}) AS first,"
    f" ({_END.format(end='max')}) AS last,"
    " EXISTS (SELECT 1 FROM erased WHERE erased.shop = found.shop) AS erasing"
    " FROM found WHERE shop IS NOT NULL"
).columns(Column("shop", String), Column("first", Utc), Column("last", Utc), Column("erasing", Boolean))


class OpenEvent(Row, frozen=True):
    id: int
    body: str
    received_at: datetime
    ready_at: datetime


class _Thread(Row, frozen=True):
    thread: str


_COLUMNS = "id, body, received_at, ready_at"


def _first(columns: str, when: str) -> str:
    return f"""SELECT {columns} FROM inbox AS oldest
        WHERE oldest.shop = given.shop AND oldest.state = 'open' AND oldest.ready_at {when}
        ORDER BY oldest.ready_at, oldest.id LIMIT :at_most"""


_OPEN_EVENTS = Query(
    OpenEvent,
    f"""
    SELECT inbox.shop, {_COLUMNS} FROM {{given}} CROSS JOIN inbox
    WHERE inbox.shop = given.shop AND inbox.id IN (
        SELECT id FROM ({_first("oldest.id", "<= :now")})
        UNION ALL SELECT id FROM ({_first("oldest.id", "> :beyond")})
    )
    ORDER BY inbox.shop, ready_at, id
    """,
    postgresql=f"""
    SELECT given.shop, {_COLUMNS} FROM {{given}} CROSS JOIN LATERAL (
        ({_first(_COLUMNS, "<= :now")}) UNION ALL ({_first(_COLUMNS, "> :beyond")})
    ) AS found
    ORDER BY given.shop, ready_at, id
    """,
    given="",
)
_OPEN_IN_THREADS = Query(
    OpenEvent,
    f"""
    SELECT inbox.shop, {_COLUMNS} FROM {{given}} CROSS JOIN inbox
    WHERE inbox.shop = given.shop AND inbox.id IN (
        SELECT oldest.id FROM inbox AS oldest
        WHERE oldest.shop = given.shop AND oldest.thread = given.thread AND oldest.state = 'open'
        ORDER BY oldest.id LIMIT :at_most
    )
    """,
    postgresql=f"""
    SELECT given.shop, {_COLUMNS} FROM {{given}} CROSS JOIN LATERAL (
        SELECT {_COLUMNS} FROM inbox
        WHERE inbox.shop = given.shop AND inbox.thread = given.thread AND state = 'open'
        ORDER BY id LIMIT :at_most
    ) AS found
    """,
    given="thread",
)
_OPEN_THREADS = Query(
    _Thread,
    """
    SELECT inbox.shop, inbox.thread FROM {given} CROSS JOIN inbox
    WHERE inbox.shop = given.shop AND inbox.thread = given.thread AND inbox.state = 'open'
    """,
    given="thread",
)


def open_events(at_most: int, now: datetime) -> Asking[list[OpenEvent]]:
    """The open events of a shop that are to be handled now, those that were ready first first."""
    rows = yield from _OPEN_EVENTS.of([()], at_most=at_most, now=now, beyond=now + CLOCK_SET_BACK)
    return rows[:at_most]


def open_in_threads(threads: Collection[str], at_most: int) -> Asking[list[OpenEvent]]:
    """The oldest open events of each of these threads, ready or not, at most so many of each."""
    return (yield from _OPEN_IN_THREADS.of(threads, at_most=at_most))


def wait_longer(until: Collection[tuple[int, datetime]]) -> Asking[None]:
    """Let open events be ready later, each by its id."""
    yield from changed(update_rows, inbox, [{"id": id, "ready_at": at} for id, at in until])


def rewrite(rows: Sequence[dict[str, Any]]) -> Asking[None]:
    """Replace ids, threads and bodies of events, each by its number."""
    yield from changed(update_rows, inbox, rows)


def told_of_order(
    connection: Connection, shop: str, about: OrderEvent, handled: Collection[int]
) -> list[tuple[int, datetime | None, OrderEvent]]:
    """What any channel told of this order, as far as it was handled, in the order of arrival: its id, when
    it was handled, and the event. handled: the open events that were, in this batch."""
    columns = (inbox.c.id, inbox.c.handled_at, inbox.c.body)
    here = select(*columns).where(
        inbox.c.shop == shop,
        inbox.c.thread == about.thread,
        text(OF_ORDERS),
        or_(inbox.c.state != "open", inbox.c.id.in_(handled)),
    )
    found: list[tuple[int, datetime | None, OrderEvent]] = []
    for id, handled_at, body in connection.execute(here.order_by(inbox.c.id).limit(TOLD_OF_ORDER)):
        with contextlib.suppress(msgspec.DecodeError):  # parked as it is, and shown there
            if isinstance(event := load_event(body), OrderEvent):
                found.append((id, handled_at, event))
    return found


def reopen_all(connection: Connection, shop: str, ids: Collection[int]) -> None:
    """Let events be handled once more."""
    here = update(inbox).where(inbox.c.shop == shop, inbox.c.id.in_(ids))
    connection.execute(here.values(state="open", rule=None, error=None, handled_at=None))


def open_threads(threads: Collection[str]) -> Asking[set[str]]:
    """The threads among these that have open events."""
    rows = yield from _OPEN_THREADS.of(threads)
    return {row.thread for row in rows}


def settle(outcomes: Sequence[tuple[int, str | None, str | None]], now: datetime) -> Asking[None]:
    """Mark events as handled, or as parked where there is an error: (id, rule, error) each."""
    rows = [
        {
            "id": id,
            "state": "parked" if error else "done",
            "rule": rule,
            "error": error,
            "handled_at": now,
        }
        for id, rule, error in outcomes
    ]
    yield from changed(update_rows, inbox, rows)


def reopen(connection: Connection, shop: str, id: int | None = None) -> int:
    """Open parked events again, all of the shop or one; returns how many."""
    statement = update(inbox).where(inbox.c.shop == shop, in_state(inbox, "parked"))
    if id is not None:
        statement = statement.where(inbox.c.id == id)
    return connection.execute(statement.values(state="open", error=None, handled_at=None)).rowcount


def settle_unreadable(connection: Connection, shop: str, ids: Sequence[int], now: datetime) -> None:
    """Mark unreadable deliveries as read after all."""
    for id in ids:
        here = update(unreadable).where(unreadable.c.shop == shop, unreadable.c.id == id)
        connection.execute(here.values(settled_at=now))


def open_count(connection: Connection, at_most: int | None = None) -> int:
    """How many events are open, counted up to `at_most`."""
    waiting = select(inbox.c.shop).where(in_state(inbox, "open")).limit(at_most).subquery()
    return connection.execute(select(func.count()).select_from(waiting)).scalar_one()


def open_since(connection: Connection) -> datetime | None:
    """Since when the open event that waits longest could have been handled; None if none is open."""
    first = min((row.first for row in connection.execute(_ENDS)), default=None)
    return cast(datetime | None, first)


LONGEST_ID = 200  # characters; longer ones do not fit an index


def inbox_event(
    shop: str, event: Event, received_at: datetime, ready_at: datetime | None = None
) -> InboxEvent:
    """An event as it is stored, with no time that is far ahead.

    Raises Unreadable if an id is over LONGEST_ID characters.
    """
    if max(len(event.external_id), len(event.thread)) > LONGEST_ID:
        raise Unreadable(f"an id is longer than {LONGEST_ID} characters")
    return own_inbox_event(shop, not_after(event, received_at), received_at, ready_at)


def own_inbox_event(
    shop: str, event: Event, received_at: datetime, ready_at: datetime | None = None
) -> InboxEvent:
    """An event of our own as it is stored, without a check of its ids."""
    return InboxEvent(
        shop=shop,
        channel=event.channel,
        external_id=event.external_id,
        thread=event.thread,
        type=str(type(event).__struct_config__.tag),
        body=dump_event(event),
        received_at=received_at,
        ready_at=ready_at,
    )
