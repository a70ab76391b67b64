"""The table of quotes: what was agreed with buyers, and where their bargains stand."""

from collections.abc import Collection, Iterable
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from bot.domain.quotes import FIRST, MOST_SHOWN, Quote
from storage.asking import Asking, Query, Row, changed
from storage.bulk import upsert
from storage.tables import quotes

Place = tuple[str, str]  # channel and address

_quotes = msgspec.json.Decoder(Quote)


class _QuoteRow(Row, frozen=True):
    number: int
    record: str | None


_NEWEST = """
    SELECT shop, number, record FROM (
        SELECT quotes.shop, quotes.number, quotes.record, row_number() OVER (
            PARTITION BY quotes.shop, %s ORDER BY quotes.number DESC
        ) AS place
        FROM {%s} CROSS JOIN quotes WHERE quotes.shop = %s.shop AND %s
    ) AS found
    WHERE place <= :at_most
    """
_IN_CHATS = _NEWEST % (
    "quotes.channel, quotes.address",
    "given",
    "given",
    "quotes.channel = given.channel AND quotes.address = given.address",
)
_OF_BUYERS = _NEWEST % ("quotes.buyer", "buyers", "buyers", "quotes.buyer = buyers.buyer")
_LAST = """
    SELECT counted.shop, coalesce((SELECT max(number) FROM quotes WHERE shop = counted.shop), 0), NULL
    FROM {counted}
    """
_OF = Query(
    _QuoteRow,
    f"{_IN_CHATS} UNION ALL {_OF_BUYERS} UNION ALL {_LAST}",
    given="channel, address",
    buyers="buyer",
    counted="",
)


def of(
    chats: Collection[Place], buyers: Collection[str], at_least: int = FIRST
) -> Asking[tuple[dict[int, Quote], int]]:
    """The newest quotes of these chats and of these buyers, by number; and the number of the next one."""
    counted = [()] if chats or buyers else []
    rows = yield from _OF.of(chats, buyers=buyers, counted=counted, at_most=MOST_SHOWN)
    found = {row.number: _quotes.decode(row.record) for row in rows if row.record is not None}
    return found, max((at_least, *(row.number + 1 for row in rows)))


def by_buyer(connection: Connection, shop: str, after: str, at_most: int = 200) -> list[Quote]:
    """All quotes of the next buyers, in the order of their ids."""
    here = quotes.c.shop == shop, quotes.c.buyer > after
    buyers = select(quotes.c.buyer).where(*here).distinct().order_by(quotes.c.buyer).limit(at_most)
    those = list(connection.scalars(buyers))
    if not those:
        return []
    rows = select(quotes.c.record).where(
        quotes.c.shop == shop, quotes.c.buyer > after, quotes.c.buyer <= those[-1]
    )
    in_order = rows.order_by(quotes.c.buyer, quotes.c.number)
    return [_quotes.decode(record) for record in connection.scalars(in_order)]


def save(those: Iterable[Quote]) -> Asking[None]:
    """Insert or replace quotes."""
    yield from changed(upsert, quotes, map(_row, those))


def _row(quote: Quote) -> dict[str, Any]:
    return {
        "number": quote.number,
        "channel": quote.channel,
        "address": quote.address,
        "buyer": quote.buyer,
        "sku": quote.goods.sku,
        "quantity": quote.quantity,
        "currency": quote.price.currency,
        "price_minor": quote.price.minor,
        "postage_free": quote.postage_free,
        "state": quote.state,
        "opened_at": quote.opened_at,
        "valid_until": quote.valid_until,
        "order_id": quote.order,
        "record": msgspec.json.encode(quote).decode(),
    }
