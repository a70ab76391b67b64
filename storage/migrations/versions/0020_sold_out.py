"""What buyers asked for while it was sold out, and what is back"""

import sqlalchemy as sa
from alembic import op

from storage.tables import Key, Utc, Words

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.create_table(
        "stock_wishes",
        sa.Column("shop", Key, nullable=False),
        sa.Column("sku", Key, nullable=False),
        sa.Column("channel", Key, nullable=False),
        sa.Column("address", Key, nullable=False),
        sa.Column("title", Words(), nullable=False),
        sa.Column("asked_at", Utc(), nullable=False),
        sa.Column("lapses_at", Utc(), nullable=False),
        sa.Column("told_at", Utc(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("shop", "sku", "channel", "address", name=op.f("stock_wishes_pk")),
    )
    op.create_index("stock_wishes_lapse", "stock_wishes", ["shop", "lapses_at"])
    op.create_index(
        "stock_wishes_open",
        "stock_wishes",
        ["shop", "sku", "asked_at"],
        postgresql_where=sa.text("told_at IS NULL"),
        sqlite_where=sa.text("told_at IS NULL"),
    )
    op.create_table(
        "restocks",
        sa.Column("shop", Key, nullable=False),
        sa.Column("sku", Key, nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.Column("room", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("shop", "sku", name=op.f("restocks_pk")),
    )
    op.create_index("restocks_due", "restocks", ["at", "shop"])
