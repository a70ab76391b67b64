"""Merge the facts of an event into the shop's records, before its handler runs."""

from datetime import datetime, timedelta

import msgspec

from bot.domain.context import Conversation
from bot.domain.events import (
    OWN_LINK,
    AgentReplied,
    AnyEvent,
    BuyerEvent,
    BuyerOptedOut,
    BuyerRef,
    CaseSettled,
    MessageReceived,
    MessageStatusChanged,
    OrderEvent,
    TimeCame,
)
from bot.domain.orders import Order, merge
from bot.react.identities import Identities
from bot.react.unit_of_work import UnitOfWork
from storage import case_records, history

_replace = msgspec.structs.replace

ECHO = timedelta(minutes=15)  # how long an echo of our own message may take


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """The buyer, order and chat that an event is about."""

    buyer: str | None = None
    order: Order | None = None
    chat: Conversation | None = None


def merge_event(work: UnitOfWork, identities: Identities, event: AnyEvent) -> Subject:
    """Put the facts of the event into the records; returns what it is about.

    Raises ValueError for a chat without an address.
    """
    match event:
        case OrderEvent():
            return _order(work, identities, event)
        case MessageReceived() | AgentReplied():
            return _chat(work, identities, event)
        case MessageStatusChanged():
            return _status(work, event)
        case BuyerEvent():
            buyer = _buyer(work, identities, event)
            if isinstance(event, BuyerOptedOut) and buyer:
                identities.stop(buyer, event.at)
            return Subject(buyer=buyer)
        case TimeCame():
            order = work.orders.get(event.order) if event.order else None
            return Subject(buyer=order.buyer if order else None, order=order)
        case CaseSettled():
            case_records.close_numbered(work.connection, work.shop_id, event.case, work.now)
            return Subject()
        case _:
            return Subject()


def _buyer(work: UnitOfWork, identities: Identities, event: BuyerEvent) -> str | None:
    """A link of ours names a buyer by our own id, who may have been joined to another since it was sent."""
    if event.channel == OWN_LINK and event.buyer.id:
        return work.owners.get((OWN_LINK, event.buyer.id))
    return identities.resolve(event.channel, event.buyer, event.at)


def _order(work: UnitOfWork, identities: Identities, event: OrderEvent) -> Subject:
    ref: BuyerRef | None = getattr(event, "buyer", None)
    buyer = identities.resolve(event.channel, ref, event.at) if ref else None
    order = merge(work.orders.get(event.order), event)
    # The first buyer of an order stays its buyer, so that a gift's receiver does not take it over.
    order = _replace(order, buyer=order.buyer or buyer)
    work.put_order(order)
    return Subject(buyer=order.buyer, order=order)


def _chat(work: UnitOfWork, identities: Identities, event: MessageReceived | AgentReplied) -> Subject:
    ref = _replace(event.buyer, id=event.buyer.id or event.conversation)
    buyer = identities.resolve(event.channel, ref, event.at)
    if buyer is None:
        raise ValueError("a chat without an address")
    known = work.chat(event.channel, event.conversation)
    chat = known or Conversation(channel=event.channel, address=event.conversation, buyer=buyer)
    chat = _replace(chat, buyer=buyer)
    if isinstance(event, MessageReceived):
        chat = _replace(chat, last_in_at=_latest(chat.last_in_at, event.at), blocked_at=None)
    elif not _is_echo(work, event, buyer):
        until = min(event.at, work.now) + work.unit.shop.takeover
        chat = _replace(chat, human_until=_latest(chat.human_until, until))
    work.put_chat(chat)
    return Subject(buyer=buyer, chat=chat)


def _status(work: UnitOfWork, event: MessageStatusChanged) -> Subject:
    chat = work.chat(event.channel, event.conversation)
    if chat is None:
        return Subject()
    if event.status == "blocked":
        chat = _replace(chat, blocked_at=_latest(chat.blocked_at, event.at))
    elif event.status == "unblocked":
        chat = _replace(chat, blocked_at=None)
    work.put_chat(chat)
    return Subject(buyer=chat.buyer, chat=chat)


def _is_echo(work: UnitOfWork, event: AgentReplied, buyer: str) -> bool:
    """True if a reply is our own message, which some platforms repeat as if a person had written it."""
    since = min(event.at, work.now) - ECHO
    return history.is_echo(work.connection, work.shop_id, buyer, event.message_id, event.text, since)


def _latest(one: datetime | None, other: datetime) -> datetime:
    return other if one is None else max(one, other)
