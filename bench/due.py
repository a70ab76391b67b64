"""A hundred thousand reminders that are due: one order as the program wrote it down, so many times over.

Each order is another buyer's, placed 25 minutes ago and unpaid; its first reminder fell due five minutes
ago, two more and its closing wait. Nothing is left out that the program would look at.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Table, select

from bench.contenders import Contender
from bench.deliveries import placed
from bench.load import drive
from bench.program import AGO
from bench.receiver import Receiver, receiving
from bench.records import Records
from bench.servers import prepare, standing
from storage import instance
from storage.bulk import insert_new
from storage.database import Database, take_ids
from storage.tables import buyers, inbox, metadata, outbox

FIRST = 7_000_000  # order number of the pattern; nothing else in its rows reads like that
PAGE = 2_000  # orders written at once
IDS = {"id", "event"}  # columns that hold an id out of the program's own count
ONCE = {"counter", "templates"}  # tables that do not grow with orders

Rows = dict[Table, list[dict[str, Any]]]


async def fill(contender: Contender, url: str, count: int) -> None:
    """Give an empty store of ours this many unpaid orders whose reminder is due."""
    prepare(url)
    await _place_one(contender, url)
    database = Database(url)
    try:
        pattern = await database.read(_rows)
        pages = _pages(range(FIRST + 1, FIRST + count), PAGE)
        for page in pages:
            database.write_now(partial(_write, pattern=pattern, numbers=page))
        # As if it had never been served: a copy of what was served would be held until somebody looks.
        nowhere = instance.Instance(instance.NO_LOCATION, 0)
        database.write_now(lambda connection: instance.save(connection, nowhere))
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


def _write(connection: Connection, pattern: Rows, numbers: Sequence[int]) -> None:
    """The pattern with other numbers: ids are fresh, and what says the order's number says another."""
    (buyer,) = (row["id"] for row in pattern[buyers])
    olds = [row["id"] for table in (inbox, outbox) for row in pattern[table]]
    fresh = iter(take_ids(connection, len(olds) * len(numbers)))
    ids = [dict(zip(olds, fresh, strict=False)) for _ in numbers]
    for table, rows in pattern.items():
        insert_new(
            connection,
            table,
            [another for row in rows for another in others(row, buyer, dict(zip(numbers, ids, strict=True)))],
        )


def others(row: dict[str, Any], buyer: str, ids: dict[int, dict[int, int]]) -> Iterator[dict[str, Any]]:
    """This row of the pattern, for each number."""
    said = {name: text for name, text in row.items() if isinstance(text, str) and _names(text, buyer)}
    counted = {name: row[name] for name in IDS & row.keys() if type(row[name]) is int}
    for number, fresh in ids.items():
        words = {
            name: text.replace(str(FIRST), str(number)).replace(buyer, f"{number:020x}")
            for name, text in said.items()
        }
        yield {**row, **words, **{name: fresh[old] for name, old in counted.items()}}


def _names(text: str, buyer: str) -> bool:
    return str(FIRST) in text or buyer in text


def _pages(numbers: range, size: int) -> Iterator[list[int]]:
    rest = iter(numbers)
    while page := list(islice(rest, size)):
        yield page
