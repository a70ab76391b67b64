"""Stores of ours full of reminders: one order as the program wrote it down, so many times over.

Each order is another buyer's, placed 25 minutes ago and unpaid; its first reminder fell due five minutes
ago, two more and its closing wait. Nothing is left out that the program would look at.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from typing import Any

import msgspec
from sqlalchemy import Connection, Table, select, update

from bench.contenders import Contender
from bench.deliveries import placed
from bench.load import drive
from bench.program import AGO, names
from bench.receiver import Receiver, receiving
from bench.records import Records
from bench.servers import prepare, standing
from storage import instance
from storage.bulk import insert_new
from storage.database import Database, take_ids
from storage.tables import buyers, in_state, inbox, metadata, outbox

FIRST = 7_000_000  # order number of the pattern; nothing else in its rows reads like that
PAGE = 2_000  # orders written at once, where it does not matter
IDS = {"id", "event"}  # columns that hold an id out of the program's own count
ONCE = {"counter", "life"}  # tables that do not grow, neither with orders nor with shops
ONCE_A_SHOP = {"campaigns", "templates"}

Rows = dict[Table, list[dict[str, Any]]]
Place = tuple[str, int]  # a shop, and the number of an order of it


class Full(msgspec.Struct, frozen=True):
    """A store with so many orders, in turns in so many shops."""

    url: str
    pattern: Rows
    orders: int
    shops: int

    def open_events(self, url: str) -> None:
        """Let as many further orders wait in a copy of it to be reacted to, all at once."""
        event = {"state": "open", "rule": None, "handled_at": None}
        fresh = {inbox: [{**row, **event} for row in self.pattern[inbox]]}
        _multiply(url, fresh, _places(self.orders, self.orders, self.shops), page=self.orders)


async def fill(contender: Contender, url: str, orders: int, shops: int = 1) -> Full:
    """Fill an empty store of ours."""
    prepare(url)
    await _place_one(contender, url)
    database = Database(url)
    try:
        pattern = await database.read(_rows)
        # As if it had never been served: a copy of what was served would be held until somebody looks.
        nowhere = instance.Instance(instance.NO_LOCATION, 0)
        database.write_now(lambda connection: instance.save(connection, nowhere))
    finally:
        database.close()
    growing = {table: rows for table, rows in pattern.items() if table.name not in ONCE_A_SHOP}
    once = {table: rows for table, rows in pattern.items() if table.name in ONCE_A_SHOP}
    _multiply(url, once, ((shop, FIRST) for shop in names(shops)[1:]))
    _multiply(url, growing, islice(_places(0, orders, shops), 1, None))
    with Records(url) as records:
        await records.analyse()
    return Full(url, growing, orders, shops)


def move_due(url: str, by: timedelta) -> None:
    """Let the first reminders be due then, from now on."""
    first = (in_state(outbox, "queued"), outbox.c.key.like("payment_reminder:%:1"))
    at = datetime.now(UTC) + by
    database = Database(url)
    try:
        statement = update(outbox).where(*first).values(due_at=at, try_at=at)
        database.write_now(lambda connection: connection.execute(statement))
    finally:
        database.close()


async def _place_one(contender: Contender, url: str) -> None:
    """By the real program, whose clock stands where it stood then; its buyer has got the confirmation."""
    receiver = Receiver()
    async with receiving(receiver) as address:
        with standing(contender, "then", url, address) as server, Records(url) as records:
            await drive(server, placed([FIRST], datetime.now(UTC) - AGO), 1)
            await receiver.until(1)
            await records.all_recorded()


def _rows(connection: Connection) -> Rows:
    found = {
        table: [dict(row) for row in connection.execute(select(table)).mappings()]
        for table in metadata.sorted_tables
        if table.name not in ONCE
    }
    return {table: rows for table, rows in found.items() if rows}


def _places(first: int, count: int, shops: int) -> Iterator[Place]:
    called = names(shops)
    return ((called[number % shops], FIRST + number) for number in range(first, first + count))


def _multiply(url: str, pattern: Rows, places: Iterator[Place], page: int = PAGE) -> None:
    database = Database(url)
    try:
        while some := list(islice(places, page)):
            database.write_now(partial(_write, pattern=pattern, places=some))
    finally:
        database.close()


def _write(connection: Connection, pattern: Rows, places: Sequence[Place]) -> None:
    """The pattern in other places: ids are fresh, and what says the order's number says another."""
    buyer = next((row["id"] for row in pattern.get(buyers, ())), None)
    olds = [row["id"] for table in (inbox, outbox) for row in pattern.get(table, ())]
    fresh = iter(take_ids(connection, len(olds) * len(places))) if olds else iter(())
    ids = {place: dict(zip(olds, fresh, strict=False)) for place in places}
    for table, rows in pattern.items():
        insert_new(connection, table, [another for row in rows for another in others(row, buyer, ids)])


def others(
    row: dict[str, Any], buyer: str | None, ids: Mapping[Place, Mapping[int, int]]
) -> Iterator[dict[str, Any]]:
    """This row of the pattern, for each place."""
    said = {name: text for name, text in row.items() if isinstance(text, str) and _names(text, buyer)}
    counted = {name: row[name] for name in IDS & row.keys() if type(row[name]) is int}
    for (shop, number), fresh in ids.items():
        words = {name: _renamed(text, buyer, number) for name, text in said.items()}
        if "shop" in row:
            words["shop"] = shop
        yield {**row, **words, **{name: fresh[old] for name, old in counted.items()}}


def _names(text: str, buyer: str | None) -> bool:
    return str(FIRST) in text or (buyer is not None and buyer in text)


def _renamed(text: str, buyer: str | None, number: int) -> str:
    text = text.replace(str(FIRST), str(number))
    return text.replace(buyer, f"{number:020x}") if buyer else text
