"""Forget words that are old, a page at a time: what is counted and added up stays.

Rows of the inbox and the outbox are gone through once, in the order of their ids, which rise with time; how
far that has come is stored.
"""

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, or_, select, update

from bot.domain.erasing import without_words
from bot.domain.events import dump_event, load_event
from storage.archive import FINAL
from storage.bulk import insert_new, upsert
from storage.erasing import figures
from storage.old_rows import shops_with_old
from storage.tables import archives, case_words, cases, forgotten, inbox, outbox, unreadable

PAGE = 250  # rows in one transaction
OVERSIZED = 20  # rows, where a row may be as large as a delivery
DELIVERIES, MESSAGES, CASES, UNREADABLE = KINDS = ("deliveries", "messages", "cases", "unreadable")
GONE = "{}"


_TIMES = {  # table, its times and ids
    DELIVERIES: ("inbox", "received_at", "id"),
    MESSAGES: ("outbox", "created_at", "id"),
    CASES: ("cases", "opened_at", "number"),
    UNREADABLE: ("unreadable", "received_at", "id"),
}


def shops_due(connection: Connection, kind: str, before: datetime) -> set[str]:
    """The shops with words of a kind from before then that were not forgotten yet."""
    table, at, id = _TIMES[kind]
    last = f"SELECT last FROM forgotten WHERE forgotten.shop = found.shop AND kind = '{kind}'"
    return shops_with_old(connection, table, at, before, id=id, after=f"COALESCE(({last}), 0)")


def page(connection: Connection, shop: str, kind: str, before: datetime) -> int:
    """Forget the words of one more page of a kind; returns how many rows were looked at, 0 at the end.

    Must run in a writing transaction.
    """
    match kind:
        case "deliveries":
            return _deliveries(connection, shop, before)
        case "messages":
            return _messages(connection, shop, before)
        case "cases":
            return _cases(connection, shop, before)
        case _:
            return _unreadable(connection, shop, before)


def _deliveries(connection: Connection, shop: str, before: datetime) -> int:
    columns = (inbox.c.id, inbox.c.body, inbox.c.state, inbox.c.error)
    here = select(*columns).where(
        inbox.c.shop == shop, inbox.c.id > _last(connection, shop, DELIVERIES), inbox.c.received_at < before
    )
    rows = connection.execute(here.order_by(inbox.c.id).limit(PAGE)).all()
    for row in rows:
        body = _bare(row.body)
        if row.state != "open" and body != row.body:
            one = update(inbox).where(inbox.c.shop == shop, inbox.c.id == row.id)
            connection.execute(one.values(body=body, error=row.error and row.error.partition(":")[0]))
    _move(connection, shop, DELIVERIES, rows, before)
    return len(rows)


def _bare(body: str) -> str:
    try:
        return dump_event(without_words(load_event(body))).decode()
    except msgspec.DecodeError:
        return GONE


def _messages(connection: Connection, shop: str, before: datetime) -> int:
    columns = (outbox.c.id, outbox.c.state, outbox.c.category, outbox.c.text, outbox.c["values"])
    here = select(*columns).where(
        outbox.c.shop == shop, outbox.c.id > _last(connection, shop, MESSAGES), outbox.c.created_at < before
    )
    rows = connection.execute(here.order_by(outbox.c.id).limit(PAGE)).all()
    for row in rows:
        if row.state not in FINAL:
            continue
        new: dict[str, Any] = {"text": "" if row.text else row.text, "buttons": None}
        if row.category == "answer":
            new["values"] = GONE
        one = update(outbox).where(outbox.c.shop == shop, outbox.c.id == row.id)
        connection.execute(one.values(new))
    _move(connection, shop, MESSAGES, rows, before)
    return len(rows)


def _cases(connection: Connection, shop: str, before: datetime) -> int:
    here = select(cases.c.number.label("id"), cases.c.details).where(
        cases.c.shop == shop, cases.c.number > _last(connection, shop, CASES), cases.c.opened_at < before
    )
    rows = connection.execute(here.order_by(cases.c.number).limit(PAGE)).all()
    for row in rows:
        details = msgspec.json.encode(figures(msgspec.json.decode(row.details))).decode()
        one = update(cases).where(cases.c.shop == shop, cases.c.number == row.id)
        connection.execute(one.values(details=details, draft=None, outcome=None))
        said = update(case_words).where(case_words.c.shop == shop, case_words.c.number == row.id)
        connection.execute(said.values(text=""))
    _move(connection, shop, CASES, rows, before)
    return len(rows)


def _unreadable(connection: Connection, shop: str, before: datetime) -> int:
    old = (unreadable.c.shop == shop, unreadable.c.id > _last(connection, shop, UNREADABLE))
    here = select(unreadable.c.id, unreadable.c.received_at, unreadable.c.settled_at)
    rows = connection.execute(
        here.where(*old, unreadable.c.received_at < before).order_by(unreadable.c.id).limit(OVERSIZED)
    ).all()
    for row in rows:
        one = update(unreadable).where(unreadable.c.shop == shop, unreadable.c.id == row.id)
        connection.execute(one.values(body=b"", headers="", error="", settled_at=row.settled_at or before))
    _move(connection, shop, UNREADABLE, rows, before)
    return len(rows)


def _last(connection: Connection, shop: str, kind: str) -> int:
    here = select(forgotten.c.last).where(forgotten.c.shop == shop, forgotten.c.kind == kind)
    return connection.scalar(here) or 0


def _move(connection: Connection, shop: str, kind: str, rows: Any, before: datetime) -> None:
    """Note how far words were forgotten; the audit takes what is older for archived."""
    if not rows:
        return
    upsert(connection, forgotten, [{"shop": shop, "kind": kind, "last": rows[-1].id}])
    if kind in (UNREADABLE, CASES):
        return
    insert_new(connection, archives, [{"shop": shop}])
    later = or_(archives.c.until.is_(None), archives.c.until < before)
    connection.execute(update(archives).where(archives.c.shop == shop, later).values(until=before))
