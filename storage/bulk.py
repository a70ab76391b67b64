"""Write many rows in one statement, in the way that is fastest on each database.

SQLite prepares a statement once and runs it for each row within itself. PostgreSQL is a network away:
there the rows travel as one JSON text and are laid out by the database.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import BigInteger, Boolean, Column, Connection, Integer, LargeBinary, Table
from sqlalchemy.sql.elements import quoted_name

from storage.database import take_ids
from storage.tables import Utc, Words

Rows = Sequence[Mapping[str, Any]]

_encode = msgspec.json.Encoder().encode


def insert_new(connection: Connection, table: Table, rows: Rows) -> None:
    """Insert rows, leaving out those that violate a unique constraint."""
    if rows:
        columns = tuple(rows[0])
        _run(connection, _insert(connection.dialect.name, table, columns, "DO NOTHING"), table, columns, rows)


def insert_numbered(connection: Connection, table: Table, rows: Rows) -> None:
    """`insert_new`, with a fresh id for each row."""
    ids = take_ids(connection, len(rows)) if rows else []
    insert_new(connection, table, [{**row, "id": id} for id, row in zip(ids, rows, strict=True)])


def upsert(connection: Connection, table: Table, rows: Rows) -> None:
    """Insert rows, or overwrite those with the same primary key. The keys of `rows` must differ."""
    if not rows:
        return
    columns = tuple(rows[0])
    apart = _apart(connection.dialect.name, table, columns)
    insert_or_change(connection, table, rows, tuple(name for name in columns if name not in apart))
    if apart:
        named = (*(key.name for key in table.primary_key), *apart)
        differs = " OR ".join(f"{table.name}.{_quoted(name)} IS NOT {{{name}}}" for name in apart)
        changed = [{name: row[name] for name in named} for row in rows]
        update_rows(connection, table, changed, where=f"({differs})")


def insert_or_change(
    connection: Connection, table: Table, rows: Rows, columns: tuple[str, ...], where: str = ""
) -> None:
    """Insert rows, or overwrite these columns of those with the same primary key. Keys must differ.

    where: SQL text, as for `update_rows`: a condition for overwriting.
    """
    if rows:
        named = tuple(rows[0])
        statement = _insert(connection.dialect.name, table, named, _overwriting(table, columns, where))
        _run(connection, statement, table, named, rows)


def update_rows(
    connection: Connection,
    table: Table,
    rows: Rows,
    where: str = "",
    also: str = "",
    by: tuple[str, ...] = (),
) -> None:
    """Overwrite rows, found by primary key or `by` other unique columns; all of `rows` have the same columns.

    where: SQL text, a further condition, in which {column} stands for the new value.
    also: SQL text, further assignments. Both must be literals of ours, never input.
    """
    if rows:
        columns = tuple(rows[0])
        statement = _update(connection.dialect.name, table, columns, where, also, by)
        _run(connection, statement, table, columns, rows)


def existing_keys(
    connection: Connection, table: Table, keys: Sequence[tuple[Any, ...]]
) -> set[tuple[Any, ...]]:
    """The keys among `keys` (primary keys) that the table has."""
    text = _encode(keys).decode()
    given = (text,) if connection.dialect.name == "sqlite" else {"rows": text}
    return {tuple(row) for row in connection.exec_driver_sql(_join(connection.dialect.name, table), given)}


def _run(connection: Connection, statement: str, table: Table, columns: tuple[str, ...], rows: Rows) -> None:
    writers = _writers(table, columns)
    laid_out = [tuple([write(row[name]) if write else row[name] for name, write in writers]) for row in rows]
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(statement, laid_out)
    else:
        connection.exec_driver_sql(statement, {"rows": _encode(laid_out).decode()})


@lru_cache(maxsize=256)
def _insert(dialect: str, table: Table, columns: tuple[str, ...], on_conflict: str) -> str:
    names = ", ".join(map(_quoted, columns))
    rows = f"VALUES ({', '.join('?' * len(columns))})" if dialect == "sqlite" else _each(table, columns)
    return f"INSERT INTO {table.name} ({names}) {rows} ON CONFLICT {on_conflict}"


@lru_cache(maxsize=256)
def _apart(dialect: str, table: Table, columns: tuple[str, ...]) -> tuple[str, ...]:
    """The columns that are overwritten apart, and only where they differ: those in indexes of SQLite, which
    writes an index again for each column that is set, even to the value it has.

    For a single index that costs no more than the second statement.
    """
    keys = {key.name for key in table.primary_key}
    in_index = {column.name for index in table.indexes for column in index.columns} - keys
    apart = tuple(name for name in columns if name in in_index)
    return apart if dialect == "sqlite" and len(table.indexes) > 1 else ()


@lru_cache(maxsize=256)
def _overwriting(table: Table, columns: tuple[str, ...], where: str) -> str:
    keys = [column.name for column in table.primary_key]
    new = {name: f"excluded.{_quoted(name)}" for name in columns if name not in keys}
    settings = ", ".join(f"{_quoted(name)} = {value}" for name, value in new.items())
    condition = f" WHERE {where.format_map(new)}" if where else ""
    return f"({', '.join(map(_quoted, keys))}) DO UPDATE SET {settings}{condition}"


@lru_cache(maxsize=256)
def _update(
    dialect: str, table: Table, columns: tuple[str, ...], where: str, also: str, by: tuple[str, ...]
) -> str:
    keys = by or [column.name for column in table.primary_key]
    if dialect == "sqlite":
        new = {name: f"?{place}" for place, name in enumerate(columns, start=1)}
        source = ""
    else:
        new = {name: f"new.{_quoted(name)}" for name in columns}
        source = f" FROM ({_each(table, columns)}) AS new"
    settings = [f"{_quoted(name)} = {new[name]}" for name in columns if name not in keys]
    same = [f"{table.name}.{_quoted(key)} = {new[key]}" for key in keys]
    condition = where.format_map(new)
    if source and where:
        # Not to be seen through: until it has looked at a table that grew fast, PostgreSQL reads all that an
        # index for such a condition holds, in place of the few rows by their keys.
        condition = f"CASE WHEN {condition} THEN true ELSE false END"
    return (
        f"UPDATE {table.name} SET {', '.join([*settings, also] if also else settings)}{source}"
        f" WHERE {' AND '.join([*same, condition] if where else same)}"
    )


@lru_cache(maxsize=256)
def _join(dialect: str, table: Table) -> str:
    columns = tuple(column.name for column in table.primary_key)
    if dialect == "sqlite":  # CROSS: each of the given keys is looked up
        fields = ", ".join(f"value ->> {place} AS {_quoted(name)}" for place, name in enumerate(columns))
        source = f"(SELECT {fields} FROM json_each(?)) AS given CROSS JOIN {table.name}"
    else:
        source = f"({_each(table, columns)}) AS given JOIN {table.name}"
    names = ", ".join(map(_quoted, columns))
    return f"SELECT {names} FROM {source} USING ({names})"


def _each(table: Table, columns: tuple[str, ...]) -> str:
    """The rows of the JSON text, for PostgreSQL."""
    fields = ", ".join(
        f"CAST(value ->> {place} AS {_kind(table.c[name])}) AS {_quoted(name)}"
        for place, name in enumerate(columns)
    )
    return f"SELECT {fields} FROM json_array_elements(CAST(%(rows)s AS json)) AS each(value)"


def _kind(column: Column[Any]) -> str:
    match column.type:
        case Boolean():
            return "boolean"
        case BigInteger():
            return "bigint"
        case Integer():
            return "integer"
        case Utc():
            return "timestamptz"
        case _:
            return "text"


@lru_cache(maxsize=256)
def _writers(table: Table, columns: tuple[str, ...]) -> tuple[tuple[str, Callable[[Any], Any] | None], ...]:
    return tuple((name, _writer(table.c[name])) for name in columns)


def _writer(column: Column[Any]) -> Callable[[Any], Any] | None:
    match column.type:
        case Utc():
            return utc_text
        case Words():
            return _without_nul
        case LargeBinary():
            raise TypeError(f"{column.name}: bytes cannot travel as text")
        case _:
            return None


@lru_cache(maxsize=4096)  # one batch repeats the same few times
def utc_text(value: datetime | None) -> str | None:
    if value is None:
        return None
    if value.tzinfo is None:
        raise ValueError(f"{value} has no time zone")
    return value.astimezone(UTC).isoformat(timespec="microseconds")


def _without_nul(value: str | None) -> str | None:
    return value.replace("\x00", "") if value and "\x00" in value else value


def _quoted(name: str) -> str:
    return f'"{quoted_name(name, True)}"'
