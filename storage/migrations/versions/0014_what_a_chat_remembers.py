"""A chat remembers what its buyer was asked, and what was said last"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.add_column("conversations", sa.Column("talk", sa.Text(), nullable=True))
