"""The tables of wishes for what is sold out, and of items that are back and of which buyers are yet told."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, delete, func, select, text

from bot.domain.stock_wishes import StockWish
from storage.asking import Asking, Query, Row, changed
from storage.bulk import insert_or_change, update_rows, upsert
from storage.inbox import skipping
from storage.tables import Utc, restocks, stock_wishes

WishKey = tuple[str, str, str]  # sku, channel, address


class Restock(msgspec.Struct, frozen=True):
    """An item of which buyers are told at `at`. room: how many yet in this turn; None until it begins."""

    shop: str
    sku: str
    at: datetime
    room: int | None


class _Waited(Row, frozen=True):
    sku: str


class _Wish(Row, frozen=True):
    sku: str
    channel: str
    address: str
    title: str
    asked_at: datetime
    lapses_at: datetime
    told_at: datetime | None
    tries: int


_FIELDS = StockWish.__struct_fields__
_OF = Query(
    _Wish,
    """
    SELECT stock_wishes.shop, stock_wishes.sku, stock_wishes.channel, stock_wishes.address,
        stock_wishes.title, stock_wishes.asked_at, stock_wishes.lapses_at, stock_wishes.told_at,
        stock_wishes.tries
    FROM {given} CROSS JOIN stock_wishes
    WHERE stock_wishes.shop = given.shop AND stock_wishes.sku = given.sku
        AND stock_wishes.channel = given.channel AND stock_wishes.address = given.address
    """,
    given="sku, channel, address",
)
_WAITED_FOR = Query(
    _Waited,
    """
    SELECT given.shop, given.sku FROM {given}
    WHERE EXISTS (
        SELECT 1 FROM stock_wishes
        WHERE stock_wishes.shop = given.shop AND stock_wishes.sku = given.sku AND stock_wishes.told_at IS NULL
    )
    """,
    given="sku",
)


def of(keys: Collection[WishKey]) -> Asking[dict[WishKey, StockWish]]:
    rows = yield from _OF.of(keys)
    found = (StockWish(**{name: getattr(row, name) for name in _FIELDS}) for row in rows)
    return {(each.sku, each.channel, each.address): each for each in found}


def save(wishes: Iterable[StockWish]) -> Asking[None]:
    """Insert wishes; one for the same item in the same chat is begun anew."""
    yield from changed(upsert, stock_wishes, map(msgspec.structs.asdict, wishes))


def end(keys: Iterable[WishKey], at: datetime) -> Asking[None]:
    """Let wishes lapse at `at`."""
    yield from changed(update_rows, stock_wishes, [{**_named(key), "lapses_at": at} for key in keys])


def waited_for(skus: Collection[str]) -> Asking[set[str]]:
    """Those of these items that somebody may be told of."""
    rows = yield from _WAITED_FOR.of(skus)
    return {row.sku for row in rows}


def restock(skus: Iterable[str], at: datetime) -> Asking[None]:
    """Let buyers be told of these items, or a new turn begin where they are being told."""
    rows = [{"sku": sku, "at": at, "room": None} for sku in sorted(skus)]
    yield from changed(insert_or_change, restocks, rows, columns=("at", "room"))


def due_restocks(connection: Connection, now: datetime, limit: int) -> list[Restock]:
    """The items of all shops of which buyers are to be told, locked, the earliest first."""
    statement = select(restocks).where(restocks.c.at <= now).order_by(restocks.c.at).limit(limit)
    rows = connection.execute(statement.with_for_update(skip_locked=True)).all()  # those of another program
    return [Restock(row.shop, row.sku, row.at, row.room) for row in rows]


def next_restock(connection: Connection) -> datetime | None:
    found: datetime | None = connection.scalar(select(func.min(restocks.c.at)))
    return found


def put_off(connection: Connection, item: Restock, at: datetime, room: int | None) -> None:
    """Go on with an item at `at`."""
    row = {"shop": item.shop, "sku": item.sku, "at": at, "room": room}
    update_rows(connection, restocks, [row])


def end_restock(connection: Connection, item: Restock) -> None:
    connection.execute(delete(restocks).where(restocks.c.shop == item.shop, restocks.c.sku == item.sku))


def longest_waiting(
    connection: Connection, shop: str, sku: str, now: datetime, limit: int
) -> list[StockWish]:
    """The wishes for an item that were not told yet and have not lapsed, the oldest first."""
    here = stock_wishes.c
    statement = (
        select(stock_wishes)
        .where(here.shop == shop, here.sku == sku, here.told_at.is_(None), here.lapses_at > now)
        .order_by(here.asked_at)
        .limit(limit)
    )
    rows: Sequence[Any] = connection.execute(statement).all()
    return [StockWish(**{name: getattr(row, name) for name in _FIELDS}) for row in rows]


def mark_told(connection: Connection, shop: str, wishes: Iterable[StockWish], now: datetime) -> None:
    """Mark wishes, those that were not asked anew meanwhile."""
    rows = [
        {
            "shop": shop,
            **_named((each.sku, each.channel, each.address)),
            "asked_at": each.asked_at,
            "told_at": now,
        }
        for each in wishes
    ]
    update_rows(connection, stock_wishes, rows, where="stock_wishes.asked_at = {asked_at}")


def reopen(connection: Connection, shop: str, wishes: Iterable[StockWish]) -> None:
    """Let wishes be told another time, whose message went to nobody; as they were when it was judged."""
    rows = [
        {
            "shop": shop,
            **_named((each.sku, each.channel, each.address)),
            "asked_at": each.asked_at,
            "tries": each.tries + 1,
            "told_at": None,
        }
        for each in wishes
    ]
    unchanged = "stock_wishes.asked_at = {asked_at} AND stock_wishes.tries = {tries} - 1"
    update_rows(connection, stock_wishes, rows, where=unchanged)


def shops_with_lapsed(connection: Connection, before: datetime) -> set[str]:
    """The shops with wishes that lapsed before then."""
    found = f"{skipping('stock_wishes', 'lapses_at < :before')} SELECT shop FROM found WHERE shop IS NOT NULL"
    asked = text(found).bindparams(bindparam("before", before, Utc))
    return set(connection.scalars(asked))


def forget(connection: Connection, shop: str, before: datetime, limit: int) -> int:
    """Delete up to `limit` wishes that lapsed before `before`; returns how many."""
    here = stock_wishes.c
    lapsed = (
        select(here.sku, here.channel, here.address)
        .where(here.shop == shop, here.lapses_at < before)
        .order_by(here.lapses_at)
        .limit(limit)
    )
    rows = connection.execute(lapsed).all()
    for sku, channel, address in rows:
        connection.execute(
            delete(stock_wishes).where(
                here.shop == shop, here.sku == sku, here.channel == channel, here.address == address
            )
        )
    return len(rows)


def _named(key: WishKey) -> dict[str, Any]:
    return dict(zip(("sku", "channel", "address"), key, strict=True))
