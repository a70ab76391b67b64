"""What the legs ask of the database for every batch.

A query is written out once, for both databases; its keys travel as one parameter, and its rows come back as
structs. An `Asking` is a generator that takes one step after the other, a query or a change, for one shop.
`ask_together` lets those of many shops go side by side: what all of them ask next is one statement.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Generator, Hashable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

import msgspec
from sqlalchemy import Connection, Table

from storage.bulk import utc_text

T = TypeVar("T")
R = TypeVar("R", bound="Row")

Keys = Collection[Any]  # of one column, or tuples of several
Found = Mapping[str, list[Any]]  # rows by shop

_encode = msgspec.json.Encoder().encode


class Step(Protocol):
    """group: steps with the same one are run together."""

    @property
    def group(self) -> Hashable: ...

    def run(self, connection: Connection, same: Sequence[tuple[str, Any]]) -> Found:
        """Run this step of several shops: the shop and its own step each."""


_NOTHING: list[Any] = []  # which nobody changes

# None: a step for which there is nothing to do, taken so that many stay in step.
Asking = Generator[Step | None, list[Any], T]


def ask(connection: Connection, shop: str, asking: Asking[T]) -> T:
    """Take all steps of one shop. Raises what the database raises."""
    return ask_together(connection, {shop: asking})[shop]


def ask_together(connection: Connection, asking: Mapping[str, Asking[T]]) -> dict[str, T]:
    """Take the steps of many shops side by side. Raises what the database raises."""
    done: dict[str, T] = {}
    found: dict[str, Any] = dict.fromkeys(asking)
    while found:
        steps: dict[Hashable, list[tuple[str, Step]]] = {}
        idle: list[str] = []
        for shop, rows in found.items():
            try:
                step = asking[shop].send(rows)
            except StopIteration as ended:
                done[shop] = ended.value
                continue
            if step is None:
                idle.append(shop)
            else:
                steps.setdefault(step.group, []).append((shop, step))
        found = dict.fromkeys(idle, _NOTHING)
        for same in steps.values():
            rows_of = same[0][1].run(connection, same)
            for shop, _ in same:
                found[shop] = rows_of.get(shop, _NOTHING)
    return done


class Row(msgspec.Struct, frozen=True, array_like=True):
    """A row as a statement gives it: the shop first, then its other columns in their order."""

    shop: str


class Query(Generic[R]):
    """A statement for both databases.

    row: its struct.
    text: in it {given} is the table of the keys, and each other list in braces another one; a name behind a
    colon is a single value. postgresql: its text there, where one text cannot be had.
    lists: their columns behind `shop`, as "id" or "kind, value"; text all of them.
    """

    def __init__(self, row: type[R], text: str, *, postgresql: str | None = None, **lists: str) -> None:
        self._rows = list[row]  # type: ignore[valid-type]
        self._further = tuple(name for name in lists if name != "given")
        self._text = {
            "sqlite": text.format_map({name: _SQLITE % _table(name, of) for name, of in lists.items()}),
            "postgresql": _PLACE.sub(
                r"%(\1)s",
                (postgresql or text)
                .replace("%", "%%")
                .format_map({name: _POSTGRESQL % _table(name, of) for name, of in lists.items()}),
            ),
        }

    def of(self, given: Keys, **others: Any) -> Asking[list[R]]:
        """The rows of these keys; without any there is nothing to ask. others: further lists, and values."""
        lists = {"given": given}
        for name in self._further:
            lists[name] = others.pop(name, ())
        return (yield _Read(self, lists, others) if any(lists.values()) else None)

    def rows(self, connection: Connection, sent: dict[str, Any]) -> list[R]:
        """The rows for parameters as they are sent: lists as JSON, times as text."""
        result = connection.exec_driver_sql(self._text[connection.dialect.name], sent)
        found: list[R] = msgspec.convert(result.cursor.fetchall(), self._rows, strict=False)
        result.close()
        return found


_PLACE = re.compile(r"(?<!:):([a-z_]+)")
_SQLITE = "(SELECT %s FROM json_each(:%s)) AS %s"
_POSTGRESQL = "(SELECT %s FROM json_array_elements(CAST(:%s AS json)) AS each(value)) AS %s"


def _table(name: str, columns: str) -> tuple[str, str, str]:
    names = ["shop", *(column.strip() for column in columns.split(",") if column.strip())]
    fields = ", ".join(f"value ->> {place} AS {column}" for place, column in enumerate(names))
    return fields, name, name


class _Read(msgspec.Struct, frozen=True):
    query: Query[Any]
    lists: dict[str, Keys]
    values: dict[str, Any]

    @property
    def group(self) -> Hashable:
        return (id(self.query), *self.values.values()) if self.values else id(self.query)

    def run(self, connection: Connection, same: Sequence[tuple[str, "_Read"]]) -> Found:
        sent = {name: _sent_value(value) for name, value in self.values.items()}
        for name in self.lists:
            keys = ((shop, read.lists[name]) for shop, read in same)
            sent[name] = _encode([_key(shop, key) for shop, those in keys for key in those]).decode()
        found: dict[str, list[Any]] = defaultdict(list)
        for row in self.query.rows(connection, sent):
            found[row.shop].append(row)
        return found


def _key(shop: str, key: Any) -> tuple[Any, ...]:
    return (shop, *key) if isinstance(key, tuple) else (shop, key)


def _sent_value(value: Any) -> Any:
    return utc_text(value) if isinstance(value, datetime) else value


class Change(msgspec.Struct, frozen=True):
    """Rows to be written by one of the functions of `storage.bulk`, which get their shop here."""

    write: Callable[..., None]
    table: Table
    rows: list[dict[str, Any]]
    options: dict[str, Any] = {}

    @property
    def group(self) -> Hashable:
        return id(self.write), self.table.name, *self.options.values()

    def run(self, connection: Connection, same: Sequence[tuple[str, "Change"]]) -> Found:
        every = [{"shop": shop, **row} for shop, change in same for row in change.rows]
        self.write(connection, self.table, every, **self.options)
        return {}


def changed(
    write: Callable[..., None], table: Table, rows: Iterable[dict[str, Any]], **options: Any
) -> Asking[None]:
    given = list(rows)
    yield Change(write, table, given, options) if given else None
