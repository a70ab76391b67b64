"""Campaigns that a person starts, whose turn came in them, and codes given out once each"""

import sqlalchemy as sa
from alembic import op

from storage.tables import Key, Utc, Words

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    with op.batch_alter_table("campaigns") as campaigns:
        campaigns.add_column(sa.Column("state", sa.String(), nullable=False, server_default="running"))
        campaigns.add_column(sa.Column("next_at", Utc()))
        campaigns.add_column(sa.Column("who", Words()))
        campaigns.add_column(sa.Column("approved_by", Words()))
        campaigns.add_column(sa.Column("rules", Key))
        campaigns.create_check_constraint(
            op.f("campaigns_state_known"), "state = 'waiting' OR state = 'running' OR state = 'stopped'"
        )
    _members()
    _codes()
    offers = sa.text("category = 'promotion'")
    columns = ["shop", "rule", "settled_at"]
    op.create_index("outbox_offers_of", "outbox", columns, sqlite_where=offers, postgresql_where=offers)


def _members() -> None:
    op.create_table(
        "campaign_members",
        sa.Column("shop", Key, nullable=False),
        sa.Column("campaign", Key, nullable=False),
        sa.Column("buyer", Key, nullable=False),
        sa.Column("held_out", sa.Boolean(), nullable=False),
        sa.Column("wording", Key),
        sa.Column("at", Utc(), nullable=False),
        sa.Column("until", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("shop", "campaign", "buyer", name=op.f("campaign_members_pk")),
        sqlite_with_rowid=False,
    )
    op.create_index("campaign_members_of", "campaign_members", ["shop", "buyer"])


def _codes() -> None:
    op.create_table(
        "campaign_codes",
        sa.Column("shop", Key, nullable=False),
        sa.Column("campaign", Key, nullable=False),
        sa.Column("code", Key, nullable=False),
        sa.Column("given_at", Utc()),
        sa.Column("buyer", Key),
        sa.PrimaryKeyConstraint("shop", "campaign", "code", name=op.f("campaign_codes_pk")),
        sa.UniqueConstraint(
            "shop", "campaign", "buyer", name=op.f("campaign_codes_shop_campaign_buyer_once")
        ),
    )
    free = sa.text("given_at IS NULL")
    columns = ["shop", "campaign", "code"]
    op.create_index(
        "campaign_codes_free", "campaign_codes", columns, sqlite_where=free, postgresql_where=free
    )
    op.create_index("campaign_codes_of", "campaign_codes", ["shop", "buyer"])
