"""All that is stored about one buyer, row by row, for whoever asks what is known of them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Table, and_, false, or_, select

from bot.domain.erasing import Scope, belongs, names_only
from bot.domain.events import load_event
from storage import erasing, transfer_records
from storage.outbox import SELLER
from storage.sql_in import is_in
from storage.tables import (
    attempts,
    buyers,
    campaign_codes,
    campaign_members,
    case_words,
    cases,
    conversations,
    details,
    figures,
    identities,
    inbox,
    notes,
    openings,
    orders,
    outbox,
    promises,
    quotes,
    stock_wishes,
    tiers,
    transfers,
    unreadable,
    used_links,
    wakes,
    wishes,
    wrong_tries,
)

PAGE = 500
OVERSIZED = 20
JSON = ("record", "values", "buttons", "facts", "reason", "details", "talk", "body", "answered", "told_at")

Row = dict[str, Any]
Page = tuple[
    list[Row], int | None
]  # rows of theirs, and the id up to which the table was read; None: its end


def of_buyer(connection: Connection, shop: str, scope: Scope) -> dict[str, list[Row]]:
    """The rows of all tables that are looked up by buyer, order or chat, in the order of their keys."""
    found: dict[str, list[Row]] = {}
    for table, where in _wanted(connection, scope).items():
        keys = [column for column in table.primary_key if column.name != "shop"]
        rows = connection.execute(select(table).where(table.c.shop == shop, where).order_by(*keys))
        found[table.name] = [shown(row._mapping) for row in rows]
    said = {row["id"]: row for row in found["outbox"]}
    tries = select(attempts).where(attempts.c.shop == shop, attempts.c.message.in_(list(said)))
    found["attempts"] = [shown(row._mapping) for row in connection.execute(tries)] if said else []
    return found


def _wanted(connection: Connection, scope: Scope) -> Mapping[Table, ColumnElement[bool]]:
    def of(column: Any, values: Sequence[str]) -> ColumnElement[bool]:
        return is_in(connection, column, values)

    def at(kind: Any, value: Any, places: Sequence[tuple[str, str]]) -> ColumnElement[bool]:
        return or_(*(and_(kind == channel, value == address) for channel, address in places), _NEVER)

    def proofs(table: Table) -> ColumnElement[bool]:
        """What their own chats opened or tried; a stranger who tried at an order of theirs has a name too."""
        return at(table.c.channel, table.c.address, scope.chats)

    return {
        buyers: of(buyers.c.id, scope.buyers),
        identities: of(identities.c.buyer, scope.buyers),
        conversations: of(conversations.c.buyer, scope.buyers),
        notes: of(notes.c.buyer, scope.buyers),
        details: of(details.c.buyer, scope.buyers),
        wishes: or_(at(wishes.c.kind, wishes.c.value, scope.addresses), of(wishes.c.buyer, scope.buyers)),
        orders: of(orders.c.id, scope.orders),
        promises: of(
            promises.c.about,
            [*(f"order:{id}" for id in scope.orders), *(f"case:{number}" for number in scope.cases)],
        ),
        quotes: or_(of(quotes.c.buyer, scope.buyers), at(quotes.c.channel, quotes.c.address, scope.chats)),
        stock_wishes: at(stock_wishes.c.channel, stock_wishes.c.address, scope.chats),
        openings: proofs(openings),
        used_links: proofs(used_links),
        wrong_tries: proofs(wrong_tries),
        wakes: of(wakes.c.order_id, scope.orders),
        figures: of(figures.c.buyer, scope.buyers),
        tiers: of(tiers.c.buyer, scope.buyers),
        campaign_members: of(campaign_members.c.buyer, scope.buyers),
        campaign_codes: of(campaign_codes.c.buyer, scope.buyers),
        transfers: transfer_records.about(scope.orders, scope.cases),
        cases: cases.c.number.in_(scope.cases),
        case_words: case_words.c.number.in_(scope.cases),
        outbox: or_(
            of(outbox.c.buyer, scope.buyers),
            and_(of(outbox.c.order_id, scope.orders), outbox.c.buyer != SELLER),
        ),
    }


_NEVER = false()  # so that a list without a place is no condition on everything


def events(connection: Connection, shop: str, scope: Scope, after: int) -> Page:
    """The next events that are about them."""
    here = select(inbox).where(inbox.c.shop == shop, inbox.c.id > after).order_by(inbox.c.id).limit(PAGE)
    rows = connection.execute(here).all()
    tokens = erasing.tokens_of(scope)
    near = [row for row in rows if any(token in row.body or token in row.thread for token in tokens)]
    mine = [shown(row._mapping) for row in near if is_theirs(row.body, scope)]
    return mine, rows[-1].id if len(rows) == PAGE else None


def deliveries(connection: Connection, shop: str, scope: Scope, after: int) -> Page:
    """The next deliveries that could not be read and name an address of theirs."""
    here = select(unreadable).where(unreadable.c.shop == shop, unreadable.c.id > after)
    rows = connection.execute(here.order_by(unreadable.c.id).limit(OVERSIZED)).all()
    mine = [shown(row._mapping) for row in rows if erasing.names(dict(row._mapping), scope)]
    return mine, rows[-1].id if len(rows) == OVERSIZED else None


def is_theirs(body: str, scope: Scope) -> bool:
    try:
        event = load_event(body)
    except msgspec.DecodeError:
        return False
    return belongs(event, scope) or names_only(event, scope)


def shown(row: Mapping[Any, Any]) -> Row:
    """A row as it is exported: what is stored as JSON laid open, and without what is not theirs to know."""
    return {
        name: _laid_open(name, value) for name, value in row.items() if value is not None and name != "shop"
    }


def _laid_open(name: str, value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if name in JSON and isinstance(value, str):
        try:
            return msgspec.json.decode(value)
        except msgspec.DecodeError:
            return value
    return value


Pages = Callable[..., Page]


def pages(
    read: Callable[[Callable[[Connection], Page]], Page], of: Pages, shop: str, scope: Scope
) -> Iterator[Row]:
    """All rows of a table that is gone through, a page in each transaction."""
    after: int | None = 0
    while after is not None:
        rows, after = read(partial(of, shop=shop, scope=scope, after=after))
        yield from rows
