"""Take a person out of the tables, step by step; what the books and counts need stays.

`records` is the first step, all that is looked up by buyer, in one transaction: from then on no rule and no
message knows the person. The other steps go through tables that know no buyer, a page at a time, and can be
repeated: each finds only what is left.
"""

import base64
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Table, and_, delete, func, insert, or_, select, update

from bot.domain.erasing import (
    RULE,
    Digest,
    Scope,
    anonymous_event,
    anonymous_key,
    anonymous_order,
    belongs,
    names_only,
    without_buyer,
)
from bot.domain.events import OrderEvent, OrderPlaced, dump_event, load_event
from bot.domain.messages import Reason
from bot.domain.quotes import Quote
from bot.domain.wishes import standing
from storage import campaign_records, erasures, order_records, quote_records, transfer_records, wish_records
from storage.asking import ask
from storage.buyer_scope import JOINED
from storage.outbox import SELLER, dump
from storage.sql_in import is_in
from storage.tables import (
    archived_events,
    archived_messages,
    attempts,
    bought,
    buyers,
    campaigns,
    case_words,
    cases,
    conversations,
    details,
    identities,
    in_state,
    inbox,
    notes,
    openings,
    orders,
    outbox,
    promises,
    quotes,
    stock_wishes,
    tiers,
    trail,
    unreadable,
    used_links,
    wakes,
    wishes,
    wrong_tries,
)
from storage.tables import (
    figures as figures_kept,
)

PAGE = 500  # rows in one transaction
OVERSIZED = 20  # rows, where a row may be as large as a delivery
WITHDRAWN = "erased"  # the reason of what was not sent any more

_quotes = msgspec.json.Decoder(Quote)
_reasons = msgspec.json.Decoder(Reason)
_replace = msgspec.structs.replace


# The tables that are the buyer's file, and by which column; their rows are deleted.
FILE = (
    (identities, "buyer"),
    (conversations, "buyer"),
    (notes, "buyer"),
    (details, "buyer"),
    (buyers, "id"),
)


class Step(msgspec.Struct, frozen=True):
    """One page of a step. cursor: where it goes on; None at its end. counts: rows changed, by table."""

    cursor: str | None
    counts: Mapping[str, int]


# The records


def records(connection: Connection, shop: str, scope: Scope, digest: Digest, now: datetime) -> dict[str, int]:
    """Take the person out of all that is looked up by buyer; must hold the shop's lock.

    Raises what the database raises.
    """
    counts: Counter[str] = Counter()
    _remember(connection, shop, scope, digest, now)
    created = connection.scalar(
        select(func.min(buyers.c.created_at)).where(buyers.c.shop == shop, buyers.c.id.in_(scope.buyers))
    )
    for table, column in FILE:
        counts[table.name] += _deleted(
            connection, table, shop, is_in(connection, table.c[column], scope.buyers)
        )
    for table in (figures_kept, bought, tiers):
        counts[table.name] += _deleted(
            connection, table, shop, is_in(connection, table.c.buyer, scope.buyers)
        )
    counts.update(campaign_records.forget(connection, shop, scope.buyers, scope.to))
    told = [f"{JOINED}{id}" for id in scope.buyers]
    counts["details"] += _deleted(connection, details, shop, is_in(connection, details.c.name, told))
    connection.execute(insert(buyers).values(shop=shop, id=scope.to, created_at=created or now))
    for channel, address in scope.addresses:
        here = and_(wishes.c.kind == channel, wishes.c.value == address)
        counts["wishes"] += _deleted(connection, wishes, shop, here)
    counts["orders"] += _orders_of(connection, shop, scope, digest)
    counts["quotes"] += _quotes_of(connection, shop, scope, digest)
    counts["promises"] += _promises_of(connection, shop, scope)
    counts["transfers"] += transfer_records.blank(connection, shop, scope.orders, scope.cases)
    for channel, address in scope.chats:
        for table in (openings, used_links, wrong_tries, stock_wishes):
            here = and_(table.c.channel == channel, table.c.address == address)
            counts[table.name] += _deleted(connection, table, shop, here)
    for table in (openings, used_links, wrong_tries):
        counts[table.name] += _deleted(
            connection, table, shop, is_in(connection, table.c.order_id, scope.orders)
        )
    counts.update(_cases_of(connection, shop, scope, digest, now))
    withdrawn = update(outbox).where(
        outbox.c.shop == shop, in_state(outbox, "queued"), _theirs(connection, scope)
    )
    connection.execute(
        withdrawn.values(state="withdrawn", reason=dump(Reason(WITHDRAWN, {})), settled_at=now)
    )
    return {name: count for name, count in counts.items() if count}


def _remember(connection: Connection, shop: str, scope: Scope, digest: Digest, now: datetime) -> None:
    """Keep hashes of whom it is about, and what they wanted to hear no more of."""
    said = ask(connection, shop, wish_records.of_addresses(scope.addresses))
    rows: dict[str, tuple[str, datetime] | None] = {digest.order(id): None for id in scope.orders}
    for address in {*scope.addresses, *scope.identities}:
        rows[digest.address(address)] = _stop(said.get(address, ()))
    ask(connection, shop, erasures.remember(rows, now))


def _stop(said: Iterable[Any]) -> tuple[str, datetime] | None:
    holds = standing(said)
    if holds.stopped_at is not None:
        return "all", holds.stopped_at
    if holds.agrees is False and holds.agrees_at is not None:
        return "offers", holds.agrees_at
    return None


def _orders_of(connection: Connection, shop: str, scope: Scope, digest: Digest) -> int:
    theirs = list(ask(connection, shop, order_records.by_id(scope.orders)).values())
    ask(connection, shop, order_records.save([anonymous_order(each, digest, scope.to) for each in theirs]))
    return len(theirs)


def _quotes_of(connection: Connection, shop: str, scope: Scope, digest: Digest) -> int:
    places = [and_(quotes.c.channel == channel, quotes.c.address == at) for channel, at in scope.chats]
    mine = or_(is_in(connection, quotes.c.buyer, scope.buyers), *places)
    found = [
        _quotes.decode(record)
        for record in connection.scalars(select(quotes.c.record).where(quotes.c.shop == shop, mine))
    ]
    hidden = [
        _replace(each, buyer=scope.to, address=digest.of("chat", each.channel, each.address))
        for each in found
    ]
    ask(connection, shop, quote_records.save(hidden))
    return len(found)


def _cases_of(
    connection: Connection, shop: str, scope: Scope, digest: Digest, now: datetime
) -> dict[str, int]:
    said = select(case_words.c.number, case_words.c.channel, case_words.c.event).where(
        case_words.c.shop == shop, case_words.c.number.in_(scope.cases)
    )
    words = connection.execute(said).all() if scope.cases else []
    for number, channel, event in words:
        here = (case_words.c.shop == shop, case_words.c.number == number, case_words.c.channel == channel)
        blank = update(case_words).where(*here, case_words.c.event == event)
        connection.execute(blank.values(text="", event=digest.of("id", event)))
    for number in scope.cases:
        one = (cases.c.shop == shop, cases.c.number == number)
        row = connection.execute(
            select(cases.c.key, cases.c.buyer, cases.c.closed_at, cases.c.details).where(*one)
        ).one()
        blank = update(cases).where(*one)
        connection.execute(
            blank.values(
                key=f"{anonymous_key(row.key, scope.orders, digest)}:{number}",
                details=dump(figures(msgspec.json.decode(row.details))),
                draft=None,
                chat=None,
                outcome=None,
                buyer=scope.to if row.buyer in scope.buyers else row.buyer,
                closed_at=row.closed_at or now,
            )
        )
    return {"cases": len(scope.cases), "case_words": len(words)}


def _promises_of(connection: Connection, shop: str, scope: Scope) -> int:
    """The counts stay; what is open is to be kept towards nobody any more."""
    about = [*(f"order:{id}" for id in scope.orders), *(f"case:{number}" for number in scope.cases)]
    theirs = (promises.c.shop == shop, is_in(connection, promises.c.about, about))
    over = update(promises).where(*theirs, promises.c.state == "open")
    return connection.execute(over.values(state="withdrawn")).rowcount


def _deleted(connection: Connection, table: Table, shop: str, where: ColumnElement[bool]) -> int:
    return connection.execute(delete(table).where(table.c.shop == shop, where)).rowcount


# The outbox


def _theirs(connection: Connection, scope: Scope) -> ColumnElement[bool]:
    return or_(
        is_in(connection, outbox.c.buyer, scope.buyers), is_in(connection, outbox.c.order_id, scope.orders)
    )


_TEXTS = ("values", "buttons", "to", "unlike", "reason", "facts", "address", "text", "receipt")
_MESSAGE = tuple(outbox.c[name] for name in ("id", "key", "buyer", "state", "order_id", *_TEXTS))


def messages(
    connection: Connection, shop: str, scope: Scope, digest: Digest, after: int, now: datetime
) -> Step:
    """Take texts, values and addresses out of messages to them and about their orders and cases."""
    of_seller = outbox.c.buyer == SELLER
    here = select(*_MESSAGE).where(outbox.c.shop == shop, outbox.c.id > after)
    rows = connection.execute(
        here.where(or_(_theirs(connection, scope), of_seller)).order_by(outbox.c.id).limit(PAGE)
    ).all()
    mine = [row for row in rows if row.buyer != SELLER or row.order_id in scope.orders or _tells(row, scope)]
    changed = 0
    for row in mine:
        blank = _blank(row, scope, digest)
        if any(getattr(row, name) != value for name, value in blank.items()):
            one = update(outbox).where(outbox.c.shop == shop, outbox.c.id == row.id)
            connection.execute(one.values(blank))
            changed += 1
    ids = [row.id for row in mine]
    if ids:
        tries = update(attempts).where(attempts.c.shop == shop, attempts.c.message.in_(ids))
        connection.execute(tries.where(attempts.c.why.is_not(None)).values(why=None))
    return Step(str(rows[-1].id) if len(rows) == PAGE else None, {"outbox": changed})


def _tells(row: Any, scope: Scope) -> bool:
    """True if a message to the seller is about a case of theirs, or names them."""
    told = msgspec.json.decode(row.values)
    if isinstance(told, dict) and told.get("case") in scope.cases:
        return True
    return any(word in f"{row.values} {row.text or ''}" for word in (*scope.words, *scope.names))


def _blank(row: Any, scope: Scope, digest: Digest) -> dict[str, Any]:
    return {
        "key": anonymous_key(row.key, (*scope.orders, *map(str, scope.cases)), digest),
        "buyer": scope.to if row.buyer in scope.buyers else row.buyer,
        "values": "{}",
        "buttons": None,
        "to": None,
        "unlike": None,
        "reason": _without_words(row.reason),
        "facts": dump(figures(msgspec.json.decode(row.facts))) if row.facts else None,
        "address": None,
        "text": "" if row.text is not None else None,
        "receipt": None,
    }


def _without_words(reason: str | None) -> str | None:
    if reason is None:
        return None
    why = _reasons.decode(reason)
    return dump(Reason(why.code, {name: figures(value) for name, value in why.values.items()}))


_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ][\d:.+Z-]+|\d\d:\d\d")
_KNOWN = ("state", "currency", "number", "channel", "template", "code")


def figures(value: Any, name: str = "") -> Any:
    """Numbers, times and states of what was known; no words."""
    match value:
        case dict():
            return {key: figures(each, key) for key, each in value.items() if key != "parcels"}
        case list():
            return [] if name == "ways" else [figures(each) for each in value]
        case str():
            return value if name in _KNOWN or _TIME.fullmatch(value) else ""
        case _:
            return value


def waiting(connection: Connection, shop: str, scope: Scope) -> int:
    """How many messages to them wait to be sent."""
    here = select(func.count()).where(
        outbox.c.shop == shop, in_state(outbox, "queued"), _theirs(connection, scope)
    )
    return connection.execute(here).scalar_one()


def in_hand(connection: Connection, shop: str, scope: Scope, now: datetime) -> bool:
    """True while a program sends a message to them, whose outcome would be written behind us."""
    here = select(outbox.c.id).where(
        outbox.c.shop == shop,
        in_state(outbox, "sending"),
        outbox.c.lease_until > now,
        or_(outbox.c.buyer == scope.to, _theirs(connection, scope)),
    )
    return connection.scalar(here.limit(1)) is not None


# The events


def events(
    connection: Connection, shop: str, scope: Scope, digest: Digest, after: int, now: datetime
) -> Step:
    """Take the person out of the bodies of events; those that wait and are no facts of orders are settled."""
    columns = (inbox.c.id, inbox.c.thread, inbox.c.body, inbox.c.state, inbox.c.error)
    here = select(*columns).where(inbox.c.shop == shop, inbox.c.id > after).order_by(inbox.c.id).limit(PAGE)
    rows = connection.execute(here).all()
    tokens = tokens_of(scope)
    mine = [row for row in rows if any(token in row.body or token in row.thread for token in tokens)]
    hidden = {row.id: _anonymous(row, scope, digest, now) for row in mine}
    late = {event.order: None for row in mine if (event := _late(connection, shop, row, scope))}
    for id, new in hidden.items():
        if new:
            one = update(inbox).where(inbox.c.shop == shop, inbox.c.id == id)
            connection.execute(one.values(new))
    ask(connection, shop, erasures.remember({digest.order(id): None for id in late}, now))
    changed = sum(1 for new in hidden.values() if new)
    return Step(str(rows[-1].id) if len(rows) == PAGE else None, {"inbox": changed})


def _late(connection: Connection, shop: str, row: Any, scope: Scope) -> OrderPlaced | None:
    """An order of theirs that waits to be handled, so that it is none of their orders yet."""
    if row.state != "open":
        return None
    try:
        event = load_event(row.body)
    except msgspec.DecodeError:
        return None
    if not isinstance(event, OrderPlaced) or not names_only(event, scope):
        return None
    known = select(orders.c.id).where(orders.c.shop == shop, orders.c.id == event.order)
    return event if connection.scalar(known) is None else None


def tokens_of(scope: Scope) -> tuple[str, ...]:
    """Texts of which one stands in every event of theirs, as JSON writes them."""
    named = {value for _, value in (*scope.identities, *scope.chats, *scope.addresses)}
    named |= {*scope.buyers, *(id.rpartition("@")[0] or id for id in scope.orders), *scope.words}
    cases = {f'"case":{number}' for number in scope.cases} | {f"case:{number}" for number in scope.cases}
    return tuple(sorted({dump(name)[1:-1] for name in named if name} | cases))


def _anonymous(row: Any, scope: Scope, digest: Digest, now: datetime) -> dict[str, Any] | None:
    """The new columns of an event of theirs; None for one of others."""
    try:
        event = load_event(row.body)
    except msgspec.DecodeError:
        return {"body": "{}", "error": "erased", "thread": f"event:erased:{row.id}"}
    if names_only(event, scope):
        bare = without_buyer(event, digest.event(event.external_id, row.id))
        return {"external_id": bare.external_id, "body": dump_event(bare).decode()}
    if not belongs(event, scope):
        return None
    hidden = anonymous_event(event, digest, row.id)
    new: dict[str, Any] = {
        "external_id": hidden.external_id,
        "thread": hidden.thread,
        "body": dump_event(hidden).decode(),
        "error": row.error.partition(":")[0] if row.error else None,
    }
    if row.state != "done" and not isinstance(event, OrderEvent):
        new |= {"state": "done", "rule": RULE, "handled_at": now}
    return new


def archived_fields(row: dict[str, Any]) -> dict[str, Any]:
    """A row of an archive file with its bytes as bytes."""
    if "headers" in row:
        row["body"] = base64.b64decode(row["body"])
    return row


def is_archived_of(row: dict[str, Any], table: str, scope: Scope) -> bool:
    """True if a row of an archive file is about this person."""
    match table:
        case "inbox":
            try:
                event = load_event(row["body"])
            except msgspec.DecodeError:
                return False
            return belongs(event, scope) or names_only(event, scope)
        case "outbox":
            mine = row["buyer"] in scope.buyers or row["order_id"] in scope.orders
            return mine or (row["buyer"] == SELLER and _tells(_Given(row), scope))
        case _:
            return names(row, scope)


def archived_row(row: dict[str, Any], table: str, scope: Scope, digest: Digest, now: datetime) -> bool:
    """Take the person out of a row of an archive file, in place; False if it is not theirs."""
    if not is_archived_of(row, table, scope):
        return False
    match table:
        case "inbox":
            new = _anonymous(_Given(row), scope, digest, now) or {}
            row.update({name: value for name, value in new.items() if name in row})
        case "outbox":
            row.update(_blank(_Given(row), scope, digest))
            for each in row.get("tries", ()):
                each["why"] = None
        case _:
            row.update(body=b"", headers="", error="")
    return True


class _Given:
    """The fields of a row of a file, as those of a row of a table."""

    def __init__(self, row: Mapping[str, Any]) -> None:
        self._row = row

    def __getattr__(self, name: str) -> Any:
        return self._row[name]


# What could not be read


def deliveries(
    connection: Connection, shop: str, scope: Scope, digest: Digest, after: int, now: datetime
) -> Step:
    """Empty deliveries that could not be read and have an address of theirs."""
    here = select(unreadable).where(unreadable.c.shop == shop, unreadable.c.id > after)
    rows = connection.execute(here.order_by(unreadable.c.id).limit(OVERSIZED)).all()
    mine = [row for row in rows if row.body and names(dict(row._mapping), scope)]
    for row in mine:
        one = update(unreadable).where(unreadable.c.shop == shop, unreadable.c.id == row.id)
        empty = {"headers": "", "body": b"", "error": "", "external_id": digest.of("id", row.external_id)}
        connection.execute(one.values(**empty, settled_at=row.settled_at or now))
    return Step(str(rows[-1].id) if len(rows) == OVERSIZED else None, {"unreadable": len(mine)})


def names(row: Mapping[str, Any], scope: Scope) -> bool:
    body = row["body"]
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body)
    found = f"{row['headers']}\n{text}\n{row['error']}"
    folded = found.casefold()
    return any(
        re.search(rf"(?<![^\W_]){re.escape(word.casefold())}(?![^\W_])", folded) for word in scope.words
    )


# Tables that are small, or know no buyer


def deadlines(
    connection: Connection, shop: str, scope: Scope, digest: Digest, after: str, now: datetime
) -> Step:
    """Delete our own deadlines about them."""
    here = select(wakes.c.key, wakes.c.about, wakes.c.order_id).where(
        wakes.c.shop == shop, wakes.c.key > after
    )
    rows = connection.execute(here.order_by(wakes.c.key).limit(PAGE)).all()
    about = {*scope.buyers, *scope.orders, *(f"case:{number}" for number in scope.cases)}
    mine = [
        row.key
        for row in rows
        if row.order_id in scope.orders or row.about in about or any(word in row.key for word in scope.words)
    ]
    if mine:
        _deleted(connection, wakes, shop, is_in(connection, wakes.c.key, mine))
    return Step(rows[-1].key if len(rows) == PAGE else None, {"wakes": len(mine)})


def said_by_them(
    connection: Connection, shop: str, scope: Scope, digest: Digest, after: int, now: datetime
) -> Step:
    """Take them out of the wishes of addresses that are others' too."""
    here = select(wishes.c.id, wishes.c.buyer, wishes.c.flag, wishes.c.event)
    rows = connection.execute(
        here.where(wishes.c.shop == shop, wishes.c.id > after).order_by(wishes.c.id).limit(PAGE)
    ).all()
    named = {value for _, value in (*scope.identities, *scope.chats, *scope.addresses)}
    mine = [row for row in rows if row.buyer in scope.buyers or _flag_of(row) in named]
    for row in mine:
        hidden = {
            "buyer": scope.to if row.buyer in scope.buyers else row.buyer,
            "flag": digest.of("id", row.flag) if _flag_of(row) in named else row.flag,
            "event": digest.of("id", row.event),
        }
        one = update(wishes).where(wishes.c.shop == shop, wishes.c.id == row.id)
        connection.execute(one.values(hidden))
    return Step(str(rows[-1].id) if len(rows) == PAGE else None, {"wishes": len(mine)})


def _flag_of(row: Any) -> str:
    """Whose record a flag is, as its platform names them."""
    return (row.flag or "").partition(":")[2]


def traces(
    connection: Connection, shop: str, scope: Scope, digest: Digest, after: int, now: datetime
) -> Step:
    """Take them out of the trail, and out of how far campaigns have come that are over."""
    here = select(trail.c.id, trail.c.about).where(
        trail.c.shop == shop, trail.c.id > after, trail.c.about.is_not(None)
    )
    rows = connection.execute(here.order_by(trail.c.id).limit(PAGE)).all()
    named = (*scope.buyers, *scope.words)
    mine = [row.id for row in rows if any(name in row.about for name in named)]
    if mine:
        those = update(trail).where(trail.c.shop == shop, trail.c.id.in_(mine))
        connection.execute(those.values(about=None))
    over = (campaigns.c.shop == shop, campaigns.c.done_at.is_not(None))
    at_them = is_in(connection, campaigns.c.cursor, ["\x1f".join(each) for each in scope.addresses])
    connection.execute(update(campaigns).where(*over, at_them).values(cursor=""))
    return Step(str(rows[-1].id) if len(rows) == PAGE else None, {"trail": len(mine)})


def archived(
    connection: Connection, shop: str, scope: Scope, digest: Digest, after: str, now: datetime
) -> Step:
    """Take them out of the keys that stay of archived messages about their orders."""
    changed = 0
    for order in scope.orders:
        one = (archived_messages.c.shop == shop, archived_messages.c.order_id == order)
        for key in connection.scalars(select(archived_messages.c.key).where(*one)).all():
            if (hidden := anonymous_key(key, scope.orders, digest)) != key:
                here = update(archived_messages).where(*one, archived_messages.c.key == key)
                connection.execute(here.values(key=hidden))
                changed += 1
    return Step(None, {"archived_messages": changed})


def rename_events(connection: Connection, shop: str, renamed: Mapping[tuple[str, str], str]) -> None:
    """Replace ids of archived events by their hashes: (channel, id) -> hash."""
    for (channel, before), after in renamed.items():
        one = (archived_events.c.shop == shop, archived_events.c.channel == channel)
        here = update(archived_events).where(*one, archived_events.c.external_id == before)
        connection.execute(here.values(external_id=after))


# In their order; the first was `records`.
STEPS: Mapping[str, Callable[..., Step]] = {
    "outbox": messages,
    "inbox": events,
    "unreadable": deliveries,
    "wakes": deadlines,
    "wishes": said_by_them,
    "trail": traces,
    "archived": archived,
}
FROM_TEXT = frozenset({"wakes", "archived"})  # steps whose cursor is a text, not a number


def run(
    connection: Connection,
    shop: str,
    step: str,
    scope: Scope,
    digest: Digest,
    cursor: str | None,
    now: datetime,
) -> Step:
    """One page of a step, in a writing transaction."""
    after: Any = cursor or ""
    if step not in FROM_TEXT:
        after = int(cursor or 0)
    return STEPS[step](connection, shop, scope, digest, after, now)
