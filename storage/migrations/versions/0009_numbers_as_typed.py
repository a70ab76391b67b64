"""Numbers of orders as typed numbers are compared with them"""

import sqlalchemy as sa
from alembic import op

from bot.domain.order_numbers import plain
from storage.tables import Key

revision = "0009"
down_revision = "0008"

PAGE = 1000
ORDERS = sa.table("orders", *(sa.column(name) for name in ("shop", "id", "number", "plain_number")))


def upgrade() -> None:
    op.add_column("orders", sa.Column("plain_number", Key, nullable=True))
    told = sa.text("plain_number IS NOT NULL")
    op.create_index(
        "orders_by_plain_number",
        "orders",
        ["shop", "plain_number"],
        sqlite_where=told,
        postgresql_where=told,
    )
    _fill(op.get_bind())


def _fill(link: sa.Connection) -> None:
    """PAGE orders at a time, in the order of (shop, id)."""
    keys = (ORDERS.c.shop, ORDERS.c.id)
    fill = (
        sa.update(ORDERS)
        .where(ORDERS.c.shop == sa.bindparam("of_shop"), ORDERS.c.id == sa.bindparam("of_id"))
        .values(plain_number=sa.bindparam("plain"))
    )
    after: tuple[str, str] | None = ("", "")
    while after is not None:
        here = sa.tuple_(*keys) > sa.tuple_(*map(sa.literal, after))
        rows = link.execute(sa.select(*keys, ORDERS.c.number).where(here).order_by(*keys).limit(PAGE)).all()
        changed = [
            {"of_shop": row.shop, "of_id": row.id, "plain": plain(row.number)}
            for row in rows
            if plain(row.number) != row.number
        ]
        if changed:
            link.execute(fill, changed)
        after = (rows[-1].shop, rows[-1].id) if len(rows) == PAGE else None
