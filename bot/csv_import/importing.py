"""Import a seller's CSV file: examine all of it first, then store it in one transaction, or not at all."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
from sqlalchemy import Connection

from bot.csv_import import buyers as csv_buyers
from bot.csv_import import orders as csv_orders
from bot.csv_import import products as csv_products
from bot.csv_import.columns import BUYERS, ORDERS, PRODUCTS, Column
from bot.csv_import.faults import BadLine, Note, shown
from bot.csv_import.file import CsvLine, Header, as_text, read_header, read_lines
from bot.csv_import.rows import ImportContext, ImportedRecord
from storage import inbox, order_records
from storage.inbox import InboxEvent, inbox_event

CHANNEL = "import"
BATCH = 1000  # events a statement
_ORDER = "order:"  # before the id, in the thread of its events
RECENT = timedelta(days=21)  # buyers of orders with events since then may still get messages

Reader = Callable[[Iterable[CsvLine | BadLine], ImportContext], Iterator[ImportedRecord]]


class Kind(msgspec.Struct, frozen=True):
    """A kind of file: its columns, and how its lines become records."""

    name: str
    columns: tuple[Column, ...]
    read: Reader


KINDS = {
    kind.name: kind
    for kind in (
        Kind("buyers", BUYERS, csv_buyers.buyers),
        Kind("orders", ORDERS, csv_orders.orders),
        Kind("products", PRODUCTS, csv_products.products),
    )
}


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """Counts of a file. `entries`: buyers, orders or products that can be imported; `bad`: faults."""

    notes: tuple[Note, ...] = ()
    lines: int = 0
    entries: int = 0
    events: int = 0
    recent: int = 0
    bad: int = 0
    bad_lines: int = 0


class Staging:
    """Good events and the keys seen, on disk, so that a long file takes no memory."""

    def __init__(self) -> None:
        self._disk = sqlite3.connect("")  # a file without a name, gone when it is closed
        self._disk.executescript(
            "PRAGMA journal_mode = OFF;"
            "CREATE TABLE events (external_id TEXT, thread TEXT, type TEXT, body BLOB);"
            "CREATE TABLE seen (key TEXT PRIMARY KEY, line INTEGER) WITHOUT ROWID;"
        )

    def first_line(self, key: str, line: int) -> int:
        """The line of this key's first occurrence: `line`, if it is new."""
        self._disk.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (key, line))
        found: tuple[int] = self._disk.execute("SELECT line FROM seen WHERE key = ?", (key,)).fetchone()
        return found[0]

    def put(self, arrivals: Iterable[InboxEvent]) -> None:
        rows = [(each.external_id, each.thread, each.type, each.body) for each in arrivals]
        self._disk.executemany("INSERT INTO events VALUES (?, ?, ?, ?)", rows)

    def batches(self, shop: str, channel: str, now: datetime) -> Iterator[list[InboxEvent]]:
        cursor = self._disk.execute("SELECT external_id, thread, type, body FROM events ORDER BY rowid")
        while rows := cursor.fetchmany(BATCH):
            yield [
                InboxEvent(
                    shop=shop,
                    channel=channel,
                    external_id=external_id,
                    thread=thread,
                    type=type_name,
                    body=body,
                    received_at=now,
                )
                for external_id, thread, type_name, body in rows
            ]

    def close(self) -> None:
        self._disk.close()


def examine(
    path: Path,
    kind: Kind,
    shop: str,
    context: ImportContext,
    staging: Staging,
    on_bad: Callable[[BadLine], None],
    on_progress: Callable[[int], None] = lambda position: None,
) -> Found:
    """Read the whole file: good events go to `staging`, faults to `on_bad`."""
    head = read_header(path, kind.columns)
    faults = [*head.faults, *_no_payment_column(kind, head)]
    for fault in faults:
        on_bad(fault)
    if faults:
        return Found(notes=head.notes, bad=len(faults), bad_lines=len({fault.line for fault in faults}))
    lines = entries = events = recent = bad = bad_lines = 0
    with path.open("rb") as file, as_text(file, head.encoding) as text:
        for entry in kind.read(read_lines(text, head), context):
            lines += entry.lines
            faults = list(_repeated(entry, kind, staging)) or list(entry.bad)
            for fault in faults:
                on_bad(fault)
            bad += len(faults)
            bad_lines += entry.lines if faults else 0
            if not faults:
                staging.put(inbox_event(shop, event, context.now) for event in entry.events)
                entries += 1
                events += len(entry.events)
                recent += any(event.at > context.now - RECENT for event in entry.events)
            on_progress(file.tell())
    return Found(
        notes=head.notes,
        lines=lines,
        entries=entries,
        events=events,
        recent=recent,
        bad=bad,
        bad_lines=bad_lines,
    )


def known_elsewhere(
    connection: Connection, shop: str, context: ImportContext, staging: Staging
) -> tuple[str, str] | None:
    """An order of the file that another channel has placed, with that channel: the file's would be a second
    order of that id, with messages of its own."""
    for arrivals in staging.batches(shop, context.channel, context.now):
        ids = {each.thread.removeprefix(_ORDER) for each in arrivals if each.thread.startswith(_ORDER)}
        for id, channel in sorted(order_records.channels_of(connection, shop, ids).items()):
            if channel != context.channel:
                return id, channel
    return None


def take_in(
    connection: Connection,
    shop: str,
    context: ImportContext,
    staging: Staging,
    on_progress: Callable[[int], None] = lambda events: None,
) -> int:
    """Store all staged events in the inbox, in this transaction; returns how many are new."""
    done = new = 0
    for arrivals in staging.batches(shop, context.channel, context.now):
        known = inbox.known(connection, shop, context.channel, [each.external_id for each in arrivals])
        unknown = [each for each in arrivals if each.external_id not in known]
        inbox.add(connection, unknown)
        new += len(unknown)
        done += len(arrivals)
        on_progress(done)
    return new


def _no_payment_column(kind: Kind, head: Header) -> Iterator[BadLine]:
    """Orders without any column of payment would seem unpaid, and their buyers be reminded."""
    if kind.name == "orders" and head.columns and not {"state", "paid_at"} & set(head.columns):
        yield BadLine(head.line, "state", "no_payment_column")


def _repeated(entry: ImportedRecord, kind: Kind, staging: Staging) -> Iterator[BadLine]:
    if entry.key and (first := staging.first_line(entry.key, entry.line)) != entry.line:
        column = kind.columns[0].name
        yield BadLine(entry.line, column, "repeated", {"given": shown(entry.key), "first": first})
