"""What was told of an order is found by it; a case knows its event, a chat what it named early"""

import sqlalchemy as sa
from alembic import op

from storage.tables import OF_ORDERS

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.add_column("cases", sa.Column("event", sa.BigInteger(), nullable=True))
    op.add_column("conversations", sa.Column("no_reminders_for", sa.Text(), nullable=True))
    where = sa.text(OF_ORDERS)
    columns = ["shop", "thread", "id"]
    op.create_index("inbox_of_order", "inbox", columns, sqlite_where=where, postgresql_where=where)
