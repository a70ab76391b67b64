"""What was promised, and how it stands"""

import sqlalchemy as sa
from alembic import op

from storage.tables import Key, Utc

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    op.create_table(
        "promises",
        sa.Column("shop", Key, nullable=False),
        sa.Column("name", Key, nullable=False),
        sa.Column("about", Key, nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("given_at", Utc(), nullable=False),
        sa.Column("due_at", Utc(), nullable=False),
        sa.Column("done_at", Utc()),
        sa.PrimaryKeyConstraint("shop", "name", "about", name=op.f("promises_pk")),
        sa.CheckConstraint(
            "state = 'open' OR state = 'kept' OR state = 'missed'"
            " OR state = 'excused' OR state = 'withdrawn'",
            name=op.f("promises_state_known"),
        ),
    )
    op.create_index("promises_about", "promises", ["shop", "about"])
    op.create_index("promises_due", "promises", ["shop", "state", "due_at"])
