"""What is for sale, and the words to find it by"""

import sqlalchemy as sa
from alembic import op

from storage.tables import Key, Words

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.create_table(
        "products",
        sa.Column("shop", Key, nullable=False),
        sa.Column("channel", Key, nullable=False),
        sa.Column("id", Key, nullable=False),
        sa.Column("record", Words(), nullable=False),
        sa.PrimaryKeyConstraint("shop", "channel", "id", name=op.f("products_pk")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "product_words",
        sa.Column("shop", Key, nullable=False),
        sa.Column("word", Key, nullable=False),
        sa.Column("channel", Key, nullable=False),
        sa.Column("id", Key, nullable=False),
        sa.PrimaryKeyConstraint("shop", "word", "channel", "id", name=op.f("product_words_pk")),
        sqlite_with_rowid=False,
    )
