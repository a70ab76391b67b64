"""The tables of figures and of what was bought: read anew from the shop's records, compared, and changed."""

import hashlib
import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import takewhile
from typing import Any, Generic, TypeVar

import msgspec
from sqlalchemy import Connection, Select, delete, func, select

from bot.domain.figures import KEPT, BuyerFigures, ChatRow, OrderRow, as_compared, figures_of
from bot.domain.shop import Shop
from storage import conversation_records, wish_records
from storage.asking import Query, Row, ask
from storage.bulk import insert_new, upsert, utc_text
from storage.buyer_file import OFF
from storage.sql_in import is_in
from storage.tables import bought, buyers, figures, inbox, items, orders, tiers

R = TypeVar("R", bound="_OfBuyer")

_OF_POSTGRESQL = re.compile(r" IS NOT (figures\.)")  # which has other words for it than SQLite

FED = 500  # events that are looked at in one step
FED_AFTER = timedelta(minutes=1)  # so that no transaction with an older id is still to come
LINES = "paid_minor > 0 AND state NOT IN ('cancelled', 'refunded')"


class _OfBuyer(Row, frozen=True):
    buyer: str


class _BuyerRow(_OfBuyer, frozen=True):
    locale: str | None
    city: str | None
    profiling: str | None


class _OrderOf(_OfBuyer, frozen=True):
    channel: str
    state: str
    placed_at: datetime | None
    currency: str | None
    paid_minor: int
    refunded_minor: int


class _ChatOf(_OfBuyer, frozen=True):
    channel: str
    last_in_at: datetime | None


class _WishOf(_OfBuyer, frozen=True):
    kind: str
    value: str
    confirmed: bool
    others: bool  # there are further wishes of this address, or of another one like it


class _KeptRow(_OfBuyer, frozen=True):
    orders: int
    spent_minor: int
    refunds: int
    refunded_minor: int
    first_order_at: datetime | None
    last_order_at: datetime | None
    unpaid_at: datetime | None
    last_contact_at: datetime | None
    lately_orders: int
    lately_spent_minor: int
    agrees: bool
    locale: str | None
    city: str | None
    channels: str


class _ItemOf(_OfBuyer, frozen=True):
    item: str


class _RecordOf(_OfBuyer, frozen=True):
    record: str


class _LineRead(msgspec.Struct, frozen=True):
    title: str
    sku: str | None = None


class _Lines(msgspec.Struct, frozen=True):
    """What is read of an order's record."""

    lines: tuple[_LineRead, ...] = ()
    test: bool = False


_lines = msgspec.json.Decoder(_Lines)


class _Of(Generic[R]):
    """Rows of buyers, of a range of them or of those that are named."""

    def __init__(self, row: type[R], columns: str, table: str, where: str = "true") -> None:
        taken = f"SELECT {table}.shop, {table}.buyer, {columns}"
        same = f"{table}.shop = given.shop AND {table}.buyer = given.buyer AND {where}"
        here = f"{table}.shop = :shop AND {table}.buyer > :after AND {table}.buyer <= :until AND {where}"
        self._named = Query(row, f"{taken} FROM {{given}} CROSS JOIN {table} WHERE {same}", given="buyer")
        self._ranged = Query(row, f"{taken} FROM {table} WHERE {here}")

    def read(self, connection: Connection, shop: str, those: "Those") -> list[R]:
        if those.named is None:
            sent = {"shop": shop, "after": those.after, "until": those.until}
            return self._ranged.rows(connection, sent)
        keys = msgspec.json.encode([(shop, buyer) for buyer in those.named]).decode()
        return self._named.rows(connection, {"given": keys}) if those.named else []


class Those(msgspec.Struct, frozen=True, kw_only=True):
    """Which buyers: those that are named, else those behind `after` up to `until`.

    open_end: none follow, so that what is kept of others behind them is of nobody.
    """

    named: tuple[str, ...] | None = None
    after: str = ""
    until: str = ""
    open_end: bool = False

    @property
    def kept(self) -> "Those":
        return msgspec.structs.replace(self, until=MORE_THAN_ANY) if self.open_end else self


def _detail(name: str) -> str:
    """What a seller wrote last into this field of a buyer's file."""
    mine = f"details.shop = buyers.shop AND details.buyer = buyers.id AND details.name = '{name}'"
    return f"(SELECT value FROM details WHERE {mine} ORDER BY details.id DESC LIMIT 1)"


_FILE = f"locale, {_detail('city')} AS city, {_detail('profiling')} AS profiling"
_NEXT = Query(
    _BuyerRow,
    f"SELECT shop, id, {_FILE} FROM buyers WHERE shop = :shop AND id > :after AND joined_to IS NULL"
    " ORDER BY id LIMIT :limit",
)
_NAMED = Query(
    _BuyerRow,
    f"SELECT shop, id, {_FILE} FROM buyers"
    " WHERE shop = :shop AND joined_to IS NULL AND id IN (SELECT buyer FROM {given})",
    given="buyer",
)
# Buyers whose sums are not those that are kept; whatever depends on files of theirs is looked at anew.
_COUNTS = (
    "currency = :currency AND placed_at IS NOT NULL AND paid_minor > 0"
    " AND state <> 'cancelled' AND state <> 'refunded'"
)
_SUMMED = f"""
    SELECT buyer, count(*) FILTER (WHERE {_COUNTS}) AS orders,
        coalesce(sum(paid_minor - refunded_minor) FILTER (WHERE {_COUNTS}), 0) AS spent,
        coalesce(sum(refunded_minor) FILTER (WHERE currency = :currency AND placed_at IS NOT NULL), 0)
            AS back,
        min(placed_at) FILTER (WHERE {_COUNTS}) AS first_at,
        max(placed_at) FILTER (WHERE {_COUNTS}) AS last_at,
        max(placed_at) FILTER (WHERE state = 'unpaid' OR state = 'partly_paid') AS owed_at,
        count(*) FILTER (WHERE {_COUNTS} AND placed_at >= :since) AS lately,
        coalesce(sum(paid_minor - refunded_minor) FILTER (WHERE {_COUNTS} AND placed_at >= :since), 0)
            AS lately_spent
    FROM orders WHERE shop = :shop AND buyer > :after AND buyer <= :until GROUP BY buyer
    """
_HEARD = """
    SELECT buyer, max(last_in_at) AS heard_at
    FROM conversations WHERE shop = :shop AND buyer > :after AND buyer <= :until GROUP BY buyer
    """
_OTHERWISE = " OR ".join(
    (
        "coalesce(summed.orders, 0) <> figures.orders OR coalesce(summed.spent, 0) <> figures.spent_minor",
        "coalesce(summed.back, 0) <> figures.refunded_minor OR coalesce(summed.lately, 0) <> lately_orders",
        "coalesce(summed.lately_spent, 0) <> lately_spent_minor",
        "summed.first_at IS NOT figures.first_order_at OR summed.last_at IS NOT figures.last_order_at",
        "summed.owed_at IS NOT figures.unpaid_at OR heard.heard_at IS NOT figures.last_contact_at",
        "lower(coalesce(buyers.locale, :locale)) IS NOT figures.locale",
        f"{_detail('city')} IS NOT NULL OR figures.city IS NOT NULL OR {_detail('profiling')} IS NOT NULL",
    )
)
_TOLD_APART = f"""
    WITH summed AS ({_SUMMED}), heard AS ({_HEARD})
    SELECT buyers.shop, buyers.id FROM buyers
    LEFT JOIN summed ON summed.buyer = buyers.id LEFT JOIN heard ON heard.buyer = buyers.id
    LEFT JOIN figures ON figures.shop = buyers.shop AND figures.buyer = buyers.id
    WHERE buyers.shop = :shop AND buyers.id > :after AND buyers.id <= :until AND buyers.joined_to IS NULL
        AND (figures.buyer IS NULL OR {_OTHERWISE})
    """
_DIFFERING = Query(
    _OfBuyer,
    _TOLD_APART,
    postgresql=_OF_POSTGRESQL.sub(r" IS DISTINCT FROM \1", _TOLD_APART),
)
_AGREED = Query(
    _OfBuyer,
    "SELECT shop, buyer FROM figures WHERE shop = :shop AND buyer > :after AND buyer <= :until AND agrees",
)
_OF_NOBODY = Query(
    _OfBuyer,
    """
    SELECT figures.shop, figures.buyer FROM figures
    LEFT JOIN buyers ON buyers.shop = figures.shop AND buyers.id = figures.buyer AND buyers.joined_to IS NULL
    WHERE figures.shop = :shop AND figures.buyer > :after AND figures.buyer <= :until AND buyers.id IS NULL
    """,
)
_ORDERS = _Of(_OrderOf, "channel, state, placed_at, currency, paid_minor, refunded_minor", "orders")
_CHATS = _Of(_ChatOf, "channel, last_in_at", "conversations")
_WISHES = _Of(
    _WishOf,
    "wishes.kind, wishes.value, wishes.confirmed, EXISTS (SELECT 1 FROM wishes AS other WHERE"
    " other.shop = wishes.shop AND other.value = wishes.value AND other.id <> wishes.id)",
    "wishes",
    where="wishes.yes AND wishes.what = 'offers' AND wishes.kind <> 'phone'",
)
_KEPT = _Of(_KeptRow, ", ".join(KEPT[1:]), "figures")
_ITEMS = _Of(_ItemOf, "item", "bought")
_RECORDS = _Of(_RecordOf, "record", "orders", where=LINES)


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """What differs from the figures that are kept. read: how many buyers were compared.

    until: the last of them; None where they were named, or there were none.
    bought: all items of buyers for whom they differ. items: sku and title by id.
    """

    read: int = 0
    until: str | None = None
    saved: tuple[BuyerFigures, ...] = ()
    gone: tuple[str, ...] = ()
    bought: Mapping[str, frozenset[str]] = {}
    items: Mapping[str, tuple[str, str]] = {}


def changes_of_page(
    connection: Connection, shop_id: str, shop: Shop, after: str, limit: int, now: datetime, whole: bool
) -> Changes:
    """Compare the next buyers in the order of their ids. whole: also what they bought."""
    if not whole:
        return _changes_of_few(connection, shop_id, shop, after, limit, now)
    found = _NEXT.rows(connection, {"shop": shop_id, "after": after, "limit": limit})
    last = len(found) < limit
    until = found[-1].buyer if found else after
    those = Those(after=after, until=until, open_end=last)
    changes = _changes(connection, shop_id, shop, found, those, now, whole)
    return msgspec.structs.replace(changes, until=None if last else until)


def _changes_of_few(
    connection: Connection, shop_id: str, shop: Shop, after: str, limit: int, now: datetime
) -> Changes:
    """The same, where the database itself finds the few whose sums differ."""
    ids: list[str] = list(connection.scalars(_next_ids(shop_id, after, limit)))
    last = len(ids) < limit
    those = Those(after=after, until=MORE_THAN_ANY if last else ids[-1])
    sent = {"shop": shop_id, "after": those.after, "until": those.until}
    since = utc_text(now - shop.vip.period)
    of_shop = {"currency": shop.currency, "since": since, "locale": shop.locale.lower()}
    named = {row.buyer for row in _DIFFERING.rows(connection, sent | of_shop)}
    agreed = {row.buyer for row in _AGREED.rows(connection, sent)}
    named |= agreed ^ _agreeing(connection, shop_id, those)
    named |= {row.buyer for row in _OF_NOBODY.rows(connection, sent)}
    changes = _changes_of(connection, shop_id, shop, named, now, whole=False)
    return msgspec.structs.replace(changes, read=len(ids), until=None if last else those.until)


def _next_ids(shop: str, after: str, limit: int) -> Select[Any]:
    here = select(buyers.c.id).where(buyers.c.shop == shop, buyers.c.id > after)
    return here.order_by(buyers.c.id).limit(limit)


def changes_of(
    connection: Connection, shop_id: str, shop: Shop, named: Collection[str], now: datetime
) -> Changes:
    """Compare these buyers."""
    return _changes_of(connection, shop_id, shop, named, now, whole=True)


def _changes_of(
    connection: Connection, shop_id: str, shop: Shop, named: Collection[str], now: datetime, *, whole: bool
) -> Changes:
    if not named:
        return Changes()
    those = Those(named=tuple(sorted(named)))
    return _changes(connection, shop_id, shop, _rows_of(connection, shop_id, those), those, now, whole)


MORE_THAN_ANY = "\U0010ffff"


def _rows_of(connection: Connection, shop_id: str, those: Those) -> list[_BuyerRow]:
    keys = msgspec.json.encode([(shop_id, buyer) for buyer in those.named or ()]).decode()
    return _NAMED.rows(connection, {"shop": shop_id, "given": keys}) if those.named else []


def fresh(
    connection: Connection, shop_id: str, shop: Shop, named: Collection[str], now: datetime
) -> dict[str, BuyerFigures]:
    """The figures of these buyers as they are at this moment, with what is not kept but what they bought."""
    those = Those(named=tuple(sorted(named)))
    return _figures(connection, shop_id, shop, _rows_of(connection, shop_id, those), those, now)


def _changes(
    connection: Connection,
    shop_id: str,
    shop: Shop,
    found: Sequence[_BuyerRow],
    those: Those,
    now: datetime,
    whole: bool,
) -> Changes:
    summed = _figures(connection, shop_id, shop, found, those, now)
    kept = {row.buyer: row for row in _KEPT.read(connection, shop_id, those.kept)}
    saved = [each for buyer, each in summed.items() if not _same(each, kept.get(buyer))]
    items: dict[str, tuple[str, str]] = {}
    differing: dict[str, frozenset[str]] = {}
    if whole:
        theirs = _bought(connection, shop_id, those, summed, items)
        before: dict[str, set[str]] = defaultdict(set)
        for row in _ITEMS.read(connection, shop_id, those.kept):
            before[row.buyer].add(row.item)
        for buyer in theirs.keys() | before.keys():
            now_bought = frozenset(theirs.get(buyer, ()))
            if now_bought != before.get(buyer, set()):
                differing[buyer] = now_bought
    return Changes(
        read=len(found),
        saved=tuple(saved),
        gone=tuple(kept.keys() - summed.keys()),
        bought=differing,
        items={id: items[id] for those_bought in differing.values() for id in those_bought},
    )


def _figures(
    connection: Connection,
    shop_id: str,
    shop: Shop,
    found: Sequence[_BuyerRow],
    those: Those,
    now: datetime,
) -> dict[str, BuyerFigures]:
    placed: dict[str, list[OrderRow]] = defaultdict(list)
    for row in _ORDERS.read(connection, shop_id, those):
        placed[row.buyer].append(row)
    chats: dict[str, list[ChatRow]] = defaultdict(list)
    for chat in _CHATS.read(connection, shop_id, those):
        chats[chat.buyer].append(chat)
    agreeing = _agreeing(connection, shop_id, those)
    return {
        each.buyer: figures_of(
            each.buyer,
            placed.get(each.buyer, ()),
            chats.get(each.buyer, ()),
            agrees=each.buyer in agreeing,
            locale=each.locale or shop.locale,
            city=each.city,
            currency=shop.currency,
            now=now,
            period=shop.vip.period,
        )
        for each in found
        if each.profiling != OFF
    }


def _agreeing(connection: Connection, shop_id: str, those: Those) -> set[str]:
    """Whoever has an address that agrees to offers."""
    agreeing: set[str] = set()
    owners: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in _WISHES.read(connection, shop_id, those):
        if row.others:
            owners[row.kind, row.value].add(row.buyer)
        elif row.confirmed:
            agreeing.add(row.buyer)
    standings = ask(connection, shop_id, wish_records.standings(list(owners))) if owners else {}
    for address, standing in standings.items():
        if standing.agrees is True and not standing.stopped:
            agreeing |= owners[address]
    return agreeing


def _same(summed: BuyerFigures, kept: _KeptRow | None) -> bool:
    if kept is None:
        return False
    return msgspec.structs.astuple(kept)[1:] == msgspec.structs.astuple(summed)[: len(KEPT)]


def _bought(
    connection: Connection,
    shop_id: str,
    those: Those,
    known: Mapping[str, BuyerFigures],
    items: dict[str, tuple[str, str]],
) -> dict[str, set[str]]:
    """The items that each buyer bought; fills `items` with sku and title of each."""
    found: dict[str, set[str]] = defaultdict(set)
    for row in _RECORDS.read(connection, shop_id, those):
        read = _lines.decode(row.record)
        if row.buyer not in known or read.test:
            continue
        for line in read.lines:
            id, sku, title = _item(line.sku or "", line.title)
            items[id] = sku, title
            found[row.buyer].add(id)
    return found


@lru_cache(maxsize=20_000)  # a shop sells the same again and again
def _item(sku: str, title: str) -> tuple[str, str, str]:
    sku, title = as_compared(sku), as_compared(title)
    return hashlib.blake2b(f"{sku}\x1f{title}".encode(), digest_size=6).hexdigest(), sku, title


def save(connection: Connection, shop: str, changes: Changes) -> None:
    """Write what differs."""
    kept = [{"shop": shop, **{name: getattr(each, name) for name in KEPT}} for each in changes.saved]
    upsert(connection, figures, kept)
    if changes.gone:
        forget(connection, shop, changes.gone)
    if changes.bought:
        theirs = (bought.c.shop == shop, is_in(connection, bought.c.buyer, list(changes.bought)))
        connection.execute(delete(bought).where(*theirs))
        new = [
            {"shop": shop, "id": id, "sku": sku, "title": title} for id, (sku, title) in changes.items.items()
        ]
        insert_new(connection, items, new)
        pairs = [
            {"shop": shop, "buyer": buyer, "item": item}
            for buyer, those in changes.bought.items()
            for item in sorted(those)
        ]
        insert_new(connection, bought, pairs)


def count(connection: Connection, shop: str) -> int:
    return connection.scalar(select(func.count()).select_from(figures).where(figures.c.shop == shop)) or 0


def forget(connection: Connection, shop: str, those: Collection[str]) -> None:
    """Delete the figures of buyers of whom none may be kept, or who are no more, and what they bought.

    The history of their tiers goes with them.
    """
    for table in (figures, bought, tiers):
        connection.execute(delete(table).where(table.c.shop == shop, is_in(connection, table.c.buyer, those)))


# What changed since


class _Arrived(Row, frozen=True):
    id: int
    channel: str
    thread: str
    state: str
    received_at: datetime


_ARRIVED = Query(
    _Arrived,
    "SELECT shop, id, channel, thread, state, received_at FROM inbox WHERE shop = :shop AND id > :after"
    " ORDER BY id LIMIT :limit",
)


def newest_event(connection: Connection, shop: str) -> int:
    newest = select(inbox.c.id).where(inbox.c.shop == shop).order_by(inbox.c.id.desc()).limit(1)
    return connection.scalar(newest) or 0


def changed_since(connection: Connection, shop: str, event: int, now: datetime) -> tuple[int, set[str]]:
    """The buyers whom the next events are about, and the last of these events; as far as they are handled."""
    found = _ARRIVED.rows(connection, {"shop": shop, "after": event, "limit": FED})
    settled = takewhile(lambda row: row.state != "open" and row.received_at < now - FED_AFTER, found)
    rows = list(settled)
    if not rows:
        return event, set()
    about: set[str] = set()
    places: set[tuple[str, str]] = set()
    for row in rows:
        kind, _, name = row.thread.partition(":")
        if kind == "order":
            about |= {name, f"{name}@{row.channel}"}
        elif kind == "chat":
            channel, _, address = name.partition(":")
            places.add((channel, address))
    theirs = select(orders.c.buyer).where(
        orders.c.shop == shop, orders.c.buyer.is_not(None), is_in(connection, orders.c.id, about)
    )
    chats = ask(connection, shop, conversation_records.by_place(places))
    changed = {chat.buyer for chat in chats.values()} | set(connection.scalars(theirs) if about else ())
    return rows[-1].id, changed
