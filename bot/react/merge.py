"""Merge the facts of an event into the shop's records, before its handler runs."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import reduce

import msgspec

from bot.domain.context import Case, Conversation
from bot.domain.events import (
    OWN_LINK,
    AgentReplied,
    AnyEvent,
    BotSwitched,
    BuyerEvent,
    BuyerOptedOut,
    BuyerRef,
    BuyerUpdated,
    CaseSettled,
    MessageReceived,
    MessageStatusChanged,
    OffersConfirmed,
    OrderEvent,
    OrderPlaced,
    TimeCame,
)
from bot.domain.orders import Order, merge
from bot.domain.proofs import marks_of
from bot.domain.signed_tokens import address_mark
from bot.domain.wishes import EMAIL, PHONE, AddressKey, mailbox
from bot.react.identities import Identities
from bot.react.unit_of_work import TakenBack, UnitOfWork
from bot.react.wishes import Wishes, addresses_in
from storage import buyer_records, case_records, history, inbox, mixed_files
from storage.asking import ask

_replace = msgspec.structs.replace

ECHO = timedelta(minutes=15)  # how long an echo of our own message may take


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """The buyer, order, chat and case that an event is about. replied: a person of the shop wrote it.

    desk: the seller wrote it in their own chat, about that case.
    """

    buyer: str | None = None
    order: Order | None = None
    chat: Conversation | None = None
    case: Case | None = None
    desk: bool = False
    replied: bool = False


def merge_event(work: UnitOfWork, identities: Identities, wishes: Wishes, event: AnyEvent) -> Subject:
    """Put the facts of the event into the records; returns what it is about.

    Raises ValueError for a chat without an address.
    """
    match event:
        case OrderEvent():
            return _order(work, identities, wishes, event)
        case MessageReceived() if (event.channel, event.conversation) in work.unit.shop.desks:
            buyer, case = work.case(work.case_at_desk(event))
            return Subject(buyer=buyer, case=case, desk=True)
        case BotSwitched():
            return _switched(work, event)
        case MessageReceived() | AgentReplied():
            return _chat(work, identities, wishes, event)
        case MessageStatusChanged():
            return _status(work, event)
        case BuyerOptedOut(taken_back=True, address=(kind, value)):
            wishes.resume(event, (kind, value), event.at)
            return Subject()
        case BuyerOptedOut():
            stopped, offers = _stopped(work, event)
            wishes.stop(event, stopped, event.at, offers)
            if event.channel == OWN_LINK:
                return Subject()  # about an address, whoever's it is
            return Subject(buyer=identities.resolve(event.channel, event.buyer, event.at))
        case BuyerEvent():
            own_file = isinstance(event, BuyerUpdated)
            buyer = identities.resolve(event.channel, event.buyer, event.at, own_file)
            if own_file:
                wishes.flag(event, event.buyer, event.at, buyer)
            return Subject(buyer=buyer)
        case OffersConfirmed():
            wishes.want_offers(event, event.address, event.at)
            return Subject()
        case TimeCame():
            order = work.orders.get(event.order) if event.order else None
            buyer, case = work.case(event.case)
            return Subject(buyer=order.buyer if order else buyer, order=order, case=case)
        case CaseSettled():
            case_records.close_numbered(work.connection, work.shop_id, event.case, work.now, event.outcome)
            buyer, case = work.case(event.case)
            return Subject(buyer=buyer, case=case, chat=work.read_chat(case.chat) if case else None)
        case _:
            return Subject()


def _stopped(work: UnitOfWork, event: BuyerOptedOut) -> tuple[list[AddressKey], bool]:
    """The addresses that a stop is about: that of our link, else all that the shop's system names; and
    whether it is only about offers."""
    if event.address is not None:
        return [event.address], event.offers
    if event.channel != OWN_LINK or not event.buyer.id:
        return addresses_in(event.channel, event.buyer), event.offers
    return _stopped_by_older_link(work, event.buyer.id)


def _stopped_by_older_link(work: UnitOfWork, id: str) -> tuple[list[AddressKey], bool]:
    """A link of an older version names a record of ours. If others ever came to that one or it to another,
    the link speaks for the mailbox that it was sent to; where nobody can tell which that was, it ends offers.
    """
    link, shop = work.connection, work.shop_id
    present = buyer_records.present_id(link, shop, id)
    if present is None:
        return [], False
    emails = {each.id: each.email for each in ask(link, shop, buyer_records.by_id({id, present})).values()}
    if present == id and not mixed_files.was_marked(link, shop, id):
        return [*buyer_records.identities_of(link, shop, id), *_mailboxes(emails[id])], False
    sent_to = _mailboxes(*history.mailboxes_of(link, shop, id)) or _mailboxes(emails[id])
    return sent_to or _mailboxes(emails[present]), len(sent_to) != 1


def _mailboxes(*emails: str | None) -> list[AddressKey]:
    return sorted((EMAIL, email) for email in {mailbox(each) for each in emails if each})


def _order(work: UnitOfWork, identities: Identities, wishes: Wishes, event: OrderEvent) -> Subject:
    id = work.order_id(event)
    own_id = event.order if id != event.order else None
    known = work.orders.get(id) or Order(id=id, channel=event.channel, own_id=own_id)
    if own_id and isinstance(event, OrderPlaced) and known.placed_at is None:
        _take_back(work, event)
    if known.channel != event.channel and work.speaks_of_own(event):
        known = _replace(
            known, channel=event.channel, contacts=None
        )  # another system told of it before it was placed
    ref: BuyerRef | None = getattr(event, "buyer", None) if known.channel == event.channel else None
    order = merge(known, event)
    order = _replace(order, buyer=identities.buyer_of(order, ref, event.at))
    work.put_order(order)
    if isinstance(event, OrderPlaced):
        wishes.flag(event, event.buyer, event.placed_at, order.buyer)
    return Subject(buyer=order.buyer, order=order)


def _take_back(work: UnitOfWork, event: OrderPlaced) -> None:
    """Give a channel that places an order what it told of that id before, which until now was about the order
    that another has placed. That one's record is made anew without it, unless the archive has a part of it.
    """
    other = work.orders[event.order]
    told = inbox.told_of_order(work.connection, work.shop_id, event, work.earlier)
    theirs = {each.channel for _, _, each in told}
    placed = {at for at in theirs if (own := work.read_order(f"{other.id}@{at}")) and own.placed_at}
    about = [each for _, _, each in told if each.channel not in placed]
    handled = {id: at or work.now for id, at, each in told if each.channel == event.channel}
    if not handled:
        return
    if _merged(other, about) == other:
        work.put_order(_merged(other, (each for each in about if each.channel != event.channel)))
    work.taken_back.append(TakenBack(order=other.id, channel=event.channel, handled=handled))


def _merged(order: Order, facts: Iterable[OrderEvent]) -> Order:
    """This order's record, made of these facts."""
    kept = {
        "buyer": order.buyer,
        "reminders_ended_at": order.reminders_ended_at,
        "cancelling_since": order.cancelling_since,
    }
    return _replace(reduce(merge, facts, Order(id=order.id, channel=order.channel)), **kept)


def _chat(
    work: UnitOfWork, identities: Identities, wishes: Wishes, event: MessageReceived | AgentReplied
) -> Subject:
    ref = _replace(event.buyer, id=event.buyer.id or event.conversation)
    buyer = identities.resolve(event.channel, ref, event.at)
    if buyer is None:
        raise ValueError("a chat without an address")
    known = work.chat(event.channel, event.conversation)
    chat = known or Conversation(channel=event.channel, address=event.conversation, buyer=buyer)
    chat = _replace(chat, buyer=buyer)
    replied = False
    if isinstance(event, MessageReceived):
        chat = _replace(chat, last_in_at=_latest(chat.last_in_at, work.heard_at(event.at)))
        wishes.flag(event, ref, event.at, buyer)
        _open_verified(work, event)
    elif replied := not _is_echo(work, event, buyer):
        until = work.heard_at(event.at) + work.unit.shop.takeover
        talk = _replace(chat.talk, through_us=event.relayed)
        chat = _replace(chat, human_until=_latest(chat.human_until, until), talk=talk)
    work.put_chat(chat)
    return Subject(buyer=buyer, chat=chat, replied=replied)


def _open_verified(work: UnitOfWork, event: MessageReceived) -> None:
    """Open the orders of contacts that the shop's own system has proved to be this buyer's."""
    if event.buyer.verified:
        email, phone = event.buyer.email, event.buyer.phone
        proved = {address_mark(EMAIL, mailbox(email))} if email else set()
        proved |= {address_mark(PHONE, phone)} if phone else set()
        for order in work.orders_with(email, phone):
            for mark in sorted(proved & marks_of(order)):
                work.open_order(order.id, (event.channel, event.conversation), "verified", mark)


def _status(work: UnitOfWork, event: MessageStatusChanged) -> Subject:
    chat = work.chat(event.channel, event.conversation)
    if chat is None:
        return Subject()
    if event.status == "blocked":
        chat = _replace(chat, blocked_at=_latest(chat.blocked_at, work.heard_at(event.at)))
    elif event.status == "unblocked":
        chat = _replace(chat, unblocked_at=_latest(chat.unblocked_at, work.heard_at(event.at)))
    work.put_chat(chat)
    return Subject(buyer=chat.buyer, chat=chat)


def _switched(work: UnitOfWork, event: BotSwitched) -> Subject:
    chat = work.chat(event.channel, event.conversation)
    if chat is None:
        return Subject()
    at = work.heard_at(event.at)
    until = _latest(chat.human_until, at + work.unit.shop.takeover) if event.silent else at
    chat = _replace(chat, human_until=until, talk=_replace(chat.talk, through_us=event.silent))
    work.put_chat(chat)
    if not event.silent:
        work.let_speak(chat.buyer)
    return Subject(buyer=chat.buyer, chat=chat)


def _is_echo(work: UnitOfWork, event: AgentReplied, buyer: str) -> bool:
    """True if a reply is our own message, which some platforms repeat as if a person had written it."""
    if event.relayed:
        return False
    since = work.heard_at(event.at) - ECHO
    return history.is_echo(work.connection, work.shop_id, buyer, event.message_id, event.text, since)


def _latest(one: datetime | None, other: datetime) -> datetime:
    return other if one is None else max(one, other)
