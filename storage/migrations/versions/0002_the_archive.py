"""The archive: what is kept of rows that went to files"""

import sqlalchemy as sa
from alembic import op

from storage.tables import Key, Utc

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "archived_events",
        sa.Column("shop", Key, nullable=False),
        sa.Column("channel", Key, nullable=False),
        sa.Column("external_id", Key, nullable=False),
        sa.PrimaryKeyConstraint("shop", "channel", "external_id", name=op.f("archived_events_pk")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "archived_messages",
        sa.Column("shop", Key, nullable=False),
        sa.Column("order_id", Key, nullable=False),
        sa.Column("key", Key, nullable=False),
        sa.Column("template", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("settled_at", Utc(), nullable=False),
        sa.Column("paid", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("shop", "order_id", "key", name=op.f("archived_messages_pk")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "archives",
        sa.Column("shop", Key, nullable=False),
        sa.Column("until", Utc(), nullable=True),
        sa.Column("holder", Key, nullable=True),
        sa.Column("held_until", Utc(), nullable=True),
        sa.PrimaryKeyConstraint("shop", name=op.f("archives_pk")),
    )
