"""Where the database is served, and whether its outbox is held"""

import sqlalchemy as sa
from alembic import op

from storage.tables import Key, Utc

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    life = op.create_table(
        "life",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("place", Key, nullable=False),
        sa.Column("beat", sa.BigInteger(), nullable=False),
        sa.Column("held_since", Utc(), nullable=True),
        sa.Column("held_why", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("life_pk")),
        sa.CheckConstraint("number = 1", name=op.f("life_only_one")),
        sa.CheckConstraint("(held_since IS NULL) = (held_why IS NULL)", name=op.f("life_held_for_a_reason")),
    )
    op.bulk_insert(life, [{"number": 1, "place": "", "beat": 0}])
