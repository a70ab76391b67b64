"""Quotes: what was agreed with buyers, and where their bargains stand"""

import sqlalchemy as sa
from alembic import op

from storage.tables import Key, Utc

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.create_table(
        "quotes",
        sa.Column("shop", Key, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("channel", Key, nullable=False),
        sa.Column("address", Key, nullable=False),
        sa.Column("buyer", Key, nullable=False),
        sa.Column("sku", Key, nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("price_minor", sa.BigInteger(), nullable=False),
        sa.Column("postage_free", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("opened_at", Utc(), nullable=False),
        sa.Column("valid_until", Utc(), nullable=True),
        sa.Column("order_id", Key, nullable=True),
        sa.Column("record", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("shop", "number", name=op.f("quotes_pk")),
        sa.CheckConstraint("quantity > 0 AND price_minor >= 0", name=op.f("quotes_of_something")),
        sa.CheckConstraint("(state = 'used') = (order_id IS NOT NULL)", name=op.f("quotes_used_by_an_order")),
        sa.CheckConstraint(
            "state = 'open' OR state = 'accepted' OR state = 'used'", name=op.f("quotes_state_known")
        ),
    )
    op.create_index("quotes_of_chat", "quotes", ["shop", "channel", "address", "number"])
    op.create_index("quotes_of_buyer", "quotes", ["shop", "buyer", "number"])
