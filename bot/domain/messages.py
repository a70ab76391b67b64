"""The vocabulary of delivery: message policies, due messages, facts, addresses, reasons."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from bot.domain.context import Buyer, Case, Category, Conversation, Said
from bot.domain.orders import Order
from bot.domain.products import Product
from bot.domain.shop import Shop
from bot.domain.stock_wishes import StockWish
from bot.domain.tiers import NONE_KEPT, KeptTier
from bot.domain.wishes import NOTHING_SAID, Standing


class Reason(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why a message was or was not sent: a code that seller.yaml has a sentence for, with its values."""

    code: str
    values: dict[str, Any] = {}


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """Where a message reaches its buyer. `buyer_id`: the buyer as that channel knows them."""

    channel: str
    address: str
    buyer_id: str


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What is true at the time of sending, for one message. `sent_*` count messages really sent.

    They count what the buyer heard; for a guest, who is no more than an address that anybody may type, what
    was said about this order.
    """

    shop: Shop
    buyer: Buyer  # whom the message addresses: for one about an order with that order's contacts
    order: Order | None = None
    orders: tuple[Order, ...] = ()
    orders_alike: tuple[Order, ...] = ()  # placed with the buyer's own mailbox, by whichever file; of offers
    conversations: tuple[Conversation, ...] = ()
    cases: tuple[Case, ...] = ()
    sent_in_day: int = 0  # answers not counted
    sent_in_day_until: datetime | None = None  # when the oldest of them leaves the 24 hours
    promotions_in_week: int = 0
    promotions_in_week_until: datetime | None = None
    standing: Standing = NOTHING_SAID  # of the address that is best, or of all where none is left
    asked_before: bool = False  # the same question has reached this mailbox, about whichever order
    addresses: tuple[Address, ...] = ()  # the best first; none blocked, and none that wants no such message
    said: tuple[Said, ...] = ()  # about this order, or offers to this buyer; only if the policy looks back
    kept_tier: KeptTier = NONE_KEPT  # of the buyer; only for offers
    paced_until: datetime | None = None  # of an offer beyond the pace of its campaign
    items: Mapping[str, Product | None] = {}  # by sku, what answers tell of; None: not for sale any more
    product: Product | None = None  # as it is for sale; only for a message that tells of one being back
    wish: StockWish | None = None  # of the chat that such a message goes to


NotBefore = Callable[["DueMessage", Facts, datetime], tuple[datetime, Reason] | None]
Check = Callable[["DueMessage", Facts, datetime], Reason | None]


class TemplateInput(msgspec.Struct, frozen=True, kw_only=True):
    """What the template of one name may rely on, and what it is tried with.

    about_order, about_parcel: it is always about an order, a parcel; otherwise it may be.
    variables: other names of VARIABLES that are never empty in it.
    samples: examples of the values it carries, in every form that it takes; the first is for previews.
    """

    about_order: bool = True
    about_parcel: bool = False
    variables: tuple[str, ...] = ()
    samples: tuple[dict[str, Any], ...] = ({},)


class MessagePolicy(TemplateInput, frozen=True, kw_only=True):
    """One kind of message: the rules under which it may still be sent.

    category: what it competes as; the arbiter's PRIORITY puts the categories in order.
    lateness: from due_at on, more than zero; a message that is later than that is skipped.
    why_outdated: answers None while the message is true, else the reason why it no longer is.
    not_before: answers None once it may be said, else the time until which it waits, and why; a part of an
    order waits for others to go with it.
    waits_for: the template of what is said first about the same order, for which it waits some minutes.
    fresh: so long after its due time it counts as an answer to what the buyer has just done: it goes out
    also in quiet hours and beyond the cap.
    """

    category: Category
    lateness: timedelta
    why_outdated: Check
    not_before: NotBefore | None = None
    waits_for: str | None = None
    fresh: timedelta = timedelta(0)
    over_person: bool = False  # a person decided it, so it goes out while a person talks
    looks_back: bool = False  # its check reads Facts.said
    opens_chat: bool = False  # it carries the link that opens a chat which knows the order
    answered_anew: bool = False  # once it is outdated, the words that it answers are answered anew
    asks_for_offers: bool = False  # it carries the link that confirms offers; without it, it is not said


class DueMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message of the outbox as the arbiter sees it.

    lateness: from due_at on, more than zero, as its policy was when the message was decided on.
    """

    key: str
    template: str
    category: Category
    due_at: datetime
    created_at: datetime
    lateness: timedelta
    values: dict[str, Any] = {}
    order: str | None = None
    to: str | None = None
    unlike: str | None = None  # the key of a message after which another channel is tried


MessagePolicies = Mapping[str, MessagePolicy]
