"""The first schema"""

import sqlalchemy as sa
from alembic import op

from storage.tables import Key, Utc, Words

revision = "0001"
down_revision = None


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(sa.schema.CreateSequence(sa.Sequence("xiaoer_ids")))
    op.create_table(
        "attempts",
        sa.Column("shop", Key, nullable=False),
        sa.Column("message", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.Column("channel", Key, nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("why", Words(), nullable=True),
        sa.PrimaryKeyConstraint("shop", "message", "number", name=op.f("attempts_pk")),
    )
    op.create_table(
        "buyers",
        sa.Column("shop", Key, nullable=False),
        sa.Column("id", Key, nullable=False),
        sa.Column("name", Words(), nullable=True),
        sa.Column("email", Words(), nullable=True),
        sa.Column("phone", Words(), nullable=True),
        sa.Column("locale", sa.String(), nullable=True),
        sa.Column("timezone", sa.String(), nullable=True),
        sa.Column("agrees", sa.Boolean(), nullable=True),
        sa.Column("agrees_at", Utc(), nullable=True),
        sa.Column("stopped_at", Utc(), nullable=True),
        sa.Column("resumed_at", Utc(), nullable=True),
        sa.Column("shown_at", Utc(), nullable=True),
        sa.Column("created_at", Utc(), nullable=False),
        sa.Column("joined_to", Key, nullable=True),
        sa.CheckConstraint("joined_to IS NULL OR joined_to <> id", name=op.f("buyers_joined_to_another")),
        sa.PrimaryKeyConstraint("shop", "id", name=op.f("buyers_pk")),
    )
    with op.batch_alter_table("buyers", schema=None) as batch_op:
        batch_op.create_index(
            "buyers_agreeing",
            ["shop", "id"],
            unique=False,
            sqlite_where=sa.text("agrees AND joined_to IS NULL"),
            postgresql_where=sa.text("agrees AND joined_to IS NULL"),
        )

    op.create_table(
        "campaigns",
        sa.Column("shop", Key, nullable=False),
        sa.Column("promotion", Key, nullable=False),
        sa.Column("slot", Utc(), nullable=False),
        sa.Column("cursor", Key, nullable=False),
        sa.Column("queued", sa.Integer(), nullable=False),
        sa.Column("done_at", Utc(), nullable=True),
        sa.PrimaryKeyConstraint("shop", "promotion", "slot", name=op.f("campaigns_pk")),
    )
    op.create_table(
        "cases",
        sa.Column("shop", Key, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("key", Key, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("details", Words(), nullable=False),
        sa.Column("order_id", Key, nullable=True),
        sa.Column("buyer", Key, nullable=True),
        sa.Column("draft", Words(), nullable=True),
        sa.Column("opened_at", Utc(), nullable=False),
        sa.Column("closed_at", Utc(), nullable=True),
        sa.PrimaryKeyConstraint("shop", "number", name=op.f("cases_pk")),
        sa.UniqueConstraint("shop", "key", name=op.f("cases_shop_key_once")),
    )
    with op.batch_alter_table("cases", schema=None) as batch_op:
        batch_op.create_index(
            "cases_open",
            ["shop", "buyer"],
            unique=False,
            sqlite_where=sa.text("closed_at IS NULL"),
            postgresql_where=sa.text("closed_at IS NULL"),
        )

    op.create_table(
        "conversations",
        sa.Column("shop", Key, nullable=False),
        sa.Column("channel", Key, nullable=False),
        sa.Column("address", Key, nullable=False),
        sa.Column("buyer", Key, nullable=False),
        sa.Column("last_in_at", Utc(), nullable=True),
        sa.Column("human_until", Utc(), nullable=True),
        sa.Column("blocked_at", Utc(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("tries_since", Utc(), nullable=True),
        sa.CheckConstraint("tries >= 0", name=op.f("conversations_tries_counted")),
        sa.PrimaryKeyConstraint("shop", "channel", "address", name=op.f("conversations_pk")),
    )
    with op.batch_alter_table("conversations", schema=None) as batch_op:
        batch_op.create_index("conversations_of_buyer", ["shop", "buyer"], unique=False)

    op.create_table(
        "counter",
        sa.Column("name", Key, nullable=False),
        sa.Column("next", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("counter_pk")),
    )
    op.create_table(
        "identities",
        sa.Column("shop", Key, nullable=False),
        sa.Column("kind", Key, nullable=False),
        sa.Column("value", Key, nullable=False),
        sa.Column("buyer", Key, nullable=False),
        sa.PrimaryKeyConstraint("shop", "kind", "value", name=op.f("identities_pk")),
    )
    with op.batch_alter_table("identities", schema=None) as batch_op:
        batch_op.create_index("identities_of_buyer", ["shop", "buyer"], unique=False)

    op.create_table(
        "inbox",
        sa.Column("shop", Key, nullable=False),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("channel", Key, nullable=False),
        sa.Column("external_id", Key, nullable=False),
        sa.Column("thread", Key, nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("received_at", Utc(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("rule", sa.String(), nullable=True),
        sa.Column("error", Words(), nullable=True),
        sa.Column("handled_at", Utc(), nullable=True),
        sa.CheckConstraint(
            "state = 'open' OR state = 'done' OR state = 'parked'", name=op.f("inbox_state_known")
        ),
        sa.PrimaryKeyConstraint("shop", "id", name=op.f("inbox_pk")),
        sa.UniqueConstraint(
            "shop", "channel", "external_id", name=op.f("inbox_shop_channel_external_id_once")
        ),
    )
    with op.batch_alter_table("inbox", schema=None) as batch_op:
        batch_op.create_index(
            "inbox_open",
            ["shop", "id"],
            unique=False,
            sqlite_where=sa.text("state = 'open'"),
            postgresql_where=sa.text("state = 'open'"),
        )
        batch_op.create_index(
            "inbox_open_thread",
            ["shop", "thread"],
            unique=False,
            sqlite_where=sa.text("state = 'open'"),
            postgresql_where=sa.text("state = 'open'"),
        )
        batch_op.create_index(
            "inbox_parked",
            ["shop", "id"],
            unique=False,
            sqlite_where=sa.text("state = 'parked'"),
            postgresql_where=sa.text("state = 'parked'"),
        )

    op.create_table(
        "notes",
        sa.Column("shop", Key, nullable=False),
        sa.Column("buyer", Key, nullable=False),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("text", Words(), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.CheckConstraint("kind IN ('note', 'tag')", name=op.f("notes_kind_known")),
        sa.PrimaryKeyConstraint("shop", "buyer", "id", name=op.f("notes_pk")),
    )
    op.create_table(
        "orders",
        sa.Column("shop", Key, nullable=False),
        sa.Column("id", Key, nullable=False),
        sa.Column("channel", Key, nullable=False),
        sa.Column("number", Key, nullable=False),
        sa.Column("buyer", Key, nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("placed_at", Utc(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.Column("total_minor", sa.BigInteger(), nullable=True),
        sa.Column("paid_minor", sa.BigInteger(), nullable=False),
        sa.Column("refunded_minor", sa.BigInteger(), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "refunded_minor >= 0 AND paid_minor >= 0", name=op.f("orders_money_moved_forward")
        ),
        sa.CheckConstraint(
            "total_minor IS NULL OR currency IS NOT NULL", name=op.f("orders_money_has_currency")
        ),
        sa.PrimaryKeyConstraint("shop", "id", name=op.f("orders_pk")),
    )
    with op.batch_alter_table("orders", schema=None) as batch_op:
        batch_op.create_index("orders_by_number", ["shop", "number"], unique=False)
        batch_op.create_index("orders_of_buyer", ["shop", "buyer", "placed_at"], unique=False)

    op.create_table(
        "outbox",
        sa.Column("shop", Key, nullable=False),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("key", Key, nullable=False),
        sa.Column("buyer", Key, nullable=False),
        sa.Column("order_id", Key, nullable=True),
        sa.Column("template", sa.String(), nullable=False),
        sa.Column("version", Key, nullable=False),
        sa.Column("category", sa.String(), nullable=False),
        sa.Column("values", Words(), nullable=False),
        sa.Column("buttons", Words(), nullable=True),
        sa.Column("to", Key, nullable=True),
        sa.Column("unlike", Key, nullable=True),
        sa.Column("event", sa.BigInteger(), nullable=True),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("created_at", Utc(), nullable=False),
        sa.Column("due_at", Utc(), nullable=False),
        sa.Column("lateness", sa.Integer(), nullable=False),
        sa.Column("try_at", Utc(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", Words(), nullable=True),
        sa.Column("facts", Words(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease_until", Utc(), nullable=True),
        sa.Column("channel", Key, nullable=True),
        sa.Column("address", Key, nullable=True),
        sa.Column("text", Words(), nullable=True),
        sa.Column("receipt", Key, nullable=True),
        sa.Column("settled_at", Utc(), nullable=True),
        sa.CheckConstraint(
            "state <> 'sending' OR (text IS NOT NULL AND lease_until IS NOT NULL)",
            name=op.f("outbox_sending_known"),
        ),
        sa.CheckConstraint(
            "state <> 'sent' OR (settled_at IS NOT NULL AND text IS NOT NULL)", name=op.f("outbox_sent_kept")
        ),
        sa.CheckConstraint(
            "state = 'queued' OR state = 'sending' OR state = 'sent' OR state = 'skipped'"
            " OR state = 'withdrawn' OR state = 'failed' OR state = 'unknown'",
            name=op.f("outbox_state_known"),
        ),
        sa.CheckConstraint("attempts >= 0 AND lateness >= 0", name=op.f("outbox_counted")),
        sa.PrimaryKeyConstraint("shop", "id", name=op.f("outbox_pk")),
        sa.UniqueConstraint("shop", "key", name=op.f("outbox_shop_key_once")),
    )
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.create_index(
            "outbox_answers",
            ["shop", "try_at", "id"],
            unique=False,
            sqlite_where=sa.text("state = 'queued' AND category = 'answer'"),
            postgresql_where=sa.text("state = 'queued' AND category = 'answer'"),
        )
        batch_op.create_index(
            "outbox_due",
            ["shop", "try_at", "id"],
            unique=False,
            sqlite_where=sa.text("state = 'queued'"),
            postgresql_where=sa.text("state = 'queued'"),
        )
        batch_op.create_index("outbox_of_buyer", ["shop", "buyer", "settled_at"], unique=False)
        batch_op.create_index("outbox_of_order", ["shop", "order_id"], unique=False)
        batch_op.create_index(
            "outbox_sending",
            ["shop", "buyer"],
            unique=False,
            sqlite_where=sa.text("state = 'sending'"),
            postgresql_where=sa.text("state = 'sending'"),
        )

    op.create_table(
        "templates",
        sa.Column("shop", Key, nullable=False),
        sa.Column("id", Key, nullable=False),
        sa.Column("locale", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("source", Words(), nullable=False),
        sa.Column("own", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("shop", "id", name=op.f("templates_pk")),
    )
    op.create_table(
        "unreadable",
        sa.Column("shop", Key, nullable=False),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("channel", Key, nullable=False),
        sa.Column("external_id", Key, nullable=False),
        sa.Column("headers", Words(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("error", Words(), nullable=False),
        sa.Column("received_at", Utc(), nullable=False),
        sa.Column("settled_at", Utc(), nullable=True),
        sa.PrimaryKeyConstraint("shop", "id", name=op.f("unreadable_pk")),
        sa.UniqueConstraint(
            "shop", "channel", "external_id", name=op.f("unreadable_shop_channel_external_id_once")
        ),
    )
    op.create_table(
        "wakes",
        sa.Column("shop", Key, nullable=False),
        sa.Column("key", Key, nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("about", Key, nullable=False),
        sa.Column("order_id", Key, nullable=True),
        sa.Column("fired_at", Utc(), nullable=True),
        sa.PrimaryKeyConstraint("shop", "key", name=op.f("wakes_pk")),
    )
    with op.batch_alter_table("wakes", schema=None) as batch_op:
        batch_op.create_index(
            "wakes_due",
            ["shop", "at"],
            unique=False,
            sqlite_where=sa.text("fired_at IS NULL"),
            postgresql_where=sa.text("fired_at IS NULL"),
        )
