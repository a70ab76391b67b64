"""Many shops: only those with something due are asked"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    _index("campaigns_open", "campaigns", ["shop"], "done_at IS NULL")
    op.drop_index("wakes_due", "wakes")
    _index("wakes_due", "wakes", ["at", "shop"], "fired_at IS NULL")
    _index("outbox_due_at", "outbox", ["try_at", "shop"], "state = 'queued'")


def _index(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
