"""The chats of what is tried again, so that an answer finds those of its own chat"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    retried = sa.text("state = 'queued' AND attempts > 0")
    op.create_index(
        "outbox_retried_chats",
        "outbox",
        ["shop", "address", "channel"],
        sqlite_where=retried,
        postgresql_where=retried,
    )
