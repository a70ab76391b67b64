"""Erasures, hashes of what was erased, how far old words were forgotten, and what sellers know of buyers"""

import sqlalchemy as sa
from alembic import op

from storage.tables import Key, Utc, Words

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    op.create_table(
        "erasures",
        sa.Column("shop", Key, nullable=False),
        sa.Column("id", Key, nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("scope", Words()),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("cursor", Words()),
        sa.Column("counts", Words(), nullable=False),
        sa.Column("done_at", Utc()),
        sa.PrimaryKeyConstraint("shop", "id", name=op.f("erasures_pk")),
        sa.CheckConstraint(
            "(done_at IS NULL) = (scope IS NOT NULL)", name=op.f("erasures_forgotten_when_done")
        ),
    )
    running = sa.text("done_at IS NULL")
    op.create_index(
        "erasures_open", "erasures", ["shop", "id"], sqlite_where=running, postgresql_where=running
    )
    op.create_table(
        "erased",
        sa.Column("shop", Key, nullable=False),
        sa.Column("digest", Key, nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.Column("stopped", sa.String()),
        sa.Column("stopped_at", Utc()),
        sa.PrimaryKeyConstraint("shop", "digest", name=op.f("erased_pk")),
        sa.CheckConstraint(
            "stopped IS NULL OR stopped = 'all' OR stopped = 'offers'", name=op.f("erased_stopped_known")
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "forgotten",
        sa.Column("shop", Key, nullable=False),
        sa.Column("kind", Key, nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shop", "kind", name=op.f("forgotten_pk")),
        sqlite_with_rowid=False,
    )
    op.add_column("notes", sa.Column("who", sa.String(), nullable=True))
    op.create_table(
        "details",
        sa.Column("shop", Key, nullable=False),
        sa.Column("buyer", Key, nullable=False),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("name", Key, nullable=False),
        sa.Column("value", Words()),
        sa.Column("at", Utc(), nullable=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("shop", "buyer", "id", name=op.f("details_pk")),
    )
    joined = sa.text("joined_to IS NOT NULL")
    op.create_index(
        "buyers_joined", "buyers", ["shop", "joined_to"], sqlite_where=joined, postgresql_where=joined
    )
