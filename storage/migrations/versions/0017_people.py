"""Where the buyer of a case waits, what a complaint is about, by when it is decided and how it was"""

import sqlalchemy as sa
from alembic import op

from storage.tables import Key, Utc, Words

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.add_column("cases", sa.Column("waits_since", Utc(), nullable=True))
    op.add_column("cases", sa.Column("chat", Key, nullable=True))
    op.add_column("cases", sa.Column("cause", sa.String(), nullable=True))
    op.add_column("cases", sa.Column("due_at", Utc(), nullable=True))
    op.add_column("cases", sa.Column("outcome", Words(), nullable=True))
    op.add_column("cases", sa.Column("reopened", sa.Integer(), nullable=True))
    complained = sa.text("kind = 'complaint'")
    op.create_index(
        "cases_complained", "cases", ["shop", "buyer"], sqlite_where=complained, postgresql_where=complained
    )
