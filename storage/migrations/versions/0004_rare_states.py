"""An index for each state that is rare and asked for"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    for state in ("failed", "unknown"):
        rare = sa.text(f"state = '{state}'")
        op.create_index(f"outbox_{state}", "outbox", ["shop", "id"], sqlite_where=rare, postgresql_where=rare)
