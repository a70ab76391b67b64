"""Who is whom: orders with contacts of their own, wishes of addresses, orders that chats opened"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

from storage.tables import Key, Utc

revision = "0006"
down_revision = "0005"

PAGE = 500
DETAILS = ("name", "email", "phone", "locale", "timezone")


def upgrade() -> None:
    _tables()
    link = op.get_bind()
    _placing_channels(link)
    _mixed(link)
    said = _from_events(link)
    _contacts_from_buyers(link)
    _wishes(link)
    _openings(link, said)
    _identities(link)
    link.execute(sa.text("UPDATE campaigns SET cursor = '' WHERE done_at IS NULL"))


def _tables() -> None:
    op.create_table(
        "wishes",
        sa.Column("shop", Key, nullable=False),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("kind", Key, nullable=False),
        sa.Column("value", Key, nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("yes", sa.Boolean(), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.Column("flag", Key, nullable=True),
        sa.Column("confirmed", sa.Boolean(), nullable=False),
        sa.Column("buyer", Key, nullable=True),
        sa.Column("channel", Key, nullable=False),
        sa.Column("event", Key, nullable=False),
        sa.Column("recorded_at", Utc(), nullable=False),
        sa.Column("version", Key, nullable=True),
        sa.PrimaryKeyConstraint("shop", "id", name=op.f("wishes_pk")),
        sa.CheckConstraint("what IN ('all', 'offers')", name=op.f("wishes_what_known")),
    )
    op.create_index("wishes_of_address", "wishes", ["shop", "value"])
    _partial("wishes_for_offers", "wishes", ["shop", "kind", "value"], "yes AND what = 'offers'")
    op.create_table(
        "openings",
        sa.Column("shop", Key, nullable=False),
        sa.Column("order_id", Key, nullable=False),
        sa.Column("channel", Key, nullable=False),
        sa.Column("address", Key, nullable=False),
        sa.Column("mark", Key, nullable=False),
        sa.Column("how", sa.String(), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("shop", "order_id", "channel", "address", "mark", name=op.f("openings_pk")),
        sa.CheckConstraint(
            "how = 'link' OR how = 'digits' OR how = 'verified' OR how = 'before'",
            name=op.f("openings_how_known"),
        ),
    )
    op.create_index("openings_of_chat", "openings", ["shop", "channel", "address"])
    op.create_table(
        "used_links",
        sa.Column("shop", Key, nullable=False),
        sa.Column("order_id", Key, nullable=False),
        sa.Column("mark", Key, nullable=False),
        sa.Column("channel", Key, nullable=False),
        sa.Column("address", Key, nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("shop", "order_id", "mark", name=op.f("used_links_pk")),
    )
    op.create_table(
        "wrong_tries",
        sa.Column("shop", Key, nullable=False),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("order_id", Key, nullable=False),
        sa.Column("channel", Key, nullable=False),
        sa.Column("address", Key, nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("shop", "id", name=op.f("wrong_tries_pk")),
    )
    op.create_index("wrong_tries_at_order", "wrong_tries", ["shop", "order_id", "at"])
    op.create_index("wrong_tries_at", "wrong_tries", ["shop", "at"])
    op.create_table(
        "placing_channels",
        sa.Column("shop", Key, nullable=False),
        sa.Column("channel", Key, nullable=False),
        sa.PrimaryKeyConstraint("shop", "channel", name=op.f("placing_channels_pk")),
        sqlite_with_rowid=False,
    )
    op.add_column("buyers", sa.Column("told_at", sa.Text(), nullable=True))
    op.add_column("buyers", sa.Column("mixed", sa.Boolean(), nullable=True))
    op.drop_index("buyers_agreeing", "buyers")
    _partial("buyers_mixed", "buyers", ["shop", "id"], "mixed")
    op.add_column("conversations", sa.Column("unblocked_at", Utc(), nullable=True))
    op.add_column("orders", sa.Column("email", Key, nullable=True))
    op.add_column("orders", sa.Column("phone", Key, nullable=True))
    _partial("orders_by_email", "orders", ["shop", "email"], "email IS NOT NULL")
    _partial("orders_by_phone", "orders", ["shop", "phone"], "phone IS NOT NULL")
    _partial("cases_open_about", "cases", ["shop", "order_id"], "closed_at IS NULL")


def _partial(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


Chat = tuple[str, str, str]  # shop, channel, address

BUYERS = sa.table(
    "buyers",
    *(sa.column(name) for name in ("shop", "id", *DETAILS, "joined_to", "agrees")),
    *(sa.column(name, Utc()) for name in ("agrees_at", "stopped_at", "resumed_at", "shown_at", "created_at")),
    sa.column("mixed", sa.Boolean()),
)
IDENTITIES = sa.table("identities", *(sa.column(name) for name in ("shop", "kind", "value", "buyer")))
CHATS = sa.table(
    "conversations",
    *(sa.column(name) for name in ("shop", "channel", "address", "buyer")),
    sa.column("last_in_at", Utc()),
)
ORDERS = sa.table(
    "orders",
    *(sa.column(name) for name in ("shop", "id", "channel", "buyer", "email", "phone", "record")),
    sa.column("placed_at", Utc()),
)
INBOX = sa.table("inbox", *(sa.column(name) for name in ("shop", "id", "type", "body", "state")))
ARCHIVES = sa.table("archives", sa.column("shop"), sa.column("until", Utc()))
WISHES = sa.table(
    "wishes",
    *(
        sa.column(name)
        for name in ("shop", "id", "kind", "value", "what", "flag", "buyer", "channel", "event")
    ),
    *(sa.column(name, sa.Boolean()) for name in ("yes", "confirmed")),
    *(sa.column(name, Utc()) for name in ("at", "recorded_at")),
)
OPENINGS = sa.table(
    "openings",
    *(sa.column(name) for name in ("shop", "order_id", "channel", "address", "mark", "how")),
    sa.column("at", Utc()),
)


def _placing_channels(link: sa.Connection) -> None:
    link.execute(
        sa.text(
            "INSERT INTO placing_channels (shop, channel)"
            " SELECT DISTINCT shop, channel FROM orders WHERE placed_at IS NOT NULL"
        )
    )


def _mixed(link: sa.Connection) -> None:
    """Mark the buyers in whom several records or contacts came together: contacts that were only said may
    have joined them."""
    theirs = sa.select(IDENTITIES.c.shop, IDENTITIES.c.buyer).group_by(
        IDENTITIES.c.shop, IDENTITIES.c.buyer, IDENTITIES.c.kind
    )
    several = theirs.having(sa.func.count() > 1).union(
        sa.select(BUYERS.c.shop, BUYERS.c.joined_to).where(BUYERS.c.joined_to.is_not(None))
    )
    for shop, buyer in link.execute(several).all():
        link.execute(
            sa.update(BUYERS).where(BUYERS.c.shop == shop, BUYERS.c.id == buyer).values(mixed=sa.true())
        )


def _from_events(link: sa.Connection) -> set[Chat]:
    """Give each order the contacts that its own platform told, as far as the events are still there. Returns
    the chats in which a mail address or phone was said."""
    said: set[Chat] = set()
    after: tuple[str, int] | None = ("", 0)
    while after is not None:
        here = sa.tuple_(INBOX.c.shop, INBOX.c.id) > sa.tuple_(*map(sa.literal, after))
        page = sa.select(INBOX.c.shop, INBOX.c.id, INBOX.c.type, INBOX.c.body, INBOX.c.state).where(here)
        rows = link.execute(page.order_by(INBOX.c.shop, INBOX.c.id).limit(PAGE)).all()
        told: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for row in rows:
            if row.type == "order.placed" and row.state == "done":
                event = json.loads(row.body)
                told.setdefault((row.shop, event["order"]), []).append(event)
            elif row.type in ("message.received", "agent.replied"):
                event = json.loads(row.body)
                if event.get("buyer", {}).keys() & {"email", "phone"}:
                    said.add((row.shop, event["channel"], event["conversation"]))
        for (shop, order), events in told.items():
            _tell(link, shop, order, events)
        after = (rows[-1].shop, rows[-1].id) if len(rows) == PAGE else None
    return said


def _tell(link: sa.Connection, shop: str, id: str, events: list[dict[str, Any]]) -> None:
    row = link.execute(
        sa.select(ORDERS.c.record).where(ORDERS.c.shop == shop, ORDERS.c.id == id)
    ).one_or_none()
    if row is None:
        return
    record = json.loads(row.record)
    contacts = record.get("contacts", {})
    for event in events:
        if event["channel"] != record["channel"]:
            continue
        ref = event.get("buyer", {})
        values = {name: ref[name] for name in DETAILS if ref.get(name)} | {"id": ref.get("id", "")}
        for name, value in values.items():
            known = contacts.get(name)
            if known is None or (_time(event["at"]), value) > (_time(known["at"]), known["value"]):
                contacts[name] = {"value": value, "at": event["at"]}
    _save(link, shop, id, record, contacts)


def _contacts_from_buyers(link: sa.Connection) -> None:
    """Where the events are gone, an order keeps the contacts that its buyer had."""
    statement = (
        sa.select(ORDERS.c.shop, ORDERS.c.id, ORDERS.c.record, *(BUYERS.c[name] for name in DETAILS))
        .add_columns(BUYERS.c.id.label("buyer"), BUYERS.c.shown_at, BUYERS.c.created_at)
        .join(BUYERS, sa.and_(BUYERS.c.shop == ORDERS.c.shop, BUYERS.c.id == ORDERS.c.buyer))
    )
    for row in _pages(link, statement, (ORDERS.c.shop, ORDERS.c.id)):
        record = json.loads(row.record)
        if "contacts" in record:
            continue
        ids = link.scalars(
            sa.select(IDENTITIES.c.value).where(
                IDENTITIES.c.shop == row.shop,
                IDENTITIES.c.buyer == row.buyer,
                IDENTITIES.c.kind == record["channel"],
            )
        ).all()
        at = (row.shown_at or row.created_at).isoformat()
        values = {name: getattr(row, name) for name in DETAILS if getattr(row, name)}
        values["id"] = ids[0] if len(ids) == 1 else ""
        contacts = {name: {"value": value, "at": at} for name, value in values.items()}
        _save(link, row.shop, row.id, record, contacts)


def _save(link: sa.Connection, shop: str, id: str, record: dict[str, Any], contacts: dict[str, Any]) -> None:
    email, phone = contacts.get("email"), contacts.get("phone")
    link.execute(
        sa.update(ORDERS)
        .where(ORDERS.c.shop == shop, ORDERS.c.id == id)
        .values(
            record=json.dumps(record | {"contacts": contacts}, ensure_ascii=False),
            email=email["value"].casefold() if email else None,
            phone=phone["value"] if phone else None,
        )
    )


def _wishes(link: sa.Connection) -> None:
    """A stop or consent of a buyer becomes one of each of their addresses."""
    said = sa.or_(BUYERS.c.stopped_at.is_not(None), BUYERS.c.agrees.is_not(None))
    statement = sa.select(BUYERS).where(said, BUYERS.c.joined_to.is_(None))
    number, now = 0, datetime.now(UTC)
    for buyer in _pages(link, statement, (BUYERS.c.shop, BUYERS.c.id)):
        words = [("all", False, buyer.stopped_at), ("all", True, buyer.resumed_at)]
        words.append(("offers", bool(buyer.agrees), buyer.agrees_at))
        rows = []
        for kind, value in _addresses(link, buyer):
            for what, yes, at in words:
                if at is None or (what == "offers" and buyer.agrees is None):
                    continue
                number -= 1  # below the ids that are given later
                rows.append(
                    {
                        "shop": buyer.shop,
                        "id": number,
                        "kind": kind,
                        "value": value,
                        "what": what,
                        "yes": yes,
                        "at": at,
                        "flag": None,
                        "confirmed": True,
                        "buyer": buyer.id,
                        "channel": "before",
                        "event": "before",
                        "recorded_at": now,
                    }
                )
        if rows:
            link.execute(sa.insert(WISHES), rows)


def _addresses(link: sa.Connection, buyer: Any) -> set[tuple[str, str]]:
    identities = sa.select(IDENTITIES.c.kind, IDENTITIES.c.value).where(
        IDENTITIES.c.shop == buyer.shop, IDENTITIES.c.buyer == buyer.id
    )
    chats = sa.select(CHATS.c.channel, CHATS.c.address).where(
        CHATS.c.shop == buyer.shop, CHATS.c.buyer == buyer.id
    )
    return {(kind, value) for kind, value in link.execute(identities.union(chats)).all()}


def _openings(link: sa.Connection, said: Collection[Chat]) -> None:
    """A chat that a proof joined to a buyer goes on to see that buyer's orders; one that came to a record by
    what was said opens them anew, and so does one in whose record are the orders of several people."""
    now = datetime.now(UTC)
    statement = (
        sa.select(CHATS.c.shop, CHATS.c.channel, CHATS.c.address, CHATS.c.buyer, ORDERS.c.id, ORDERS.c.record)
        .join(ORDERS, sa.and_(ORDERS.c.shop == CHATS.c.shop, ORDERS.c.buyer == CHATS.c.buyer))
        .where(CHATS.c.last_in_at.is_not(None), ORDERS.c.channel != CHATS.c.channel)
    )
    seen: dict[tuple[Chat, str], list[Any]] = defaultdict(list)
    for row in link.execute(statement):
        seen[(row.shop, row.channel, row.address), row.buyer].append(row)
    rows = [
        {**dict(zip(("shop", "channel", "address"), chat, strict=True)), "order_id": order.id}
        | {"mark": "", "how": "before", "at": now}
        for (chat, buyer), orders in seen.items()
        if len({_orderer(order.record) for order in orders}) == 1
        and chat not in said
        and _joined(link, chat, buyer)
        for order in orders
    ]
    for start in range(0, len(rows), PAGE):
        link.execute(sa.insert(OPENINGS), rows[start : start + PAGE])


def _orderer(record: str) -> tuple[str, str]:
    """Who placed an order: a platform's customer, or a guest by what they named."""
    order = json.loads(record)
    told = {name: contact["value"] for name, contact in order.get("contacts", {}).items()}
    named = told.get("email", "").casefold() or told.get("phone") or order["id"]
    return order["channel"], told.get("id") or f"guest {named}"


def _joined(link: sa.Connection, chat: Chat, buyer: str) -> bool:
    """Whether a chat had a record of its own, which was joined with another: a chat that was known by what it
    said from its first word had none. False if the words may be in the archive.

    The id of a record was made from its first identity.
    """
    shop, channel, _ = chat
    values = link.scalars(
        sa.select(IDENTITIES.c.value).where(
            IDENTITIES.c.shop == shop, IDENTITIES.c.kind == channel, IDENTITIES.c.buyer == buyer
        )
    ).all()
    ids = [
        hashlib.blake2b("\x1f".join((shop, channel, value)).encode(), digest_size=10).hexdigest()
        for value in values
    ]
    theirs = sa.select(BUYERS.c.id, BUYERS.c.joined_to, BUYERS.c.created_at).where(BUYERS.c.shop == shop)
    own = link.execute(theirs.where(BUYERS.c.id.in_(ids))).first()
    until = link.scalar(sa.select(ARCHIVES.c.until).where(ARCHIVES.c.shop == shop))
    if own is None or (until is not None and until > own.created_at):
        return False
    return (
        own.joined_to is not None
        or link.execute(theirs.where(BUYERS.c.joined_to == own.id)).first() is not None
    )


def _identities(link: sa.Connection) -> None:
    """Mail addresses and phones identify nobody; guests' orders are counted by them."""
    said = IDENTITIES.c.kind.in_(("email", "phone"))
    proved = sa.select(IDENTITIES.c.shop, IDENTITIES.c.buyer).where(~said)
    statement = (
        sa.select(ORDERS.c.shop, ORDERS.c.channel, ORDERS.c.buyer, ORDERS.c.email, ORDERS.c.phone)
        .distinct()
        .join(BUYERS, sa.and_(BUYERS.c.shop == ORDERS.c.shop, BUYERS.c.id == ORDERS.c.buyer))
        .where(BUYERS.c.mixed.is_(None), sa.tuple_(ORDERS.c.shop, ORDERS.c.buyer).not_in(proved))
    )
    guests = {
        (row.shop, f"guest of {row.channel}", row.email or row.phone): row.buyer
        for row in link.execute(statement).all()
        if row.email or row.phone
    }
    link.execute(sa.delete(IDENTITIES).where(said))
    rows = [
        {"shop": shop, "kind": kind, "value": value, "buyer": buyer}
        for (shop, kind, value), buyer in guests.items()
    ]
    for start in range(0, len(rows), PAGE):
        link.execute(sa.insert(IDENTITIES), rows[start : start + PAGE])


def _pages(link: sa.Connection, statement: Any, key: tuple[Any, Any]) -> Iterator[Any]:
    """The rows of a statement, PAGE at a time in the order of (shop, id), so that a table may be changed
    meanwhile."""
    shop, id = "", ""
    while True:
        here = sa.tuple_(*key) > sa.tuple_(sa.literal(shop), sa.literal(id))
        rows = link.execute(statement.where(here).order_by(*key).limit(PAGE)).all()
        yield from rows
        if len(rows) < PAGE:
            return
        shop, id = rows[-1].shop, rows[-1].id


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
