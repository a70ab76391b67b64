"""Many shops: only those with something due are asked"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    still = sa.text("done_at IS NULL")
    op.create_index("campaigns_open", "campaigns", ["shop"], sqlite_where=still, postgresql_where=still)
