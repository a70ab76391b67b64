"""One shop's records as far as one batch touches them: read at once, changed in memory, written at once."""

import hashlib
from collections.abc import Callable, Iterable
from datetime import datetime

import msgspec
from sqlalchemy import Connection

from xiaoer.bot.context import Buyer, Case, Conversation, Said
from xiaoer.bot.events import (
    AgentReplied,
    BuyerEvent,
    BuyerRef,
    ChatEvent,
    Event,
    MessageReceived,
    OrderEvent,
    TimeCame,
)
from xiaoer.bot.orders import Order
from xiaoer.storage import outbox, records
from xiaoer.storage.records import Identity

_WORDS = ("name", "email", "phone", "locale", "timezone")

NumbersIn = Callable[[str], tuple[str, ...]]
_replace = msgspec.structs.replace


class Ledger:
    """Holds what `read` found and remembers what changed, until `write`."""

    def __init__(self, connection: Connection, shop: str, now: datetime) -> None:
        self.connection = connection
        self.shop = shop
        self.now = now
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
        self._joined: dict[str, str] = {}  # files given up in this batch, and what they became

    def read(self, events: Iterable[Event], numbers_in: NumbersIn) -> None:
        events = list(events)
        link, shop = self.connection, self.shop
        self.owners = records.owners(link, shop, {key for event in events for key in _identities_in(event)})
        self.orders = records.orders_by_id(link, shop, _orders_in(events))
        numbers = {
            number
            for event in events
            if isinstance(event, MessageReceived)
            for number in numbers_in(event.text)
        }
        for order in records.orders_by_number(link, shop, numbers):
            order = self.orders.setdefault(order.id, order)
            self.named[order.id] = self.named[order.shown_number] = order
        self.chats = records.conversations_at(
            link,
            shop,
            {(event.channel, event.conversation) for event in events if isinstance(event, ChatEvent)},
        )
        self._read_buyers(
            {*self.owners.values(), *(order.buyer for order in self.orders.values() if order.buyer)}
        )
        talking = {self.owner_of(event) for event in events if isinstance(event, ChatEvent | TimeCame)} - {
            None
        }
        wanted = {buyer for buyer in talking if buyer}
        self._orders_of = records.orders_of(link, shop, wanted)
        self.said = records.said_about(link, shop, self.orders.keys() & _orders_in(events))

    def owner_of(self, event: Event) -> str | None:
        """The buyer an event is about, as far as is known before it is merged."""
        for key in _identities_in(event):
            if key in self.owners:
                return self.owners[key]
        order = (
            self.orders.get(event.order) if isinstance(event, OrderEvent | TimeCame) and event.order else None
        )
        return order.buyer if order else None

    def buyer(self, id: str | None) -> Buyer | None:
        return self.buyers.get(id) if id else None

    def orders_of(self, buyer: str | None) -> tuple[Order, ...]:
        """The buyer's orders, newest first; complete only for buyers who talk in this batch."""
        if buyer is None:
            return ()
        known = {order.id: order for order in self._orders_of.get(buyer, ())}
        known.update({order.id: order for order in self.orders.values() if order.buyer == buyer})
        return tuple(sorted(known.values(), key=_placed, reverse=True)[: records.ORDERS_SHOWN])

    def put_order(self, order: Order) -> None:
        if self.orders.get(order.id) != order:
            self.orders[order.id] = order
            self._changed_orders.add(order.id)
        for name in (order.id, order.shown_number):
            if name in self.named:
                self.named[name] = order

    def put_buyer(self, buyer: Buyer) -> None:
        if self.buyers.get(buyer.id) != buyer:
            self.buyers[buyer.id] = buyer
            self._changed_buyers.add(buyer.id)

    def put_chat(self, chat: Conversation) -> None:
        place = (chat.channel, chat.address)
        if self.chats.get(place) != chat:
            self.chats[place] = chat
            self._changed_chats.add(place)

    def chat(self, channel: str, address: str) -> Conversation | None:
        return self.chats.get((channel, address))

    def meet(self, channel: str, ref: BuyerRef, at: datetime) -> str | None:
        """The buyer whom a platform names so: found, made, or found to be two files of one person."""
        keys = identities_of(channel, ref)
        if not keys:
            return None
        found = self._owners_of(keys, channel, ref)
        buyer = self.buyers[found[0]] if found else self._make(keys[0], at)
        for other in found[1:]:
            buyer = self.join(buyer.id, other)
        for key in keys:
            if key not in self.owners:
                self.owners[key] = self._new_owners[key] = buyer.id
        self.put_buyer(_shown(buyer, ref, at))
        return buyer.id

    def _owners_of(self, keys: list[Identity], channel: str, ref: BuyerRef) -> list[str]:
        """Whose these identities are. A new id on a platform is nobody's who has another id there already."""
        found = list(dict.fromkeys(self.owners[key] for key in keys if key in self.owners))
        if ref.id is None or (channel, ref.id) in self.owners:
            return found
        return [buyer for buyer in found if not self._is_known_on(channel, buyer)]

    def _is_known_on(self, channel: str, buyer: str) -> bool:
        kept = records.identities_of(self.connection, self.shop, buyer)
        new = (key for key, owner in self._new_owners.items() if owner == buyer)
        return any(kind == channel for kind, _ in (*kept, *new))

    def present(self, buyer: str) -> str:
        """The file that stands for this one after the joins of this batch."""
        while buyer in self._joined:
            buyer = self._joined[buyer]
        return buyer

    def join(self, one: str, other: str) -> Buyer:
        """Two files of one person become the elder one, unless a platform itself tells the two apart."""
        first, second = self.buyers[one], self.buyers[other]
        if one == other:
            return first
        self.write()  # what is in memory goes where the join below can see it
        theirs = (
            records.identities_of(self.connection, self.shop, one),
            records.identities_of(self.connection, self.shop, other),
        )
        if _told_apart(*theirs):
            return first
        kept, lost = sorted((first, second), key=lambda buyer: (buyer.created_at or self.now, buyer.id))
        records.join(self.connection, self.shop, kept.id, lost.id)
        outbox.offer_once(self.connection, self.shop, kept.id, self.now)
        self._joined[lost.id] = kept.id
        self._follow(kept.id, lost.id)
        merged = _merged(kept, lost)
        self.put_buyer(merged)
        return merged

    def own_chat(self, event: ChatEvent, buyer: str) -> Conversation:
        known = self.chat(event.channel, event.conversation)
        chat = known or Conversation(channel=event.channel, address=event.conversation, buyer=buyer)
        chat = _replace(chat, buyer=buyer)
        self.put_chat(chat)
        return chat

    def write(self) -> None:
        link, shop = self.connection, self.shop
        records.save_buyers(link, shop, [self.buyers[id] for id in sorted(self._changed_buyers)])
        records.add_identities(link, shop, self._new_owners)
        records.save_orders(link, shop, [self.orders[id] for id in sorted(self._changed_orders)])
        records.save_conversations(link, shop, [self.chats[place] for place in sorted(self._changed_chats)])
        self._changed_buyers, self._changed_orders, self._changed_chats = set(), set(), set()
        self._new_owners = {}

    def _make(self, first: Identity, at: datetime) -> Buyer:
        """A new file, its id made from the first identity: a repeated history makes the same files."""
        name = "\x1f".join((self.shop, *first)).encode()
        buyer = Buyer(id=hashlib.blake2b(name, digest_size=10).hexdigest(), created_at=at)
        self.put_buyer(buyer)
        self.cases.setdefault(buyer.id, ())
        return buyer

    def _read_buyers(self, ids: set[str]) -> None:
        missing = ids - self.buyers.keys()
        self.buyers.update(records.buyers_by_id(self.connection, self.shop, missing))
        self.cases.update(records.open_cases_of(self.connection, self.shop, missing))

    def look_up(self, buyer: str) -> None:
        """Read one more buyer's file, whom nobody expected in this batch."""
        self._read_buyers({buyer})
        self._orders_of.update(records.orders_of(self.connection, self.shop, {buyer}))

    def _follow(self, kept: str, lost: str) -> None:
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
        self.look_up(kept)
        self.buyers[kept] = keeper


def identities_of(channel: str, ref: BuyerRef) -> list[Identity]:
    keys = [(channel, ref.id), ("email", ref.email and ref.email.lower()), ("phone", ref.phone)]
    return [(kind, value) for kind, value in keys if value]


def _identities_in(event: Event) -> list[Identity]:
    match event:
        case MessageReceived() | AgentReplied():
            ref = event.buyer
            return identities_of(event.channel, _replace(ref, id=ref.id or event.conversation))
        case ChatEvent():
            return [(event.channel, event.conversation)]
        case BuyerEvent():
            return identities_of(event.channel, event.buyer)
        case OrderEvent():
            ref = getattr(event, "buyer", None) or BuyerRef()
            return identities_of(event.channel, ref)
        case _:
            return []


def _orders_in(events: Iterable[Event]) -> set[str]:
    return {event.order for event in events if isinstance(event, OrderEvent | TimeCame) and event.order}


def _placed(order: Order) -> tuple[float, str]:
    return order.placed_at.timestamp() if order.placed_at else 0.0, order.id


def _told_apart(one: set[Identity], other: set[Identity]) -> bool:
    """A phone may be a household's; two ids on one platform are two people to that platform."""
    platforms = {kind for kind, _ in one} & {kind for kind, _ in other} - {"email", "phone"}
    return bool(platforms)


def _shown(buyer: Buyer, ref: BuyerRef, at: datetime) -> Buyer:
    """What the platform shows of a buyer: newer words win, older ones only fill gaps."""
    if ref.agrees is None and not (ref.name or ref.email or ref.phone or ref.locale or ref.timezone):
        return buyer  # a chat that shows nothing but its address
    newer = buyer.shown_at is None or at >= buyer.shown_at
    told = {name: value for name in _WORDS if (value := getattr(ref, name)) is not None}
    said = {name: value for name, value in told.items() if newer or getattr(buyer, name) is None}
    if ref.agrees is not None and (buyer.agrees_at is None or at >= buyer.agrees_at):
        said |= {"agrees": ref.agrees, "agrees_at": at}
    shown_at = at if told and newer else buyer.shown_at
    return _replace(buyer, **said, shown_at=shown_at, created_at=min(buyer.created_at or at, at))


def _merged(kept: Buyer, lost: Buyer) -> Buyer:
    ref = BuyerRef(
        name=lost.name, email=lost.email, phone=lost.phone, locale=lost.locale, timezone=lost.timezone
    )
    merged = _shown(kept, ref, lost.shown_at) if lost.shown_at else kept
    if lost.agrees_at and (kept.agrees_at is None or lost.agrees_at > kept.agrees_at):
        merged = _replace(merged, agrees=lost.agrees, agrees_at=lost.agrees_at)
    stops = [moment for moment in (kept.stopped_at, lost.stopped_at) if moment]
    resumes = [moment for moment in (kept.resumed_at, lost.resumed_at) if moment]
    return _replace(merged, stopped_at=max(stops, default=None), resumed_at=max(resumes, default=None))
