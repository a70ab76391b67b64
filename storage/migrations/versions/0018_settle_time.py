"""When an open event may be handled: words of a chat wait for those that follow at once"""

import sqlalchemy as sa
from alembic import op

from storage.tables import Utc

revision = "0018"
down_revision = "0016"

# Of what is handled nobody asks, and a constant rewrites no table. A program of the version before, which
# may still run beside the new one, stores events without the column: they are handled at once.
LONG_AGO = "1970-01-01T00:00:00.000000+00:00"


def upgrade() -> None:
    op.add_column("inbox", sa.Column("ready_at", Utc(), nullable=False, server_default=LONG_AGO))
    op.execute("UPDATE inbox SET ready_at = received_at WHERE state = 'open'")
    op.execute("UPDATE inbox SET ready_at = received_at WHERE state = 'parked'")
    _index("inbox_open", ["shop", "ready_at", "id"])
    _index("inbox_open_thread", ["shop", "thread", "id"])


def _index(name: str, columns: list[str]) -> None:
    is_open = sa.text("state = 'open'")
    op.drop_index(name, "inbox")
    op.create_index(name, "inbox", columns, sqlite_where=is_open, postgresql_where=is_open)
