"""What is said while a case is open, how many answers a chat got, and messages that are tried again"""

import sqlalchemy as sa
from alembic import op

from storage.tables import Key, Utc, Words

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("cases", sa.Column("asked_at", Utc(), nullable=True))
    op.add_column("cases", sa.Column("answered_at", Utc(), nullable=True))
    op.add_column("conversations", sa.Column("answered", sa.Text(), nullable=True))
    op.add_column("conversations", sa.Column("hushed_until", Utc(), nullable=True))
    op.create_table(
        "case_words",
        sa.Column("shop", Key, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("channel", Key, nullable=False),
        sa.Column("event", Key, nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("text", Words(), nullable=False),
        sa.PrimaryKeyConstraint("shop", "number", "channel", "event", name=op.f("case_words_pk")),
        sa.CheckConstraint("who IN ('buyer', 'person')", name=op.f("case_words_who_known")),
    )
    retried = sa.text("state = 'queued' AND attempts > 0")
    op.create_index(
        "outbox_retried", "outbox", ["shop", "buyer"], sqlite_where=retried, postgresql_where=retried
    )
