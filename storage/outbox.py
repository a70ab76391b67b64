"""The outbox: every message ever decided on, with its state."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, Table, func, literal, or_, select, update
from sqlalchemy import Row as SomeRow

from bot.domain.messages import Reason
from storage.asking import Asking, Query, Row, changed
from storage.bulk import Rows, insert_new, insert_numbered, update_rows
from storage.inbox import shops_with
from storage.sql_in import is_in
from storage.tables import SENDABLE_UNTIL, attempts, in_state, outbox, sendable_at, templates

MARK = "taken-back:"  # before keys whose messages were about another order, and the channel that told of it
_HUMAN_TALKS = """substr(outbox.reason, 9, 13) = '"human_talks"'"""  # behind {"code":
_CANCELLED = """substr(outbox.reason, 9, 17) = '"order_cancelled"'"""
_LEFT_OUT = '{"code":"left_out"'  # by a person
SELLER = "seller"  # whom the mails about cases go to, in place of a buyer
AHEAD = timedelta(minutes=1)  # that one machine's clock may be ahead of another's

_encode = msgspec.json.Encoder().encode


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


def let_speak(buyers: Iterable[str], now: datetime) -> Asking[None]:
    """Let the messages to these buyers that waited while a person talked be judged again now."""
    rows = [{"buyer": buyer, "try_at": now} for buyer in buyers]
    waiting = f"outbox.state = 'queued' AND {_HUMAN_TALKS} AND outbox.try_at > {{try_at}}"
    yield from changed(update_rows, outbox, rows, by=("shop", "buyer"), where=waiting)


def try_anew(orders: Iterable[str], now: datetime) -> Asking[None]:
    """Let the messages about these orders that were skipped be judged again, while they may be sent: those
    that found no address, and those of which such a one was to tell."""
    anew = {"state": "queued", "reason": None, "try_at": now, "settled_at": None}
    yield from changed(_queue_again, outbox, [{"order_id": order, **anew} for order in orders])


def try_restored(orders: Iterable[str], now: datetime) -> Asking[None]:
    """Let what was given up because these orders were cancelled be judged again, while it may be sent."""
    anew = {"state": "queued", "reason": None, "try_at": now, "settled_at": None}
    yield from changed(_queue_again_restored, outbox, [{"order_id": order, **anew} for order in orders])


def _queue_again_restored(connection: Connection, table: Table, rows: Rows) -> None:
    _queue_again(connection, table, rows, f" AND {_CANCELLED}")


def _queue_again(connection: Connection, table: Table, rows: Rows, those: str = "") -> None:
    until = SENDABLE_UNTIL[connection.dialect.name]
    now = until.replace("due_at", "{try_at}").replace(" + lateness", "")
    unsent = f"outbox.state = 'skipped' AND outbox.buyer <> '{SELLER}' AND {until} > {now}{those}"
    update_rows(connection, table, rows, by=("shop", "order_id"), where=unsent)


def take_back(
    connection: Connection,
    shop: str,
    order: str,
    events: Collection[int],
    mark: str,
    why: Reason,
    now: datetime,
) -> None:
    """Withdraw what waits to be said about an order because of these events, and free the keys of all that is
    not in hand by a mark. What was given up, of the others, is judged again when it is due, while it may be
    sent."""
    about = (outbox.c.shop == shop, outbox.c.order_id == order, outbox.c.buyer != SELLER)
    theirs = (*about, outbox.c.event.in_(events))
    unsaid = outbox.c.state.in_(("queued", "skipped", "withdrawn"))
    withdrawn = {"state": "withdrawn", "reason": dump(why), "settled_at": now}
    connection.execute(update(outbox).where(*theirs, unsaid).values(withdrawn))
    marked = {"key": literal(mark) + outbox.c.key}
    connection.execute(update(outbox).where(*theirs, outbox.c.state != "sending").values(marked))
    given_up = (outbox.c.state.in_(("skipped", "withdrawn")), sendable_at(now))
    by_rules = (~outbox.c.key.startswith(MARK), ~outbox.c.reason.startswith(_LEFT_OUT))
    others = (*about, *given_up, *by_rules)
    again = {"state": "queued", "reason": None, "try_at": outbox.c.due_at, "settled_at": None}
    connection.execute(update(outbox).where(*others).values(again))


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


def mark_sending(connection: Connection, rows: Rows) -> None:
    """Mark queued messages as sending, with text, address and lease."""
    update_rows(
        connection, outbox, rows, where="outbox.state = 'queued'", also="state = 'sending', reason = NULL"
    )


def note_channel(connection: Connection, rows: Rows) -> None:
    """Note through which channel queued messages will go; rows of shop, id and channel."""
    differs = "outbox.state = 'queued' AND (outbox.channel IS NULL OR outbox.channel <> {channel})"
    update_rows(connection, outbox, rows, where=differs)


def hold(connection: Connection, outcomes: Iterable[Outcome]) -> None:
    """Put queued messages off to their `try_at`."""
    rows = [outcome.row("try_at", "reason", "facts") for outcome in outcomes]
    update_rows(connection, outbox, rows, where="outbox.state = 'queued'")


def settle(connection: Connection, outcomes: Iterable[Outcome]) -> None:
    """End queued messages: skipped, or failed before anything was handed over."""
    rows = [outcome.row("state", "reason", "facts", "settled_at") for outcome in outcomes]
    update_rows(connection, outbox, rows, where="outbox.state = 'queued'")


class LedTo(msgspec.Struct, frozen=True):
    """A message that was settled, the event that led to it, and the templates of what else it led to, as far
    as that was sent or is to be."""

    id: int
    event: int
    answered: tuple[str, ...]


def led_to(connection: Connection, shop: str, ids: Collection[int]) -> list[LedTo]:
    """What led to these messages, once for each event."""
    columns = (outbox.c.id, outbox.c.event, outbox.c.buyer)
    here = select(*columns).where(outbox.c.shop == shop, outbox.c.id.in_(ids)).order_by(outbox.c.id.desc())
    found: list[LedTo] = []
    for event, row in {row.event: row for row in connection.execute(here) if row.event is not None}.items():
        beside = select(outbox.c.template).where(
            outbox.c.shop == shop,
            outbox.c.buyer == row.buyer,
            outbox.c.event == event,
            outbox.c.state.not_in(("skipped", "withdrawn", "failed")),
        )
        answered = tuple(connection.scalars(beside.order_by(outbox.c.id)))
        found.append(LedTo(row.id, event, answered))
    return found


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
    ours = [shop for shop in shops_with(connection, "outbox", "state = 'sending'") if shop in shops]
    if not ours:
        return []
    over = or_(outbox.c.lease_until < now, outbox.c.lease_until > now + 2 * lease)
    here = is_in(connection, outbox.c.shop, ours)
    statement = select(outbox).where(in_state(outbox, "sending"), here, over)
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
