"""Buyers in figures, what they bought, and their tiers with dates"""

import sqlalchemy as sa
from alembic import op

from storage.tables import Key, Utc, Words

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    _figures()
    _bought()
    _tiers()
    _nights()
    yes = sa.text("yes AND what = 'offers'")
    columns = ["shop", "buyer", "kind", "value"]
    op.create_index("wishes_of_buyer", "wishes", columns, sqlite_where=yes, postgresql_where=yes)


def _figures() -> None:
    op.create_table(
        "figures",
        sa.Column("shop", Key, nullable=False),
        sa.Column("buyer", Key, nullable=False),
        sa.Column("orders", sa.Integer(), nullable=False),
        sa.Column("spent_minor", sa.BigInteger(), nullable=False),
        sa.Column("refunds", sa.Integer(), nullable=False),
        sa.Column("refunded_minor", sa.BigInteger(), nullable=False),
        sa.Column("first_order_at", Utc()),
        sa.Column("last_order_at", Utc()),
        sa.Column("unpaid_at", Utc()),
        sa.Column("last_contact_at", Utc()),
        sa.Column("lately_orders", sa.Integer(), nullable=False),
        sa.Column("lately_spent_minor", sa.BigInteger(), nullable=False),
        sa.Column("agrees", sa.Boolean(), nullable=False),
        sa.Column("locale", Key),
        sa.Column("city", Key),
        sa.Column("channels", Key, nullable=False),
        sa.Column("kept_tier", Key),
        sa.PrimaryKeyConstraint("shop", "buyer", name=op.f("figures_pk")),
        sqlite_with_rowid=False,
    )


def _bought() -> None:
    op.create_table(
        "items",
        sa.Column("shop", Key, nullable=False),
        sa.Column("id", Key, nullable=False),
        sa.Column("sku", Key, nullable=False),
        sa.Column("title", Words(), nullable=False),
        sa.PrimaryKeyConstraint("shop", "id", name=op.f("items_pk")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "bought",
        sa.Column("shop", Key, nullable=False),
        sa.Column("buyer", Key, nullable=False),
        sa.Column("item", Key, nullable=False),
        sa.PrimaryKeyConstraint("shop", "buyer", "item", name=op.f("bought_pk")),
        sqlite_with_rowid=False,
    )
    op.create_index("bought_by_item", "bought", ["shop", "item", "buyer"])


def _tiers() -> None:
    op.create_table(
        "tiers",
        sa.Column("shop", Key, nullable=False),
        sa.Column("buyer", Key, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("since", Utc(), nullable=False),
        sa.Column("until", Utc()),
        sa.Column("tier", Key),
        sa.Column("r", sa.Integer()),
        sa.Column("f", sa.Integer()),
        sa.Column("m", sa.Integer()),
        sa.Column("orders", sa.Integer()),
        sa.Column("spent_minor", sa.BigInteger()),
        sa.Column("last_order_at", Utc()),
        sa.Column("who", Words()),
        sa.Column("reason", Words()),
        sa.PrimaryKeyConstraint("shop", "buyer", "kind", "since", name=op.f("tiers_pk")),
        sa.CheckConstraint("kind = 'kept' OR kind = 'given'", name=op.f("tiers_kind_known")),
        sa.CheckConstraint("tier IS NOT NULL OR kind = 'given'", name=op.f("tiers_kept_or_none")),
    )
    kept, given = sa.text("kind = 'kept' AND until IS NULL"), sa.text("kind = 'given'")
    op.create_index(
        "tiers_kept", "tiers", ["shop", "tier", "buyer"], sqlite_where=kept, postgresql_where=kept
    )
    op.create_index("tiers_kept_of", "tiers", ["shop", "buyer"], sqlite_where=kept, postgresql_where=kept)
    op.create_index("tiers_given", "tiers", ["shop", "buyer"], sqlite_where=given, postgresql_where=given)


def _nights() -> None:
    op.create_table(
        "nights",
        sa.Column("shop", Key, nullable=False),
        sa.Column("slot", Utc(), nullable=False),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("cursor", Key, nullable=False),
        sa.Column("feed", sa.BigInteger(), nullable=False),
        sa.Column("whole", sa.Boolean(), nullable=False),
        sa.Column("rules", Key, nullable=False),
        sa.Column("known", sa.Integer(), nullable=False),
        sa.Column("buyers", sa.Integer(), nullable=False),
        sa.Column("cuts", sa.Text()),
        sa.Column("done_at", Utc()),
        sa.PrimaryKeyConstraint("shop", "slot", name=op.f("nights_pk")),
        sa.CheckConstraint(
            "step = 'figures' OR step = 'cuts' OR step = 'tiers' OR step = 'done'",
            name=op.f("nights_step_known"),
        ),
    )
