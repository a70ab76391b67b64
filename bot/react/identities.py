"""Resolve who is whom: by what is proved, never by a mail address, phone or name that somebody typed.

Proved is an id that a channel itself gives: a platform's customer id, an id of the shop's own system, a
chat's address. An order without such an id is a guest's; guests' orders are counted together by the address
that they named, which opens, addresses and stops nothing.
"""

from datetime import datetime

from bot.domain import buyers
from bot.domain.context import Buyer
from bot.domain.events import BuyerRef
from bot.domain.orders import Order
from bot.react.unit_of_work import UnitOfWork
from storage.buyer_records import Identity


class Identities:
    """The identity rules, over the records of one batch."""

    def __init__(self, work: UnitOfWork) -> None:
        self._work = work

    def resolve(self, channel: str, ref: BuyerRef, at: datetime, own_file: bool = False) -> str | None:
        """The buyer whom a channel names by an id of its own, created if new; None for one without an id.

        own_file: shown is what the platform itself keeps of them, which proves their mailbox.
        """
        if not ref.id:
            return None
        return self._shown((channel, ref.id), ref, at, own_file or ref.verified)

    def buyer_of(self, order: Order, ref: BuyerRef | None, at: datetime) -> str | None:
        """The buyer of an order as its newest showing names them, whoever was shown first.

        ref: the showing of this event, which also updates the record of whom it names.
        """
        if ref is not None and ref.id:
            self.resolve(order.channel, ref, at)
        contacts = order.contacts
        if contacts is None or (contacts.id is None and order.placed_at is None):
            return order.buyer
        identity = buyers.identity_of(order)
        mine = ref is not None and (ref.id or None) == contacts.known("id")
        shown = ref if ref is not None and mine else BuyerRef()
        return self._shown(identity, shown, at, proved=shown.verified)

    def _shown(self, identity: Identity, ref: BuyerRef, at: datetime, proved: bool = False) -> str:
        id = self._work.owner(identity)
        buyer = self._work.buyers[id] if id else self._create(identity, at)
        self._work.put_owner(identity, buyer.id)
        self._work.put_buyer(buyers.shown(buyer, ref, at, proved))
        return buyer.id

    def _create(self, identity: Identity, at: datetime) -> Buyer:
        """A new buyer; the id is derived from the identity, so that a replay gives the same."""
        buyer = Buyer(id=buyers.id_of(self._work.shop_id, identity), created_at=at)
        self._work.put_buyer(buyer)
        self._work.cases.setdefault(buyer.id, ())
        return buyer
