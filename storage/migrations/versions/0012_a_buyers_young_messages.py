"""A buyer's messages by how long they may be sent; when they were settled cost a page for each message"""

from alembic import op

from storage.tables import SendableUntil

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.drop_index("outbox_of_buyer", "outbox")
    op.create_index("outbox_of_buyer", "outbox", ["shop", "buyer", SendableUntil()])
