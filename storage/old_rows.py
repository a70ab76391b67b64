"""Which shops have old rows: one question for all of them, so that those without cost nothing."""

from datetime import datetime

from sqlalchemy import Column, Connection, String, text

from storage.inbox import skipping
from storage.tables import Utc

FIRST = 20  # rows of each shop that are looked at; one may be dated by a clock that ran ahead


def shops_with_old(
    connection: Connection, table: str, at: str, before: datetime, *, id: str = "id", after: str = "0"
) -> set[str]:
    """The shops of which a table has rows from before then, among the first behind an id.

    at: its column of times, which rise with `id`. after: SQL of the id, which may name `found.shop`.
    """
    first = (
        f"SELECT {at} AS at FROM {table} WHERE {table}.shop = found.shop AND {table}.{id} > {after}"
        f" ORDER BY {table}.{id} LIMIT {FIRST}"
    )
    oldest = f"SELECT min(at) FROM ({first}) AS first"
    found = text(
        f"{skipping(table, '1 = 1')} SELECT shop, ({oldest}) AS oldest FROM found WHERE shop IS NOT NULL"
    ).columns(Column("shop", String), Column("oldest", Utc))
    return {row.shop for row in connection.execute(found) if row.oldest is not None and row.oldest < before}
