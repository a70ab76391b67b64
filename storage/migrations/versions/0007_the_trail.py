"""Who used a shop's keys for what"""

import sqlalchemy as sa
from alembic import op

from storage.tables import Key, Utc

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "trail",
        sa.Column("shop", Key, nullable=False),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.Column("what", Key, nullable=False),
        sa.Column("who", sa.String(), nullable=True),
        sa.Column("about", Key, nullable=True),
        sa.Column("times", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shop", "id", name=op.f("trail_pk")),
        sa.CheckConstraint("times > 0", name=op.f("trail_of_something")),
    )
    op.create_index("trail_by_kind", "trail", ["shop", "what", "at"])
