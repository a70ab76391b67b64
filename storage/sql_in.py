"""IN conditions on many values.

On PostgreSQL they are one array parameter: a list would be a new statement, to be parsed and planned, for
each number of values. SQLite plans a list better than an array.
"""

from collections.abc import Collection
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Connection, String, any_, bindparam
from sqlalchemy.dialects.postgresql import ARRAY


def is_in(connection: Connection, column: ColumnElement[Any], values: Collection[str]) -> ColumnElement[bool]:
    if connection.dialect.name == "postgresql":
        return column == any_(_array(values))
    return column.in_(values)


def _array(values: Collection[str]) -> BindParameter[Any]:
    return bindparam(None, list(values), type_=ARRAY(String()), unique=True)
