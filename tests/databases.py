"""Databases on PostgreSQL with the program's tables and nothing in them, for one test after the other."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import make_url

from storage import schema
from storage.database import Database

TEMPLATE = "template_of_shops"
# The planner takes a table of fewer pages for one of as many, until it is analyzed.
PAGES = 10

# What is no row of a table: whatever a test makes, changes or drops there shows in one of these.
CATALOGUES = ("pg_namespace", "pg_class", "pg_attribute", "pg_constraint", "pg_proc")
DEFINED = (
    "SELECT count(*) FROM pg_db_role_setting JOIN pg_database d ON d.oid = setdatabase"
    " WHERE datname = current_database() UNION ALL "
    + " UNION ALL ".join(
        f"SELECT {what} FROM {name}"
        for name in CATALOGUES
        for what in ("count(*)", "max(xmin::text::bigint)")
    )
)
TABLES = (
    "SELECT oid::regclass::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
)
LARGEST = f"SELECT max(pg_relation_size(name::regclass)) / 8192 FROM ({TABLES}) AS known (name)"
CUT = (
    "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity"
    " WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
)
COUNT_ANEW = (
    "SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false) FROM pg_sequences"
)


class Databases:
    """Lends databases. One that comes back is emptied for the next test, which costs a fifth of a new one."""

    def __init__(self, server_url: str) -> None:
        self._server = make_url(server_url)
        self._made = 0
        self._empty: list[str] = []
        with self._connected() as server:
            server.execute(f"CREATE DATABASE {TEMPLATE} TEMPLATE template0 STRATEGY file_copy".encode())
        database = Database(self._url(TEMPLATE))
        schema.migrate(database.engine)
        database.close()
        with self._connected(TEMPLATE) as template:
            self._defined = _rows(template, DEFINED)
            tables = [name for (name,) in _rows(template, TABLES)]
            self._rows = {name: _rows(template, f"SELECT json_agg(x)::text FROM {name} x") for name in tables}

    @contextmanager
    def lent(self) -> Iterator[str]:
        """The URL of an empty database with the program's tables."""
        name = self._empty.pop() if self._empty else self._new(TEMPLATE)
        yield self._url(name)
        if self._is_emptied(name):
            self._empty.append(name)
        else:
            self._drop(name)

    @contextmanager
    def bare(self) -> Iterator[str]:
        """The URL of a database without any tables."""
        name = self._new("template0")
        yield self._url(name)
        self._drop(name)

    def _new(self, template: str) -> str:
        self._made += 1
        name = f"shop_{self._made}"
        with self._connected() as server:
            server.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy".encode())
        return name

    def _drop(self, name: str) -> None:
        with self._connected() as server:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())

    def _is_emptied(self, name: str) -> bool:
        """Put the rows of the template into it; False if that would not make it the same."""
        with self._connected(name) as database:
            database.execute(CUT.encode())
            if _rows(database, DEFINED) != self._defined or _rows(database, LARGEST)[0][0] >= PAGES:
                return False
            database.execute("SET session_replication_role = replica")  # whatever refers to what
            with database.transaction():
                database.execute(";".join(f"DELETE FROM {table}" for table in self._rows).encode())
                for table, ((rows,),) in self._rows.items():
                    if rows is not None:
                        filled = (
                            f"INSERT INTO {table} SELECT * FROM json_populate_recordset(NULL::{table}, %s)"
                        )
                        database.execute(filled.encode(), [rows])
            database.execute(COUNT_ANEW.encode())
        return True

    def _url(self, name: str) -> str:
        return self._server.set(database=name).render_as_string()

    def _connected(self, name: str = "postgres") -> "psycopg.Connection[tuple[Any, ...]]":
        host = str(self._server.query["host"])
        return psycopg.connect(host=host, user="postgres", dbname=name, autocommit=True)


def _rows(connection: "psycopg.Connection[tuple[Any, ...]]", asked: str) -> list[tuple[Any, ...]]:
    return connection.execute(asked.encode()).fetchall()
