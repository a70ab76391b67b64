"""Transfers: the lines of bank statements by which money came, and the orders that wait for it"""

import sqlalchemy as sa
from alembic import op

from storage.tables import AWAITING, Key, Utc, Words

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    op.create_table(
        "transfers",
        sa.Column("shop", Key, nullable=False),
        sa.Column("fingerprint", Key, nullable=False),
        sa.Column("bank", Key, nullable=False),
        sa.Column("booked_at", Utc(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("minor", sa.BigInteger(), nullable=False),
        sa.Column("payer", Words(), nullable=False),
        sa.Column("text", Words(), nullable=False),
        sa.Column("how", sa.String(), nullable=False),
        sa.Column("orders", sa.Text(), nullable=False),
        sa.Column("case_number", sa.Integer(), nullable=True),
        sa.Column("read_at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("shop", "fingerprint", name=op.f("transfers_pk")),
        sa.CheckConstraint("minor > 0", name=op.f("transfers_of_something")),
    )
    op.create_index("transfers_booked", "transfers", ["shop", "booked_at"])
    with_case = sa.text("case_number IS NOT NULL")
    columns = ["shop", "case_number"]
    op.create_index(
        "transfers_of_case", "transfers", columns, sqlite_where=with_case, postgresql_where=with_case
    )
    waiting = sa.text(AWAITING)
    columns = ["shop", "id"]
    op.create_index(
        "orders_awaiting_money", "orders", columns, sqlite_where=waiting, postgresql_where=waiting
    )
