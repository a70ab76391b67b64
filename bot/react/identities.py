"""Resolve references to buyers, join two records of one person, and record consent and stops."""

import hashlib
from datetime import datetime, timedelta

import msgspec

from bot.domain import buyers
from bot.domain.context import Buyer, Conversation
from bot.domain.events import BuyerRef
from bot.react.unit_of_work import UnitOfWork, keys_of
from storage import buyer_records, outbox
from storage.buyer_records import Identity

TRIES_COUNT_FOR = timedelta(days=1)  # from the first wrong try on
_replace = msgspec.structs.replace


class Identities:
    """The identity rules, over the records of one batch."""

    def __init__(self, work: UnitOfWork) -> None:
        self._work = work

    def resolve(self, channel: str, ref: BuyerRef, at: datetime) -> str | None:
        """Resolve a platform's reference to our buyer id; None if it names nobody.

        Creates the buyer, or joins two records that prove to be one person.
        """
        keys = keys_of(channel, ref)
        if not keys:
            return None
        found = self._owners_of(keys, channel, ref)
        buyer = self._work.buyers[found[0]] if found else self._create(keys[0], at)
        for other in found[1:]:
            buyer = self.join(buyer.id, other)
        for key in keys:
            self._work.put_owner(key, buyer.id)
        self._work.put_buyer(buyers.shown(buyer, ref, at))
        return buyer.id

    def join(self, one: str, other: str) -> Buyer:
        """Join two records of one person into the elder one, unless they have two ids on one platform."""
        work = self._work
        first, second = work.buyers[one], work.buyers[other]
        if one == other:
            return first
        work.write()  # the join below reads the tables
        kept, lost = sorted((first, second), key=lambda buyer: (buyer.created_at or work.now, buyer.id))
        if buyer_records.are_two_people(work.connection, work.shop_id, one, other):
            return first
        buyer_records.move_all(work.connection, work.shop_id, kept.id, lost.id)
        outbox.offer_once(work.connection, work.shop_id, kept.id, work.now)
        joined = buyers.merged(kept, lost)
        work.replace_buyer(kept.id, lost.id)
        work.put_buyer(joined)
        return joined

    def join_by_order(self, order_id: str, chat: Conversation) -> tuple[Buyer, Conversation] | None:
        """Join the buyer of a chat with the buyer of an order that the chat proved to be theirs.

        Returns the buyer that remains and the chat, with the wrong tries forgotten; None if nothing changes:
        the order has no buyer or is theirs already, or the two have two ids on one platform.
        """
        work = self._work
        order = work.orders.get(order_id)
        if order is None or order.buyer is None or order.buyer == chat.buyer:
            return None
        kept = self.join(order.buyer, chat.buyer)
        if work.present(chat.buyer) != kept.id:
            return None  # they have a record of their own there; they get an answer and nobody's chat moves
        known = _replace(work.chats[chat.channel, chat.address], buyer=kept.id, tries=0)
        work.put_chat(known)
        return kept, known

    def stop(self, buyer: str, at: datetime) -> None:
        """Record a buyer's stop."""
        self._work.put_buyer(buyers.stopped(self._work.buyers[buyer], at))

    def resume(self, buyer: str, at: datetime) -> None:
        """Record that a buyer wants messages again."""
        self._work.put_buyer(buyers.resumed(self._work.buyers[buyer], at))

    def consent(self, buyer: str, agrees: bool, at: datetime) -> None:
        """Record that a buyer agreed to promotions, or refused them."""
        self._work.put_buyer(buyers.consented(self._work.buyers[buyer], agrees, at))

    def count_try(self, chat: Conversation) -> None:
        """Count a wrong try to prove an order; tries are counted anew a day after the first one."""
        now = self._work.now
        fresh = chat.tries_since is None or now - chat.tries_since > TRIES_COUNT_FOR
        tries, since = (1, now) if fresh else (chat.tries + 1, chat.tries_since)
        known = self._work.chats[chat.channel, chat.address]
        self._work.put_chat(_replace(known, tries=tries, tries_since=since))

    def _owners_of(self, keys: list[Identity], channel: str, ref: BuyerRef) -> list[str]:
        """The buyers of these identities, without those who have another id on the channel of a new id."""
        owners = self._work.owners
        found = list(dict.fromkeys(owners[key] for key in keys if key in owners))
        if ref.id is None or (channel, ref.id) in owners:
            return found
        return [
            buyer for buyer in found if all(kind != channel for kind, _ in self._work.identities_of(buyer))
        ]

    def _create(self, first: Identity, at: datetime) -> Buyer:
        """A new buyer; the id is derived from the first identity, so that a replay gives the same."""
        name = "\x1f".join((self._work.shop_id, *first)).encode()
        buyer = Buyer(id=hashlib.blake2b(name, digest_size=10).hexdigest(), created_at=at)
        self._work.put_buyer(buyer)
        self._work.cases.setdefault(buyer.id, ())
        return buyer
