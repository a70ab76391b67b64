"""The facts of an event become part of the shop's records, whatever its handler makes of it."""

from datetime import datetime, timedelta

import msgspec

from xiaoer.bot.context import Conversation
from xiaoer.bot.events import (
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
from xiaoer.bot.ledger import Ledger
from xiaoer.bot.orders import Order, merge
from xiaoer.bot.shop import Shop
from xiaoer.storage import history, records

_replace = msgspec.structs.replace

OWN_LINK = "link"  # the channel of our own unsubscribe page
ECHO = timedelta(minutes=15)  # how long an echo of our own words may take


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """Whom and what an event is about."""

    buyer: str | None = None
    order: Order | None = None
    chat: Conversation | None = None


def merge_event(ledger: Ledger, shop: Shop, event: AnyEvent) -> Known:
    """Put the facts of the event into the ledger; returns whom and what it is about."""
    match event:
        case OrderEvent():
            return _order(ledger, event)
        case MessageReceived() | AgentReplied():
            return _chat(ledger, shop, event)
        case MessageStatusChanged():
            return _status(ledger, event)
        case BuyerOptedOut() if event.channel == OWN_LINK and event.buyer.id:
            return Known(buyer=_stop_by_link(ledger, event.buyer.id, event.at))
        case BuyerEvent():
            buyer = ledger.meet(event.channel, event.buyer, event.at)
            if isinstance(event, BuyerOptedOut) and buyer:
                stop(ledger, buyer, event.at)
            return Known(buyer=buyer)
        case TimeCame():
            order = ledger.orders.get(event.order) if event.order else None
            return Known(buyer=order.buyer if order else None, order=order)
        case CaseSettled():
            records.close_numbered(ledger.connection, ledger.shop, event.case, ledger.now)
            return Known()
        case _:
            return Known()


def _order(ledger: Ledger, event: OrderEvent) -> Known:
    order = merge(ledger.orders.get(event.order), event)
    ref: BuyerRef | None = getattr(event, "buyer", None)
    buyer = ledger.meet(event.channel, ref, event.at) if ref else None
    # The buyer an order was first seen with stays its buyer: a gift's receiver does not take it over.
    order = _replace(order, buyer=order.buyer or buyer)
    ledger.put_order(order)
    return Known(buyer=order.buyer, order=order)


def _chat(ledger: Ledger, shop: Shop, event: MessageReceived | AgentReplied) -> Known:
    ref = _replace(event.buyer, id=event.buyer.id or event.conversation)
    buyer = ledger.meet(event.channel, ref, event.at)
    if buyer is None:
        raise ValueError("a chat without an address")
    chat = ledger.own_chat(event, buyer)
    if isinstance(event, MessageReceived):
        chat = _replace(chat, last_in_at=_latest(chat.last_in_at, event.at), blocked_at=None)
    elif not _is_echo(ledger, event, buyer):
        until = min(event.at, ledger.now) + shop.takeover
        chat = _replace(chat, human_until=_latest(chat.human_until, until))
    ledger.put_chat(chat)
    return Known(buyer=buyer, chat=chat)


def _status(ledger: Ledger, event: MessageStatusChanged) -> Known:
    chat = ledger.chat(event.channel, event.conversation)
    if chat is None:
        return Known()
    if event.status == "blocked":
        chat = _replace(chat, blocked_at=_latest(chat.blocked_at, event.at))
    elif event.status == "unblocked":
        chat = _replace(chat, blocked_at=None)
    ledger.put_chat(chat)
    return Known(buyer=chat.buyer, chat=chat)


def _is_echo(ledger: Ledger, event: AgentReplied, buyer: str) -> bool:
    since = min(event.at, ledger.now) - ECHO
    return history.is_echo(ledger.connection, ledger.shop, buyer, event.message_id, event.text, since)


def _stop_by_link(ledger: Ledger, id: str, at: datetime) -> str | None:
    """Our own link names our own file, which may have been joined to another since it was sent."""
    buyer = records.present_buyer(ledger.connection, ledger.shop, id)
    if buyer is None:
        return None
    if buyer not in ledger.buyers:
        ledger.look_up(buyer)
    stop(ledger, buyer, at)
    return buyer


def stop(ledger: Ledger, buyer: str, at: datetime) -> None:
    """She wants to hear nothing more, said at `at`."""
    file = ledger.buyers[buyer]
    ledger.put_buyer(_replace(file, stopped_at=_latest(file.stopped_at, at), agrees=False, agrees_at=at))


def _latest(one: datetime | None, other: datetime) -> datetime:
    return other if one is None else max(one, other)
