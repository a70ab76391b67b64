"""Databases as they are after a long time: messages that wait and finished rows, in straight SQL."""

import os
import sqlite3
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec
import psycopg
from sqlalchemy import make_url

from bot.domain.events import BuyerRef, OrderPlaced
from bot.domain.money import Money
from bot.domain.orders import Order
from bot.texts.catalogue import Catalogue
from storage import outbox, schema
from storage.asking import ask
from storage.database import Database

SHOP = "shop"
WAITING = (  # of an order: key, template, category, lateness, seconds until it is due
    ("payment_reminder:@@:2", "payment_reminder", "payment", 43_200, 10_800),
    ("payment_reminder:@@:3", "payment_reminder", "payment", 43_200, 253_800),
    ("second_contact:@@:1", "second_contact", "service", 172_800, 172_800),
    ("reassurance:@@:1", "reassurance", "service", 172_800, 86_400),
)
SAID, TOLD = 6, 4  # finished messages and events of an order
CHUNK = 50_000  # orders in one statement
LONG_AGO = 10**11  # ids of finished rows
STEP_ONE = 10**12  # ids of the reminders that fall due while we measure
AFTER_PLACING = timedelta(minutes=20)
FACTS = {
    "at": "2026-01-01T00:00:00+00:00",
    "local_time": "12:00",
    "timezone": "Asia/Shanghai",
    "order": {"number": "@@", "state": "unpaid", "paid_at": None, "cancelled_at": None, "refunded_minor": 0},
    "stopped": False,
    "ways": ["webhook"],
    "sent_in_day": 0,
    "per_day": 6,
    "quiet_hours": ["22:00", "08:00"],
}
SENT = "安娜，您好！您在青花小铺的订单 @@ 已收到，共 128.00 元，请在三天内付款；付款后两天内发货。" * 2

Progress = Callable[[int], None]


class FilledShop:
    """A shop's database that is filled, as of `now`. orders: with waiting messages; old: finished ones."""

    def __init__(self, url: str, now: datetime) -> None:
        self.url = url
        self.placed_at = now.replace(microsecond=0) - timedelta(minutes=25)
        self.orders = self.old = 0
        database = Database(url)
        schema.migrate(database.engine)
        texts = Catalogue()
        names = {template for _, template, *_ in WAITING}
        versions = {name: texts.resolve(name, "zh-CN") for name in names}
        database.write_now(lambda link: ask(link, SHOP, outbox.keep_versions(versions.values())))
        database.close()
        self._versions = {name: version.id for name, version in versions.items()}
        self._link: Any = _connect(url)
        self._postgres = isinstance(self._link, psycopg.Connection)
        self._number_from(2 * STEP_ONE)

    def wait_for(self, messages: int, done: Progress) -> None:
        """So many messages wait, at the end."""
        wanted = messages // len(WAITING)
        while self.orders < wanted:
            first, last = self.orders + 1, min(wanted, self.orders + CHUNK)
            for statement in self._customers(first, last):
                self._link.execute(statement)
            self.orders = last
            done(last * len(WAITING))
        self._settle()

    def grow_old(self, rows: int, done: Progress) -> None:
        """So many rows are finished, at the end."""
        wanted = rows // (SAID + TOLD)
        while self.old < wanted:
            first, last = self.old + 1, min(wanted, self.old + CHUNK)
            for statement in self._history(first, last):
                self._link.execute(statement)
            self.old = last
            done(last * (SAID + TOLD))
        self._settle()

    def fall_due(self, count: int) -> None:
        """First reminders of so many orders are due now."""
        self._link.execute(self.due_now(count))

    def due_now(self, count: int) -> str:
        """The same as a statement. The orders lie here and there in the table."""
        stride = max(1, self.orders // count)
        which = f"((n * {stride}) % {self.orders}) + 1"
        return self._rows(
            1,
            count,
            "outbox",
            id=f"{STEP_ONE} + n",
            key=f"'payment_reminder:' || {_text('o@@', which)} || ':1'",
            buyer=_text("b@@", which),
            order_id=_text("o@@", which),
            values="""'{"step":1,"steps":3,"last":false}'""",
            due_at=self._at(1200),
            try_at=self._at(1200),
            **self._waiting("payment_reminder", "payment", 43_200),
        )

    def forget_due(self) -> None:
        """So that they can fall due once more."""
        self._link.execute(
            f"DELETE FROM outbox WHERE shop = '{SHOP}' AND id BETWEEN {STEP_ONE} AND {STEP_ONE + 10**9}"
        )

    def close(self) -> None:
        self._link.close()

    def _customers(self, first: int, last: int) -> list[str]:
        buyer, order, at = _text("b@@"), _text("o@@"), self._at(0)
        waiting = [
            self._rows(
                first,
                last,
                "outbox",
                id=f"n * {len(WAITING)} + {place}",
                key=_text(key.replace("@@", "o@@")),
                buyer=buyer,
                order_id=order,
                values="""'{"step":2}'""",
                due_at=self._at(due),
                try_at=self._at(due, "n * 7919 % 5184000"),
                **self._waiting(template, category, lateness),
            )
            for place, (key, template, category, lateness, due) in enumerate(WAITING)
        ]
        return [
            self._rows(first, last, "buyers", id=buyer, name="'安娜'", locale="'zh-CN'", created_at=at),
            self._rows(first, last, "identities", kind="'webhook'", value=_text("c@@"), buyer=buyer),
            self._orders(first, last, "o@@", buyer, "unpaid", at),
            *waiting,
        ]

    def _history(self, first: int, last: int) -> list[str]:
        at = self._at(-31_600_000, "n * 7919 % 31536000")  # in the year before
        buyer = _text("b@@", f"(n % {self.orders}) + 1")
        said = [
            self._rows(
                first,
                last,
                "outbox",
                id=f"{LONG_AGO} + n * {SAID} + {place}",
                key=_text(f"said{place}:old@@"),
                buyer=buyer,
                order_id=_text("old@@"),
                values="'{}'",
                **_sent(at),
            )
            for place in range(SAID)
        ]
        told = [
            self._rows(
                first,
                last,
                "inbox",
                id=f"{LONG_AGO} + n * {TOLD} + {place}",
                external_id=_text(f"{place}-e@@"),
                **_handled(self.placed_at, at),
            )
            for place in range(TOLD)
        ]
        return [self._orders(first, last, "old@@", buyer, "completed", at), *said, *told]

    def _orders(self, first: int, last: int, id: str, buyer: str, state: str, at: str) -> str:
        record = msgspec.json.encode(_order(id, self.placed_at)).decode()
        return self._rows(
            first,
            last,
            "orders",
            id=_text(id),
            channel="'webhook'",
            number=_text(id),
            buyer=buyer,
            state=f"'{state}'",
            placed_at=at,
            currency="'CNY'",
            total_minor="12800",
            paid_minor="0",
            refunded_minor="0",
            record=_text(record),
        )

    def _waiting(self, template: str, category: str, lateness: int) -> dict[str, str]:
        return {
            "template": f"'{template}'",
            "version": f"'{self._versions[template]}'",
            "category": f"'{category}'",
            "rule": "'order'",
            "created_at": self._at(0),
            "lateness": str(lateness),
            "state": "'queued'",
            "attempts": "0",
        }

    def _rows(self, first: int, last: int, table: str, **columns: str) -> str:
        """A row for each number n, its columns as SQL."""
        names = ", ".join(f'"{name}"' for name in ("shop", *columns))
        values = ", ".join((f"'{SHOP}'", *columns.values()))
        return f"{self._numbers(first, last)} INSERT INTO {table} ({names}) SELECT {values} FROM n"

    def _numbers(self, first: int, last: int) -> str:
        if self._postgres:
            return f"WITH n(n) AS (SELECT generate_series({first}::bigint, {last}::bigint))"
        return f"WITH RECURSIVE n(n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM n WHERE n < {last})"

    def _at(self, seconds: int, more: str = "0") -> str:
        """So long after the orders were placed."""
        epoch = f"{int(self.placed_at.timestamp()) + seconds} + {more}"
        if self._postgres:
            return f"to_timestamp({epoch})"
        return f"strftime('%Y-%m-%dT%H:%M:%S', {epoch}, 'unixepoch') || '.000000+00:00'"

    def _settle(self) -> None:
        """As the database would have done by itself in the meantime."""
        if self._postgres:
            self._link.execute("VACUUM (ANALYZE)")
            self._link.execute("CHECKPOINT")
            return
        self._link.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        os.sync()  # or every commit that is measured waits for our rows

    def _number_from(self, id: int) -> None:
        """The program's own rows are numbered from here on."""
        counted = f"INSERT INTO counter VALUES ('ids', {id})"
        self._link.execute(f"SELECT setval('xiaoer_ids', {id})" if self._postgres else counted)


def _connect(url: str) -> Any:
    parsed = make_url(url)
    if parsed.get_backend_name() == "postgresql":
        link = psycopg.connect(
            host=str(parsed.query["host"]), user=parsed.username, dbname=parsed.database, autocommit=True
        )
        link.execute("SET synchronous_commit = off")
        return link
    file = sqlite3.connect(str(parsed.database), isolation_level=None, timeout=60)
    file.execute("PRAGMA synchronous = OFF")
    file.execute("PRAGMA cache_size = -500000")
    return file


def _text(template: str, number: str = "n") -> str:
    """A text with the number of the row in it, as SQL."""
    quoted = template.replace("'", "''").replace("@@", f"' || CAST({number} AS TEXT) || '")
    return f"('{quoted}')"


def _sent(at: str) -> dict[str, str]:
    return {
        "template": "'shipped'",
        "version": "'v'",
        "category": "'shipping'",
        "rule": "'order'",
        "created_at": at,
        "due_at": at,
        "lateness": "172800",
        "try_at": at,
        "state": "'sent'",
        "attempts": "1",
        "facts": _text(msgspec.json.encode(FACTS).decode()),
        "channel": "'webhook'",
        "address": _text("c@@"),
        "text": _text(SENT),
        "receipt": _text("r@@"),
        "settled_at": at,
    }


def _handled(placed_at: datetime, at: str) -> dict[str, str]:
    event = OrderPlaced(
        channel="webhook",
        external_id="e@@",
        at=placed_at,
        order="old@@",
        number="old@@",
        placed_at=placed_at,
        total=Money(12_800, "CNY"),
        buyer=BuyerRef(id="c@@", name="安娜"),
    )
    return {
        "channel": "'webhook'",
        "thread": _text("order:old@@"),
        "type": "'order.placed'",
        "body": _text(msgspec.json.encode(event).decode() + " " * 500),  # as long as with its lines
        "received_at": at,
        "ready_at": at,
        "state": "'done'",
        "rule": "'order'",
        "handled_at": at,
    }


def _order(id: str, placed_at: datetime) -> Order:
    return Order(
        id=id,
        channel="webhook",
        number=id,
        buyer="b@@",
        placed_at=placed_at,
        shown_at=placed_at,
        total=Money(12_800, "CNY"),
        postcode="100081",
    )
