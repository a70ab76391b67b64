"""The tables of cases and of what is said in them: opened, found, answered and closed."""

from collections.abc import Collection, Sequence
from datetime import datetime

import msgspec
from sqlalchemy import Connection, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from bot.domain.actions import OpenCase
from bot.domain.context import Case
from storage.asking import Asking, Query, Row, changed
from storage.bulk import insert_new, update_rows
from storage.sql_in import is_in
from storage.tables import case_words, cases


class CaseWord(msgspec.Struct, frozen=True, kw_only=True):
    """What the buyer or a person of the shop said while a case was open; `kind` as in MessageReceived."""

    number: int
    channel: str
    event: str
    at: datetime
    who: str  # buyer or person
    kind: str
    text: str


class _CaseRow(Row, frozen=True):
    number: int
    kind: str
    key: str
    reason: str
    opened_at: datetime
    order: str | None
    closed_at: datetime | None
    asked_at: datetime | None
    answered_at: datetime | None
    waits_since: datetime | None
    chat: str | None
    cause: str | None
    due_at: datetime | None
    reopened: int | None
    buyer: str | None


_COLUMNS = """
    SELECT cases.shop, cases.number, cases.kind, cases.key, reason, opened_at, cases.order_id, closed_at,
        asked_at, answered_at, waits_since, chat, cause, due_at, reopened, cases.buyer
    """
_OPEN = f"""{_COLUMNS}
    FROM {{%s}} CROSS JOIN cases WHERE cases.shop = %s.shop AND closed_at IS NULL AND cases.%s = %s.id
    """
_OPEN_OF = Query(
    _CaseRow,
    _OPEN % ("given", "given", "buyer", "given")
    + " UNION ALL "
    + _OPEN % ("about", "about", "order_id", "about"),
    given="id",
    about="id",
)


def open_of(of_buyers: Collection[str], about: Collection[str]) -> Asking[list[tuple[str | None, Case]]]:
    """The open cases of these buyers and those about these orders, with their buyers, the oldest first."""
    rows = yield from _OPEN_OF.of(of_buyers, about=about)
    found = {row.number: (row.buyer, _case(row)) for row in rows}
    return [found[number] for number in sorted(found)]


_NUMBERED = Query(
    _CaseRow,
    f"""{_COLUMNS}
    FROM {{given}} CROSS JOIN cases
    WHERE cases.shop = given.shop AND cases.number = CAST(given.number AS INTEGER)
    """,
    given="number",
)


def numbered(numbers: Collection[int]) -> Asking[dict[int, tuple[str | None, Case]]]:
    """These cases with their buyers, by number, open or not."""
    rows = yield from _NUMBERED.of(numbers)
    return {row.number: (row.buyer, _case(row)) for row in rows}


def open_case(
    connection: Connection,
    shop: str,
    opened: OpenCase,
    buyer: str | None,
    now: datetime,
    asked_at: datetime | None = None,
    chat: str | None = None,
    event: int | None = None,
) -> Case | None:
    """Open a case with the shop's next number; None if its key was ever opened before.

    asked_at: when the buyer said what it is about, by the platform's time. chat: where they wait.
    event: its id in the inbox.
    """
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
        "asked_at": asked_at,
        "chat": chat,
        "cause": opened.cause,
        "due_at": opened.due_at,
        "event": event,
    }
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    newest = select(func.max(cases.c.number)).where(cases.c.shop == shop)
    first = select(cases.c.number).where(cases.c.shop == shop, cases.c.key == opened.key)
    while connection.scalar(first) is None:
        number = (connection.scalar(newest) or 0) + 1
        new = insert(cases).values(number=number, **row).on_conflict_do_nothing().returning(cases.c.number)
        if connection.scalar(new) is not None:
            return Case(
                number=number,
                kind=opened.kind,
                key=opened.key,
                reason=opened.reason,
                opened_at=now,
                order=opened.order,
                asked_at=asked_at,
                chat=chat,
                cause=opened.cause,
                due_at=opened.due_at,
            )
        # Another transaction took the number, for this case or for another one.
    return None


def open_many(connection: Connection, shop: str, opened: Sequence[OpenCase], now: datetime) -> dict[str, int]:
    """Open cases of which nobody is told, as the first of their keys; returns the numbers by key."""
    wanted = {each.key: each for each in opened}
    newest = select(func.max(cases.c.number)).where(cases.c.shop == shop)
    found = numbers_of_keys(connection, shop, wanted)
    while missing := [each for key, each in wanted.items() if key not in found]:
        first = (connection.scalar(newest) or 0) + 1
        rows = [
            {
                "shop": shop,
                "number": number,
                "key": each.key,
                "kind": each.kind,
                "reason": each.reason,
                "details": msgspec.json.encode(each.details).decode(),
                "order_id": each.order,
                "opened_at": now,
            }
            for number, each in enumerate(missing, start=first)
        ]
        insert_new(connection, cases, rows)  # another transaction may have taken some of the numbers
        found = numbers_of_keys(connection, shop, wanted)
    return found


def numbers_of_keys(connection: Connection, shop: str, keys: Collection[str]) -> dict[str, int]:
    if not keys:
        return {}
    here = select(cases.c.key, cases.c.number).where(
        cases.c.shop == shop, is_in(connection, cases.c.key, keys)
    )
    return {row.key: row.number for row in connection.execute(here)}


def waiting(connection: Connection) -> dict[str, int]:
    """How many cases wait for the seller's answer, by shop."""
    unanswered = func.coalesce(cases.c.asked_at, cases.c.opened_at) > cases.c.answered_at
    statement = (
        select(cases.c.shop, func.count())
        .where(cases.c.closed_at.is_(None), or_(cases.c.answered_at.is_(None), unanswered))
        .group_by(cases.c.shop)
    )
    return {row[0]: row[1] for row in connection.execute(statement).all()}


def close(connection: Connection, shop: str, keys: Collection[str], now: datetime) -> None:
    if keys:
        here = update(cases).where(
            cases.c.shop == shop, is_in(connection, cases.c.key, keys), cases.c.closed_at.is_(None)
        )
        connection.execute(here.values(closed_at=now))


def opened_by(connection: Connection, shop: str, order: str, events: Collection[int]) -> list[str]:
    """The keys of the cases about an order to which these events led."""
    here = (cases.c.shop == shop, cases.c.order_id == order, cases.c.event.in_(events))
    return list(connection.scalars(select(cases.c.key).where(*here)))


def rename(connection: Connection, shop: str, key: str, new: str) -> None:
    here = update(cases).where(cases.c.shop == shop, cases.c.key == key)
    connection.execute(here.values(key=new))


def reopen_closed(connection: Connection, shop: str, order: str, closed_at: Collection[datetime]) -> None:
    """Open those cases about an order that events closed that were handled at these times."""
    here = (cases.c.shop == shop, cases.c.order_id == order, cases.c.closed_at.in_(closed_at))
    connection.execute(update(cases).where(*here, cases.c.answered_at.is_(None)).values(closed_at=None))


def close_numbered(
    connection: Connection, shop: str, number: int, now: datetime, outcome: str | None = None
) -> None:
    """outcome: what the buyer is told."""
    here = update(cases).where(cases.c.shop == shop, cases.c.number == number, cases.c.closed_at.is_(None))
    connection.execute(here.values(closed_at=now, outcome=outcome))


def last_complaint(connection: Connection, shop: str, buyer: str) -> Case | None:
    """The newest complaint of a buyer, open or not."""
    here = select(cases).where(cases.c.shop == shop, cases.c.buyer == buyer, cases.c.kind == "complaint")
    row = connection.execute(here.order_by(cases.c.number.desc()).limit(1)).first()
    if row is None:
        return None
    known = {name: getattr(row, name) for name in Case.__struct_fields__ if name not in ("order", "reopened")}
    return Case(**known, order=row.order_id, reopened=row.reopened or 0)


def reopen(connection: Connection, shop: str, case: Case) -> None:
    """Write a case that was settled and is opened again."""
    here = update(cases).where(cases.c.shop == shop, cases.c.number == case.number)
    names = ("closed_at", "asked_at", "answered_at", "waits_since", "chat", "due_at", "reopened")
    connection.execute(here.values({name: getattr(case, name) for name in names}))


def close_unreachable(orders: Collection[str], now: datetime) -> Asking[None]:
    """Close the cases of orders that found no address, once they have one; what finds none is a new case."""
    rows = [{"order_id": order, "closed_at": now} for order in orders]
    where = "cases.kind = 'unreachable' AND cases.closed_at IS NULL"
    yield from changed(update_rows, cases, rows, by=("shop", "order_id"), where=where)


def save_talk(those: Collection[Case]) -> Asking[None]:
    """Write when cases were asked about and answered last."""
    columns = ("number", "asked_at", "answered_at", "waits_since")
    rows = [{name: getattr(case, name) for name in columns} for case in those]
    yield from changed(update_rows, cases, rows)


def add_words(words: Collection[CaseWord]) -> Asking[None]:
    """Add to cases what was said; a word that is there already is left out."""
    yield from changed(insert_new, case_words, map(msgspec.structs.asdict, words))


def words_of(connection: Connection, shop: str, numbers: Collection[int]) -> dict[int, list[CaseWord]]:
    """What was said in these cases, by their numbers, the oldest first."""
    found: dict[int, list[CaseWord]] = {}
    if not numbers:
        return found
    columns = [case_words.c[name] for name in CaseWord.__struct_fields__]
    here = select(*columns).where(case_words.c.shop == shop, case_words.c.number.in_(numbers))
    for row in connection.execute(
        here.order_by(case_words.c.at, func.length(case_words.c.event), case_words.c.event)
    ):
        found.setdefault(row.number, []).append(CaseWord(**row._mapping))
    return found


def _case(row: _CaseRow) -> Case:
    return Case(
        number=row.number,
        kind=row.kind,
        key=row.key,
        reason=row.reason,
        opened_at=row.opened_at,
        order=row.order,
        closed_at=row.closed_at,
        asked_at=row.asked_at,
        answered_at=row.answered_at,
        waits_since=row.waits_since,
        chat=row.chat,
        cause=row.cause,
        due_at=row.due_at,
        reopened=row.reopened or 0,
    )
