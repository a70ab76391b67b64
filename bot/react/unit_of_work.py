"""The records that a batch of events touches: read together, changed in memory, written together."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import Connection

from bot.domain.buyers import guest_of
from bot.domain.context import Buyer, Case, Conversation, Said
from bot.domain.desk import read_word
from bot.domain.events import (
    AgentReplied,
    BuyerEvent,
    BuyerRef,
    CaseSettled,
    ChatEvent,
    Event,
    MessageReceived,
    OffersConfirmed,
    OrderEvent,
    OrderPlaced,
    TimeCame,
)
from bot.domain.order_numbers import alike
from bot.domain.orders import Order
from bot.domain.proofs import holds
from bot.domain.quotes import FIRST, Quote
from bot.domain.stock_wishes import StockWish
from bot.domain.talks import NO_TALK, Talk
from bot.domain.wishes import EMAIL, PHONE, AddressKey, Wish, heard_at, mailbox
from bot.seller.cases import ORDER_STOPPED
from storage import (
    buyer_records,
    case_records,
    conversation_records,
    history,
    order_records,
    outbox,
    proof_records,
    quote_records,
    stock_wish_records,
    wish_records,
)
from storage.asking import Asking
from storage.buyer_records import Identity
from storage.case_records import CaseWord
from storage.proof_records import Link, Place
from storage.stock_wish_records import WishKey
from storage.unit import Unit
from storage.wish_records import WishRecord

NOTICES_KEPT = timedelta(days=60)  # so long an answer to a notice is about its case
A_DAY = timedelta(days=1)  # for which wrong tries count

NumbersIn = Callable[[str, Talk], tuple[str, ...]]
Haggles = Callable[[str, Talk], bool]


class TakenBack(msgspec.Struct, frozen=True, kw_only=True):
    """What a channel told of an order before it placed one of that id itself.

    order: the other's, which it was about until now. handled: when each was handled, by its id in the inbox.
    """

    order: str
    channel: str
    handled: Mapping[int, datetime]


class UnitOfWork:
    """The identity map of a batch: holds what `read` found and remembers what changed, until `write`."""

    def __init__(self, unit: Unit) -> None:
        self.unit = unit
        self._desks = unit.shop.desks
        self.event = 0  # the event in hand: its id in the inbox
        self.earlier: set[int] = set()  # the events of the batch before it
        self.arrived_at = unit.now  # when it was received
        self.orders: dict[str, Order] = {}
        self.buyers: dict[str, Buyer] = {}
        self.chats: dict[Place, Conversation] = {}
        self.said: dict[str, tuple[Said, ...]] = {}  # by order
        self.wishes: defaultdict[AddressKey, list[Wish]] = defaultdict(list)
        self.cases: dict[str, tuple[Case, ...]] = {}  # by buyer
        self._numbered_cases: dict[int, tuple[str | None, Case]] = {}
        self._told: dict[str, int] = {}  # cases, by the platform's ids of the notices about them
        self._cases_about: defaultdict[str, tuple[Case, ...]] = defaultdict(tuple)  # by order
        self.next_quote = FIRST
        self._quotes: dict[int, Quote] = {}
        self._quoted: set[Place] = set()  # chats whose quotes were read
        self._changed_quotes: set[int] = set()
        self._owners: dict[Identity, str | None] = {}
        self._orders_of: dict[str, tuple[Order, ...]] = {}
        self._opened: defaultdict[Place, list[tuple[str, str]]] = defaultdict(list)
        self._wrong_tries: Counter[str] = Counter()
        self._changed_orders: set[str] = set()
        self._changed_buyers: set[str] = set()
        self._changed_chats: set[Place] = set()
        self._new_owners: dict[Identity, str] = {}
        self._new_wishes: list[WishRecord] = []
        self._new_openings: dict[tuple[str, Place, str], str] = {}
        self._new_tries: list[tuple[str, Place]] = []
        self._changed_cases: dict[int, Case] = {}
        self._new_words: list[CaseWord] = []
        self._used_links: dict[Link, Place] = {}
        self._stock_wishes: dict[WishKey, StockWish | None] = {}  # None: ended
        self._readdressed: dict[str, str] = {}  # order -> its buyer of now, where it had another
        self._given_back: set[str] = set()  # buyers to whom the bot may speak again
        self._restored: set[str] = set()  # orders that were cancelled, and are on again
        self._reachable: set[str] = set()  # orders that are to be written to elsewhere than before
        self.taken_back: list[TakenBack] = []

    @property
    def connection(self) -> Connection:
        return self.unit.connection

    @property
    def shop_id(self) -> str:
        return self.unit.shop_id

    @property
    def now(self) -> datetime:
        return self.unit.now

    def begin(self, event: int, arrived_at: datetime) -> None:
        """Take the next event of the batch in hand."""
        self.earlier.add(self.event)
        self.event, self.arrived_at = event, arrived_at

    def heard_at(self, at: datetime) -> datetime:
        """The time of a word of the event in hand: no later than its arrival, so that a word from a clock
        that runs ahead does not win over those that came after it, however late both are handled."""
        return heard_at(at, min(self.arrived_at, self.now))

    # Read

    def read(
        self, events: Iterable[Event], numbers_in: NumbersIn, haggles: Haggles = lambda text, talk: False
    ) -> Asking[None]:
        """Read every record that these events may touch.

        numbers_in: finds what may be order numbers in a chat message. haggles: whether one may be about a
        price. Both are given the talk before it.
        """
        events = list(events)
        yield from self._read_owners({key for event in events for key in keys_in(event)})
        about = {id for event in events for id in _ids_of_order(event)}
        self.orders = yield from order_records.by_id(about)
        places = {(event.channel, event.conversation) for event in events if isinstance(event, ChatEvent)}
        asking = {(each.channel, each.conversation) for each in events if isinstance(each, MessageReceived)}
        self.chats = yield from conversation_records.by_place(places)
        self._opened.update((yield from proof_records.opened_by(asking)))
        yield from self._read_numbered(events, numbers_in)
        yield from self._read_quotes(events, haggles)
        self.wishes.update((yield from wish_records.of_addresses(asking | _flagged(events))))
        self._told = yield from history.cases_told(self._answered_notices(events), self.now - NOTICES_KEPT)
        numbers = {case_of(event) or self.case_at_desk(event) for event in events}
        self._numbered_cases = yield from case_records.numbered({number for number in numbers if number})
        owners = {owner for owner in self._owners.values() if owner}
        owners |= {buyer for buyer, _ in self._numbered_cases.values() if buyer}
        talking = {
            owner
            for event in events
            if isinstance(event, MessageReceived)
            for key in keys_in(event)
            if (owner := self._owners.get(key))
        }
        self._orders_of = yield from order_records.newest_of(talking)
        self.said = yield from history.said_about(self.orders.keys() & about)
        yield from self._read_buyers(owners | {order.buyer for order in self.orders.values() if order.buyer})
        yield from self._read_cases(
            set(self.buyers), {id for id in self.orders if id in about} | self._visible()
        )

    def owner(self, identity: Identity) -> str | None:
        """The buyer of an identity."""
        if identity not in self._owners:
            self.unit.ask(self._read_owners({identity}))
        owner = self._owners[identity]
        if owner and owner not in self.buyers:
            self.unit.ask(self._read_buyers({owner}))
            self.unit.ask(self._read_cases({owner}, set()))
        return owner

    def read_order(self, id: str) -> Order | None:
        """An order that `read` did not find; None if there is none."""
        if id not in self.orders:
            self.orders.update(self.unit.ask(order_records.by_id({id})))
            self.unit.ask(self._read_cases(set(), {id}))
        return self.orders.get(id)

    def read_chat(self, name: str | None) -> Conversation | None:
        """A chat that `read` did not find, by its name."""
        channel, _, address = (name or "").partition(":")
        if name and (channel, address) not in self.chats:
            self.chats.update(self.unit.ask(conversation_records.by_place({(channel, address)})))
        return self.chats.get((channel, address))

    def orders_with(self, email: str | None, phone: str | None) -> list[Order]:
        """The orders that have this mail address or this phone among their contacts, as they are now."""
        for order in order_records.of_contact(self.connection, self.shop_id, email, phone):
            self.orders.setdefault(order.id, order)
        return [
            order for order in self.orders.values() if order.contacts and order.contacts.has(email, phone)
        ]

    def orders_of(self, buyer: str) -> tuple[Order, ...]:
        """The newest orders of a buyer, as they are now."""
        if buyer not in self._orders_of:
            self._orders_of |= self.unit.ask(order_records.newest_of({buyer}))
        for order in self._orders_of.get(buyer, ()):
            self.orders.setdefault(order.id, order)
        return tuple(order for order in self.orders.values() if order.buyer == buyer)

    def link_user(self, order: str, mark: str) -> Place | None:
        """The chat that first used the link of an order to the address with this mark."""
        if (order, mark) not in self._used_links:
            found = proof_records.users_of_links(self.connection, self.shop_id, {order})
            return found.get((order, mark))
        return self._used_links[order, mark]

    # Look up

    def order_id(self, event: OrderEvent) -> str:
        """Our id of the order that an event is about.

        Ids alike in two systems are two orders. What a channel tells of an order is about the one of that id
        that it has placed itself, or else about the one that another has placed; about an order that nobody
        has placed all of them speak together.
        """
        own = f"{event.order}@{event.channel}"
        if own in self.orders and self.orders[own].placed_at:
            return own
        plain = self.orders.get(event.order)
        if plain is None or plain.channel == event.channel or not self.speaks_of_own(event):
            return event.order
        return own if plain.placed_at or plain.channel in self.unit.shop.platforms else event.order

    def speaks_of_own(self, event: OrderEvent) -> bool:
        """Whether a channel places the order that it tells of: now, or, as all platforms do, at some time."""
        return isinstance(event, OrderPlaced) or event.channel in self.unit.shop.platforms

    def buyer(self, id: str | None) -> Buyer | None:
        return self.buyers.get(id) if id else None

    def chat(self, channel: str, address: str) -> Conversation | None:
        return self.chats.get((channel, address))

    def numbered(self, numbers: Iterable[str]) -> tuple[Order, ...]:
        """The orders that may have been meant by one of these numbers, the first number's first."""
        return tuple(
            {order.id: order for number in numbers for order in alike(number, self.orders.values())}.values()
        )

    def orders_seen_by(self, buyer: str | None, chat: Conversation | None) -> tuple[Order, ...]:
        """The orders of a buyer and those that the chat has opened, newest first."""
        known = {order.id: order for order in self._orders_of.get(buyer or "", ())}
        known.update({order.id: order for order in self.orders.values() if buyer and order.buyer == buyer})
        for id, mark in self._opened[chat.channel, chat.address] if chat else ():
            if (order := self.orders.get(id)) and holds(mark, order):
                known[id] = order
        return tuple(sorted(known.values(), key=placed, reverse=True)[: order_records.ORDERS_SHOWN])

    def cases_of(self, buyer: str | None, orders: Iterable[Order]) -> tuple[Case, ...]:
        """The open cases of a buyer and those about these orders, the oldest first."""
        found = {case.number: case for order in orders for case in self._cases_about[order.id]}
        found |= {case.number: case for case in self.cases.get(buyer or "", ())}
        return tuple(found[number] for number in sorted(found))

    def case(self, number: int | None) -> tuple[str | None, Case | None]:
        """A case that an event of the batch is about, as it is now, with its buyer."""
        buyer, case = self._numbered_cases.get(number or 0, (None, None))
        return buyer, self._changed_cases.get(case.number, case) if case else None

    def case_at_desk(self, event: Event) -> int | None:
        """The number of the case that the seller means: the one they name, else that whose notice they
        answer."""
        if not self._is_sellers(event) or not isinstance(event, MessageReceived):
            return None
        return read_word(event.text).case or event.case or self._told.get(event.reply_to or "")

    def _is_sellers(self, event: Event) -> bool:
        return isinstance(event, MessageReceived) and (event.channel, event.conversation) in self._desks

    def _answered_notices(self, events: Iterable[Event]) -> set[str]:
        answers = (event for event in events if isinstance(event, MessageReceived) and event.reply_to)
        return {event.reply_to for event in answers if event.reply_to and self._is_sellers(event)}

    def quotes_of(self, buyer: str | None, chat: Conversation | None) -> tuple[Quote, ...]:
        """The quotes of a buyer, and of a chat under whatever name, newest first."""
        place = (chat.channel, chat.address) if chat else None
        return tuple(
            quote
            for _, quote in sorted(self._quotes.items(), reverse=True)
            if quote.buyer == buyer or (quote.channel, quote.address) == place
        )

    def read_quotes(self, buyer: str | None, chat: Conversation) -> None:
        """Read the quotes of a chat that turns out to be about a price, unless `read` has."""
        place = (chat.channel, chat.address)
        if self.unit.shop.haggling.on and place not in self._quoted:
            self.unit.ask(self._add_quotes({place}, {buyer} if buyer else set()))

    def wrong_tries(self, orders: Iterable[Order]) -> dict[str, int]:
        """How many wrong tries each of these orders had within a day, over all chats."""
        return {order.id: self._wrong_tries[order.id] for order in orders}

    # Change

    def put_order(self, order: Order) -> None:
        """Replace an order in memory; `write` saves it if it differs."""
        known = self.orders.get(order.id)
        if known == order:
            return
        if known and known.buyer and order.buyer and known.buyer != order.buyer:
            self._readdressed[order.id] = order.buyer
        if known and _where(order) != _where(known):
            self._reachable.add(order.id)
        if known and known.cancelled and not order.cancelled:
            self._restored.add(order.id)
        self.orders[order.id] = order
        self._changed_orders.add(order.id)

    def let_confirm(self, address: AddressKey) -> None:
        """Let the orders of an address that a stop kept from being confirmed be written to again."""
        chat = self.chats.get(address)
        orders = self.orders_with(address[1], None) if address[0] == EMAIL else []
        orders = [*orders, *(self.orders_of(chat.buyer) if chat else ())]
        open_cases = self.unit.ask(case_records.open_of(set(), {order.id for order in orders}))
        self._reachable |= {
            each.order for _, each in open_cases if each.order and each.reason == ORDER_STOPPED
        }

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
        if self._owners.get(identity) is None:
            self._owners[identity] = self._new_owners[identity] = buyer

    def put_case(self, case: Case, buyer: str | None) -> None:
        """Let later events of the batch know of a new case."""
        if buyer:
            self.cases[buyer] = (*self.cases.get(buyer, ()), case)
        if case.order:
            self._cases_about[case.order] = (*self._cases_about[case.order], case)

    def change_case(self, case: Case) -> None:
        """Replace a case in memory; `write` saves when it was asked about and answered last."""
        for known in (self.cases, self._cases_about):
            for of, those in known.items():
                known[of] = tuple(case if each.number == case.number else each for each in those)
        self._changed_cases[case.number] = case

    def put_word(self, word: CaseWord) -> None:
        """Append what was said while a case is open."""
        self._new_words.append(word)

    def put_quote(self, quote: Quote) -> None:
        """Add or replace a quote; `write` saves it."""
        self._quotes[quote.number] = quote
        self._changed_quotes.add(quote.number)
        self.next_quote = max(self.next_quote, quote.number + 1)

    def put_stock_wish(self, wish: StockWish) -> None:
        """Add a wish for what is sold out, or begin the same one anew."""
        self._stock_wishes[wish.sku, wish.channel, wish.address] = wish

    def end_stock_wish(self, key: WishKey) -> None:
        self._stock_wishes[key] = None

    def put_wish(self, record: WishRecord) -> None:
        """Append a wish, unless the same word of the same time is known."""
        known = self.wishes[record.address]
        if record.wish not in known:
            known.append(record.wish)
            self._new_wishes.append(record)

    def open_order(self, order: str, chat: Place, how: str, mark: str) -> None:
        """Open an order to a chat, as long as it goes to the address with this mark."""
        if (order, mark) not in self._opened[chat]:
            self._opened[chat].append((order, mark))
            self._new_openings[order, chat, mark] = how

    @property
    def new_tries(self) -> int:
        """How many wrong tries this batch has counted and not written."""
        return len(self._new_tries)

    def use_link(self, order: str, mark: str, chat: Place) -> None:
        self._used_links.setdefault((order, mark), chat)

    def put_try(self, order: str, chat: Place) -> None:
        """Append a wrong try; order: "" if the number is nobody's."""
        self._wrong_tries[order] += 1
        self._new_tries.append((order, chat))

    def let_speak(self, buyer: str) -> None:
        """A person gave a chat of this buyer back, so what waited for that is judged anew."""
        self._given_back.add(buyer)

    # Write

    def write(self) -> Asking[None]:
        """Write what changed since the last call."""
        now = self.now
        yield from buyer_records.save([self.buyers[id] for id in sorted(self._changed_buyers)])
        yield from buyer_records.add_identities(self._new_owners)
        yield from order_records.save([self.orders[id] for id in sorted(self._changed_orders)])
        yield from conversation_records.save([self.chats[place] for place in sorted(self._changed_chats)])
        yield from wish_records.add(self._new_wishes, now)
        yield from proof_records.add_openings(self._new_openings, now)
        yield from proof_records.add_wrong_tries(self._new_tries, now)
        yield from proof_records.use_links(self._used_links, now)
        yield from case_records.save_talk(self._changed_cases.values())
        yield from case_records.add_words(self._new_words)
        yield from quote_records.save([self._quotes[number] for number in sorted(self._changed_quotes)])
        yield from stock_wish_records.save([each for each in self._stock_wishes.values() if each])
        yield from stock_wish_records.end(
            [key for key, wish in self._stock_wishes.items() if wish is None], now
        )
        yield from outbox.try_anew(sorted(self._reachable), now)
        yield from outbox.try_restored(sorted(self._restored), now)
        yield from case_records.close_unreachable(sorted(self._reachable), now)
        yield from outbox.readdress(self._readdressed)
        yield from outbox.let_speak(sorted(self._given_back), now)
        self._changed_buyers, self._changed_orders, self._changed_chats = set(), set(), set()
        self._new_owners = {}
        self._readdressed, self._reachable, self._given_back = {}, set(), set()
        self._restored = set()
        self._new_wishes, self._new_tries = [], []
        self._new_openings, self._used_links = {}, {}
        self._changed_quotes, self._stock_wishes = set(), {}

    def _read_owners(self, identities: set[Identity]) -> Asking[None]:
        found = yield from buyer_records.owners(identities)
        self._owners.update({identity: found.get(identity) for identity in identities})

    def _read_numbered(self, events: list[Event], numbers_in: NumbersIn) -> Asking[None]:
        """Read the orders that chats have opened, and those that their messages name."""
        numbers = {
            number
            for event in events
            if isinstance(event, MessageReceived)
            for number in numbers_in(event.text, self._talk_of(event))
        }
        named = yield from order_records.by_number(numbers)
        for order in named:
            self.orders.setdefault(order.id, order)
        opened = self._visible() - self.orders.keys()
        self.orders.update((yield from order_records.by_id(opened)))
        tries = yield from proof_records.tries_at({order.id for order in named}, self.now - A_DAY)
        self._wrong_tries.update(tries)

    def _read_quotes(self, events: list[Event], haggles: Haggles) -> Asking[None]:
        """Read the quotes of whoever may haggle, and of those who place orders."""
        heard = events if self.unit.shop.haggling.on else []
        asking = [
            each for each in heard if isinstance(each, MessageReceived) and self._haggles(each, haggles)
        ]
        placing = [each for each in heard if isinstance(each, OrderPlaced)]
        owners = {self._owners.get(key) for event in (*asking, *placing) for key in keys_in(event)}
        chats = {(each.channel, each.conversation) for each in asking}
        yield from self._add_quotes(chats, {each for each in owners if each})

    def _haggles(self, event: MessageReceived, haggles: Haggles) -> bool:
        return haggles(event.text, self._talk_of(event))

    def _talk_of(self, event: MessageReceived) -> Talk:
        chat = self.chat(event.channel, event.conversation)
        return chat.talk if chat else NO_TALK

    def _add_quotes(self, chats: set[Place], buyers: set[str]) -> Asking[None]:
        found, self.next_quote = yield from quote_records.of(chats, buyers, self.next_quote)
        self._quotes = found | self._quotes
        self._quoted |= chats

    def _visible(self) -> set[str]:
        return {id for opened in self._opened.values() for id, _ in opened}

    def _read_buyers(self, ids: set[str]) -> Asking[None]:
        self.buyers.update((yield from buyer_records.by_id(ids - self.buyers.keys())))

    def _read_cases(self, buyers: set[str], orders: set[str]) -> Asking[None]:
        for buyer, case in (yield from case_records.open_of(buyers, orders)):
            if buyer in buyers:
                self.cases[buyer] = (*self.cases.get(buyer, ()), case)
            if case.order in orders:
                self._cases_about[case.order] = (*self._cases_about[case.order], case)


def case_of(event: Event) -> int | None:
    """The number of the case that an event is about."""
    return event.case if isinstance(event, TimeCame | CaseSettled) else None


def keys_in(event: Event) -> list[Identity]:
    """The identities that an event carries: those that are proved, and a guest's."""
    match event:
        case MessageReceived() | AgentReplied():
            return [(event.channel, event.buyer.id or event.conversation)]
        case ChatEvent():
            return [(event.channel, event.conversation)]
        case BuyerEvent():
            return [(event.channel, event.buyer.id)] if event.buyer.id else []
        case OrderEvent():
            ref: BuyerRef | None = getattr(event, "buyer", None)
            if ref is None:
                return []
            contact = mailbox(ref.email) or ref.phone
            return [(event.channel, ref.id) if ref.id else guest_of(event.channel, contact or event.order)]
        case _:
            return []


def _flagged(events: Iterable[Event]) -> set[AddressKey]:
    """The addresses about whose wishes these events have something to say."""
    found: set[AddressKey] = set()
    for event in events:
        ref: BuyerRef | None = getattr(event, "buyer", None)
        flagged = ref is not None and (ref.agrees is not None or ref.by_phone is not None)
        if ref is not None and (flagged or isinstance(event, BuyerEvent)):
            named = ((event.channel, ref.id), (EMAIL, mailbox(ref.email)), (PHONE, ref.phone))
            found |= {(kind, value) for kind, value in named if value}
        if isinstance(event, OffersConfirmed):
            found.add(event.address)
    return found


def _ids_of_order(event: Event) -> tuple[str, ...]:
    """The ids under which the order of an event may be stored."""
    if isinstance(event, OrderEvent):
        return event.order, f"{event.order}@{event.channel}"
    return (event.order,) if isinstance(event, TimeCame) and event.order else ()


def _where(order: Order) -> tuple[str | None, ...]:
    """Where the order's own contacts say that it can be written to."""
    contacts = order.contacts
    return (contacts.known("id"), contacts.known("email")) if contacts else (None, None)


def placed(order: Order) -> tuple[float, str]:
    return order.placed_at.timestamp() if order.placed_at else 0.0, order.id
