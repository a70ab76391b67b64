"""Profiles of a buyer and of an order: all that is stored about one of them."""

from datetime import datetime

import msgspec
from sqlalchemy import Connection, select

from bot.domain.context import Buyer, Conversation
from bot.domain.orders import Order
from storage import buyer_records, conversation_records, order_records
from storage.buyer_records import Identity
from storage.lookup import find_buyer, find_order
from storage.read_models import CaseView, Message, cases_about, messages_about
from storage.tables import notes

SHOWN = 200  # messages, cases and notes in one profile


class BuyerNote(msgspec.Struct, frozen=True, kw_only=True):
    kind: str
    text: str
    at: datetime


class BuyerProfile(msgspec.Struct, frozen=True, kw_only=True):
    buyer: Buyer
    identities: tuple[Identity, ...]
    conversations: tuple[Conversation, ...]
    notes: tuple[BuyerNote, ...]
    orders: tuple[Order, ...]


class OrderProfile(msgspec.Struct, frozen=True, kw_only=True):
    order: Order
    messages: tuple[Message, ...]
    cases: tuple[CaseView, ...]


def order_profile(connection: Connection, shop: str, name: str) -> OrderProfile | None:
    order = find_order(connection, shop, name)
    if order is None:
        return None
    return OrderProfile(
        order=order,
        messages=tuple(messages_about(connection, shop, order.id, SHOWN)),
        cases=tuple(cases_about(connection, shop, order.id, SHOWN)),
    )


def buyer_profile(connection: Connection, shop: str, name: str) -> BuyerProfile | None:
    id = find_buyer(connection, shop, name)
    if id is None:
        return None
    theirs = select(notes).where(notes.c.shop == shop, notes.c.buyer == id).order_by(notes.c.id.desc())
    return BuyerProfile(
        buyer=buyer_records.by_id(connection, shop, {id})[id],
        identities=tuple(sorted(buyer_records.identities_of(connection, shop, id))),
        conversations=conversation_records.by_buyer(connection, shop, {id}).get(id, ()),
        notes=tuple(
            BuyerNote(kind=row.kind, text=row.text, at=row.at)
            for row in connection.execute(theirs.limit(SHOWN))
        ),
        orders=order_records.newest_of(connection, shop, {id}).get(id, ()),
    )
