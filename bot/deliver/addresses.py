"""By which channel and address a message reaches its buyer."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Row

from bot.domain.context import Buyer, Conversation
from bot.domain.messages import Address
from bot.domain.orders import Order
from bot.domain.shop import Shop
from bot.seller.cases import SELLER


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one buyer's addresses. ids: theirs on each channel, as (channel, id)."""

    buyer: Buyer
    chats: tuple[Conversation, ...] = ()
    ids: tuple[tuple[str, str], ...] = ()


class AddressBook:
    """Chooses addresses for the buyers of one shop.

    kinds: the platform of each channel that can send, by the channel's name.
    """

    def __init__(self, shop: Shop, kinds: Mapping[str, str]) -> None:
        self.shop = shop
        self._sending = frozenset(kinds)
        self._webhooks = frozenset(name for name, kind in kinds.items() if kind == "webhook")
        self.mail = next((name for name, kind in kinds.items() if kind == "email"), None)

    def addresses(
        self, message: Row[Any], contact: Contact, order: Order | None, tried: str | None, now: datetime
    ) -> tuple[Address, ...]:
        """The addresses for a message of the outbox, best first; none blocked.

        tried: the channel of an earlier message without an answer; this one must take another.
        """
        if message.buyer == SELLER:
            return self._of_seller()
        if message.to:
            return self._of_chat(message.to, contact)
        found = self.of_buyer(contact, order, now)
        return tuple(address for address in found if address.channel != tried) if tried else found

    def of_buyer(self, contact: Contact, order: Order | None, now: datetime) -> tuple[Address, ...]:
        """Live chats first, then the shop's own system, then mail, then chats that are no longer live."""
        buyer, chats = contact.buyer, contact.chats
        talks = [chat for chat in chats if chat.channel in self._sending and chat.last_in_at]
        live = [chat for chat in talks if chat.last_in_at and chat.last_in_at >= now - self.shop.live_chat]
        quiet = [chat for chat in talks if chat not in live]
        mail = (
            [Address(channel=self.mail, address=buyer.email, buyer_id=buyer.email)]
            if self.mail and buyer.email
            else []
        )
        found = [*map(_of, live), *self._of_systems(contact, order), *mail, *map(_of, quiet)]
        blocked = {(chat.channel, chat.address) for chat in chats if chat.blocked_at}
        return tuple(dict.fromkeys(each for each in found if (each.channel, each.address) not in blocked))

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
        open_chat = any(chat.name == name and not chat.blocked_at for chat in contact.chats)
        if not open_chat or channel not in self._sending:
            return ()
        return (Address(channel=channel, address=address, buyer_id=address),)

    def _of_seller(self) -> tuple[Address, ...]:
        address = self.shop.seller.email
        if not self.mail or not address:
            return ()
        return (Address(channel=self.mail, address=address, buyer_id=SELLER),)


def _of(chat: Conversation) -> Address:
    return Address(channel=chat.channel, address=chat.address, buyer_id=chat.address)
