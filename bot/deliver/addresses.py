"""By which channel and address a message reaches its buyer."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TypeGuard

import msgspec

from bot.domain.actions import MAILTO
from bot.domain.context import Buyer, Conversation
from bot.domain.desk import SELLERS_SYSTEM
from bot.domain.messages import Address
from bot.domain.orders import Order
from bot.domain.shop import Shop
from bot.domain.wishes import EMAIL, NOTHING_SAID, AddressKey, Standing, mailbox
from storage.due_messages import DueRow
from storage.outbox import SELLER


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    """Where one message may go: what is proved, and the contacts of the order that it is about.

    buyer: as the message addresses them. own: the chats of their record. opened: chats that opened the order,
    the first of them first. typed: those of them that did so by what others may know too, its number and the
    digits of its phone.
    ids: theirs on each channel, as (channel, id). blocked: where nothing can be sent.
    """

    buyer: Buyer
    own: tuple[Conversation, ...] = ()
    opened: tuple[Conversation, ...] = ()
    typed: frozenset[AddressKey] = frozenset()
    ids: tuple[AddressKey, ...] = ()
    blocked: frozenset[AddressKey] = frozenset()

    @property
    def chats(self) -> tuple[Conversation, ...]:
        """Every chat, once, the one they last wrote in first."""
        every = {(chat.channel, chat.address): chat for chat in (*self.own, *self.opened)}
        return tuple(sorted(every.values(), key=_last_heard, reverse=True))


class AddressBook:
    """Chooses addresses for the buyers of one shop.

    kinds: the platform of each channel that can send, by the channel's name.
    """

    def __init__(self, shop: Shop, kinds: Mapping[str, str]) -> None:
        self.shop = shop
        self._sending = frozenset(kinds)
        self._webhooks = frozenset(name for name, kind in kinds.items() if kind == "webhook")
        self._telegram = next((name for name, kind in kinds.items() if kind == "telegram"), None)
        self.mail = next((name for name, kind in kinds.items() if kind == "email"), None)

    def addresses(
        self, message: DueRow, contact: Contact, order: Order | None, tried: str | None, now: datetime
    ) -> tuple[Address, ...]:
        """The addresses for a message of the outbox, best first; none blocked.

        tried: the channel of an earlier message without an answer; this one must take another.
        """
        if message.buyer == SELLER and not is_mailbox(message.to):
            open_ways = [each for each in self._of_seller() if _place(each) not in contact.blocked]
            return tuple(sorted(open_ways, key=lambda each: ":".join(_place(each)) != message.to))
        if is_mailbox(message.to):
            return self._of_mailbox(message.to.removeprefix(MAILTO), contact)
        if message.to:
            return self._of_chat(message.to, contact)
        found = self._of_buyer(contact, order, now)
        return tuple(address for address in found if address.channel != tried) if tried else found

    def seller_places(self) -> set[tuple[str, str]]:
        """Where the seller is told of cases."""
        return {(each.channel, each.address) for each in self._of_seller()}

    def key(self, address: Address) -> AddressKey:
        """What wishes about an address are kept under."""
        if address.channel == self.mail:
            return EMAIL, mailbox(address.address)
        return address.channel, address.address

    def is_mailed_offer(self, message: DueRow, found: Sequence[Address]) -> bool:
        """Whether it counts to the offers of a mailbox, which may be in several files."""
        return message.category == "promotion" and bool(found) and found[0].channel == self.mail

    def own_keys(self, contact: Contact) -> list[AddressKey]:
        """The addresses that are proved to be the buyer's own: a stop there silences all of theirs."""
        return [*((chat.channel, chat.address) for chat in contact.own), *contact.ids]

    def wanted(
        self,
        message: DueRow,
        found: Iterable[Address],
        contact: Contact,
        standings: Mapping[AddressKey, Standing],
    ) -> tuple[Standing, tuple[Address, ...]]:
        """The addresses that want such a message, and what holds for the first of them; if none does, what
        holds for the first that does not."""
        found = tuple(found)
        if message.category == "answer":
            return NOTHING_SAID, found
        own = (standings[key] for key in self.own_keys(contact))
        stopped = next((each for each in own if each.stopped), None)
        if stopped:
            return stopped, ()
        offer = message.category == "promotion"
        left = tuple(
            address
            for address in found
            if not (said := standings[self.key(address)]).stopped and (said.agrees is True or not offer)
        )
        first = next(iter(left or found), None)
        return standings[self.key(first)] if first else NOTHING_SAID, left

    def _of_buyer(self, contact: Contact, order: Order | None, now: datetime) -> tuple[Address, ...]:
        """Live chats first, then the shop's own system, then mail, then chats that are no longer live, and
        last those that only typed what opens the order: they take no message away from its own contacts, nor
        from the one that was first."""
        buyer = contact.buyer
        every = [chat for chat in contact.chats if chat.channel in self._sending and chat.last_in_at]
        typed = [
            chat for chat in contact.opened if chat in every and (chat.channel, chat.address) in contact.typed
        ]
        talks = [chat for chat in every if chat not in typed]
        live = [chat for chat in talks if chat.last_in_at and chat.last_in_at >= now - self.shop.live_chat]
        quiet = [chat for chat in talks if chat not in live]
        mail = (
            [Address(channel=self.mail, address=buyer.email, buyer_id=buyer.email)]
            if self.mail and buyer.email
            else []
        )
        found = [*map(_of, live), *self._of_systems(contact, order), *mail, *map(_of, (*quiet, *typed))]
        return tuple(
            dict.fromkeys(each for each in found if (each.channel, each.address) not in contact.blocked)
        )

    def _of_systems(self, contact: Contact, order: Order | None) -> list[Address]:
        """The shop's own systems, which reach a buyer who never wrote; the order's own one first."""
        home = order.channel if order else None
        found = [
            Address(channel=channel, address=id, buyer_id=id)
            for channel, id in contact.ids
            if channel in self._webhooks
        ]
        return sorted(found, key=lambda each: (each.channel != home, each.channel, each.address))

    def _of_chat(self, name: str, contact: Contact) -> tuple[Address, ...]:
        """The chat that asked, or none."""
        channel, _, address = name.partition(":")
        open_chat = any(chat.name == name and not chat.blocked for chat in contact.own)
        if not open_chat or channel not in self._sending:
            return ()
        return (Address(channel=channel, address=address, buyer_id=address),)

    def _of_mailbox(self, mailbox: str, contact: Contact) -> tuple[Address, ...]:
        if not self.mail or (self.mail, mailbox) in contact.blocked:
            return ()
        return (Address(channel=self.mail, address=mailbox, buyer_id=mailbox),)

    def _of_seller(self) -> tuple[Address, ...]:
        seller = self.shop.seller
        system = seller.webhook if seller.webhook in self._webhooks else None
        ways = ((system, SELLERS_SYSTEM), (self._telegram, seller.telegram), (self.mail, seller.email))
        return tuple(
            Address(channel=channel, address=address, buyer_id=SELLER)
            for channel, address in ways
            if channel and address
        )


def is_mailbox(to: str | None) -> TypeGuard[str]:
    """True for a message to one mailbox; others with a `to` go to the chat that asked."""
    return to is not None and to.startswith(MAILTO)


def _place(address: Address) -> AddressKey:
    return address.channel, address.address


def _of(chat: Conversation) -> Address:
    return Address(channel=chat.channel, address=chat.address, buyer_id=chat.address)


def _last_heard(chat: Conversation) -> tuple[bool, float, str]:
    return chat.last_in_at is not None, chat.last_in_at.timestamp() if chat.last_in_at else 0.0, chat.name
