"""What a handler may read: a frozen snapshot of the shop's records, taken before it runs."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

import msgspec

from bot.domain.actions import CALLS
from bot.domain.knowledge import Entry, Known
from bot.domain.meanings import Understanding
from bot.domain.money import Money
from bot.domain.orders import Order
from bot.domain.products import NO_SHELF, Shelf
from bot.domain.quotes import FIRST, Quote
from bot.domain.shop import Shop
from bot.domain.talks import NO_TALK, Talk
from bot.domain.tiers import NONE_KEPT, KeptTier
from bot.domain.wishes import NOTHING_SAID, Standing

Category = Literal["answer", "service", "payment", "shipping", "review", "visit", "promotion", "greeting"]


class Buyer(msgspec.Struct, frozen=True, kw_only=True):
    id: str  # ours
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    mailbox: str | None = None  # proved to be theirs; `email` is only said
    locale: str | None = None
    timezone: str | None = None
    shown_at: datetime | None = None  # platform time of the newest of name, locale, ...
    told_at: dict[str, datetime] = {}  # the times of those that were told before `shown_at`
    created_at: datetime | None = None


class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    """One chat of one buyer. `address` is where the channel sends to."""

    channel: str
    address: str
    buyer: str
    last_in_at: datetime | None = None
    human_until: datetime | None = None
    blocked_at: datetime | None = None
    unblocked_at: datetime | None = None
    tries: int = 0
    tries_since: datetime | None = None
    answered: tuple[datetime, ...] = ()  # the newest answers, the oldest first
    hushed_until: datetime | None = None  # no answer before
    no_reminders_at: datetime | None = None  # when the buyer last asked here not to be pressed
    no_reminders_for: tuple[str, ...] = ()  # numbers of orders that were not known here when they asked
    talk: Talk = NO_TALK

    @property
    def name(self) -> str:
        return f"{self.channel}:{self.address}"

    @property
    def blocked(self) -> bool:
        """True if nothing can be sent there: until they write, or take the block back, later than that."""
        if self.blocked_at is None:
            return False
        return all(at is None or at <= self.blocked_at for at in (self.last_in_at, self.unblocked_at))


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A case for the seller. People refer to it by `number`.

    asked_at: the buyer's last words that want an answer. answered_at: the last reply of a person.
    waits_since: the first of the buyer's words after that reply.
    chat: where the buyer waits. cause, due_at: of a complaint, and by when it is decided.
    reopened: how often, after it was settled.
    """

    number: int
    kind: str
    key: str
    reason: str
    opened_at: datetime
    order: str | None = None
    closed_at: datetime | None = None
    asked_at: datetime | None = None
    answered_at: datetime | None = None
    waits_since: datetime | None = None
    chat: str | None = None
    cause: str | None = None
    due_at: datetime | None = None
    reopened: int = 0

    @property
    def calls(self) -> bool:
        """True if a person was called into the chat: the buyer asked for one, or was not understood."""
        return self.kind in CALLS

    @property
    def open(self) -> bool:
        return self.closed_at is None

    @property
    def waits(self) -> bool:
        """True while the buyer's last words are without a person's answer; later words reopen it."""
        if self.answered_at is None:
            return self.open
        return self.open and (self.asked_at or self.opened_at) > self.answered_at

    @property
    def since(self) -> datetime:
        """Since when it waits, while it does."""
        if self.answered_at is None:
            return self.opened_at
        known = self.waits_since and self.waits_since > self.answered_at
        return self.waits_since if known and self.waits_since else self.asked_at or self.opened_at

    @property
    def buyer_waits(self) -> bool:
        """True while a buyer who wrote is without an answer, or one whom no answer of ours reached."""
        return self.waits and (self.asked_at is not None or self.calls or self.reason == "unanswered")

    @property
    def owes_word(self) -> bool:
        """True if its buyer waits in a chat, and settling it without an outcome would tell them nothing."""
        return self.buyer_waits and self.chat is not None and self.kind not in ("complaint", "return")


class ToldParcel(msgspec.Struct, frozen=True, array_like=True):
    """A parcel as a message told it: all its ids, its number and carrier if it had them."""

    ids: tuple[str, ...]
    number: str | None = None
    carrier: str | None = None  # also None: sent before carriers were kept


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """A message of ours to this buyer, with its state."""

    key: str
    template: str
    state: str
    order: str | None = None
    due_at: datetime | None = None  # None: in the archive
    sent_at: datetime | None = None
    written_at: datetime | None = None  # of the facts in a text that was sent, or may have been, if kept
    tried: bool = False  # without a refusal: it may have arrived, also if it was given up later
    paid: bool = False  # the text was written knowing that the order was paid
    parcels: tuple[ToldParcel, ...] | None = None  # that the text told; None: not kept
    total: Money | None = None  # of the order, and what was paid of it, when the text was written
    paid_sum: Money | None = None
    refunded: Money | None = None
    on_delivery: bool | None = None  # how the text told to pay; None if it did not, or that was not kept


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """`order` is the one the event is about, merged; `orders` are those that the buyer may see, newest first,
    at most 20: their own and, in a chat, those that it has opened. In the seller's own chat `order` is the
    one of the case, or the newest of its buyer.

    For an order's own events and deadlines `orders` holds that order alone, and `said` the messages
    about it; in the chat `said` is empty.
    """

    now: datetime
    shop_id: str
    shop: Shop
    buyer: Buyer | None = None
    order: Order | None = None
    orders: tuple[Order, ...] = ()
    conversation: Conversation | None = None
    cases: tuple[Case, ...] = ()  # open ones, also those that a person has answered
    others_cases: tuple[Case, ...] = ()  # open ones of other chats, about `orders`: words here stand in none
    said: tuple[Said, ...] = ()
    standing: Standing = NOTHING_SAID  # what this chat wants to hear of us
    named_orders: tuple[Order, ...] = ()  # whose number the chat message contains, whoever's they are
    wrong_tries: dict[str, int] = {}  # of a day, over all chats, to prove each of these orders
    understood: Understanding | None = None  # what a chat message means
    known: tuple[Known, ...] = ()  # what the seller wrote down and may answer it, the nearest first
    shelf: Shelf = NO_SHELF  # the products that it is about; read only where it asks about any
    linked_order: Order | None = None  # the order whose signed link opened the chat, while it is valid
    case: Case | None = None  # the one that a deadline or a settling is about
    quotes: tuple[Quote, ...] = ()  # of this chat and this buyer, newest first, where a message may haggle
    replies: Mapping[str, Entry] = {}  # that people send by hand; only for the seller's own words
    next_quote: int = FIRST  # the number of a new one
    kept_tier: KeptTier = NONE_KEPT  # of the buyer, where a message may be a complaint, or a promise is due
    missed_before: int = 0  # promises to this buyer, within half a year; only where one about an order is due

    @property
    def locale(self) -> str:
        return (self.buyer and self.buyer.locale) or self.shop.locale

    @property
    def human_talks(self) -> bool:
        chat = self.conversation
        return bool(chat and chat.human_until and chat.human_until > self.now)
