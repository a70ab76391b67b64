"""A buyer's file as the seller reads and writes it: figures, notes, tags, details, consent, and a time line.

Only proved things are in it. What may be the same person, because the same mail or phone was said, is named
beside it and not joined.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec
from sqlalchemy import Connection, delete, exists, func, insert, or_, select

from bot.domain.erasing import ERASED, Scope
from bot.domain.orders import Order
from bot.domain.wishes import EMAIL, mailbox
from storage import order_records
from storage.buyer_scope import JOINED, joined_with
from storage.database import take_ids
from storage.sql_in import is_in
from storage.tables import (
    buyers,
    case_words,
    cases,
    conversations,
    details,
    identities,
    inbox,
    notes,
    orders,
    outbox,
    wishes,
)

PROFILING = "profiling"  # the detail that switches figures off for a buyer, by the value OFF
OFF = "off"
NAMES = ("city", "occupation", "taste", PROFILING)  # details that a seller may set
UNPAID = ("cancelled", "refunded")
BOUGHT = 10  # items that a file names, the most often bought
A_PHONE = 6  # digits that are taken for one, at least
MOST = 2000  # things of one kind in a time line, the newest

_PHONE = re.compile(r"[+\d\s().\-/]+")
_events = msgspec.json.Decoder(dict[str, Any])


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """A note, a tag or a detail: what somebody of the shop wrote about a buyer."""

    text: str
    at: datetime
    who: str | None
    name: str | None = None


class Spent(msgspec.Struct, frozen=True, kw_only=True):
    """Paid orders in one currency, in whole minor units, refunds taken off. average: of an order."""

    currency: str
    orders: int
    minor: int
    average: int


class Consent(msgspec.Struct, frozen=True, kw_only=True):
    """One word about what an address wants to hear. confirmed: False while a yes waits for its address."""

    address: str
    what: str
    yes: bool
    confirmed: bool
    at: datetime
    channel: str


class BuyerFile(msgspec.Struct, frozen=True, kw_only=True):
    """bought: titles with how many pieces. perhaps: files in which the same mail or phone was said.

    joined: other files that are read with this one, because a seller decided so.
    """

    id: str
    name: str | None
    email: str | None
    phone: str | None
    locale: str | None
    timezone: str | None
    known_since: datetime | None
    last_contact: datetime | None
    addresses: tuple[tuple[str, str], ...]
    profiled: bool
    details: tuple[Written, ...]
    tags: tuple[Written, ...]
    notes: tuple[Written, ...]
    orders: int
    spent: tuple[Spent, ...]
    bought: tuple[tuple[str, float], ...]
    consents: tuple[Consent, ...]
    perhaps: tuple[str, ...]
    joined: tuple[str, ...]


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A buyer in a list of search results."""

    id: str
    name: str | None
    email: str | None
    phone: str | None
    tags: tuple[str, ...]


Kind = Literal["wrote", "person", "bot", "order", "case", "wish", "note"]


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was said, bought, asked or decided. key: by which a page goes on; of a kind once."""

    at: datetime
    kind: Kind
    what: str
    text: str
    order: str | None = None
    key: str = ""


# Search


def find(connection: Connection, shop: str, words: str, after: str, limit: int) -> list[Found]:
    """The next buyers, by id, who have these words in a name, address, order number, tag, note or detail.

    A phone is found as people write it: in parts, and with a 0 where we keep its country.
    """
    like = f"%{words.lower().replace('!', '!!').replace('%', '!%').replace('_', '!_')}%"

    def has(column: Any) -> Any:
        return func.lower(column).like(like, escape="!")

    def beside(table: Any, *columns: Any) -> Any:
        mine = (table.c.shop == shop, table.c.buyer == buyers.c.id)
        return exists(select(table.c.shop).where(*mine, or_(*(has(column) for column in columns))))

    where = or_(
        has(buyers.c.name),
        has(buyers.c.email),
        has(buyers.c.phone),
        buyers.c.id == words,
        beside(identities, identities.c.value),
        beside(orders, orders.c.number, orders.c.email, orders.c.phone),
        beside(notes, notes.c.text),
        beside(details, details.c.value),
        *_with_phone(shop, words),
    )
    erased = (buyers.c.id >= ERASED) & (buyers.c.id < f"{ERASED[:-1]}.")
    here = select(buyers).where(
        buyers.c.shop == shop, buyers.c.id > after, buyers.c.joined_to.is_(None), ~erased
    )
    rows = connection.execute((here.where(where) if words else here).order_by(buyers.c.id).limit(limit)).all()
    tags = _tags(connection, shop, [row.id for row in rows])
    return [
        Found(id=row.id, name=row.name, email=row.email, phone=row.phone, tags=tuple(tags.get(row.id, ())))
        for row in rows
    ]


def _with_phone(shop: str, words: str) -> list[Any]:
    digits = re.sub(r"\D", "", words).lstrip("0")
    if len(digits) < A_PHONE or not _PHONE.fullmatch(words):
        return []
    mine = (orders.c.shop == shop, orders.c.buyer == buyers.c.id, orders.c.phone.contains(digits))
    return [buyers.c.phone.contains(digits), exists(select(orders.c.shop).where(*mine))]


def _tags(connection: Connection, shop: str, ids: Collection[str]) -> dict[str, list[str]]:
    here = select(notes.c.buyer, notes.c.text).where(
        notes.c.shop == shop, is_in(connection, notes.c.buyer, ids), notes.c.kind == "tag"
    )
    found: dict[str, list[str]] = {}
    for buyer, text in connection.execute(here.order_by(notes.c.id)) if ids else ():
        if text not in found.setdefault(buyer, []):
            found[buyer].append(text)
    return found


# What the seller writes


def add_note(connection: Connection, shop: str, buyer: str, text: str, who: str, now: datetime) -> None:
    _write(connection, shop, buyer, "note", text, who, now)


def add_tag(connection: Connection, shop: str, buyer: str, text: str, who: str, now: datetime) -> None:
    """Tag a buyer; a tag that they have stays as it is."""
    if text not in _tags(connection, shop, [buyer]).get(buyer, ()):
        _write(connection, shop, buyer, "tag", text, who, now)


def remove_tag(connection: Connection, shop: str, buyer: str, text: str) -> bool:
    """Take a tag off a buyer; False if they had none like it."""
    here = delete(notes).where(notes.c.shop == shop, notes.c.buyer == buyer, notes.c.kind == "tag")
    return connection.execute(here.where(notes.c.text == text)).rowcount > 0


def _write(
    connection: Connection, shop: str, buyer: str, kind: str, text: str, who: str, now: datetime
) -> None:
    (id,) = take_ids(connection, 1)
    row = {"shop": shop, "buyer": buyer, "id": id, "kind": kind, "text": text, "at": now, "who": who}
    connection.execute(insert(notes).values(row))


def set_detail(
    connection: Connection, shop: str, buyer: str, name: str, value: str | None, who: str, now: datetime
) -> None:
    """Note one of NAMES about a buyer; None takes it back."""
    (id,) = take_ids(connection, 1)
    row = {"shop": shop, "buyer": buyer, "id": id, "name": name, "value": value, "at": now, "who": who}
    connection.execute(insert(details).values(row))


def unprofiled(connection: Connection, shop: str, of_buyers: Collection[str]) -> set[str]:
    """Those of these buyers who are in no tier and no segment, and get no promotion by their figures."""
    here = select(details.c.buyer, details.c.value).where(
        details.c.shop == shop, is_in(connection, details.c.buyer, of_buyers), details.c.name == PROFILING
    )
    rows = connection.execute(here.order_by(details.c.id)) if of_buyers else ()
    newest = {row.buyer: row.value for row in rows}
    return {buyer for buyer, value in newest.items() if value == OFF}


# The file


def read(connection: Connection, shop: str, scope: Scope) -> BuyerFile:
    """The file of the buyer to whom all of the scope belongs."""
    id = scope.buyers[0]
    row = connection.execute(select(buyers).where(buyers.c.shop == shop, buyers.c.id == id)).one()
    theirs = orders_of(connection, shop, scope)
    heard = select(func.max(conversations.c.last_in_at)).where(
        conversations.c.shop == shop, is_in(connection, conversations.c.buyer, scope.buyers)
    )
    placed = [order.placed_at for order in theirs if order.placed_at]
    known = _details(connection, shop, scope)
    written = list(_notes(connection, shop, scope))
    return BuyerFile(
        id=id,
        name=row.name,
        email=row.email,
        phone=row.phone,
        locale=row.locale,
        timezone=row.timezone,
        known_since=row.created_at,
        last_contact=max((at for at in (connection.scalar(heard), *placed) if at), default=None),
        addresses=scope.identities,
        profiled=not any(each.name == PROFILING and each.text == OFF for each in known),
        details=tuple(known),
        tags=tuple(each for each in written if each.name == "tag"),
        notes=tuple(each for each in written if each.name == "note"),
        orders=len(theirs),
        spent=tuple(_spent(theirs)),
        bought=tuple(_bought(theirs)),
        consents=tuple(_consents(connection, shop, scope)),
        perhaps=_perhaps(connection, shop, scope, row),
        joined=joined_with(connection, shop, id),
    )


def orders_of(connection: Connection, shop: str, scope: Scope) -> list[Order]:
    return [order for each in scope.buyers for order in order_records.all_of(connection, shop, each)]


def _details(connection: Connection, shop: str, scope: Scope) -> list[Written]:
    here = select(details).where(details.c.shop == shop, is_in(connection, details.c.buyer, scope.buyers))
    newest = {row.name: row for row in connection.execute(here.order_by(details.c.id))}
    return [
        Written(name=name, text=row.value, at=row.at, who=row.who)
        for name, row in sorted(newest.items())
        if row.value and not name.startswith(JOINED)
    ]


def _notes(connection: Connection, shop: str, scope: Scope) -> Iterator[Written]:
    here = select(notes).where(notes.c.shop == shop, is_in(connection, notes.c.buyer, scope.buyers))
    for row in connection.execute(here.order_by(notes.c.id)):
        yield Written(name=row.kind, text=row.text, at=row.at, who=row.who)


def _paid(theirs: list[Order]) -> list[Order]:
    return [
        order for order in theirs if not order.test and order.paid_minor > 0 and order.state not in UNPAID
    ]


def _spent(theirs: list[Order]) -> Iterator[Spent]:
    """Only like with like: each currency by itself, the shop's where an order has a sum in it."""
    sums: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    for order in _paid(theirs):
        total = order.shop_total or order.total or order.paid
        if total is not None:
            sums[total.currency] += order.in_shop_money(order.paid) - order.in_shop_money(order.refunded)
            counts[total.currency] += 1
    for currency, minor in sorted(sums.items()):
        count = counts[currency]
        yield Spent(currency=currency, orders=count, minor=minor, average=minor // count)


def _bought(theirs: list[Order]) -> list[tuple[str, float]]:
    pieces: dict[str, float] = {}  # half a metre is sold too
    for order in _paid(theirs):
        for line in order.lines:
            if line.price.minor >= 0:
                pieces[line.title] = pieces.get(line.title, 0) + line.quantity
    return sorted(pieces.items(), key=lambda item: (-item[1], item[0]))[:BOUGHT]


def _consents(connection: Connection, shop: str, scope: Scope) -> Iterator[Consent]:
    for kind, value in sorted({*scope.addresses, *scope.shared}):
        here = select(wishes).where(wishes.c.shop == shop, wishes.c.kind == kind, wishes.c.value == value)
        for row in connection.execute(here.order_by(wishes.c.at, wishes.c.id)):
            named = {name: getattr(row, name) for name in ("what", "yes", "confirmed", "at", "channel")}
            yield Consent(address=f"{kind}:{value}", **named)


def _perhaps(connection: Connection, shop: str, scope: Scope, row: Any) -> tuple[str, ...]:
    """Other files in whose orders the same mail or phone was said."""
    said = {(EMAIL, mailbox(row.email)), ("phone", row.phone)} | {*scope.shared, *scope.addresses}
    found: set[str] = set()
    for kind, value in said:
        if kind in (EMAIL, "phone") and value:
            column = orders.c.email if kind == EMAIL else orders.c.phone
            here = select(orders.c.buyer).where(orders.c.shop == shop, column == value)
            found |= set(connection.scalars(here.distinct()))
    return tuple(sorted(each for each in found if each and each not in scope.buyers))


# The time line


def time_line(
    connection: Connection, shop: str, scope: Scope, before: tuple[datetime, str] | None, limit: int | None
) -> list[Moment]:
    """The newest things before a time and key, the newest first; limit None: all."""
    every = [
        *_orders(connection, shop, scope),
        *_said(connection, shop, scope),
        *_cases(connection, shop, scope),
    ]
    for consent in _consents(connection, shop, scope):
        what = f"{'yes' if consent.yes else 'no'}:{consent.what}"
        every.append(
            Moment(at=consent.at, kind="wish", what=what, text=consent.address, key=f"w:{consent.address}")
        )
    every += [
        Moment(at=each.at, kind="note", what=each.name or "", text=each.text, key=f"n:{number}")
        for number, each in enumerate((*_notes(connection, shop, scope), *_details(connection, shop, scope)))
    ]
    in_order = sorted(every, key=lambda each: (each.at, each.key), reverse=True)
    return [each for each in in_order if before is None or (each.at, each.key) < before][:limit]


def cursor_of(text: str | None) -> tuple[datetime, str] | None:
    """Where a time line goes on. Raises ValueError for what is none."""
    if text is None:
        return None
    at, _, key = text.partition(" ")
    return datetime.fromisoformat(at).astimezone(UTC), key


def next_of(moments: Sequence[Moment], limit: int) -> str | None:
    """The cursor behind a page; None behind the last."""
    if len(moments) < limit or not moments:
        return None
    at = moments[-1].at.astimezone(UTC).isoformat().replace("+00:00", "Z")  # a + is a space in queries
    return f"{at} {moments[-1].key}"


def _orders(connection: Connection, shop: str, scope: Scope) -> Iterator[Moment]:
    for each in scope.buyers:
        for order in order_records.all_of(connection, shop, each):
            times = {
                "placed": order.placed_at,
                "paid": order.first_paid_at,
                "delivered": order.delivered_at,
                "cancelled": order.called_off_at,
                **{f"refunded {number}": one.at for number, one in enumerate(order.refunds, 1)},
                **{f"review {one.rating}": one.at for one in order.reviews},
            }
            goods = ", ".join(line.title for line in order.lines)
            for what, at in times.items():
                if at:
                    key = f"o:{order.id}:{what}"
                    text = goods if what == "placed" else ""
                    yield Moment(at=at, kind="order", what=what, text=text, order=order.shown_number, key=key)


def _said(connection: Connection, shop: str, scope: Scope) -> Iterator[Moment]:
    """What we said, and the words of theirs that led to it."""
    columns = (outbox.c.id, outbox.c.template, outbox.c.text, outbox.c.settled_at, outbox.c.event)
    mine = select(*columns, outbox.c.category).where(
        outbox.c.shop == shop,
        is_in(connection, outbox.c.buyer, scope.buyers),
        outbox.c.settled_at.is_not(None),
    )
    rows = connection.execute(
        mine.where(outbox.c.state.in_(("sent", "unknown"))).order_by(outbox.c.id.desc()).limit(MOST)
    ).all()
    for row in rows:
        text = row.text or ""
        yield Moment(at=row.settled_at, kind="bot", what=row.template, text=text, key=f"m:{row.id}")
    asked = {row.event for row in rows if row.event and row.category == "answer"}
    here = select(inbox.c.id, inbox.c.body).where(
        inbox.c.shop == shop, inbox.c.id.in_(asked), inbox.c.type == "message.received"
    )
    for id, body in connection.execute(here) if asked else ():
        event = _events.decode(body)
        at = datetime.fromisoformat(event["at"])
        yield Moment(at=at, kind="wrote", what="message", text=event.get("text", ""), key=f"i:{id}")


def _cases(connection: Connection, shop: str, scope: Scope) -> Iterator[Moment]:
    if not scope.cases:
        return
    here = select(cases).where(cases.c.shop == shop, cases.c.number.in_(scope.cases))
    for row in connection.execute(here):
        key = f"c:{row.number}"
        yield Moment(
            at=row.opened_at, kind="case", what=row.reason, text="", order=row.order_id, key=f"{key}:1"
        )
        if row.closed_at:
            text = row.outcome or ""
            yield Moment(
                at=row.closed_at, kind="case", what="closed", text=text, order=row.order_id, key=f"{key}:2"
            )
    said = select(case_words).where(case_words.c.shop == shop, case_words.c.number.in_(scope.cases))
    for row in connection.execute(said):
        kind: Kind = "wrote" if row.who == "buyer" else "person"
        key = f"s:{row.number}:{row.channel}:{row.event}"
        yield Moment(at=row.at, kind=kind, what=row.kind, text=row.text, key=key)
