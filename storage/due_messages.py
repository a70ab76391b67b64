"""What is due: found in all shops at once, claimed in an order that nothing overtakes."""

from collections import Counter
from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, bindparam, func, select, text

from bot.domain.context import Category
from storage.asking import Asking, Query, Row
from storage.inbox import skipping
from storage.tables import SENDABLE_UNTIL, Utc, in_state, outbox, sendable_since

BACKLOG = 2_000  # due messages of all shops; with more, a claim is worth a longer search
SHARED = 250  # messages of the shops that are not among them, shared out evenly
SOME = 4  # of each such shop at least
QUEUED = "state = 'queued'"
PAGES = 8  # of due messages that a claim looks at, until enough buyers are found

# How the reason of a failed attempt that is to be repeated begins.
AGAIN = ('{"code":"try_again"', '{"code":"unknown_resend"')


def due_counts(connection: Connection, now: datetime) -> dict[str, int]:
    """How many messages are due in each shop that has any, found without a look at the others.

    Behind a large backlog the longest due ones are counted, and every other shop with a due message may have
    some beside, so that none is left out: the whole backlog may be of shops that can be given nothing now.
    """
    longest = (
        select(outbox.c.shop)
        .where(in_state(outbox, "queued"), outbox.c.try_at <= now)
        .order_by(outbox.c.try_at)
        .limit(BACKLOG)
    )
    found = Counter(connection.scalars(longest).all())
    if found.total() == BACKLOG:
        others = [shop for shop in _shops_with_due(connection, now) if shop not in found]
        found.update(dict.fromkeys(others, max(SOME, SHARED // (len(others) or 1))))
    return dict(found)


def _shops_with_due(connection: Connection, now: datetime) -> list[str]:
    """Found from one shop with a queued message to the next, each with a look whether its first is due."""
    due = f"SELECT 1 FROM outbox WHERE outbox.shop = found.shop AND {QUEUED} AND try_at <= :now LIMIT 1"
    statement = text(f"{skipping('outbox', QUEUED)} SELECT shop FROM found WHERE ({due}) IS NOT NULL")
    return list(connection.scalars(statement.bindparams(bindparam("now", now, Utc))))


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
    reasons = " OR ".join(f"substr({table}.reason, 1, {len(each)}) = '{each}'" for each in AGAIN)
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
                AND (due.channel IS NULL
                    OR (due.shop, due.channel) NOT IN (SELECT taken.shop, taken.channel FROM {{taken}}))
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
        taken="channel",
    )


_DUE_ANSWERS = _due("due.category = 'answer'")
_DUE_OTHERS = _due("due.category <> 'answer'")


def due(now: datetime, limit: int, full: Collection[str] = ()) -> Asking[list[DueRow]]:
    """Due messages to up to `limit` buyers, locked: answers first, then the longest due; none to buyers who
    have a message in hand, none that would overtake one that is tried again, and none of which it is known
    that they go through one of the channels that are `full`. Must run in a writing transaction.

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
            page = yield from query.of([()], busy=busy | buyers, taken=full, now=now, at_most=room)
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
