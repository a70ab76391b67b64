"""Many rows in one statement: they travel as one JSON text and are laid out by the database itself.

A statement for each row would cost a round trip on PostgreSQL, and on SQLite a change of threads.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import BigInteger, Boolean, Column, Connection, Integer, LargeBinary, Table
from sqlalchemy import text as sql_text
from sqlalchemy.sql.elements import TextClause, quoted_name

from xiaoer.storage.tables import Utc, Words

Rows = Sequence[Mapping[str, Any]]

_encode = msgspec.json.Encoder().encode


def insert_new(connection: Connection, table: Table, rows: Rows, but: Table | None = None) -> None:
    """Insert, leaving out what is there already: the constraint decides, not a look before.

    `but`: another table; what it has under its primary key is left out as well.
    """
    if rows:
        columns = tuple(rows[0])
        _run(connection, _insert(connection.dialect.name, table, columns, False, but), table, columns, rows)


def upsert(connection: Connection, table: Table, rows: Rows) -> None:
    """Insert, or overwrite the row of the same primary key. The keys of `rows` must differ."""
    if rows:
        columns = tuple(rows[0])
        _run(connection, _insert(connection.dialect.name, table, columns, True), table, columns, rows)


def update_rows(
    connection: Connection,
    table: Table,
    rows: Rows,
    where: str = "",
    also: str = "",
    by: tuple[str, ...] = (),
) -> None:
    """Overwrite rows, found by primary key or `by` other unique columns; all of `rows` have the same columns.

    `where` and `also` are SQL of ours: a further condition on the table's own columns, and further settings.
    """
    if rows:
        columns = tuple(rows[0])
        _run(
            connection,
            _update(connection.dialect.name, table, columns, where, also, by),
            table,
            columns,
            rows,
        )


def _run(
    connection: Connection, statement: TextClause, table: Table, columns: tuple[str, ...], rows: Rows
) -> None:
    writers = _writers(table, columns)
    laid_out = [[write(row[name]) if write else row[name] for name, write in writers] for row in rows]
    connection.execute(statement, {"rows": _encode(laid_out).decode()})


@lru_cache(maxsize=256)
def _insert(
    dialect: str, table: Table, columns: tuple[str, ...], overwrite: bool, but: Table | None = None
) -> TextClause:
    names = ", ".join(_quoted(name) for name in columns)
    keys = [column.name for column in table.primary_key]
    others = ", ".join(f"{_quoted(name)} = excluded.{_quoted(name)}" for name in columns if name not in keys)
    on_conflict = f"({', '.join(map(_quoted, keys))}) DO UPDATE SET {others}" if overwrite else "DO NOTHING"
    # WHERE tells SQLite that ON begins no join.
    wanted = _not_in(dialect, but, table, columns) if but is not None else "true"
    return sql_text(
        f"INSERT INTO {table.name} ({names}) SELECT {_fields(dialect, table, columns)}"  # noqa: S608  # names of ours
        f" FROM {_each(dialect)} WHERE {wanted} ON CONFLICT {on_conflict}"
    )


def _not_in(dialect: str, but: Table, table: Table, columns: tuple[str, ...]) -> str:
    same = " AND ".join(
        f"{but.name}.{_quoted(key.name)} = {_field(dialect, table.c[key.name], columns.index(key.name))}"
        for key in but.primary_key
    )
    return f"NOT EXISTS (SELECT 1 FROM {but.name} WHERE {same})"  # noqa: S608  # names of ours


@lru_cache(maxsize=256)
def _update(
    dialect: str, table: Table, columns: tuple[str, ...], where: str, also: str, by: tuple[str, ...]
) -> TextClause:
    keys = by or [column.name for column in table.primary_key]
    named = f"SELECT {_fields(dialect, table, columns)} FROM {_each(dialect)}"  # noqa: S608  # names of ours
    settings = [f"{_quoted(name)} = new.{_quoted(name)}" for name in columns if name not in keys]
    same = [f"{table.name}.{_quoted(key)} = new.{_quoted(key)}" for key in keys]
    return sql_text(
        f"UPDATE {table.name} SET {', '.join([*settings, also] if also else settings)}"  # noqa: S608  # names of ours
        f" FROM ({named}) AS new WHERE {' AND '.join([*same, where] if where else same)}"
    )


def _fields(dialect: str, table: Table, columns: Iterable[str]) -> str:
    return ", ".join(
        f"{_field(dialect, table.c[name], place)} AS {_quoted(name)}" for place, name in enumerate(columns)
    )


def _field(dialect: str, column: Column[Any], place: int) -> str:
    if dialect == "sqlite":
        return f"json_extract(value, '$[{place}]')"
    match column.type:
        case Boolean():
            kind = "boolean"
        case BigInteger():
            kind = "bigint"
        case Integer():
            kind = "integer"
        case Utc():
            kind = "timestamptz"
        case _:
            kind = "text"
    return f"CAST(value ->> {place} AS {kind})"


def _each(dialect: str) -> str:
    return (
        "json_each(:rows)"
        if dialect == "sqlite"
        else "json_array_elements(CAST(:rows AS json)) AS each(value)"
    )


@lru_cache(maxsize=256)
def _writers(table: Table, columns: tuple[str, ...]) -> tuple[tuple[str, Callable[[Any], Any] | None], ...]:
    return tuple((name, _writer(table.c[name])) for name in columns)


def _writer(column: Column[Any]) -> Callable[[Any], Any] | None:
    match column.type:
        case Utc():
            return _moment
        case Words():
            return _words
        case LargeBinary():
            raise TypeError(f"{column.name}: bytes cannot travel as text")
        case _:
            return None


@lru_cache(maxsize=4096)  # one batch names the same few moments again and again
def _moment(value: datetime | None) -> str | None:
    if value is None:
        return None
    if value.tzinfo is None:
        raise ValueError(f"{value} has no time zone")
    return value.astimezone(UTC).isoformat(timespec="microseconds")


def _words(value: str | None) -> str | None:
    return value.replace("\x00", "") if value and "\x00" in value else value


def _quoted(name: str) -> str:
    return f'"{quoted_name(name, True)}"'
