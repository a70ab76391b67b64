"""Find rows that may go to the archive, and remove them.

Rows are read in the order of their ids, a page at a time. Three things stay, so that later decisions do not
change: the id of each event, so that repeats are recognised; of each message about an order what rules look
back at; and every offer, because a buyer gets it once. Records (orders, buyers, consent, chats, cases) never
go.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Column, Connection, Row, delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from storage.bulk import insert_new
from storage.history import knew_paid
from storage.old_rows import shops_with_old
from storage.tables import (
    archived_events,
    archived_messages,
    archives,
    attempts,
    in_state,
    inbox,
    outbox,
    unreadable,
    wakes,
)

CLOCK = "clock"  # the channel of our own deadlines
FINAL = ("sent", "skipped", "withdrawn", "failed", "unknown")
TABLES = ("outbox", "inbox", "unreadable")  # a message goes no later than the event that led to it


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Rows that may go. last: the id up to which the table was read; None at its end."""

    rows: Sequence[dict[str, Any]] = ()
    last: int | None = None


_TIMES = {"outbox": "created_at", "inbox": "received_at", "unreadable": "received_at"}


def shops_due(connection: Connection, table: str, before: datetime) -> set[str]:
    """The shops with rows from before then."""
    return shops_with_old(connection, table, _TIMES[table], before)


def page(connection: Connection, shop: str, table: str, after: int, before: datetime, limit: int) -> Page:
    """Of the next `limit` rows after id `after`, those that were finished before `before`."""
    match table:
        case "inbox":
            rows, last = _walk(connection, inbox.c.received_at, shop, after, before, limit)
            over = [row for row in rows if row.state == "done" and row.handled_at < before]
            return Page(rows=[dict(row._mapping) for row in over], last=last)
        case "outbox":
            rows, last = _walk(connection, outbox.c.created_at, shop, after, before, limit)
            return Page(rows=_messages(connection, shop, rows, before), last=last)
        case _:
            rows, last = _walk(connection, unreadable.c.received_at, shop, after, before, limit)
            over = [row for row in rows if row.settled_at and row.settled_at < before]
            return Page(rows=[dict(row._mapping) for row in over], last=last)


def _walk(
    connection: Connection, created_at: Column[Any], shop: str, after: int, before: datetime, limit: int
) -> tuple[list[Row[Any]], int | None]:
    """Read the next rows. Ids rise with time, so a page with only young rows is the last; a single young row
    is not, because a clock may have run ahead."""
    table = created_at.table
    behind = select(table).where(table.c.shop == shop, table.c.id > after)
    rows = list(connection.execute(behind.order_by(table.c.id).limit(limit)))
    old = [row for row in rows if row._mapping[created_at] < before]
    done = len(rows) < limit or not old
    return old, None if done else rows[-1].id


def _messages(
    connection: Connection, shop: str, rows: Sequence[Row[Any]], before: datetime
) -> list[dict[str, Any]]:
    """Finished messages, without offers and without orders about which a message still waits."""
    over = [
        row for row in rows if row.state in FINAL and row.settled_at < before and row.category != "promotion"
    ]
    waiting = _waiting(connection, shop, {row.order_id for row in over if row.order_id})
    gone = [row for row in over if row.order_id not in waiting]
    tries = _tries(connection, shop, [row.id for row in gone if row.attempts])
    return [{**row._mapping, "tries": tries.get(row.id, [])} for row in gone]


def _waiting(connection: Connection, shop: str, orders: Collection[str]) -> set[str]:
    here = select(outbox.c.order_id).where(
        outbox.c.shop == shop,
        outbox.c.order_id.in_(orders),
        or_(in_state(outbox, "queued"), in_state(outbox, "sending")),
    )
    return set(connection.scalars(here)) if orders else set()


def _tries(connection: Connection, shop: str, ids: Collection[int]) -> dict[int, list[dict[str, Any]]]:
    found: dict[int, list[dict[str, Any]]] = {}
    if ids:
        here = select(attempts).where(attempts.c.shop == shop, attempts.c.message.in_(ids))
        for row in connection.execute(here.order_by(attempts.c.message, attempts.c.number)):
            found.setdefault(row.message, []).append(dict(row._mapping))
    return found


def remove(
    connection: Connection, shop: str, table: str, rows: Sequence[Mapping[str, Any]], before: datetime
) -> None:
    """Delete rows that are in the archive, and keep what later decisions need of them."""
    ids = [row["id"] for row in rows]
    match table:
        case "inbox":
            _remember_events(connection, shop, ids)
            deadlines = [row["external_id"] for row in rows if row["channel"] == CLOCK]
            fired = (wakes.c.shop == shop, wakes.c.key.in_(deadlines), wakes.c.fired_at.is_not(None))
            connection.execute(delete(wakes).where(*fired))
            gone = (inbox.c.shop == shop, inbox.c.id.in_(ids), in_state(inbox, "done"))
            connection.execute(delete(inbox).where(*gone))
        case "outbox":
            insert_new(connection, archived_messages, [_said(row) for row in rows if row["order_id"]])
            connection.execute(delete(attempts).where(attempts.c.shop == shop, attempts.c.message.in_(ids)))
            gone = (outbox.c.shop == shop, outbox.c.id.in_(ids), outbox.c.state.in_(FINAL))
            connection.execute(delete(outbox).where(*gone))
        case _:
            connection.execute(delete(unreadable).where(unreadable.c.shop == shop, unreadable.c.id.in_(ids)))
    later = or_(archives.c.until.is_(None), archives.c.until < before)
    connection.execute(update(archives).where(archives.c.shop == shop, later).values(until=before))


def _remember_events(connection: Connection, shop: str, ids: Collection[int]) -> None:
    names = select(inbox.c.shop, inbox.c.channel, inbox.c.external_id).where(
        inbox.c.shop == shop, inbox.c.id.in_(ids), in_state(inbox, "done")
    )
    kind = postgresql if connection.dialect.name == "postgresql" else sqlite
    new = kind.insert(archived_events).from_select(["shop", "channel", "external_id"], names)
    connection.execute(new.on_conflict_do_nothing())


def _said(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "shop": row["shop"],
        "order_id": row["order_id"],
        "key": row["key"],
        "template": row["template"],
        "state": row["state"],
        "settled_at": row["settled_at"],
        "paid": knew_paid(row["state"], row["facts"]),
    }


def claim(connection: Connection, shop: str, holder: str, now: datetime, lease: timedelta) -> bool:
    """Claim a shop for this program's archiver until `lease` ends; False if another program has it."""
    insert_new(connection, archives, [{"shop": shop}])
    free = or_(archives.c.holder.is_(None), archives.c.holder == holder, archives.c.held_until < now)
    here = update(archives).where(archives.c.shop == shop, free)
    return connection.execute(here.values(holder=holder, held_until=now + lease)).rowcount == 1


def release(connection: Connection, shop: str, holder: str) -> None:
    """End the claim, so that another program can archive."""
    here = update(archives).where(archives.c.shop == shop, archives.c.holder == holder)
    connection.execute(here.values(holder=None, held_until=None))


def archived_until(connection: Connection, shop: str) -> datetime | None:
    """The time before which events and messages may be in the archive; None if nothing was archived."""
    found: datetime | None = connection.scalar(select(archives.c.until).where(archives.c.shop == shop))
    return found
