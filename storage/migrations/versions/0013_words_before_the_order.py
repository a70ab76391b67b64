"""A chat remembers that its buyer does not want to be pressed, for orders that are told later"""

import sqlalchemy as sa
from alembic import op

from storage.tables import Utc

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.add_column("conversations", sa.Column("no_reminders_at", Utc(), nullable=True))
