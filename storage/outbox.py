"""The outbox: every message ever decided on, with its state."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Row,
    Select,
    and_,
    func,
    literal_column,
    or_,
    select,
    update,
)

from bot.domain.messages import Reason
from storage.bulk import Rows, insert_new, update_rows
from storage.database import take_ids
from storage.inbox import shops_with
from storage.sql_in import is_in, is_not_in
from storage.tables import attempts, in_state, outbox, sendable_at, templates

SELLER = "seller"  # whom the mails about cases go to, in place of a buyer
BACKLOG = 2_000  # due messages of all shops; with more, a claim is worth a longer search
PAGES = 8  # of due messages that a claim looks at, until enough buyers are found
AHEAD = timedelta(minutes=1)  # that one machine's clock may be ahead of another's

_encode = msgspec.json.Encoder().encode

# How the reason of a failed attempt that is to be repeated begins.
_AGAIN = ('{"code":"try_again"', '{"code":"unknown_resend"')

_CLAIMED = tuple(
    outbox.c[name]
    for name in (
        *("shop", "id", "key", "buyer", "order_id", "template", "version", "category", "values", "buttons"),
        *("to", "unlike", "created_at", "due_at", "lateness", "try_at", "attempts"),
    )
)


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


def queue(connection: Connection, shop: str, drafts: Sequence[Draft], now: datetime) -> None:
    """Insert messages; a key that was ever used keeps its first message."""
    if not drafts:
        return
    ids = take_ids(connection, len(drafts))
    insert_new(
        connection, outbox, [_row(shop, id, draft, now) for id, draft in zip(ids, drafts, strict=True)]
    )


def _row(shop: str, id: int, draft: Draft, now: datetime) -> dict[str, Any]:
    return {
        "shop": shop,
        "id": id,
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


def no_earlier(connection: Connection, shop: str, now: datetime) -> datetime:
    """`now`, or the time of the shop's last message if another program's clock is up to AHEAD ahead.

    So what is decided later is due later, on whichever machine.
    """
    if connection.dialect.name != "postgresql":  # one program, one clock
        return now
    newest = select(outbox.c.created_at).where(outbox.c.shop == shop).order_by(outbox.c.id.desc()).limit(1)
    last: datetime | None = connection.scalar(newest)
    return last if last and now < last <= now + AHEAD else now


def withdraw(connection: Connection, shop: str, keys: Mapping[str, Reason], now: datetime) -> None:
    """Withdraw those of these messages (by key) that are still queued."""
    rows = [
        {"shop": shop, "key": key, "state": "withdrawn", "reason": dump(why), "settled_at": now}
        for key, why in keys.items()
    ]
    update_rows(connection, outbox, rows, by=("shop", "key"), where="outbox.state = 'queued'")


def advance(connection: Connection, shop: str, times: Mapping[str, datetime]) -> None:
    """Let waiting messages (by key) be due at these times, if those are earlier.

    Withdrawn ones too, so that it does not matter what came first.
    """
    rows = [{"shop": shop, "key": key, "due_at": at, "try_at": at} for key, at in times.items()]
    waiting = "outbox.state IN ('queued', 'withdrawn') AND outbox.due_at > {due_at}"
    update_rows(connection, outbox, rows, by=("shop", "key"), where=waiting)


def readdress(connection: Connection, shop: str, buyers: Mapping[str, str]) -> None:
    """Give the waiting messages about these orders to the buyers that the orders have now: order -> buyer."""
    for order, buyer in buyers.items():
        here = update(outbox).where(
            outbox.c.shop == shop,
            outbox.c.order_id == order,
            outbox.c.to.is_(None),
            outbox.c.buyer != SELLER,
            in_state(outbox, "queued"),
        )
        connection.execute(here.values(buyer=buyer))


def keep_versions(connection: Connection, shop: str, versions: Iterable[Any]) -> None:
    """Store template versions, so that a later edit does not change messages that were decided on."""
    rows = [
        {"shop": shop, "id": v.id, "locale": v.locale, "name": v.name, "source": v.source, "own": v.own}
        for v in versions
    ]
    insert_new(connection, templates, rows)


def version_rows(connection: Connection, shop: str, ids: Collection[str]) -> Sequence[Row[Any]]:
    if not ids:
        return []
    return connection.execute(
        select(templates).where(templates.c.shop == shop, is_in(connection, templates.c.id, ids))
    ).all()


def drop(connection: Connection, shop: str, key: str, now: datetime) -> None:
    """Withdraw one message if it is still queued."""
    here = update(outbox).where(outbox.c.shop == shop, outbox.c.key == key, in_state(outbox, "queued"))
    connection.execute(here.values(state="withdrawn", settled_at=now))


def due_shops(connection: Connection, now: datetime) -> list[str]:
    """The shops with something due, found without a look at the others; none of them is left out.

    Behind a large backlog every shop with a queued message is asked, from one to the next.
    """
    longest = (
        select(outbox.c.shop)
        .where(in_state(outbox, "queued"), outbox.c.try_at <= now)
        .order_by(outbox.c.try_at)
        .limit(BACKLOG)
    )
    found = connection.scalars(longest).all()
    if len(found) == BACKLOG:
        return shops_with(connection, "outbox", "state = 'queued'")
    return sorted(set(found))


def due(connection: Connection, shop: str, now: datetime, limit: int) -> Sequence[Row[Any]]:
    """Due messages to up to `limit` buyers, locked: answers first, then the longest due; none to buyers who
    have a message in hand, and none that would overtake one that is tried again. Must run in a writing
    transaction.

    Whoever has a page of messages to themselves is left out of the next one, so that they hold up nobody.
    """
    sending = select(outbox.c.buyer).where(outbox.c.shop == shop, in_state(outbox, "sending"))
    busy = set(connection.scalars(sending))
    is_answer = outbox.c.category == literal_column("'answer'")
    in_turn = (outbox.c.shop == shop, in_state(outbox, "queued"), outbox.c.try_at <= now)
    found: list[Row[Any]] = []
    buyers: set[str] = set()
    for narrowed in (is_answer, ~is_answer):
        for _ in range(PAGES):
            room = limit - len(buyers)
            if room <= 0:
                return found
            statement = (
                select(*_CLAIMED)
                .where(*in_turn, narrowed, is_not_in(connection, outbox.c.buyer, busy | buyers))
                .where(_behind_none(connection.dialect.name))
                .order_by(outbox.c.try_at, outbox.c.id)
                .limit(room)
                .with_for_update(skip_locked=True)  # being withdrawn, or joined to another buyer: next time
            )
            page = connection.execute(statement).all()
            found += page
            buyers |= {row.buyer for row in page}
            if len(page) < room:
                break
    return found


@cache
def _behind_none(dialect: str) -> ColumnElement[bool]:
    """Keep the order within a chat: while a failed attempt is to be repeated, an answer waits for its own
    chat, and any other message for its buyer.

    What was put off for another reason (quiet hours, a person who talks) holds nothing up. Each message asks
    for itself, by an index: behind a receiver that fails, what is tried again may be a whole backlog.
    """
    tried = outbox.alias("tried")
    to = outbox.c.to
    colon = func.instr(to, ":") if dialect == "sqlite" else func.strpos(to, ":")
    chat = and_(
        tried.c.channel == func.substr(to, 1, colon - 1), tried.c.address == func.substr(to, colon + 1)
    )
    answers = and_(to.is_not(None), _none_tried(tried, chat))
    others = and_(outbox.c.to.is_(None), _none_tried(tried, tried.c.buyer == outbox.c.buyer))
    return or_(_to_be_repeated(outbox), answers, others)


def _none_tried(tried: FromClause, here: ColumnElement[bool]) -> ColumnElement[bool]:
    """Not as NOT EXISTS, for which PostgreSQL may read all that is tried again once for each claim."""
    one: Select[Any] = select(literal_column("1")).select_from(tried).correlate(outbox)
    found = one.where(tried.c.shop == outbox.c.shop, here, _to_be_repeated(tried)).limit(1)
    return found.scalar_subquery().is_(None)


def _to_be_repeated(table: FromClause) -> ColumnElement[bool]:
    again = or_(*(table.c.reason.startswith(reason, autoescape=True) for reason in _AGAIN))
    queued = table.c.state == literal_column("'queued'")
    return and_(queued, table.c.attempts > literal_column("0"), again)


def competing(
    connection: Connection, shop: str, buyers: Collection[str], now: datetime
) -> Sequence[Row[Any]]:
    """All messages in hand or due to these buyers; none on SQLite, where one program works alone."""
    if connection.dialect.name != "postgresql" or not buyers:
        return []
    due_now = and_(in_state(outbox, "queued"), outbox.c.try_at <= now, _behind_none(connection.dialect.name))
    columns = (outbox.c.id, outbox.c.buyer, outbox.c.category, outbox.c.state, outbox.c.try_at)
    statement: Select[Any] = select(*columns).where(
        outbox.c.shop == shop,
        is_in(connection, outbox.c.buyer, buyers),
        sendable_at(now),  # what is too late overtakes nothing: it is skipped
        or_(in_state(outbox, "sending"), due_now),
    )
    return connection.execute(statement).all()


def message(connection: Connection, shop: str, id: int) -> Row[Any]:
    return connection.execute(select(outbox).where(outbox.c.shop == shop, outbox.c.id == id)).one()


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
) -> Sequence[Row[Any]]:
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
