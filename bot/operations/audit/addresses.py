"""Check where messages about an order went, by what platforms had told and what chats had proved.

This knows nothing of how addresses are chosen: it reads the events and the openings again.
"""

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, timedelta

from bot.domain.desk import PERSONS
from bot.domain.events import BuyerRef, OrderEvent, OrderPlaced
from bot.domain.wishes import EMAIL, AddressKey
from bot.operations.audit.conversations import Violation, began
from storage.audit_queries import Fact, Opening, Sending
from storage.outbox import SELLER


def sent_elsewhere(
    sending: Sending, facts: Iterable[Fact], openings: Iterable[Opening], slack: timedelta
) -> Iterator[Violation]:
    """A violation of promise 7 if a message about an order went neither to its contacts, as they had been
    told last, nor to a chat that had opened it.

    facts: all events of the order. openings: of this order, and the chats of its buyer.
    """
    if sending.buyer == SELLER or not sending.address or not sending.channel:
        return
    at = began(sending)
    told = list(facts)
    if not any(isinstance(fact.event, OrderPlaced) and fact.received_at <= at + slack for fact in told):
        return
    # A correction that came while the message was being sent may or may not have been known.
    allowed = contacts_told(told, at - slack) | contacts_told(told, at + slack)
    chats = {each.chat for each in openings if _may_hear(each, allowed, at + slack)}
    went = {(sending.channel, sending.address), (EMAIL, sending.address.lower())}
    if not went & (allowed | chats):
        yield Violation(7, "others_address", sending, {"address": sending.address})


def words_elsewhere(sending: Sending, chats: Collection[str | None]) -> Iterator[Violation]:
    """A violation of promise 7 if a person's words about no order went to a chat in which no case of their
    buyer waits."""
    if sending.template not in PERSONS or sending.order or not sending.channel or not sending.address:
        return
    if sending.channel != EMAIL and f"{sending.channel}:{sending.address}" not in chats:
        yield Violation(7, "others_chat", sending, {"address": sending.address})


def contacts_told(facts: Collection[Fact], by: datetime) -> set[AddressKey]:
    """The mailbox and the id of the buyer as an order's own channels had told them last, of two at one time
    both. A payment may tell a copy from before a correction, so that the order's showings count first."""
    placing = {fact.event.channel for fact in facts if isinstance(fact.event, OrderPlaced)}
    shown = [
        (fact.event, ref)
        for fact in facts
        if fact.received_at <= by
        and isinstance(fact.event, OrderEvent)
        and fact.event.channel in placing
        and (ref := _buyer_in(fact.event)) is not None
    ]
    mailboxes = [(_age(event), (EMAIL, ref.email.lower())) for event, ref in shown if ref.email]
    ids = [(_age(event), (event.channel, ref.id)) for event, ref in shown if ref.id]
    return _newest(mailboxes) | _newest(ids)


def _age(event: OrderEvent) -> tuple[bool, datetime]:
    return isinstance(event, OrderPlaced), event.at


def _may_hear(opening: Opening, contacts: Collection[AddressKey], by: datetime) -> bool:
    if opening.of is not None:
        return opening.of in contacts
    return opening.at is None or opening.at <= by


def _newest(told: list[tuple[tuple[bool, datetime], AddressKey]]) -> set[AddressKey]:
    newest = max((age for age, _ in told), default=None)
    return {key for age, key in told if age == newest}


def _buyer_in(event: OrderEvent) -> BuyerRef | None:
    ref: BuyerRef | None = getattr(event, "buyer", None)
    return ref
