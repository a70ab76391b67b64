"""Earlier messages: how many a buyer got, by which channel, and which texts were our own."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, and_, case, false, func, null, or_, select

from bot.domain.context import Said, ToldParcel
from bot.domain.money import Money
from storage.outbox import message_name
from storage.sql_in import is_in
from storage.tables import archived_messages, attempts, in_state, outbox, sendable_at

DAY, WEEK = timedelta(days=1), timedelta(days=7)
LOOK_AGAIN = timedelta(minutes=1)  # at the cap, while the outcome of a message is unknown


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """How many messages a buyer got in 24 hours, answers not counted, and how many offers in 7 days."""

    in_day: int = 0
    in_day_until: datetime | None = None  # when the first of them no longer counts
    offers: int = 0
    offers_until: datetime | None = None

    def __add__(self, more: "Heard") -> "Heard":
        return Heard(
            in_day=self.in_day + more.in_day,
            in_day_until=_earlier(self.in_day_until, more.in_day_until),
            offers=self.offers + more.offers,
            offers_until=_earlier(self.offers_until, more.offers_until),
        )


NOTHING_HEARD = Heard()
HeardByOrder = Mapping[str | None, Heard]  # None: what was about no order


def heard_of_us(
    connection: Connection, shop: str, of_buyers: Collection[str], but: Collection[int], now: datetime
) -> dict[str, HeardByOrder]:
    """Count by order what reached each buyer, or may have. but: ids of messages that do not count yet."""
    found: dict[str, dict[str | None, Heard]] = defaultdict(dict)
    if not of_buyers:
        return {}
    day, week = now - DAY, now - WEEK
    in_day = (outbox.c.settled_at > day) & (outbox.c.category != "answer")
    offer = outbox.c.category == "promotion"
    statement = (
        select(
            outbox.c.buyer,
            outbox.c.order_id,
            func.count(case((in_day, 1))),
            func.min(case((in_day, outbox.c.settled_at))),
            func.count(case((offer, 1))),
            func.min(case((offer, outbox.c.settled_at))),
        )
        .where(
            outbox.c.shop == shop,
            is_in(connection, outbox.c.buyer, of_buyers),
            sendable_at(week),
            outbox.c.settled_at > week,
            or_(in_state(outbox, "sent"), in_state(outbox, "unknown")),
        )
        .group_by(outbox.c.buyer, outbox.c.order_id)
    )
    for row in connection.execute(statement).all():
        found[row.buyer][row.order_id] = Heard(
            in_day=row[2],
            in_day_until=row[3] and row[3] + DAY,
            offers=row[4],
            offers_until=row[5] and row[5] + WEEK,
        )
    for row in _tried_before(connection, shop, of_buyers, week):
        if row.id not in but:
            known = found[row.buyer].get(row.order_id, NOTHING_HEARD)
            found[row.buyer][row.order_id] = known + _one(row.category, max(row.try_at, now + LOOK_AGAIN))
    return dict(found)


def mailboxes_of(connection: Connection, shop: str, buyer: str) -> set[str]:
    """The mailboxes that messages to this buyer went to, or may have."""
    statement = select(outbox.c.address).where(
        outbox.c.shop == shop,
        outbox.c.buyer == buyer,
        or_(in_state(outbox, "sent"), in_state(outbox, "unknown")),
        outbox.c.address.contains("@"),
    )
    return set(connection.scalars(statement.distinct()))


def _tried_before(
    connection: Connection, shop: str, of_buyers: Collection[str], since: datetime
) -> Sequence[Row[Any, Any, Any, Any, Any]]:
    """Queued messages that were sent before: they may have arrived. since: without those too late by then."""
    columns = (outbox.c.buyer, outbox.c.order_id, outbox.c.id, outbox.c.category, outbox.c.try_at)
    statement = select(*columns).where(
        outbox.c.shop == shop,
        is_in(connection, outbox.c.buyer, of_buyers),
        sendable_at(since),
        outbox.c.settled_at.is_(None),
        outbox.c.attempts > 0,
        outbox.c.category != "answer",
    )
    return connection.execute(statement).all()


def _one(category: str, until: datetime) -> Heard:
    offer = category == "promotion"
    return Heard(in_day=1, in_day_until=until, offers=int(offer), offers_until=until if offer else None)


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    return min((at for at in (one, other) if at), default=None)


def offered_to(connection: Connection, shop: str, rule: str, of_buyers: Collection[str]) -> set[str]:
    """Those of these buyers for whom an offer of this rule was ever decided on."""
    if not of_buyers:
        return set()
    statement = select(outbox.c.buyer).where(
        outbox.c.shop == shop, is_in(connection, outbox.c.buyer, of_buyers), outbox.c.rule == rule
    )
    return set(connection.scalars(statement))


def reached(connection: Connection, shop: str, key: str, but: int) -> bool:
    """True if a message with this key, or with more behind a colon, has reached its address or may have.

    but: the id of one that does not count.
    """
    alike = or_(outbox.c.key == key, and_(outbox.c.key > f"{key}:", outbox.c.key < f"{key};"))
    gone = or_(outbox.c.state.in_(("sending", "sent", "unknown")), outbox.c.attempts > 0)
    statement = select(outbox.c.id).where(outbox.c.shop == shop, alike, gone, outbox.c.id != but)
    return connection.scalar(statement.limit(1)) is not None


def channels_of_keys(connection: Connection, shop: str, keys: Collection[str]) -> dict[str, str]:
    """The channels of earlier messages, by key."""
    if not keys:
        return {}
    statement = select(outbox.c.key, outbox.c.channel).where(
        outbox.c.shop == shop, is_in(connection, outbox.c.key, keys), outbox.c.channel.is_not(None)
    )
    return {row[0]: row[1] for row in connection.execute(statement).all()}


def is_echo(
    connection: Connection, shop: str, buyer: str, message_id: str, words: str, since: datetime
) -> bool:
    """True if what "a person wrote" is a message of ours, by its id or by its text since `since`."""
    statement = select(outbox.c.id, outbox.c.receipt, outbox.c.text).where(
        outbox.c.shop == shop,
        outbox.c.buyer == buyer,
        outbox.c.text.is_not(None),
        # Not settled: being sent, or to be sent again after a lost answer.
        or_(outbox.c.settled_at.is_(None), outbox.c.settled_at > since, outbox.c.receipt == message_id),
    )
    for row in connection.execute(statement).all():
        if message_id in (message_name(shop, row.id), row.receipt) or row.text.strip() == words.strip():
            return True
    return False


def ended_as(connection: Connection, shop: str, message: int, channel: str, outcome: type[Exception]) -> int:
    """How many sendings of a message by this channel ended with this class of error."""
    found: int = connection.execute(
        select(func.count()).where(
            attempts.c.shop == shop,
            attempts.c.message == message,
            attempts.c.channel == channel,
            attempts.c.outcome == outcome.__name__,
        )
    ).scalar_one()
    return found


def said_about(connection: Connection, shop: str, of_orders: Collection[str]) -> dict[str, tuple[Said, ...]]:
    """The messages about each order, archived ones included."""
    if not of_orders:
        return {}
    columns = (
        outbox.c.key,
        outbox.c.template,
        outbox.c.state,
        outbox.c.order_id,
        outbox.c.settled_at,
        outbox.c.facts,
    )
    here = select(*columns, false().label("paid")).where(
        outbox.c.shop == shop, is_in(connection, outbox.c.order_id, of_orders)
    )
    old = archived_messages.c
    archived = select(old.key, old.template, old.state, old.order_id, old.settled_at, null(), old.paid).where(
        old.shop == shop, is_in(connection, old.order_id, of_orders)
    )
    found: dict[str, list[Said]] = defaultdict(list)
    for row in connection.execute(here.union_all(archived)).all():
        found[row.order_id].append(_said(row))
    return {order: tuple(those) for order, those in found.items()}


class _SnapshotOrder(msgspec.Struct):
    paid_at: str | None = None
    currency: str | None = None
    total_minor: int | None = None
    paid_minor: int | None = None

    def money(self, minor: int | None) -> Money | None:
        return Money(minor, self.currency) if self.currency and minor is not None else None


class _Snapshot(msgspec.Struct):
    """The part of a message's stored facts that later decisions need."""

    order: _SnapshotOrder | None = None
    at: datetime | None = None
    parcels: tuple[ToldParcel, ...] | None = None


_snapshots = msgspec.json.Decoder(_Snapshot)


def _said(row: Row[Any, Any, Any, Any, Any, Any, Any]) -> Said:
    sent, facts = row.state == "sent", _snapshots.decode(row.facts) if row.facts else _Snapshot()
    known = facts.order or _SnapshotOrder()
    return Said(
        parcels=facts.parcels,
        key=row.key,
        template=row.template,
        state=row.state,
        order=row.order_id,
        sent_at=row.settled_at if sent else None,
        written_at=facts.at if sent else None,
        paid=bool(row.paid) or knew_paid(row.state, row.facts),
        total=known.money(known.total_minor),
        paid_sum=known.money(known.paid_minor),
    )


def knew_paid(state: str, facts: str | None) -> bool:
    """True if a message was sent knowing that its order was paid, by the facts stored with it."""
    snapshot = _snapshots.decode(facts) if facts else _Snapshot()
    return bool(state == "sent" and snapshot.order and snapshot.order.paid_at)
