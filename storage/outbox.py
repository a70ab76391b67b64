"""The outbox: every message ever decided on, with its state."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, func, or_, select, update
from sqlalchemy import Row as SomeRow

from bot.domain.context import Category
from bot.domain.messages import Reason
from storage.asking import Asking, Query, Row, changed
from storage.bulk import Rows, insert_new, insert_numbered, update_rows
from storage.inbox import shops_with
from storage.tables import SENDABLE_UNTIL, attempts, in_state, outbox, sendable_since, templates

SELLER = "seller"  # whom the mails about cases go to, in place of a buyer
BACKLOG = 2_000  # due messages of all shops; with more, a claim is worth a longer search
SOME = 4  # messages that a shop may have which is not among them
PAGES = 8  # of due messages that a claim looks at, until enough buyers are found
AHEAD = timedelta(minutes=1)  # that one machine's clock may be ahead of another's

_encode = msgspec.json.Encoder().encode

# How the reason of a failed attempt that is to be repeated begins.
_AGAIN = ('{"code":"try_again"', '{"code":"unknown_resend"')


def dump(value: Any) -> str:
    return _encode(value).decode()


class Draft(msgspec.Struct, kw_only=True):
    """A message decided on in this transaction; a later event of the batch may still withdraw it."""

    key: str
    buyer: str
    template: str
    version: str
    category: str
    rule: str
    due_at: datetime
    lateness: timedelta
    order: str | None = None
    values: dict[str, Any] = {}
    buttons: tuple[tuple[str, str], ...] = ()
    to: str | None = None
    unlike: str | None = None
    event: int | None = None
    settled: tuple[str, Reason] | None = None  # the state it begins in, where it never waits


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """The next state of a message that was examined or sent, and why.

    try_at: when it is examined again; None: unchanged.
    settled_at: None while it is not final.
    facts: as of the decision, JSON; None: unchanged.
    """

    shop: str
    id: int
    state: str
    why: Reason
    try_at: datetime | None = None
    settled_at: datetime | None = None
    facts: str | None = None

    def row(self, *columns: str) -> dict[str, Any]:
        """The named columns, of those that a change of state may write."""
        every = {
            "state": self.state,
            "reason": dump(self.why),
            "try_at": self.try_at,
            "settled_at": self.settled_at,
            "facts": self.facts,
        }
        return {"shop": self.shop, "id": self.id, **{name: every[name] for name in columns}}


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """A sending that failed: the class of its error, and what the platform said."""

    shop: str
    message: int
    number: int
    at: datetime
    channel: str
    outcome: str
    why: str


def queue(drafts: Iterable[Draft], now: datetime) -> Asking[None]:
    """Insert messages; a key that was ever used keeps its first message."""
    yield from changed(insert_numbered, outbox, [_row(draft, now) for draft in drafts])


def _row(draft: Draft, now: datetime) -> dict[str, Any]:
    return {
        "key": draft.key,
        "buyer": draft.buyer,
        "order_id": draft.order,
        "template": draft.template,
        "version": draft.version,
        "category": draft.category,
        "values": dump(draft.values),
        "buttons": dump(draft.buttons) if draft.buttons else None,
        "to": draft.to,
        "unlike": draft.unlike,
        "event": draft.event,
        "rule": draft.rule,
        "created_at": now,
        "due_at": draft.due_at,
        "lateness": int(draft.lateness.total_seconds()),
        "try_at": draft.due_at,
        "state": draft.settled[0] if draft.settled else "queued",
        "reason": dump(draft.settled[1]) if draft.settled else None,
        "attempts": 0,
        "settled_at": now if draft.settled else None,
    }


class _Last(Row, frozen=True):
    created_at: datetime | None


_LAST = Query(
    _Last,
    """
    SELECT given.shop, (
        SELECT created_at FROM outbox WHERE outbox.shop = given.shop ORDER BY id DESC LIMIT 1
    ) AS at
    FROM {given}
    """,
    given="",
)


def no_earlier(dialect: str, now: datetime) -> Asking[datetime]:
    """`now`, or the time of the shop's last message if another program's clock is up to AHEAD ahead.

    So what is decided later is due later, on whichever machine.
    """
    if dialect != "postgresql":  # one program, one clock
        return now
    last = max([row.created_at for row in (yield from _LAST.of([()])) if row.created_at], default=now)
    return last if now < last <= now + AHEAD else now


def withdraw(keys: Mapping[str, Reason], now: datetime) -> Asking[None]:
    """Withdraw those of these messages (by key) that are still queued."""
    rows = [
        {"key": key, "state": "withdrawn", "reason": dump(why), "settled_at": now}
        for key, why in keys.items()
    ]
    yield from changed(update_rows, outbox, rows, by=("shop", "key"), where="outbox.state = 'queued'")


def advance(times: Mapping[str, datetime]) -> Asking[None]:
    """Let waiting messages (by key) be due at these times, if those are earlier.

    Withdrawn ones too, so that it does not matter what came first.
    """
    rows = [{"key": key, "due_at": at, "try_at": at} for key, at in times.items()]
    waiting = "outbox.state IN ('queued', 'withdrawn') AND outbox.due_at > {due_at}"
    yield from changed(update_rows, outbox, rows, by=("shop", "key"), where=waiting)


def readdress(buyers: Mapping[str, str]) -> Asking[None]:
    """Give the waiting messages about these orders to the buyers that the orders have now: order -> buyer."""
    rows = [{"order_id": order, "buyer": buyer} for order, buyer in buyers.items()]
    waiting = f"outbox.\"to\" IS NULL AND outbox.buyer <> '{SELLER}' AND outbox.state = 'queued'"
    yield from changed(update_rows, outbox, rows, by=("shop", "order_id"), where=waiting)


def keep_versions(versions: Iterable[Any]) -> Asking[None]:
    """Store template versions, so that a later edit does not change messages that were decided on."""
    rows = [
        {"id": v.id, "locale": v.locale, "name": v.name, "source": v.source, "own": v.own} for v in versions
    ]
    yield from changed(insert_new, templates, rows)


class VersionRow(Row, frozen=True):
    """A template version as it was decided on."""

    id: str
    locale: str
    name: str
    source: str
    own: bool


_VERSIONS = Query(
    VersionRow,
    """
    SELECT templates.shop, templates.id, locale, name, source, own FROM {given} CROSS JOIN templates
    WHERE templates.shop = given.shop AND templates.id = given.id
    """,
    given="id",
)


def versions(ids: Collection[str]) -> Asking[list[VersionRow]]:
    return (yield from _VERSIONS.of(ids))


def drop(connection: Connection, shop: str, key: str, now: datetime) -> None:
    """Withdraw one message if it is still queued."""
    here = update(outbox).where(outbox.c.shop == shop, outbox.c.key == key, in_state(outbox, "queued"))
    connection.execute(here.values(state="withdrawn", settled_at=now))


def due_counts(connection: Connection, now: datetime) -> dict[str, int]:
    """How many messages are due in each shop that has any, found without a look at the others.

    Behind a large backlog the longest due ones are counted, and every shop with a queued message is asked,
    from one to the next, so that none is left out.
    """
    longest = (
        select(outbox.c.shop)
        .where(in_state(outbox, "queued"), outbox.c.try_at <= now)
        .order_by(outbox.c.try_at)
        .limit(BACKLOG)
    )
    found = Counter(connection.scalars(longest).all())
    if found.total() == BACKLOG:
        found.update(dict.fromkeys(shops_with(connection, "outbox", "state = 'queued'"), SOME))
    return dict(found)


class DueRow(Row, frozen=True):
    """A message that is due, as it is claimed."""

    id: int
    key: str
    buyer: str
    order_id: str | None
    template: str
    version: str
    category: Category
    values: str
    buttons: str | None
    to: str | None
    unlike: str | None
    created_at: datetime
    due_at: datetime
    lateness: int
    try_at: datetime
    attempts: int


class _Busy(Row, frozen=True):
    buyer: str


_SENDING_TO = Query(
    _Busy,
    """
    SELECT outbox.shop, outbox.buyer FROM {given} CROSS JOIN outbox
    WHERE outbox.shop = given.shop AND outbox.state = 'sending'
    """,
    given="",
)


def _again(table: str) -> str:
    """A failed attempt is to be repeated."""
    reasons = " OR ".join(f"substr({table}.reason, 1, {len(each)}) = '{each}'" for each in _AGAIN)
    return f"{table}.state = 'queued' AND {table}.attempts > 0 AND ({reasons})".replace("{", "{{")


def _behind_none(dialect: str) -> str:
    """Keep the order within a chat: while a failed attempt is to be repeated, an answer waits for its own
    chat, and any other message for its buyer.

    What was put off for another reason (quiet hours, a person who talks) holds nothing up. Each message asks
    for itself, by an index: behind a receiver that fails, what is tried again may be a whole backlog. Not as
    NOT EXISTS, for which PostgreSQL may read all that is tried again once for each claim.
    """
    colon = f"{'instr' if dialect == 'sqlite' else 'strpos'}(due.\"to\", ':')"
    tried = f"SELECT 1 FROM outbox AS tried WHERE tried.shop = due.shop AND {_again('tried')}"
    chat = (
        f'tried.channel = substr(due."to", 1, {colon} - 1) AND tried.address = substr(due."to", {colon} + 1)'
    )
    return f"""({_again("due")}
        OR due."to" IS NOT NULL AND ({tried} AND {chat} LIMIT 1) IS NULL
        OR due."to" IS NULL AND ({tried} AND tried.buyer = due.buyer LIMIT 1) IS NULL)"""


_COLUMNS = """id, key, buyer, order_id, template, version, category, "values", buttons, "to", "unlike",
    created_at, due_at, lateness, try_at, attempts"""


def _due(narrowed: str) -> Query[DueRow]:
    """Due messages of each shop, the longest due first, none to those who are busy."""

    def in_turn(dialect: str) -> str:
        return f"""
            FROM outbox AS due WHERE due.shop = given.shop AND due.state = 'queued' AND due.try_at <= :now
                AND {narrowed} AND (due.shop, due.buyer) NOT IN (SELECT busy.shop, busy.buyer FROM {{busy}})
                AND {_behind_none(dialect)}
            ORDER BY due.try_at, due.id LIMIT :at_most"""

    return Query(
        DueRow,
        f"""
        SELECT outbox.shop, {_COLUMNS} FROM {{given}} CROSS JOIN outbox
        WHERE outbox.shop = given.shop AND outbox.id IN (SELECT due.id {in_turn("sqlite")})
        ORDER BY outbox.shop, try_at, id
        """,
        # Being withdrawn, or joined to another buyer: next time.
        postgresql=f"""
        SELECT given.shop, {_COLUMNS} FROM {{given}} CROSS JOIN LATERAL (
            SELECT {_COLUMNS} {in_turn("postgresql")} FOR UPDATE SKIP LOCKED
        ) AS found
        ORDER BY given.shop, try_at, id
        """,
        given="",
        busy="buyer",
    )


_DUE_ANSWERS = _due("due.category = 'answer'")
_DUE_OTHERS = _due("due.category <> 'answer'")


def due(now: datetime, limit: int) -> Asking[list[DueRow]]:
    """Due messages to up to `limit` buyers, locked: answers first, then the longest due; none to buyers who
    have a message in hand, and none that would overtake one that is tried again. Must run in a writing
    transaction.

    Whoever has a page of messages to themselves is left out of the next one, so that they hold up nobody.
    """
    busy = {row.buyer for row in (yield from _SENDING_TO.of([()]))}
    found: list[DueRow] = []
    buyers: set[str] = set()
    for query in (_DUE_ANSWERS, _DUE_OTHERS):
        for _ in range(PAGES):
            room = limit - len(buyers)
            if room <= 0:
                return found
            page = yield from query.of([()], busy=busy | buyers, now=now, at_most=room)
            found += page
            buyers |= {row.buyer for row in page}
            if len(page) < room:
                break
    return found


class Competing(Row, frozen=True):
    """A message in hand or due."""

    id: int
    buyer: str
    category: str
    state: str
    try_at: datetime


# What is too late overtakes nothing: it is skipped.
_COMPETING = Query(
    Competing,
    f"""
    SELECT due.shop, due.id, due.buyer, due.category, due.state, due.try_at
    FROM {{given}} CROSS JOIN outbox AS due
    WHERE due.shop = given.shop AND due.buyer = given.buyer AND {SENDABLE_UNTIL["postgresql"]} > :since
        AND (due.state = 'sending'
            OR due.state = 'queued' AND due.try_at <= :now AND {_behind_none("postgresql")})
    """,
    given="buyer",
)


def competing(dialect: str, buyers: Collection[str], now: datetime) -> Asking[list[Competing]]:
    """All messages in hand or due to these buyers; none on SQLite, where one program works alone."""
    if dialect != "postgresql":
        return []
    return (yield from _COMPETING.of(buyers, now=now, since=sendable_since(now)))


_BY_ID = Query(
    DueRow,
    f"""
    SELECT outbox.shop, {", ".join(f"outbox.{name.strip()}" for name in _COLUMNS.split(","))}
    FROM {{given}} CROSS JOIN outbox
    WHERE outbox.shop = given.shop AND outbox.id = CAST(given.id AS bigint)
    """,
    given="id",
)


def messages(ids: Collection[int]) -> Asking[list[DueRow]]:
    return (yield from _BY_ID.of(ids))


def next_due(connection: Connection, after: datetime | None = None) -> datetime | None:
    """When the next message is due; after: leave out what was due by then, and waits for something else."""
    later = [] if after is None else [outbox.c.try_at > after]
    found: datetime | None = connection.scalar(
        select(func.min(outbox.c.try_at)).where(in_state(outbox, "queued"), *later)
    )
    return found


def mark_sending(connection: Connection, rows: Rows) -> None:
    """Mark queued messages as sending, with text, address and lease."""
    update_rows(
        connection, outbox, rows, where="outbox.state = 'queued'", also="state = 'sending', reason = NULL"
    )


def hold(connection: Connection, outcomes: Iterable[Outcome]) -> None:
    """Put queued messages off to their `try_at`."""
    rows = [outcome.row("try_at", "reason", "facts") for outcome in outcomes]
    update_rows(connection, outbox, rows, where="outbox.state = 'queued'")


def settle(connection: Connection, outcomes: Iterable[Outcome]) -> None:
    """End queued messages: skipped, or failed before anything was handed over."""
    rows = [outcome.row("state", "reason", "facts", "settled_at") for outcome in outcomes]
    update_rows(connection, outbox, rows, where="outbox.state = 'queued'")


def mark_sent(connection: Connection, rows: Rows) -> None:
    """Mark messages in hand as sent; rows of shop, id, receipt and settled_at."""
    also = "state = 'sent', attempts = outbox.attempts + 1, lease_until = NULL"
    update_rows(connection, outbox, rows, where="outbox.state = 'sending'", also=also)


def mark_failed(
    connection: Connection, outcomes: Iterable[Outcome], failed_attempts: Iterable[Attempt]
) -> None:
    """Put messages in hand back to queued, or end them as failed or unknown; store the attempts."""
    also = "attempts = outbox.attempts + 1, lease_until = NULL"
    rows = [outcome.row("state", "reason", "try_at", "settled_at") for outcome in outcomes]
    update_rows(connection, outbox, rows, where="outbox.state = 'sending'", also=also)
    insert_new(connection, attempts, [msgspec.structs.asdict(attempt) for attempt in failed_attempts])


def renew(connection: Connection, in_hand: Iterable[tuple[str, int]], lease_until: datetime) -> None:
    """Extend the leases of messages that are still being sent."""
    rows = [{"shop": shop, "id": id, "lease_until": lease_until} for shop, id in in_hand]
    update_rows(connection, outbox, rows, where="outbox.state = 'sending'")


def abandoned(
    connection: Connection, shops: Collection[str], now: datetime, lease: timedelta, limit: int = 500
) -> Sequence[SomeRow[Any]]:
    """Up to `limit` messages whose lease is over, locked.

    A lease over 2 * `lease` away was written by a clock that ran ahead and counts as over; one a little
    longer than `lease` may have been given by another program since `now` was read.
    """
    over = or_(outbox.c.lease_until < now, outbox.c.lease_until > now + 2 * lease)
    statement = select(outbox).where(in_state(outbox, "sending"), outbox.c.shop.in_(shops), over)
    return connection.execute(statement.limit(limit).with_for_update(skip_locked=True)).all()


def message_name(shop: str, id: int) -> str:
    """The public id of a message, the same for every attempt."""
    return f"{shop}-{id}"


def open_counts(connection: Connection) -> dict[tuple[str, str], int]:
    """Count queued and sending messages by shop and state."""
    found: dict[tuple[str, str], int] = {}
    for state in ("queued", "sending"):
        here = select(outbox.c.shop, func.count()).where(in_state(outbox, state))
        found |= {(shop, state): number for shop, number in connection.execute(here.group_by(outbox.c.shop))}
    return found
