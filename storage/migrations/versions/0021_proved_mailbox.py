"""A mailbox that is proved to be a buyer's stands apart from what they typed; offers are found by mailbox"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    op.add_column("buyers", sa.Column("mailbox", sa.Text(), nullable=True))
    where = sa.text("category = 'promotion'")
    columns = ["shop", "address"]
    op.create_index("outbox_offers_to", "outbox", columns, sqlite_where=where, postgresql_where=where)
