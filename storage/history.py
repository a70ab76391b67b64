"""Earlier messages: how many a buyer got, by which channel, and which texts were our own."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import Connection, func, or_, select

from bot.domain.context import Said, ToldParcel
from bot.domain.errors import DeliveryDelayed, DeliveryUnknown
from bot.domain.money import Money
from storage.asking import Asking, Query, R, Row
from storage.outbox import SELLER, message_name
from storage.sql_in import is_in
from storage.tables import SENDABLE_UNTIL, attempts, in_state, outbox, sendable_since

DAY, WEEK = timedelta(days=1), timedelta(days=7)
OFFERS_KEPT = timedelta(days=60)  # for which an offer may look back to an earlier one
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


class _HeardRow(Row, frozen=True):
    buyer: str
    order: str | None
    in_day: int
    in_day_since: datetime | None
    offers: int
    offers_since: datetime | None


class _Tried(Row, frozen=True):
    buyer: str
    order: str | None
    id: int
    category: str
    try_at: datetime


_HEARD = """
    SELECT outbox.shop, outbox.buyer, outbox.order_id,
        count(CASE WHEN settled_at > :day AND category <> 'answer' THEN 1 END),
        min(CASE WHEN settled_at > :day AND category <> 'answer' THEN settled_at END),
        count(CASE WHEN category = 'promotion' THEN 1 END),
        min(CASE WHEN category = 'promotion' THEN settled_at END)
    FROM {given} CROSS JOIN outbox
    WHERE outbox.shop = given.shop AND outbox.buyer = given.buyer AND {young} AND settled_at > :week
        AND (state = 'sent' OR state = 'unknown')
    GROUP BY outbox.shop, outbox.buyer, outbox.order_id
    """
# Queued messages that were sent before: they may have arrived.
_TRIED_BEFORE = """
    SELECT outbox.shop, outbox.buyer, outbox.order_id, outbox.id, category, try_at
    FROM {given} CROSS JOIN outbox
    WHERE outbox.shop = given.shop AND outbox.buyer = given.buyer AND {young} AND settled_at IS NULL
        AND attempts > 0 AND category <> 'answer'
    """


def _young(row: type[R], text: str, given: str = "buyer") -> Query[R]:
    """Of each buyer's messages the young ones, to which the index leads."""
    sqlite, postgresql = (
        text.replace("{young}", f"{SENDABLE_UNTIL[dialect]} > :since") for dialect in ("sqlite", "postgresql")
    )
    return Query(row, sqlite, postgresql=postgresql, given=given)


_HEARD_OF_US = _young(_HeardRow, _HEARD)
_TRIED = _young(_Tried, _TRIED_BEFORE)


def heard_of_us(
    of_buyers: Collection[str], but: Collection[int], now: datetime
) -> Asking[dict[str, HeardByOrder]]:
    """Count by order what reached each buyer, or may have. but: ids of messages that do not count yet."""
    found: dict[str, dict[str | None, Heard]] = defaultdict(dict)
    since = sendable_since(now - WEEK)
    for row in (yield from _HEARD_OF_US.of(of_buyers, day=now - DAY, week=now - WEEK, since=since)):
        found[row.buyer][row.order] = Heard(
            in_day=row.in_day,
            in_day_until=row.in_day_since and row.in_day_since + DAY,
            offers=row.offers,
            offers_until=row.offers_since and row.offers_since + WEEK,
        )
    for tried in (yield from _TRIED.of(of_buyers, since=since)):
        if tried.id not in but:
            known = found[tried.buyer].get(tried.order, NOTHING_HEARD)
            again = _one(tried.category, max(tried.try_at, now + LOOK_AGAIN))
            found[tried.buyer][tried.order] = known + again
    return dict(found)


class _OfferTo(Row, frozen=True):
    address: str
    id: int
    settled_at: datetime | None
    try_at: datetime


_OFFERS_TO = Query(
    _OfferTo,
    """
    SELECT outbox.shop, outbox.address, outbox.id, settled_at, try_at FROM {given} CROSS JOIN outbox
    WHERE outbox.shop = given.shop AND outbox.address = given.address AND category = 'promotion'
        AND ((state = 'sent' OR state = 'unknown') AND settled_at > :week
            OR state = 'sending' OR state = 'queued' AND attempts > 0)
    """,
    given="address",
)


def offers_to(mailboxes: Collection[str], but: Collection[int], now: datetime) -> Asking[dict[str, Heard]]:
    """Count the offers of 7 days that reached each mailbox, or may have, whoever's file led to them.
    but: ids of messages that do not count yet."""
    found: dict[str, Heard] = defaultdict(Heard)
    for row in (yield from _OFFERS_TO.of(mailboxes, week=now - WEEK)):
        if row.id not in but:
            until = row.settled_at + WEEK if row.settled_at else max(row.try_at, now + LOOK_AGAIN)
            found[row.address] += Heard(offers=1, offers_until=until)
    return found


class _OfSaid(Row, frozen=True):
    rule: str
    id: int
    settled_at: datetime | None


_OF_RULES = Query(
    _OfSaid,
    """
    SELECT outbox.shop, outbox.rule, outbox.id, settled_at FROM {given} CROSS JOIN outbox
    WHERE outbox.shop = given.shop AND outbox.rule = given.rule AND category = 'promotion'
        AND settled_at > :hour AND (state = 'sent' OR state = 'unknown')
    UNION ALL
    SELECT outbox.shop, outbox.rule, outbox.id, settled_at FROM {given} CROSS JOIN outbox
    WHERE outbox.shop = given.shop AND outbox.rule = given.rule AND category = 'promotion'
        AND (state = 'sending' OR state = 'queued' AND attempts > 0) AND settled_at IS NULL
    """,
    given="rule",
)


def said_by_rules(
    rules: Collection[str], but: Collection[int], since: datetime
) -> Asking[dict[str, tuple[list[datetime], int]]]:
    """When offers of these rules were said since then, and how many are being said or may have been.
    but: ids of messages that do not count yet."""
    found: dict[str, tuple[list[datetime], int]] = {}
    for row in (yield from _OF_RULES.of(rules, hour=since)):
        if row.id in but:
            continue
        times, in_hand = found.get(row.rule, ([], 0))
        if row.settled_at is None:
            found[row.rule] = (times, in_hand + 1)
        else:
            found[row.rule] = ([*times, row.settled_at], in_hand)
    return found


class _OfferOf(Row, frozen=True):
    buyer: str
    key: str
    template: str
    state: str
    settled_at: datetime | None


_OFFERS_OF = _young(
    _OfferOf,
    """
    SELECT outbox.shop, outbox.buyer, key, template, state, settled_at FROM {given} CROSS JOIN outbox
    WHERE outbox.shop = given.shop AND outbox.buyer = given.buyer AND {young} AND category = 'promotion'
    """,
)


def offers_of(of_buyers: Collection[str], now: datetime) -> Asking[dict[str, tuple[Said, ...]]]:
    """The offers to each buyer that were decided on of late, whatever became of them."""
    found: dict[str, list[Said]] = defaultdict(list)
    for row in (yield from _OFFERS_OF.of(of_buyers, since=sendable_since(now - OFFERS_KEPT))):
        sent_at = row.settled_at if row.state == "sent" else None
        found[row.buyer].append(Said(key=row.key, template=row.template, state=row.state, sent_at=sent_at))
    return {buyer: tuple(those) for buyer, those in found.items()}


_NOTICES = """
    SELECT outbox.shop, outbox.receipt, outbox."values"
    FROM {given} CROSS JOIN outbox
    WHERE outbox.shop = given.shop AND outbox.buyer = given.buyer AND {young}
        AND outbox.receipt = given.receipt
    """


class _Notice(Row, frozen=True):
    receipt: str
    values: str


_TOLD = _young(_Notice, _NOTICES, "buyer, receipt")


def cases_told(receipts: Collection[str], since: datetime) -> Asking[dict[str, int]]:
    """The numbers of the cases of which the seller was told in these messages, by the platform's ids."""
    rows = yield from _TOLD.of([(SELLER, receipt) for receipt in receipts], since=sendable_since(since))
    numbers = {row.receipt: msgspec.json.decode(row.values).get("case") for row in rows}
    return {receipt: number for receipt, number in numbers.items() if isinstance(number, int)}


def mailboxes_of(connection: Connection, shop: str, buyer: str) -> set[str]:
    """The mailboxes that messages to this buyer went to, or may have."""
    statement = select(outbox.c.address).where(
        outbox.c.shop == shop,
        outbox.c.buyer == buyer,
        or_(in_state(outbox, "sent"), in_state(outbox, "unknown")),
        outbox.c.address.contains("@"),
    )
    return set(connection.scalars(statement.distinct()))


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


class _Reached(Row, frozen=True):
    key: str
    id: int


_GONE = "(state = 'sending' OR state = 'sent' OR state = 'unknown' OR attempts > 0)"
_REACHED = Query(
    _Reached,
    f"""
    SELECT outbox.shop, given.key, outbox.id FROM {{given}} CROSS JOIN outbox
    WHERE outbox.shop = given.shop AND outbox.key = given.key AND {_GONE}
    UNION ALL
    SELECT outbox.shop, given.key, outbox.id FROM {{given}} CROSS JOIN outbox
    WHERE outbox.shop = given.shop AND outbox.key > given.key || ':' AND outbox.key < given.key || ';'
        AND {_GONE}
    """,
    given="key",
)


def reached(keys: Collection[str]) -> Asking[dict[str, set[int]]]:
    """The messages with one of these keys, or with more behind it and a colon, that reached their address or
    may have."""
    found: dict[str, set[int]] = defaultdict(set)
    for row in (yield from _REACHED.of(keys)):
        found[row.key].add(row.id)
    return found


class _Gone(Row, frozen=True):
    key: str
    channel: str


_CHANNELS = Query(
    _Gone,
    """
    SELECT outbox.shop, outbox.key, outbox.channel FROM {given} CROSS JOIN outbox
    WHERE outbox.shop = given.shop AND outbox.key = given.key AND outbox.channel IS NOT NULL
    """,
    given="key",
)


def channels_of_keys(keys: Collection[str]) -> Asking[dict[str, str]]:
    """The channels of earlier messages, by key."""
    rows = yield from _CHANNELS.of(keys)
    return {row.key: row.channel for row in rows}


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


class _SaidRow(Row, frozen=True):
    key: str
    template: str
    state: str
    order: str
    due_at: datetime | None
    settled_at: datetime | None
    facts: str | None
    paid: bool
    tried: bool


_SAID = Query(
    _SaidRow,
    f"""
    SELECT outbox.shop, key, template, state, outbox.order_id, due_at, settled_at, facts, false,
        outbox.attempts > 0 AND state <> 'sent' AND EXISTS (SELECT 1 FROM attempts WHERE
            attempts.shop = outbox.shop AND attempts.message = outbox.id
            AND attempts.outcome IN ('{DeliveryUnknown.__name__}', '{DeliveryDelayed.__name__}'))
    FROM {{given}} CROSS JOIN outbox WHERE outbox.shop = given.shop AND outbox.order_id = given.id
    UNION ALL
    SELECT archived_messages.shop, key, template, state, archived_messages.order_id, NULL, settled_at, NULL,
        paid, false
    FROM {{given}} CROSS JOIN archived_messages
    WHERE archived_messages.shop = given.shop AND archived_messages.order_id = given.id
    """,
    given="id",
)


def said_about(of_orders: Collection[str]) -> Asking[dict[str, tuple[Said, ...]]]:
    """The messages about each order, archived ones included."""
    found: dict[str, list[Said]] = defaultdict(list)
    for row in (yield from _SAID.of(of_orders)):
        found[row.order].append(_said(row))
    return {order: tuple(those) for order, those in found.items()}


_HOW_TO_PAY = {"on_delivery": True, "unpaid": False, "partly_paid": False}  # by the state of the order


class _SnapshotOrder(msgspec.Struct):
    state: str | None = None
    on_delivery: bool | None = None
    paid_at: str | None = None
    currency: str | None = None
    total_minor: int | None = None
    paid_minor: int | None = None
    refunded_minor: int | None = None

    def money(self, minor: int | None) -> Money | None:
        return Money(minor, self.currency) if self.currency and minor is not None else None


class _Snapshot(msgspec.Struct):
    """The part of a message's stored facts that later decisions need."""

    order: _SnapshotOrder | None = None
    at: datetime | None = None
    parcels: tuple[ToldParcel, ...] | None = None


_snapshots = msgspec.json.Decoder(_Snapshot)


def _said(row: _SaidRow) -> Said:
    sent, facts = row.state == "sent", _snapshots.decode(row.facts) if row.facts else _Snapshot()
    known = facts.order or _SnapshotOrder()
    return Said(
        parcels=facts.parcels,
        key=row.key,
        template=row.template,
        state=row.state,
        order=row.order,
        due_at=row.due_at,
        sent_at=row.settled_at if sent else None,
        written_at=facts.at if sent or row.state == "unknown" else None,
        tried=row.tried,
        paid=row.paid or bool(sent and known.paid_at),
        total=known.money(known.total_minor),
        paid_sum=known.money(known.paid_minor),
        refunded=known.money(known.refunded_minor),
        on_delivery=_how_to_pay(row.template, known),
    )


def _how_to_pay(template: str, order: _SnapshotOrder) -> bool | None:
    """What the text named; that the way has changed is also said once the parcel has left."""
    named = _HOW_TO_PAY.get(order.state or "")
    return order.on_delivery if named is None and template == "pay_way_changed" else named


def knew_paid(state: str, facts: str | None) -> bool:
    """True if a message was sent knowing that its order was paid, by the facts stored with it."""
    snapshot = _snapshots.decode(facts) if facts else _Snapshot()
    return bool(state == "sent" and snapshot.order and snapshot.order.paid_at)
