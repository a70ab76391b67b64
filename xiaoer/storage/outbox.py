"""The outbox: every message ever decided on, and what became of it."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, TextClause, case, func, or_, select, text, update

from xiaoer.bot.errors import DeliveryUnknown
from xiaoer.bot.router import Reason
from xiaoer.storage.bulk import Rows, insert_new, update_rows
from xiaoer.storage.database import take_ids
from xiaoer.storage.inbox import shops_with
from xiaoer.storage.tables import attempts, in_state, outbox, templates

DAY, WEEK = timedelta(days=1), timedelta(days=7)
LOOK_AGAIN = timedelta(minutes=1)  # at the cap, while it is not known what becomes of a message
UNDER_ONE = 1000  # messages that wait under one beginning; more than any order has

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


def queue(connection: Connection, shop: str, drafts: Sequence[Draft], now: datetime) -> None:
    """Write decisions down; a key that was ever used stays with its first message."""
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


def withdraw(
    connection: Connection, shop: str, prefixes: Iterable[tuple[str, Reason]], now: datetime
) -> None:
    """Take back what still waits under these beginnings of keys."""
    last = dict(prefixes)
    if not last:
        return
    named = dump([{"key": prefix, "end": prefix + "\U0010ffff"} for prefix in last])
    found = connection.execute(_waiting_under(connection.dialect.name), {"shop": shop, "rows": named})
    rows = [
        {"shop": shop, "id": id, "state": "withdrawn", "reason": dump(last[prefix]), "settled_at": now}
        for id, prefix in {row.id: row.key_ for row in found}.items()
    ]
    update_rows(connection, outbox, rows, where="outbox.state = 'queued'")


@lru_cache
def _waiting_under(dialect: str) -> TextClause:
    """What waits under beginnings of keys, each looked up by itself as a range of the index on (shop, key).

    Left to themselves planners start from the outbox, and go through all that a shop ever said.
    """
    if dialect == "sqlite":
        return text(
            "SELECT waiting.id, new.key_ FROM (SELECT json_extract(value, '$.key') AS key_,"
            " json_extract(value, '$.end') AS end_ FROM json_each(:rows)) AS new CROSS JOIN outbox AS waiting"
            " WHERE waiting.shop = :shop AND waiting.key >= new.key_ AND waiting.key < new.end_"
            " AND waiting.state = 'queued'"
        )
    return text(
        f"SELECT found.id, new.key_ FROM (SELECT value ->> 'key' AS key_, value ->> 'end' AS end_"  # noqa: S608  # a number of ours
        f" FROM json_array_elements(CAST(:rows AS json)) AS each(value)) AS new"
        f" CROSS JOIN LATERAL (SELECT id FROM outbox WHERE shop = :shop AND state = 'queued'"
        f' AND key >= new.key_ COLLATE "C" AND key < new.end_ COLLATE "C"'
        f" ORDER BY key LIMIT {UNDER_ONE}) AS found"
    )


def keep_versions(connection: Connection, shop: str, versions: Iterable[Any]) -> None:
    """Keep the words that a decision was pinned to, so that a later edit does not change what was decided."""
    rows = [
        {"shop": shop, "id": v.id, "locale": v.locale, "name": v.name, "source": v.source, "own": v.own}
        for v in versions
    ]
    insert_new(connection, templates, rows)


def version_rows(connection: Connection, shop: str, ids: Collection[str]) -> Sequence[Row[Any]]:
    if not ids:
        return []
    return connection.execute(
        select(templates).where(templates.c.shop == shop, templates.c.id.in_(ids))
    ).all()


def drop(connection: Connection, shop: str, key: str, now: datetime) -> None:
    """Take back one message, if it still waits."""
    here = update(outbox).where(outbox.c.shop == shop, outbox.c.key == key, in_state(outbox, "queued"))
    connection.execute(here.values(state="withdrawn", settled_at=now))


def waiting_shops(connection: Connection) -> list[str]:
    return shops_with(connection, "outbox", "state = 'queued'")


def due(connection: Connection, shop: str, now: datetime, limit: int) -> Sequence[Row[Any]]:
    """Messages whose time has come, the longest due first; none to a buyer who is just being written to."""
    busy = connection.scalars(
        select(outbox.c.buyer).where(outbox.c.shop == shop, in_state(outbox, "sending"))
    )
    statement = (
        select(outbox)
        .where(outbox.c.shop == shop, in_state(outbox, "queued"), outbox.c.try_at <= now)
        .where(outbox.c.buyer.not_in(busy.all()))
        .order_by(outbox.c.try_at, outbox.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)  # being withdrawn, or joined to another buyer: next time
    )
    return connection.execute(statement).all()


def message(connection: Connection, shop: str, id: int) -> Row[Any]:
    return connection.execute(select(outbox).where(outbox.c.shop == shop, outbox.c.id == id)).one()


def next_due(connection: Connection) -> datetime | None:
    found: datetime | None = connection.scalar(
        select(func.min(outbox.c.try_at)).where(in_state(outbox, "queued"))
    )
    return found


def mark_sending(connection: Connection, rows: Rows) -> None:
    """In hand from now on, with the text that is about to leave."""
    update_rows(
        connection, outbox, rows, where="outbox.state = 'queued'", also="state = 'sending', reason = NULL"
    )


def hold(connection: Connection, rows: Rows) -> None:
    """Look again at `try_at`."""
    update_rows(connection, outbox, rows, where="outbox.state = 'queued'")


def settle(connection: Connection, rows: Rows) -> None:
    """Skipped, or failed before anything was handed over."""
    update_rows(connection, outbox, rows, where="outbox.state = 'queued'")


def mark_sent(connection: Connection, rows: Rows) -> None:
    also = "state = 'sent', attempts = outbox.attempts + 1, lease_until = NULL"
    update_rows(connection, outbox, rows, where="outbox.state = 'sending'", also=also)


def mark_failed(connection: Connection, rows: Rows, tries: Rows) -> None:
    """`rows`: back to queued, or failed, or unknown; `tries`: the same as lines of the message's history."""
    also = "attempts = outbox.attempts + 1, lease_until = NULL"
    update_rows(connection, outbox, rows, where="outbox.state = 'sending'", also=also)
    insert_new(connection, attempts, tries)


def renew(connection: Connection, in_hand: Iterable[tuple[str, int]], lease_until: datetime) -> None:
    """Still in hand: a slow platform is not a dead sender."""
    rows = [{"shop": shop, "id": id, "lease_until": lease_until} for shop, id in in_hand]
    update_rows(connection, outbox, rows, where="outbox.state = 'sending'")


def abandoned(
    connection: Connection, shops: Collection[str], now: datetime, lease: timedelta, limit: int = 500
) -> Sequence[Row[Any]]:
    """Messages whose sender died with them in hand.

    A lease further away than any is given for was written by a clock that ran ahead.
    """
    over = or_(outbox.c.lease_until < now, outbox.c.lease_until > now + lease)
    statement = select(outbox).where(in_state(outbox, "sending"), outbox.c.shop.in_(shops), over)
    return connection.execute(statement.limit(limit).with_for_update(skip_locked=True)).all()


def lost_before(connection: Connection, shop: str, message: int, channel: str) -> int:
    """How many sendings of a message by this channel ended without our knowing whether it arrived."""
    found: int = connection.execute(
        select(func.count()).where(
            attempts.c.shop == shop,
            attempts.c.message == message,
            attempts.c.channel == channel,
            attempts.c.outcome == DeliveryUnknown.__name__,
        )
    ).scalar_one()
    return found


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """How much of us a buyer heard in 24 hours, answers not counted, and how many offers in 7 days."""

    in_day: int = 0
    in_day_until: datetime | None = None  # when the first of them counts no more
    offers: int = 0
    offers_until: datetime | None = None


NOTHING_HEARD = Heard()


def heard_of_us(
    connection: Connection, shop: str, of_buyers: Collection[str], but: Collection[int], now: datetime
) -> dict[str, Heard]:
    """What reached each buyer, or may have. `but`: messages that are about to be sent, and count not yet."""
    if not of_buyers:
        return {}
    day, week = now - DAY, now - WEEK
    in_day = (outbox.c.settled_at > day) & (outbox.c.category != "answer")
    offer = outbox.c.category == "promotion"
    statement = (
        select(
            outbox.c.buyer,
            func.count(case((in_day, 1))),
            func.min(case((in_day, outbox.c.settled_at))),
            func.count(case((offer, 1))),
            func.min(case((offer, outbox.c.settled_at))),
        )
        .where(
            outbox.c.shop == shop,
            outbox.c.buyer.in_(of_buyers),
            outbox.c.settled_at > week,
            or_(in_state(outbox, "sent"), in_state(outbox, "unknown")),
        )
        .group_by(outbox.c.buyer)
    )
    found = {
        row[0]: Heard(
            in_day=row[1],
            in_day_until=row[2] and row[2] + DAY,
            offers=row[3],
            offers_until=row[4] and row[4] + WEEK,
        )
        for row in connection.execute(statement).all()
    }
    for row in _tried_before(connection, shop, of_buyers):
        if row.id not in but:
            until = max(row.try_at, now + LOOK_AGAIN)
            found[row.buyer] = _and_one_more(found.get(row.buyer, NOTHING_HEARD), row.category, until)
    return found


def _tried_before(
    connection: Connection, shop: str, of_buyers: Collection[str]
) -> Sequence[Row[Any, Any, Any, Any]]:
    """What left us and waits to be sent again: it may have arrived all the same."""
    statement = select(outbox.c.buyer, outbox.c.id, outbox.c.category, outbox.c.try_at).where(
        outbox.c.shop == shop,
        outbox.c.buyer.in_(of_buyers),
        outbox.c.settled_at.is_(None),
        outbox.c.attempts > 0,
        outbox.c.category != "answer",
    )
    return connection.execute(statement).all()


def _and_one_more(heard: Heard, category: str, until: datetime) -> Heard:
    offer = category == "promotion"
    return Heard(
        in_day=heard.in_day + 1,
        in_day_until=min(heard.in_day_until or until, until),
        offers=heard.offers + offer,
        offers_until=min(heard.offers_until or until, until) if offer else heard.offers_until,
    )


def channels_of_keys(connection: Connection, shop: str, keys: Collection[str]) -> dict[str, str]:
    """By which channel earlier messages went."""
    if not keys:
        return {}
    statement = select(outbox.c.key, outbox.c.channel).where(
        outbox.c.shop == shop, outbox.c.key.in_(keys), outbox.c.channel.is_not(None)
    )
    return {row[0]: row[1] for row in connection.execute(statement).all()}


def is_echo(
    connection: Connection, shop: str, buyer: str, message_id: str, words: str, since: datetime
) -> bool:
    """Whether what "a person wrote" is what we ourselves sent: by its id, or by its words since then."""
    statement = select(outbox.c.id, outbox.c.receipt, outbox.c.text).where(
        outbox.c.shop == shop,
        outbox.c.buyer == buyer,
        outbox.c.text.is_not(None),
        # Not settled: on its way, or to be sent again after an answer that was lost.
        or_(outbox.c.settled_at.is_(None), outbox.c.settled_at > since, outbox.c.receipt == message_id),
    )
    for row in connection.execute(statement).all():
        if message_id in (message_name(shop, row.id), row.receipt) or row.text.strip() == words.strip():
            return True
    return False


def message_name(shop: str, id: int) -> str:
    """The id of a message as the world sees it, the same for every attempt."""
    return f"{shop}-{id}"


def open_counts(connection: Connection) -> dict[tuple[str, str], int]:
    """How many messages wait or are on their way, by shop and state; the finished are too many to count."""
    found: dict[tuple[str, str], int] = {}
    for state in ("queued", "sending"):
        statement = select(outbox.c.shop, func.count()).where(outbox.c.state == state).group_by(outbox.c.shop)
        found |= {(shop, state): number for shop, number in connection.execute(statement).all()}
    return found
