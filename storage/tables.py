"""The tables: constraints for the rules, the shop first in every key, one type for times."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ColumnElement,
    DateTime,
    Dialect,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    literal,
    literal_column,
    text,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine


class Utc(TypeDecorator[datetime]):
    """An aware datetime, stored as UTC; a naive one raises ValueError.

    SQLite has no type for it and drops zones, so there it is text of one width that sorts as time does.
    """

    impl = String(32)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(String(32))
        return dialect.type_descriptor(DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone")
        moment = value.astimezone(UTC)
        return moment.isoformat(timespec="microseconds") if dialect.name == "sqlite" else moment

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return datetime.fromisoformat(value) if dialect.name == "sqlite" else value.astimezone(UTC)


class Words(TypeDecorator[str]):
    """Text from outside, without the NUL that PostgreSQL cannot store."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return value.replace("\x00", "") if value and "\x00" in value else value


# The second (since 1970) from which on a message is too late; on PostgreSQL as it writes it itself, so that a
# test can compare the index with the one of the migrations.
SENDABLE_UNTIL = {
    "sqlite": "(unixepoch(due_at) + lateness)",
    "postgresql": "(EXTRACT(epoch FROM (due_at AT TIME ZONE 'UTC'))::bigint + lateness)",
}


class SendableUntil(FunctionElement[int]):
    """SENDABLE_UNTIL in an index."""

    name = "sendable_until"
    type = BigInteger()
    inherit_cache = True


@compiles(SendableUntil)
def _sendable_until(element: SendableUntil, compiler: SQLCompiler, **_: Any) -> str:
    return SENDABLE_UNTIL[compiler.dialect.name]


# Ids and keys are compared byte by byte, so that a range of keys is a prefix of keys.
Key = String().with_variant(String(collation="C"), "postgresql")

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pk",
        "uq": "%(table_name)s_%(column_0_N_name)s_once",
        "ck": "%(table_name)s_%(constraint_name)s",
    }
)


def _open(column: str) -> dict[str, Any]:
    """A partial index over the few rows that are still open."""
    return {"sqlite_where": text(column), "postgresql_where": text(column)}


def _one_of(column: str, *states: str) -> CheckConstraint:
    """Not as IN, for which SQLite builds a small tree for each row."""
    known = " OR ".join(f"{column} = '{state}'" for state in states)
    return CheckConstraint(known, name=f"{column}_known")


# The states of orders for which money is expected.
AWAITING = "(state = 'unpaid' OR state = 'partly_paid' OR state = 'payment_unclear' OR state = 'on_delivery')"

OF_ORDERS = "thread >= 'order:' AND thread < 'order;'"  # as text, so that planners find the index

inbox = Table(
    "inbox",
    metadata,
    Column("shop", Key, nullable=False),
    Column("id", BigInteger, nullable=False),
    Column("channel", Key, nullable=False),
    Column("external_id", Key, nullable=False),
    Column("thread", Key, nullable=False),
    Column("type", String, nullable=False),
    Column("body", Text, nullable=False),
    Column("received_at", Utc, nullable=False),
    Column("ready_at", Utc, nullable=False),  # not handled before; later than received_at: it may be joined
    Column("state", String, nullable=False),
    Column("rule", String),  # the route that handled it
    Column("error", Words),
    Column("handled_at", Utc),
    PrimaryKeyConstraint("shop", "id"),
    UniqueConstraint(
        "shop", "channel", "external_id"
    ),  # platforms repeat deliveries; we do not repeat answers
    _one_of("state", "open", "done", "parked"),
    Index("inbox_open", "shop", "ready_at", "id", **_open("state = 'open'")),
    Index("inbox_open_thread", "shop", "thread", "id", **_open("state = 'open'")),
    Index("inbox_parked", "shop", "id", **_open("state = 'parked'")),
    Index("inbox_of_order", "shop", "thread", "id", **_open(OF_ORDERS)),
)

unreadable = Table(
    "unreadable",
    metadata,
    Column("shop", Key, nullable=False),
    Column("id", BigInteger, nullable=False),
    Column("channel", Key, nullable=False),
    Column("external_id", Key, nullable=False),  # hash of the body, so that a repeat is one row
    Column("headers", Words, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("error", Words, nullable=False),
    Column("received_at", Utc, nullable=False),
    Column("settled_at", Utc),  # read again with success
    PrimaryKeyConstraint("shop", "id"),
    UniqueConstraint("shop", "channel", "external_id"),
)

buyers = Table(
    "buyers",
    metadata,
    Column("shop", Key, nullable=False),
    Column("id", Key, nullable=False),
    Column("name", Words),
    Column("email", Words),
    Column("phone", Words),
    Column("mailbox", Words),  # proved to be theirs; the email is only said
    Column("locale", String),
    Column("timezone", String),
    Column("agrees", Boolean),  # these four were the wishes before they belonged to addresses; not read
    Column("agrees_at", Utc),
    Column("stopped_at", Utc),
    Column("resumed_at", Utc),
    Column("shown_at", Utc),
    Column("told_at", Text),  # the times of details that were told before shown_at, JSON
    Column("created_at", Utc, nullable=False),
    Column("joined_to", Key),  # the record that this one was joined to, when contacts still joined
    Column("mixed", Boolean),  # contacts that were only said joined others to it; False: parted since
    PrimaryKeyConstraint("shop", "id"),
    CheckConstraint("joined_to IS NULL OR joined_to <> id", name="joined_to_another"),
    Index("buyers_mixed", "shop", "id", **_open("mixed")),
    Index("buyers_joined", "shop", "joined_to", **_open("joined_to IS NOT NULL")),
)

# What an address wants to hear of us: append-only (bot/domain/wishes.py).
wishes = Table(
    "wishes",
    metadata,
    Column("shop", Key, nullable=False),
    Column("id", BigInteger, nullable=False),
    Column("kind", Key, nullable=False),  # email, phone, or a channel's name
    Column("value", Key, nullable=False),
    Column("what", String, nullable=False),
    Column("yes", Boolean, nullable=False),
    Column("at", Utc, nullable=False),  # the wish's own time, never after its arrival
    Column("flag", Key),  # the platform's record that shows it, where it is no word of the buyer's own
    Column("confirmed", Boolean, nullable=False),
    Column("buyer", Key),
    Column("channel", Key, nullable=False),
    Column("event", Key, nullable=False),  # external id
    Column("recorded_at", Utc, nullable=False),
    Column("version", Key),  # of the text that the buyer answered
    PrimaryKeyConstraint("shop", "id"),
    _one_of("what", "all", "offers"),
    Index("wishes_of_address", "shop", "value"),
    Index("wishes_for_offers", "shop", "kind", "value", **_open("yes AND what = 'offers'")),
    Index("wishes_of_buyer", "shop", "buyer", "kind", "value", **_open("yes AND what = 'offers'")),
)

# Which chat opened which order, and how; a chat sees no other order.
openings = Table(
    "openings",
    metadata,
    Column("shop", Key, nullable=False),
    Column("order_id", Key, nullable=False),
    Column("channel", Key, nullable=False),
    Column("address", Key, nullable=False),
    Column("mark", Key, nullable=False),
    Column("how", String, nullable=False),
    Column("at", Utc, nullable=False),
    PrimaryKeyConstraint("shop", "order_id", "channel", "address", "mark"),
    _one_of("how", "link", "digits", "verified", "before"),
    Index("openings_of_chat", "shop", "channel", "address"),
)

# Links that were used: the first chat that opens one wins.
used_links = Table(
    "used_links",
    metadata,
    Column("shop", Key, nullable=False),
    Column("order_id", Key, nullable=False),
    Column("mark", Key, nullable=False),
    Column("channel", Key, nullable=False),
    Column("address", Key, nullable=False),
    Column("at", Utc, nullable=False),
    PrimaryKeyConstraint("shop", "order_id", "mark"),
)

# Wrong tries to prove an order; order_id is empty where the number is nobody's.
wrong_tries = Table(
    "wrong_tries",
    metadata,
    Column("shop", Key, nullable=False),
    Column("id", BigInteger, nullable=False),
    Column("order_id", Key, nullable=False),
    Column("channel", Key, nullable=False),
    Column("address", Key, nullable=False),
    Column("at", Utc, nullable=False),
    PrimaryKeyConstraint("shop", "id"),
    Index("wrong_tries_at_order", "shop", "order_id", "at"),
    Index("wrong_tries_at", "shop", "at"),
)

identities = Table(
    "identities",
    metadata,
    Column("shop", Key, nullable=False),
    Column("kind", Key, nullable=False),  # a channel's name, or "guest of" one
    Column("value", Key, nullable=False),
    Column("buyer", Key, nullable=False),
    PrimaryKeyConstraint("shop", "kind", "value"),  # an identity is one buyer's
    Index("identities_of_buyer", "shop", "buyer"),
)

notes = Table(
    "notes",
    metadata,
    Column("shop", Key, nullable=False),
    Column("buyer", Key, nullable=False),
    Column("id", BigInteger, nullable=False),
    Column("kind", String, nullable=False),
    Column("text", Words, nullable=False),
    Column("at", Utc, nullable=False),
    Column("who", String),  # as in the trail; no value: a rule
    PrimaryKeyConstraint("shop", "buyer", "id"),
    _one_of("kind", "note", "tag"),
)

# What the seller knows of a buyer besides, word for word: the newest of each name counts.
details = Table(
    "details",
    metadata,
    Column("shop", Key, nullable=False),
    Column("buyer", Key, nullable=False),
    Column("id", BigInteger, nullable=False),
    Column("name", Key, nullable=False),
    Column("value", Words),  # None: taken back
    Column("at", Utc, nullable=False),
    Column("who", String, nullable=False),
    PrimaryKeyConstraint("shop", "buyer", "id"),
)

conversations = Table(
    "conversations",
    metadata,
    Column("shop", Key, nullable=False),
    Column("channel", Key, nullable=False),
    Column("address", Key, nullable=False),
    Column("buyer", Key, nullable=False),
    Column("last_in_at", Utc),
    Column("human_until", Utc),
    Column("blocked_at", Utc),
    Column("unblocked_at", Utc),
    Column("tries", Integer, nullable=False),  # wrong ones, to prove an order
    Column("tries_since", Utc),
    Column("answered", Text),  # times of the newest answers, JSON
    Column("hushed_until", Utc),  # no answer before: too many went out at once
    Column("no_reminders_at", Utc),  # the buyer's last word here against being pressed
    Column("no_reminders_for", Words),  # as JSON: numbers of orders that were not known here
    Column("talk", Text),  # what was asked and said last, JSON
    PrimaryKeyConstraint("shop", "channel", "address"),
    CheckConstraint("tries >= 0", name="tries_counted"),
    Index("conversations_of_buyer", "shop", "buyer"),
)

orders = Table(
    "orders",
    metadata,
    Column("shop", Key, nullable=False),
    Column("id", Key, nullable=False),
    Column("channel", Key, nullable=False),
    Column("number", Key, nullable=False),
    Column("plain_number", Key),  # as typed numbers are compared with it, where that is another text
    Column("buyer", Key),
    Column("email", Key),  # of its contacts, to find orders by: in lower case
    Column("phone", Key),
    Column("state", String, nullable=False),  # derived from the record
    Column("placed_at", Utc),
    Column("currency", String(3)),
    Column("total_minor", BigInteger),
    Column("paid_minor", BigInteger, nullable=False),
    Column("refunded_minor", BigInteger, nullable=False),
    Column("record", Text, nullable=False),  # the merged facts
    PrimaryKeyConstraint("shop", "id"),
    CheckConstraint("total_minor IS NULL OR currency IS NOT NULL", name="money_has_currency"),
    CheckConstraint("refunded_minor >= 0 AND paid_minor >= 0", name="money_moved_forward"),
    Index("orders_of_buyer", "shop", "buyer", "placed_at"),
    Index("orders_by_number", "shop", "number"),
    Index("orders_by_plain_number", "shop", "plain_number", **_open("plain_number IS NOT NULL")),
    Index("orders_by_email", "shop", "email", **_open("email IS NOT NULL")),
    Index("orders_by_phone", "shop", "phone", **_open("phone IS NOT NULL")),
    Index("orders_awaiting_money", "shop", "id", **_open(AWAITING)),
)

# Money that came by the lines of bank statements, each line once, kept for payment.keep_statements.
transfers = Table(
    "transfers",
    metadata,
    Column("shop", Key, nullable=False),
    Column("fingerprint", Key, nullable=False),
    Column("bank", Key, nullable=False),
    Column("booked_at", Utc, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("minor", BigInteger, nullable=False),
    Column("payer", Words, nullable=False),
    Column("text", Words, nullable=False),
    Column("how", String, nullable=False),  # it was matched
    Column("orders", Text, nullable=False),  # JSON: order and minor units
    Column("case_number", Integer),
    Column("read_at", Utc, nullable=False),
    PrimaryKeyConstraint("shop", "fingerprint"),
    CheckConstraint("minor > 0", name="of_something"),
    Index("transfers_booked", "shop", "booked_at"),
    Index("transfers_of_case", "shop", "case_number", **_open("case_number IS NOT NULL")),
)

# Not used any more; programs of the version before work with it until they are restarted.
placing_channels = Table(
    "placing_channels",
    metadata,
    Column("shop", Key, nullable=False),
    Column("channel", Key, nullable=False),
    PrimaryKeyConstraint("shop", "channel"),
    sqlite_with_rowid=False,
)

# What is for sale, each product as its source told it last: items merged by sku when they are read.
products = Table(
    "products",
    metadata,
    Column("shop", Key, nullable=False),
    Column("channel", Key, nullable=False),
    Column("id", Key, nullable=False),  # the source's own
    Column("record", Words, nullable=False),
    PrimaryKeyConstraint("shop", "channel", "id"),
    sqlite_with_rowid=False,
)

# By what a product may be found: the words of its titles, and "=" with each sku. What was a word of it once
# may stay, so that nothing is deleted; readers look at the product itself.
product_words = Table(
    "product_words",
    metadata,
    Column("shop", Key, nullable=False),
    Column("word", Key, nullable=False),
    Column("channel", Key, nullable=False),
    Column("id", Key, nullable=False),
    PrimaryKeyConstraint("shop", "word", "channel", "id"),
    sqlite_with_rowid=False,
)

cases = Table(
    "cases",
    metadata,
    Column("shop", Key, nullable=False),
    Column("number", Integer, nullable=False),
    Column("key", Key, nullable=False),
    Column("kind", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("details", Words, nullable=False),
    Column("order_id", Key),
    Column("buyer", Key),
    Column("draft", Words),
    Column("opened_at", Utc, nullable=False),
    Column("closed_at", Utc),
    Column("asked_at", Utc),  # the buyer's last words that want an answer
    Column("answered_at", Utc),  # the last reply of a person
    Column("waits_since", Utc),  # the first of the buyer's words after that reply
    Column("chat", Key),  # channel:address where the buyer waits
    Column("cause", String),  # of a complaint
    Column("due_at", Utc),  # by when a complaint is decided
    Column("outcome", Words),  # what the buyer was told when it was settled
    Column("reopened", Integer),  # how often, after it was settled; no value: never
    Column("event", BigInteger),  # the inbox row that led to it
    PrimaryKeyConstraint("shop", "number"),
    UniqueConstraint("shop", "key"),
    Index("cases_open", "shop", "buyer", **_open("closed_at IS NULL")),
    Index("cases_complained", "shop", "buyer", **_open("kind = 'complaint'")),
    Index("cases_open_about", "shop", "order_id", **_open("closed_at IS NULL")),
)

# What was said in the chat while a case was open, by the buyer and by people of the shop.
case_words = Table(
    "case_words",
    metadata,
    Column("shop", Key, nullable=False),
    Column("number", Integer, nullable=False),  # the case's
    Column("channel", Key, nullable=False),
    Column("event", Key, nullable=False),  # external id
    Column("at", Utc, nullable=False),
    Column("who", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("text", Words, nullable=False),
    PrimaryKeyConstraint("shop", "number", "channel", "event"),
    _one_of("who", "buyer", "person"),
)

# What was agreed with buyers who bargain: once for each buyer and item until an order uses it.
quotes = Table(
    "quotes",
    metadata,
    Column("shop", Key, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("channel", Key, nullable=False),
    Column("address", Key, nullable=False),
    Column("buyer", Key, nullable=False),
    Column("sku", Key, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("price_minor", BigInteger, nullable=False),  # of all pieces, without postage
    Column("postage_free", Boolean, nullable=False),
    Column("state", String, nullable=False),
    Column("opened_at", Utc, nullable=False),
    Column("valid_until", Utc),
    Column("order_id", Key),  # that used it
    Column("record", Text, nullable=False),  # the whole, with the bargain
    PrimaryKeyConstraint("shop", "number"),
    CheckConstraint("quantity > 0 AND price_minor >= 0", name="of_something"),
    CheckConstraint("(state = 'used') = (order_id IS NOT NULL)", name="used_by_an_order"),
    _one_of("state", "open", "accepted", "used"),
    Index("quotes_of_chat", "shop", "channel", "address", "number"),
    Index("quotes_of_buyer", "shop", "buyer", "number"),
)

# What buyers asked for while it was sold out: one wish for each chat and item (bot/domain/stock_wishes.py).
stock_wishes = Table(
    "stock_wishes",
    metadata,
    Column("shop", Key, nullable=False),
    Column("sku", Key, nullable=False),
    Column("channel", Key, nullable=False),
    Column("address", Key, nullable=False),
    Column("title", Words, nullable=False),
    Column("asked_at", Utc, nullable=False),
    Column("lapses_at", Utc, nullable=False),
    Column("told_at", Utc),  # when the message was queued
    Column("tries", Integer, nullable=False),  # messages before that were not sent, as it was sold out again
    PrimaryKeyConstraint("shop", "sku", "channel", "address"),
    Index("stock_wishes_lapse", "shop", "lapses_at"),
    Index("stock_wishes_open", "shop", "sku", "asked_at", **_open("told_at IS NULL")),
)

# Items that are back, as long as there is somebody to be told.
restocks = Table(
    "restocks",
    metadata,
    Column("shop", Key, nullable=False),
    Column("sku", Key, nullable=False),
    Column("at", Utc, nullable=False),
    Column("room", Integer),  # how many are yet told in this turn; none: it has not begun
    PrimaryKeyConstraint("shop", "sku"),
    Index("restocks_due", "at", "shop"),  # of all shops at once
)

wakes = Table(
    "wakes",
    metadata,
    Column("shop", Key, nullable=False),
    Column("key", Key, nullable=False),
    Column("at", Utc, nullable=False),
    Column("what", String, nullable=False),
    Column("about", Key, nullable=False),
    Column("order_id", Key),
    Column("fired_at", Utc),
    PrimaryKeyConstraint("shop", "key"),
    Index("wakes_due", "at", "shop", **_open("fired_at IS NULL")),  # of all shops at once
)

templates = Table(
    "templates",
    metadata,
    Column("shop", Key, nullable=False),
    Column("id", Key, nullable=False),
    Column("locale", String, nullable=False),
    Column("name", String, nullable=False),
    Column("source", Words, nullable=False),
    Column("own", Boolean, nullable=False),  # the seller's template, not ours
    PrimaryKeyConstraint("shop", "id"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("shop", Key, nullable=False),
    Column("id", BigInteger, nullable=False),
    Column("key", Key, nullable=False),
    Column("buyer", Key, nullable=False),
    Column("order_id", Key),
    Column("template", String, nullable=False),
    Column("version", Key, nullable=False),
    Column("category", String, nullable=False),
    Column("values", Words, nullable=False),
    Column("buttons", Words),
    Column("to", Key),
    Column("unlike", Key),
    Column("event", BigInteger),  # the inbox row that led to it
    Column("rule", String, nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("due_at", Utc, nullable=False),  # as decided; never changes
    Column("lateness", Integer, nullable=False),  # seconds after due_at
    Column("try_at", Utc, nullable=False),
    Column("state", String, nullable=False),
    Column("reason", Words),
    Column("facts", Words),
    Column("attempts", Integer, nullable=False),
    Column("lease_until", Utc),
    Column("channel", Key),
    Column("address", Key),
    Column("text", Words),
    Column("receipt", Key),
    Column("settled_at", Utc),
    PrimaryKeyConstraint("shop", "id"),
    UniqueConstraint("shop", "key"),  # sent once in a shop's lifetime
    _one_of("state", "queued", "sending", "sent", "skipped", "withdrawn", "failed", "unknown"),
    CheckConstraint(
        "state <> 'sending' OR (text IS NOT NULL AND lease_until IS NOT NULL)", name="sending_known"
    ),
    CheckConstraint("state <> 'sent' OR (settled_at IS NOT NULL AND text IS NOT NULL)", name="sent_kept"),
    CheckConstraint("attempts >= 0 AND lateness >= 0", name="counted"),
    Index("outbox_due", "shop", "try_at", "id", **_open("state = 'queued'")),
    Index("outbox_due_at", "try_at", "shop", **_open("state = 'queued'")),  # of all shops at once
    Index("outbox_answers", "shop", "try_at", "id", **_open("state = 'queued' AND category = 'answer'")),
    Index("outbox_sending", "shop", "buyer", **_open("state = 'sending'")),
    Index("outbox_retried", "shop", "buyer", **_open("state = 'queued' AND attempts > 0")),
    Index("outbox_retried_chats", "shop", "address", "channel", **_open("state = 'queued' AND attempts > 0")),
    Index("outbox_failed", "shop", "id", **_open("state = 'failed'")),
    Index("outbox_unknown", "shop", "id", **_open("state = 'unknown'")),
    Index("outbox_of_buyer", "shop", "buyer", SendableUntil()),
    Index("outbox_of_order", "shop", "order_id"),
    Index("outbox_offers_to", "shop", "address", **_open("category = 'promotion'")),
    Index("outbox_offers_of", "shop", "rule", "settled_at", **_open("category = 'promotion'")),
)

attempts = Table(
    "attempts",
    metadata,
    Column("shop", Key, nullable=False),
    Column("message", BigInteger, nullable=False),
    Column("number", Integer, nullable=False),
    Column("at", Utc, nullable=False),
    Column("channel", Key, nullable=False),
    Column("outcome", String, nullable=False),
    Column("why", Words),
    PrimaryKeyConstraint("shop", "message", "number"),
)

campaigns = Table(
    "campaigns",
    metadata,
    Column("shop", Key, nullable=False),
    Column("promotion", Key, nullable=False),
    Column("slot", Utc, nullable=False),  # the time that the cron line named, or when a person started it
    Column("cursor", Key, nullable=False),  # addresses up to here are done
    Column("queued", Integer, nullable=False),
    Column("done_at", Utc),
    Column("state", String, nullable=False, server_default="running"),
    Column("next_at", Utc),  # its pace lets it go on then
    Column("who", Words),  # started it; None: the calendar
    Column("approved_by", Words),
    Column("rules", Key),  # its settings when it was started, as a hash
    PrimaryKeyConstraint("shop", "promotion", "slot"),
    Index("campaigns_open", "shop", **_open("done_at IS NULL")),
    _one_of("state", "waiting", "running", "stopped"),
)

# Whose turn came in a campaign: who is told, in which wording, and who is held out.
campaign_members = Table(
    "campaign_members",
    metadata,
    Column("shop", Key, nullable=False),
    Column("campaign", Key, nullable=False),
    Column("buyer", Key, nullable=False),
    Column("held_out", Boolean, nullable=False),
    Column("wording", Key),
    Column("at", Utc, nullable=False),
    Column("until", Utc, nullable=False),  # what they buy before counts as the result
    PrimaryKeyConstraint("shop", "campaign", "buyer"),
    Index("campaign_members_of", "shop", "buyer"),
    sqlite_with_rowid=False,
)

# Codes that are given out once each.
campaign_codes = Table(
    "campaign_codes",
    metadata,
    Column("shop", Key, nullable=False),
    Column("campaign", Key, nullable=False),
    Column("code", Key, nullable=False),
    Column("given_at", Utc),
    Column("buyer", Key),  # None also of one who was erased since
    PrimaryKeyConstraint("shop", "campaign", "code"),
    UniqueConstraint("shop", "campaign", "buyer"),
    Index("campaign_codes_free", "shop", "campaign", "code", **_open("given_at IS NULL")),
    Index("campaign_codes_of", "shop", "buyer"),
)


# What segments and tiers ask about each buyer (bot/domain/figures.py): summed up at night, and again when
# something about them has changed. Nothing about a buyer who is not here is in a segment.
figures = Table(
    "figures",
    metadata,
    Column("shop", Key, nullable=False),
    Column("buyer", Key, nullable=False),
    Column("orders", Integer, nullable=False),
    Column("spent_minor", BigInteger, nullable=False),
    Column("refunds", Integer, nullable=False),
    Column("refunded_minor", BigInteger, nullable=False),
    Column("first_order_at", Utc),
    Column("last_order_at", Utc),
    Column("unpaid_at", Utc),
    Column("last_contact_at", Utc),
    Column("lately_orders", Integer, nullable=False),
    Column("lately_spent_minor", BigInteger, nullable=False),
    Column("agrees", Boolean, nullable=False),
    Column("locale", Key),
    Column("city", Key),  # as it is compared
    Column("channels", Key, nullable=False),  # between bars
    Column("kept_tier", Key),  # the one of the last night, as in `tiers`
    PrimaryKeyConstraint("shop", "buyer"),
    sqlite_with_rowid=False,
)

# Things that were bought, by sku and title as they are compared, and by whom.
items = Table(
    "items",
    metadata,
    Column("shop", Key, nullable=False),
    Column("id", Key, nullable=False),  # made of the two
    Column("sku", Key, nullable=False),
    Column("title", Words, nullable=False),
    PrimaryKeyConstraint("shop", "id"),
    sqlite_with_rowid=False,
)
bought = Table(
    "bought",
    metadata,
    Column("shop", Key, nullable=False),
    Column("buyer", Key, nullable=False),
    Column("item", Key, nullable=False),
    PrimaryKeyConstraint("shop", "buyer", "item"),
    Index("bought_by_item", "shop", "item", "buyer"),
    sqlite_with_rowid=False,
)

# In which tier a buyer was from when to when: by what was summed up at night, or given by the seller.
tiers = Table(
    "tiers",
    metadata,
    Column("shop", Key, nullable=False),
    Column("buyer", Key, nullable=False),
    Column("kind", String, nullable=False),
    Column("since", Utc, nullable=False),
    Column("until", Utc),
    Column("tier", Key),  # None: given, and none
    Column("r", Integer),
    Column("f", Integer),
    Column("m", Integer),
    Column("orders", Integer),  # what it was decided by
    Column("spent_minor", BigInteger),
    Column("last_order_at", Utc),
    Column("who", Words),
    Column("reason", Words),
    PrimaryKeyConstraint("shop", "buyer", "kind", "since"),
    _one_of("kind", "kept", "given"),
    CheckConstraint("tier IS NOT NULL OR kind = 'given'", name="kept_or_none"),
    Index("tiers_kept", "shop", "tier", "buyer", **_open("kind = 'kept' AND until IS NULL")),
    Index("tiers_kept_of", "shop", "buyer", **_open("kind = 'kept' AND until IS NULL")),
    Index("tiers_given", "shop", "buyer", **_open("kind = 'given'")),
)

# What was promised: each promise of the settings, about each order or case, and how it stands.
promises = Table(
    "promises",
    metadata,
    Column("shop", Key, nullable=False),
    Column("name", Key, nullable=False),  # in the settings
    Column("about", Key, nullable=False),  # order:<id> or case:<number>
    Column("state", String, nullable=False),
    Column("given_at", Utc, nullable=False),
    Column("due_at", Utc, nullable=False),
    Column("done_at", Utc),
    PrimaryKeyConstraint("shop", "name", "about"),
    _one_of("state", "open", "kept", "missed", "excused", "withdrawn"),
    Index("promises_about", "shop", "about"),
    Index("promises_due", "shop", "state", "due_at"),
)

# The work of each night: how far it is, and by which fifths the tiers were decided.
nights = Table(
    "nights",
    metadata,
    Column("shop", Key, nullable=False),
    Column("slot", Utc, nullable=False),
    Column("step", String, nullable=False),
    Column("cursor", Key, nullable=False),  # buyers up to here are done
    Column("feed", BigInteger, nullable=False),  # events up to here are in the figures
    Column("whole", Boolean, nullable=False),  # what was bought is read of everybody, for the first time
    Column("rules", Key, nullable=False),  # the settings that it goes by, as a hash
    Column("known", Integer, nullable=False),  # buyers with figures
    Column("buyers", Integer, nullable=False),  # who bought lately
    Column("cuts", Text),  # JSON; None: too few of them
    Column("done_at", Utc),
    PrimaryKeyConstraint("shop", "slot"),
    _one_of("step", "figures", "cuts", "tiers", "done"),
)


# What stays of archived rows, so that no event is handled twice and no message sent twice.

archived_events = Table(
    "archived_events",
    metadata,
    Column("shop", Key, nullable=False),
    Column("channel", Key, nullable=False),
    Column("external_id", Key, nullable=False),
    PrimaryKeyConstraint("shop", "channel", "external_id"),
    sqlite_with_rowid=False,  # the key is the whole row
)

archived_messages = Table(
    "archived_messages",
    metadata,
    Column("shop", Key, nullable=False),
    Column("order_id", Key, nullable=False),
    Column("key", Key, nullable=False),
    Column("template", String, nullable=False),
    Column("state", String, nullable=False),
    Column("settled_at", Utc, nullable=False),
    Column("paid", Boolean, nullable=False),  # the order was known to be paid when it was sent
    PrimaryKeyConstraint("shop", "order_id", "key"),
    sqlite_with_rowid=False,
)

archives = Table(
    "archives",
    metadata,
    Column("shop", Key, nullable=False),
    Column("until", Utc),  # events and messages before may be in the archive
    Column("holder", Key),  # the program that archives now
    Column("held_until", Utc),
    PrimaryKeyConstraint("shop"),
)


# The offset up to which each log partition is in the inbox, and the program that consumes it.
positions = Table(
    "positions",
    metadata,
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("stream", String, nullable=False),  # a recreated stream counts from one again
    Column("sequence", BigInteger, nullable=False),
    Column("taker", String, nullable=False),
    Column("taken_until", Utc, nullable=False),
)


# Where this database is served, and whether its outbox is held: one row (storage/instance.py).
life = Table(
    "life",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("place", Key, nullable=False),
    Column("beat", BigInteger, nullable=False),
    Column("held_since", Utc),
    Column("held_why", String),
    CheckConstraint("number = 1", name="only_one"),
    CheckConstraint("(held_since IS NULL) = (held_why IS NULL)", name="held_for_a_reason"),
)


# Who used a shop's keys for what (storage/trail.py). shop: "" for tokens tried on a shop that is not ours.
trail = Table(
    "trail",
    metadata,
    Column("shop", Key, nullable=False),
    Column("id", BigInteger, nullable=False),
    Column("at", Utc, nullable=False),  # of the first, where several are counted
    Column("what", Key, nullable=False),
    Column("who", String),
    Column("about", Key),
    Column("times", BigInteger, nullable=False),
    PrimaryKeyConstraint("shop", "id"),
    CheckConstraint("times > 0", name="of_something"),
    Index("trail_by_kind", "shop", "what", "at"),
)


# Erasures of buyers: while one runs whom it is about and how far it is; then a receipt without the data.
erasures = Table(
    "erasures",
    metadata,
    Column("shop", Key, nullable=False),
    Column("id", Key, nullable=False),
    Column("at", Utc, nullable=False),
    Column("who", String, nullable=False),  # as in the trail
    Column("scope", Words),  # JSON; None once it is done
    Column("step", String, nullable=False),
    Column("cursor", Words),  # where the step goes on
    Column("counts", Words, nullable=False),  # rows by table, JSON
    Column("done_at", Utc),
    PrimaryKeyConstraint("shop", "id"),
    CheckConstraint("(done_at IS NULL) = (scope IS NOT NULL)", name="forgotten_when_done"),
    Index("erasures_open", "shop", "id", **_open("done_at IS NULL")),
)

# Keyed hashes of addresses and orders that were erased (bot/domain/erasing.py).
erased = Table(
    "erased",
    metadata,
    Column("shop", Key, nullable=False),
    Column("digest", Key, nullable=False),
    Column("at", Utc, nullable=False),
    Column("stopped", String),  # what its owner wants to hear no more of
    Column("stopped_at", Utc),
    PrimaryKeyConstraint("shop", "digest"),
    CheckConstraint("stopped IS NULL OR stopped = 'all' OR stopped = 'offers'", name="stopped_known"),
    sqlite_with_rowid=False,
)


# Up to which row words were forgotten because they are old (storage/forgetting.py).
forgotten = Table(
    "forgotten",
    metadata,
    Column("shop", Key, nullable=False),
    Column("kind", Key, nullable=False),
    Column("last", BigInteger, nullable=False),
    PrimaryKeyConstraint("shop", "kind"),
    sqlite_with_rowid=False,
)


# The ids on SQLite; PostgreSQL has a sequence.
counter = Table(
    "counter", metadata, Column("name", Key, primary_key=True), Column("next", BigInteger, nullable=False)
)


IN_HAND = timedelta(days=1)  # more than a sending takes, and than clocks differ


def sendable_since(at: datetime) -> int:
    """What SENDABLE_UNTIL is more than, for all messages that could still be sent, or were in hand, at `at`.

    The index of a buyer's messages leads by it to the young ones, because it never changes once a message is
    decided on: when it was settled would cost another page of the index for each message.
    """
    return int((at - IN_HAND).timestamp())


def sendable_at(at: datetime) -> ColumnElement[bool]:
    condition: ColumnElement[bool] = SendableUntil() > literal(sendable_since(at), BigInteger)
    return condition


def in_state(table: Table, state: str) -> ColumnElement[bool]:
    """A condition on the state as a literal, because planners match partial indexes by literals only."""
    condition: ColumnElement[bool] = table.c.state == literal_column(f"'{state}'")
    return condition
