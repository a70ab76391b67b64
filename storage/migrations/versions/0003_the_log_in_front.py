"""How far the log in front was taken in"""

import sqlalchemy as sa
from alembic import op

from storage.tables import Utc

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "positions",
        sa.Column("partition", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("stream", sa.String(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("taker", sa.String(), nullable=False),
        sa.Column("taken_until", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("partition", name=op.f("positions_pk")),
    )
