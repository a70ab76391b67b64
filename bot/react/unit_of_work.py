"""The records that a batch of events touches: read together, changed in memory, written together."""

from collections.abc import Callable, Iterable
from datetime import datetime

import msgspec
from sqlalchemy import Connection

from bot.domain.context import Buyer, Case, Conversation, Said
from bot.domain.events import (
    OWN_LINK,
    AgentReplied,
    BuyerEvent,
    BuyerOptedOut,
    BuyerRef,
    ChatEvent,
    Event,
    MessageReceived,
    OrderEvent,
    TimeCame,
)
from bot.domain.orders import Order
from storage import buyer_records, case_records, conversation_records, history, order_records
from storage.buyer_records import Identity
from storage.unit import Unit

NumbersIn = Callable[[str], tuple[str, ...]]
_replace = msgspec.structs.replace


class UnitOfWork:
    """The identity map of a batch: holds what `read` found and remembers what changed, until `write`."""

    def __init__(self, unit: Unit) -> None:
        self.unit = unit
        self.orders: dict[str, Order] = {}
        self.named: dict[str, Order] = {}  # by number or id, for orders that a chat message names
        self.buyers: dict[str, Buyer] = {}
        self.owners: dict[Identity, str] = {}
        self.chats: dict[Identity, Conversation] = {}
        self.cases: dict[str, tuple[Case, ...]] = {}
        self.said: dict[str, tuple[Said, ...]] = {}  # by order
        self._orders_of: dict[str, tuple[Order, ...]] = {}
        self._changed_orders: set[str] = set()
        self._changed_buyers: set[str] = set()
        self._changed_chats: set[Identity] = set()
        self._new_owners: dict[Identity, str] = {}
        self._joined: dict[str, str] = {}  # records given up in this batch, and what they became

    @property
    def connection(self) -> Connection:
        return self.unit.connection

    @property
    def shop_id(self) -> str:
        return self.unit.shop_id

    @property
    def now(self) -> datetime:
        return self.unit.now

    # Read

    def read(self, events: Iterable[Event], numbers_in: NumbersIn) -> None:
        """Read every record that these events may touch, in a handful of queries.

        numbers_in: finds what may be order numbers in a chat message. Raises what the database raises.
        """
        events = list(events)
        link, shop = self.connection, self.shop_id
        self.owners = buyer_records.owners(link, shop, {key for event in events for key in keys_in(event)})
        self.owners |= buyer_records.owners_of_links(link, shop, _links_in(events))
        self.orders = order_records.by_id(link, shop, _orders_in(events))
        numbers = {
            number
            for event in events
            if isinstance(event, MessageReceived)
            for number in numbers_in(event.text)
        }
        for order in order_records.by_number(link, shop, numbers):
            order = self.orders.setdefault(order.id, order)
            self.named[order.id] = self.named[order.shown_number] = order
        self.chats = conversation_records.by_place(
            link,
            shop,
            {(event.channel, event.conversation) for event in events if isinstance(event, ChatEvent)},
        )
        self._read_buyers(
            {*self.owners.values(), *(order.buyer for order in self.orders.values() if order.buyer)}
        )
        talking = {self._owner_of(event) for event in events if isinstance(event, ChatEvent | TimeCame)}
        self._orders_of = order_records.newest_of(link, shop, {buyer for buyer in talking if buyer})
        self.said = history.said_about(link, shop, self.orders.keys() & _orders_in(events))

    def read_buyer(self, buyer: str) -> None:
        """Read a buyer that `read` did not find, with cases and orders."""
        self._read_buyers({buyer})
        self._orders_of.update(order_records.newest_of(self.connection, self.shop_id, {buyer}))

    def read_order(self, id: str) -> Order | None:
        """An order that `read` did not find, with its buyer; None if there is none."""
        if id not in self.orders:
            self.orders.update(order_records.by_id(self.connection, self.shop_id, {id}))
        order = self.orders.get(id)
        if order and order.buyer and order.buyer not in self.buyers:
            self.read_buyer(order.buyer)
        return order

    def identities_of(self, buyer: str) -> set[Identity]:
        """Every identity of a buyer, new ones of this batch included."""
        kept = buyer_records.identities_of(self.connection, self.shop_id, buyer)
        return kept | {key for key, owner in self._new_owners.items() if owner == buyer}

    # Look up and change

    def buyer(self, id: str | None) -> Buyer | None:
        return self.buyers.get(id) if id else None

    def chat(self, channel: str, address: str) -> Conversation | None:
        return self.chats.get((channel, address))

    def orders_of(self, buyer: str | None) -> tuple[Order, ...]:
        """The buyer's orders, newest first; complete only for buyers who talk in this batch."""
        if buyer is None:
            return ()
        known = {order.id: order for order in self._orders_of.get(buyer, ())}
        known.update({order.id: order for order in self.orders.values() if order.buyer == buyer})
        return tuple(sorted(known.values(), key=_placed, reverse=True)[: order_records.ORDERS_SHOWN])

    def present(self, buyer: str) -> str:
        """The record that stands for this one after the joins of this batch."""
        while buyer in self._joined:
            buyer = self._joined[buyer]
        return buyer

    def put_order(self, order: Order) -> None:
        """Replace an order in memory; `write` saves it if it differs."""
        if self.orders.get(order.id) != order:
            self.orders[order.id] = order
            self._changed_orders.add(order.id)
        for name in (order.id, order.shown_number):
            if name in self.named:
                self.named[name] = order

    def put_buyer(self, buyer: Buyer) -> None:
        """Replace a buyer in memory; `write` saves them if they differ."""
        if self.buyers.get(buyer.id) != buyer:
            self.buyers[buyer.id] = buyer
            self._changed_buyers.add(buyer.id)

    def put_chat(self, chat: Conversation) -> None:
        """Replace a conversation in memory; `write` saves it if it differs."""
        place = (chat.channel, chat.address)
        if self.chats.get(place) != chat:
            self.chats[place] = chat
            self._changed_chats.add(place)

    def put_owner(self, identity: Identity, buyer: str) -> None:
        """Record the owner of an identity; the first one keeps it."""
        if identity not in self.owners:
            self.owners[identity] = self._new_owners[identity] = buyer

    def replace_buyer(self, kept: str, lost: str) -> None:
        """Move everything of `lost` to `kept` in memory, as `buyer_records.move_all` did in the tables."""
        self._joined[lost] = kept
        self.owners = {key: kept if owner == lost else owner for key, owner in self.owners.items()}
        for order in list(self.orders.values()):
            if order.buyer == lost:
                self.orders[order.id] = _replace(order, buyer=kept)
        for name, order in self.named.items():
            self.named[name] = self.orders.get(order.id, order)
        for place, chat in self.chats.items():
            if chat.buyer == lost:
                self.chats[place] = _replace(chat, buyer=kept)
        del self.buyers[lost]
        for memory in (self.cases, self._orders_of):
            memory.pop(lost, None)
            memory.pop(kept, None)
        keeper = self.buyers.pop(kept)
        self.read_buyer(kept)
        self.buyers[kept] = keeper

    # Write

    def write(self) -> None:
        """Write what changed since the last call. Raises what the database raises."""
        link, shop = self.connection, self.shop_id
        buyer_records.save(link, shop, [self.buyers[id] for id in sorted(self._changed_buyers)])
        buyer_records.add_identities(link, shop, self._new_owners)
        order_records.save(link, shop, [self.orders[id] for id in sorted(self._changed_orders)])
        conversation_records.save(link, shop, [self.chats[place] for place in sorted(self._changed_chats)])
        self._changed_buyers, self._changed_orders, self._changed_chats = set(), set(), set()
        self._new_owners = {}

    def _owner_of(self, event: Event) -> str | None:
        """The buyer of an event, as far as is known before it is merged; else None."""
        for key in keys_in(event):
            if key in self.owners:
                return self.owners[key]
        order = (
            self.orders.get(event.order) if isinstance(event, OrderEvent | TimeCame) and event.order else None
        )
        return order.buyer if order else None

    def _read_buyers(self, ids: set[str]) -> None:
        missing = ids - self.buyers.keys()
        self.buyers.update(buyer_records.by_id(self.connection, self.shop_id, missing))
        self.cases.update(case_records.open_of(self.connection, self.shop_id, missing))


def keys_of(channel: str, ref: BuyerRef) -> list[Identity]:
    """The identities that a reference carries: the channel's own id first."""
    keys = [(channel, ref.id), ("email", ref.email and ref.email.lower()), ("phone", ref.phone)]
    return [(kind, value) for kind, value in keys if value]


def keys_in(event: Event) -> list[Identity]:
    """The identities that an event carries."""
    match event:
        case MessageReceived() | AgentReplied():
            ref = event.buyer
            return keys_of(event.channel, _replace(ref, id=ref.id or event.conversation))
        case ChatEvent():
            return [(event.channel, event.conversation)]
        case BuyerEvent():
            return keys_of(event.channel, event.buyer)
        case OrderEvent():
            ref = getattr(event, "buyer", None) or BuyerRef()
            return keys_of(event.channel, ref)
        case _:
            return []


def _links_in(events: Iterable[Event]) -> set[str]:
    """The buyers that links of ours name, as they were called when the links were sent."""
    return {
        event.buyer.id
        for event in events
        if isinstance(event, BuyerOptedOut) and event.channel == OWN_LINK and event.buyer.id
    }


def _orders_in(events: Iterable[Event]) -> set[str]:
    return {event.order for event in events if isinstance(event, OrderEvent | TimeCame) and event.order}


def _placed(order: Order) -> tuple[float, str]:
    return order.placed_at.timestamp() if order.placed_at else 0.0, order.id
