"""Profiles of a buyer and of an order: all that is stored about one of them."""

from datetime import datetime

import msgspec
from sqlalchemy import Connection, select

from bot.domain.context import Buyer, Conversation
from bot.domain.orders import Order
from bot.domain.wishes import EMAIL, PHONE, AddressKey, mailbox
from storage import buyer_records, conversation_records, order_records, wish_records
from storage.asking import ask
from storage.lookup import find_buyer, find_order
from storage.read_models import CaseView, Message, cases_about, messages_about
from storage.tables import notes

SHOWN = 200  # messages, cases and notes in one profile


class BuyerNote(msgspec.Struct, frozen=True, kw_only=True):
    kind: str
    text: str
    at: datetime


class BuyerProfile(msgspec.Struct, frozen=True, kw_only=True):
    """agrees, stopped: by what any of their addresses wants."""

    buyer: Buyer
    agrees: bool | None
    stopped: bool
    addresses: tuple[AddressKey, ...]
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
    buyer = ask(connection, shop, buyer_records.by_id({id}))[id]
    proved = {
        (kind, value) for kind, value in buyer_records.identities_of(connection, shop, id) if " " not in kind
    }
    said = {(EMAIL, mailbox(buyer.email)), (PHONE, buyer.phone)}
    addresses = proved | {(kind, value) for kind, value in said if value}
    wanted = list(ask(connection, shop, wish_records.standings(addresses)).values())
    agreements = {each.agrees for each in wanted}
    return BuyerProfile(
        buyer=buyer,
        agrees=True if True in agreements else False if False in agreements else None,
        stopped=any(each.stopped for each in wanted),
        addresses=tuple(sorted(addresses)),
        conversations=ask(connection, shop, conversation_records.by_buyer({id})).get(id, ()),
        notes=tuple(
            BuyerNote(kind=row.kind, text=row.text, at=row.at)
            for row in connection.execute(theirs.limit(SHOWN))
        ),
        orders=ask(connection, shop, order_records.newest_of({id})).get(id, ()),
    )
