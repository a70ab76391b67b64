"""One shop's records in a transaction that is undone, and nothing around them: for tests of single rules."""

import itertools
from datetime import datetime, time, timedelta
from typing import Any

from sqlalchemy import Connection, select, update

from bot.domain.context import Buyer, Context, Conversation
from bot.domain.events import BuyerRef, MessageReceived, OrderCompleted, OrderPlaced
from bot.domain.messages import MessagePolicy
from bot.domain.money import Money
from bot.domain.orders import Order
from bot.domain.routes import Route
from bot.domain.rules import Rules
from bot.domain.shop import QuietHours, Shop
from bot.domain.talks import Talk
from bot.react.identities import Identities
from bot.react.unit_of_work import UnitOfWork
from bot.texts.catalogue import Catalogue
from storage import buyer_records, conversation_records, inbox, order_records, outbox, tables
from storage.asking import ask
from storage.inbox import inbox_event
from storage.outbox import Draft
from storage.unit import Unit
from tests.world import NOON

SHOP_ID, NEIGHBOUR = "mugs", "teas"
SHOP = Shop(name="Mug House", locale="en", timezone="UTC", quiet_hours=QuietHours(start=time(0), end=time(0)))
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
CATALOGUE = Catalogue()
NUMBERS = itertools.count(1)


def unit_of(connection: Connection, now: datetime = NOON, shop: Shop = SHOP) -> Unit:
    return Unit(connection, SHOP_ID, shop, now)


def work_of(
    connection: Connection, *events: Any, now: datetime = NOON, shop: Shop = SHOP
) -> tuple[UnitOfWork, Identities]:
    """The records of a batch, as they were read for these events; words in a chat are order numbers."""
    work = UnitOfWork(unit_of(connection, now, shop))
    work.unit.ask(work.read(events, numbers_in))
    return work, Identities(work)


def numbers_in(text: str, talk: Talk) -> tuple[str, ...]:
    return tuple(text.split())


def rules(*routes: Route, policies: dict[str, MessagePolicy] | None = None, **functions: Any) -> Rules:
    """Rules that read words in a chat as order numbers."""
    return Rules(
        routes=routes,
        policies=policies or {"thanks": policy("answer"), "hello": policy("service")},
        numbers_in=functions.get("numbers_in", numbers_in),
        link_in=functions.get("link_in", lambda shop, text: None),
        promotion_firings=lambda *_: (None, None),
        tier_of=lambda *_: None,
    )


def policy(category: Any, lateness: timedelta = HOUR, **fields: Any) -> MessagePolicy:
    return MessagePolicy(category=category, lateness=lateness, **{"why_outdated": lambda *_: None, **fields})


def context(now: datetime = NOON, **fields: Any) -> Context:
    return Context(now=now, shop_id=SHOP_ID, shop=SHOP, **fields)


# What the records hold


def save(connection: Connection, *kept: Buyer | Order | Conversation, shop: str = SHOP_ID) -> None:
    for each in kept:
        match each:
            case Buyer():
                ask(connection, shop, buyer_records.save([each]))
            case Order():
                ask(connection, shop, order_records.save([each]))
            case Conversation():
                ask(connection, shop, conversation_records.save([each]))


def queue(
    connection: Connection, *keys: str, shop: str = SHOP_ID, now: datetime = NOON, **fields: Any
) -> None:
    """Messages that are due now, all alike but for their keys."""
    version = CATALOGUE.resolve(fields.get("template", "thanks"), "en")
    ask(connection, shop, outbox.keep_versions([version]))
    draft = {
        "buyer": "ann",
        "template": "thanks",
        "version": version.id,
        "category": "service",
        "rule": "test.rule",
        "due_at": now,
        "lateness": HOUR,
        **fields,
    }
    ask(connection, shop, outbox.queue([Draft(key=key, **draft) for key in keys], now))


def amend(connection: Connection, key: str, **columns: Any) -> int:
    """Let these be the columns of a queued message, such as those of one that was sent; returns its id."""
    here = update(tables.outbox).where(tables.outbox.c.shop == SHOP_ID, tables.outbox.c.key == key)
    id: int = connection.execute(
        here.values({"key": key, **columns}).returning(tables.outbox.c.id)
    ).scalar_one()
    return id


def take(connection: Connection, *events: Any, shop: str = SHOP_ID, now: datetime = NOON) -> None:
    """Put events into the inbox."""
    inbox.add(connection, [inbox_event(shop, event, now) for event in events])


def ann(**fields: Any) -> Buyer:
    return Buyer(**{"id": "ann", "created_at": NOON, **fields})


def bob(**fields: Any) -> Buyer:
    return Buyer(**{"id": "bob", "created_at": NOON + HOUR, **fields})


def order(id: str, buyer: str | None = "ann", **fields: Any) -> Order:
    return Order(**{"id": id, "channel": "web", "buyer": buyer, **fields})


def chat(buyer: str = "ann", address: str = "42", channel: str = "telegram", **fields: Any) -> Conversation:
    return Conversation(channel=channel, address=address, buyer=buyer, **fields)


# What comes in


def placed(number: str, at: datetime = NOON, channel: str = "web", **ref: Any) -> OrderPlaced:
    return OrderPlaced(
        channel=channel,
        external_id=f"{number}-{next(NUMBERS)}",
        at=at,
        order=number,
        placed_at=at,
        total=Money(12800, "CNY"),
        buyer=BuyerRef(**ref),
    )


def completed(order: str, at: datetime = NOON) -> OrderCompleted:
    return OrderCompleted(channel="web", external_id=f"c{order}-{next(NUMBERS)}", at=at, order=order)


def wrote(text: str, at: datetime = NOON, address: str = "42", **ref: Any) -> MessageReceived:
    name = f"m{next(NUMBERS)}"
    return MessageReceived(
        channel="telegram",
        external_id=name,
        at=at,
        conversation=address,
        buyer=BuyerRef(**ref),
        message_id=name,
        text=text,
    )


# What is there afterwards


def rows(connection: Connection, table: Any, *columns: str, shop: str = SHOP_ID) -> list[tuple[Any, ...]]:
    """All rows of a shop, in the order of the named columns."""
    wanted = [table.c[name] for name in columns]
    found = connection.execute(select(*wanted).where(table.c.shop == shop).order_by(*wanted))
    return [tuple(row) for row in found]


def buyer_in(connection: Connection, id: str) -> Buyer:
    return ask(connection, SHOP_ID, buyer_records.by_id({id}))[id]


def chat_in(connection: Connection, address: str = "42", channel: str = "telegram") -> Conversation:
    return ask(connection, SHOP_ID, conversation_records.by_place({(channel, address)}))[channel, address]


def order_in(connection: Connection, id: str) -> Order:
    return ask(connection, SHOP_ID, order_records.by_id({id}))[id]
