"""Events, in the past tense: frozen data that every platform is translated into.

An event carries the platform's own time (`at`, aware) and an external id that is the same
whenever the platform repeats it. Money is `Money`, ids are text (some pass 2^53).
"""

from datetime import datetime, timedelta
from typing import TypeVar

import msgspec

from bot.domain.money import Money
from bot.domain.payments import Balance
from bot.domain.products import Item

STOPS = "stops"  # the thread of all stops that come from outside a chat
OWN_LINK = "link"  # the channel of our own unsubscribe page


class Agreement(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A buyer's word about offers, as a platform keeps it. yes: None if there is none; at: its own time.

    single: a yes that anybody may have typed for the address; the platform knows that it was never confirmed.
    """

    yes: bool | None = None
    at: datetime | None = None
    single: bool = False


class BuyerRef(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A buyer as a platform names them. `id` is their id on that channel; `phone` is E.164."""

    id: str | None = None
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    delivery_phone: str | None = (
        None  # beside the address of an order: may be another's, so nobody is known by it
    )
    locale: str | None = None  # BCP 47, "zh-CN"
    timezone: str | None = None  # IANA, "Asia/Shanghai"
    agrees: bool | None = None  # to promotions; None: the platform does not say
    agrees_at: datetime | None = None  # when they said so, where the platform tells
    single: bool = False  # as in Agreement, of `agrees`
    by_phone: Agreement | None = None  # where the platform asks for the phone apart; `agrees` is then of mail
    verified: bool = False  # the shop's own system has proved that email and phone are theirs

    def agreement(self, by_phone: bool) -> Agreement:
        """Their word about offers to the phone, or to their other addresses."""
        if by_phone and self.by_phone is not None:
            return self.by_phone
        return Agreement(yes=self.agrees, at=self.agrees_at, single=self.single)


class Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One position of an order. `price` is for one piece, and below zero for a discount."""

    title: str
    quantity: int | float  # half a metre is sold too
    price: Money
    sku: str | None = None
    id: str | None = None  # the platform's, by which parcels name what is in them
    to_ship: int | None = None  # how many are to be shipped; None: all

    @property
    def ships(self) -> int | float:
        return self.quantity if self.to_ship is None else self.to_ship


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    channel: str  # the shop's name for it, as in its settings
    external_id: str
    at: datetime

    @property
    def thread(self) -> str:
        """Events of one thread are handled in order, and before a message about it goes out."""
        return f"event:{self.channel}:{self.external_id}"


E = TypeVar("E", bound=Event)


class ChatEvent(Event, frozen=True, kw_only=True, omit_defaults=True):
    conversation: str  # where an answer goes: the chat's address on this channel

    @property
    def thread(self) -> str:
        return f"chat:{self.channel}:{self.conversation}"


class OrderEvent(Event, frozen=True, kw_only=True, omit_defaults=True):
    order: str

    @property
    def thread(self) -> str:
        return f"order:{self.order}"


class BuyerEvent(Event, frozen=True, kw_only=True, omit_defaults=True):
    buyer: BuyerRef

    @property
    def thread(self) -> str:
        return f"chat:{self.channel}:{self.buyer.id or self.buyer.email or self.buyer.phone}"


DELIVERED, COMPLETED, CANCELLED = "delivered", "completed", "cancelled"  # steps of a listing


class ListedSum(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """What came or went back so far. amount: None: the whole. at: when the last of it did."""

    at: datetime
    amount: Money | None = None


class ListedParcel(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """A parcel that left. parcel: its number, if it has one."""

    parcel: str
    at: datetime
    tracking: str | None = None
    carrier: str | None = None
    link: str | None = None


class Listing(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a line of a file shows an order, as it stood at `at`. What is None or missing it says nothing of.

    timed: it has a time of its own; else `at` is the newest of its dates, and it may be younger.
    parcels: all that left, none if nothing did. steps: since when each is done; None: it is not.
    """

    at: datetime
    timed: bool = True
    paid: ListedSum | None = None
    method: str | None = None
    refunded: ListedSum | None = None
    parcels: tuple[ListedParcel, ...] | None = None
    steps: dict[str, datetime | None] = {}


class Media(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A picture, recording or file beside a message, by reference; as the platform describes it.

    ref: the platform's id of it, or its address. type: MIME. size: bytes.
    """

    ref: str
    type: str | None = None
    size: int | None = None


class MessageReceived(ChatEvent, frozen=True, kw_only=True, omit_defaults=True, tag="message.received"):
    """`kind`: text, button (then `text` is the button's value), edit, sticker, or other (photo, voice, ...;
    then `text` is the caption)."""

    buyer: BuyerRef
    message_id: str
    text: str
    kind: str = "text"
    reply_to: str | None = None  # the platform's id of the message that it answers
    media: tuple[Media, ...] = ()
    case: int | None = None  # the case that the seller's own system names


class AnswerOutdated(MessageReceived, frozen=True, kw_only=True, omit_defaults=True, tag="answer.outdated"):
    """What was to be answered to this message was not so any more when it was to be sent.

    times: how often that happened to it. answered: the templates of the other answers to it.
    """

    times: int = 1
    answered: tuple[str, ...] = ()


class AgentReplied(ChatEvent, frozen=True, kw_only=True, omit_defaults=True, tag="agent.replied"):
    """A person of the shop wrote to the buyer, by any route. `message_id` identifies our own echoes."""

    message_id: str
    text: str
    agent: str | None = None
    buyer: BuyerRef = BuyerRef()
    relayed: bool = False  # written to us, who send it on, so it is no echo of ours


class BotSwitched(ChatEvent, frozen=True, kw_only=True, omit_defaults=True, tag="bot.switched"):
    """The seller silenced the bot in a chat for the time of a takeover, or let it speak again."""

    silent: bool


class OrderPlaced(OrderEvent, frozen=True, kw_only=True, omit_defaults=True, tag="order.placed"):
    """The order as the platform showed it at `at`; the newest snapshot wins, the first `placed_at` stays.

    total, postage, lines: in the currency in which the buyer pays. shop_total: where the shop's is another.
    paid: so far, refunds not taken off, where the platform keeps that account, as of `at`; later payments
    come on top.
    authorised: what is owed is set aside for the shop on the buyer's card, and not taken from it.
    given_up: it was, and the shop gave that up.
    asked: `total` is what the buyer is asked for; False where it may lack what was refunded.
    balance: what the platform says is outstanding, where money went back.
    """

    placed_at: datetime
    total: Money
    buyer: BuyerRef
    number: str | None = None  # what the buyer sees; the id where the platform has no other
    postage: Money | None = None
    tax: Money | None = None  # beside the prices; None where they hold it
    lines: tuple[Line, ...] = ()
    postcode: str | None = None
    shop_total: Money | None = None
    paid: Money | None = None
    authorised: bool = False
    given_up: bool = False
    asked: bool = True
    test: bool = False  # the platform marks it as a trial of the shop's own
    pay_on_delivery: bool | None = None  # nothing is owed before the parcel is there; None: not told
    pay_by: datetime | None = None  # bought on account: it is sent before it is paid
    balance: Balance | None = None
    of_file: bool = False  # a seller's file shows it, which knows nothing of the platform's account


class PaymentReceived(OrderEvent, frozen=True, kw_only=True, omit_defaults=True, tag="order.paid"):
    """`amount` None: the platform only says that the whole is paid, as it showed it at `told_at`.

    payment: the platform's own id of it. source: what tells it, if that is not simply its channel.
    beside: what others had told of, and this source had not; it came on top of that.
    """

    amount: Money | None = None
    method: str | None = None
    reference: str | None = None
    payment: str | None = None
    source: str | None = None
    told_at: datetime | None = None
    beside: Money | None = None
    buyer: BuyerRef | None = None


class OrderShipped(OrderEvent, frozen=True, kw_only=True, omit_defaults=True, tag="order.shipped"):
    """One parcel left. `last`: no more parcels will follow, False for a part, None if not said.

    `shown_at`: when the platform wrote carrier and tracking, if that was later; the newest wins.
    `last_at`: when it wrote `last`, if that was another time.
    `named`: False if the platform told no name of it, neither an id nor a number.
    """

    parcel: str
    carrier: str | None = None
    tracking: str | None = None
    tracking_url: str | None = None
    last: bool | None = None
    shown_at: datetime | None = None
    last_at: datetime | None = None
    pieces: int | None = None  # how many items are in it, where the platform says so
    packed: dict[str, int] | None = None  # the same by the id of their line
    names: tuple[str, ...] = ()  # more names of it, beside its id and its number
    named: bool = True
    followed: bool = True  # False: this platform reports neither movement nor arrival
    buyer: BuyerRef | None = None


class ParcelMoved(OrderEvent, frozen=True, kw_only=True, omit_defaults=True, tag="order.moved"):
    """The carrier saw the parcel (in transit, out for delivery, ...), failed, met nobody, or has it ready to
    be fetched. It is named as an arrival is."""

    parcel: str | None
    status: str
    tracking: str | None = None


class ParcelCancelled(
    OrderEvent, frozen=True, kw_only=True, omit_defaults=True, tag="order.parcel_cancelled"
):
    """The shop took a parcel back: its fulfilment was cancelled, or never left. It is named as an arrival is.

    `parcel` None: what left without a name.
    """

    parcel: str | None
    tracking: str | None = None


class OrderDelivered(OrderEvent, frozen=True, kw_only=True, omit_defaults=True, tag="order.delivered"):
    """`parcel` None: all of it. `tracking`: its number; the same as `parcel` if it is told by that alone."""

    parcel: str | None = None
    tracking: str | None = None


class OrderCompleted(OrderEvent, frozen=True, kw_only=True, omit_defaults=True, tag="order.completed"):
    """The deal is closed as the platform sees it (Taobao's 交易成功, WooCommerce's completed): all has left,
    and nobody says that it arrived."""


class OrderCancelled(OrderEvent, frozen=True, kw_only=True, omit_defaults=True, tag="order.cancelled"):
    reason: str | None = None


class OrderReopened(OrderEvent, frozen=True, kw_only=True, omit_defaults=True, tag="order.reopened"):
    """A cancelled or deleted order came back. not_completed: nor is it completed any more, if it was."""

    not_completed: bool = False


class OrderRefunded(OrderEvent, frozen=True, kw_only=True, omit_defaults=True, tag="order.refunded"):
    """`amount` None: all of it. A refund that moved no money is not sent on as an event."""

    refund: str
    amount: Money | None = None
    reason: str | None = None
    source: str | None = None  # what tells it, if that is not simply its channel


class OrderListed(OrderEvent, frozen=True, kw_only=True, omit_defaults=True, tag="order.listed"):
    """A line of a seller's file showed how far an order came."""

    listing: Listing


class ReviewPosted(OrderEvent, frozen=True, kw_only=True, omit_defaults=True, tag="review.posted"):
    rating: int  # 1 to 5
    text: str = ""
    review: str | None = None


class CheckoutAbandoned(BuyerEvent, frozen=True, kw_only=True, omit_defaults=True, tag="checkout.abandoned"):
    checkout: str
    total: Money | None = None


class ItemRestocked(Event, frozen=True, kw_only=True, omit_defaults=True, tag="item.restocked"):
    """stock: how many there are now; None: not counted."""

    sku: str
    title: str | None = None
    stock: int | None = None


def product_thread(channel: str, product: str) -> str:
    return f"product:{channel}:{product}"


class ProductEvent(Event, frozen=True, kw_only=True, omit_defaults=True):
    """product: its id on the channel, under which its items are told together."""

    product: str

    @property
    def thread(self) -> str:
        return product_thread(self.channel, self.product)


class ProductTold(ProductEvent, frozen=True, kw_only=True, omit_defaults=True, tag="product.updated"):
    """A product as its channel showed it at `at`, with all of its items; none while it is not for sale."""

    items: tuple[Item, ...] = ()


class ProductRemoved(ProductEvent, frozen=True, kw_only=True, omit_defaults=True, tag="product.deleted"):
    """A product is no longer sold."""


class BuyerUpdated(BuyerEvent, frozen=True, kw_only=True, omit_defaults=True, tag="buyer.updated"):
    """The platform's record of a buyer changed: contacts, language, consent."""


class BuyerOptedOut(BuyerEvent, frozen=True, kw_only=True, omit_defaults=True, tag="buyer.opted_out"):
    """A stop from outside the chat: an unsubscribe link, a platform's own switch.

    address: the one address that a link of ours was sent to, as (email or a channel's name, address);
    None: every address that `buyer` names. offers: only offers are meant. taken_back: by the same link.
    """

    address: tuple[str, str] | None = None
    offers: bool = False
    taken_back: bool = False

    @property
    def thread(self) -> str:
        """One for all: any identity may name the buyer, so nobody is written to until it is handled."""
        return STOPS


class OffersConfirmed(Event, frozen=True, kw_only=True, omit_defaults=True, tag="offers.confirmed"):
    """The owner of an address confirmed by a link of ours that they want offers there."""

    address: tuple[str, str]

    @property
    def thread(self) -> str:
        return STOPS


class MessageStatusChanged(ChatEvent, frozen=True, kw_only=True, omit_defaults=True, tag="message.status"):
    """delivered, read, failed or blocked; `message_id` is the platform's id of what we sent."""

    message_id: str
    status: str


class CaseSettled(Event, frozen=True, kw_only=True, omit_defaults=True, tag="case.settled"):
    """The seller closed a case; `confirmed` for a claim of payment that they found on their account.

    by: `api:` and the token's fingerprint, or `command:` and the machine's user; empty in older events.
    outcome: how it was decided, in the seller's words for the buyer. refund: what the buyer is paid back.
    """

    case: int
    confirmed: bool = False
    by: str = ""
    outcome: str | None = None
    refund: Money | None = None


_ABOUT_CASE = "case:"


def about_case(number: int) -> str:
    """What a deadline of a case is about."""
    return f"{_ABOUT_CASE}{number}"


class TimeCame(Event, frozen=True, kw_only=True, omit_defaults=True, tag="time.came"):
    """A deadline of our own (`WakeAt`). `what` names it, `about` is the order, buyer or case it is for."""

    what: str
    about: str
    order: str | None = None

    @property
    def thread(self) -> str:
        return f"order:{self.order}" if self.order else f"time:{self.about}"

    @property
    def case(self) -> int | None:
        """The number of the case that it is about."""
        number = self.about.removeprefix(_ABOUT_CASE)
        return int(number) if number != self.about and number.isdecimal() else None


AnyEvent = (
    MessageReceived
    | AnswerOutdated
    | AgentReplied
    | BotSwitched
    | OrderPlaced
    | PaymentReceived
    | OrderShipped
    | ParcelMoved
    | ParcelCancelled
    | OrderDelivered
    | OrderCompleted
    | OrderCancelled
    | OrderReopened
    | OrderRefunded
    | OrderListed
    | ReviewPosted
    | CheckoutAbandoned
    | ItemRestocked
    | ProductTold
    | ProductRemoved
    | BuyerUpdated
    | BuyerOptedOut
    | OffersConfirmed
    | MessageStatusChanged
    | CaseSettled
    | TimeCame
)

AHEAD = timedelta(hours=1)  # by which a platform's clock may be ahead of ours
_TIMES = ("at", "placed_at", "shown_at", "last_at", "told_at")


def not_after(event: E, now: datetime) -> E:
    """The event with no time that is later than `now`, when it was told: a clock far ahead, or local time
    that is called UTC, would win over all that comes after it. Less than AHEAD is left as it is, so that what
    one platform tells stays in its order."""
    if isinstance(event, OrderListed) and event.listing.at > now + AHEAD:
        event = msgspec.structs.replace(event, listing=_listed_until(event.listing, now))
    late = [name for name in _TIMES if (at := getattr(event, name, None)) and at > now + AHEAD]
    return msgspec.structs.replace(event, **dict.fromkeys(late, now)) if late else event


def _listed_until(listing: Listing, now: datetime) -> Listing:
    return msgspec.structs.replace(
        listing,
        at=now,
        paid=listing.paid and _sum_until(listing.paid, now),
        refunded=listing.refunded and _sum_until(listing.refunded, now),
        parcels=listing.parcels
        and tuple(msgspec.structs.replace(each, at=min(each.at, now)) for each in listing.parcels),
        steps={step: since and min(since, now) for step, since in listing.steps.items()},
    )


def _sum_until(sum: ListedSum, now: datetime) -> ListedSum:
    return msgspec.structs.replace(sum, at=min(sum.at, now))


_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent)


def dump_event(event: Event) -> bytes:
    return _encoder.encode(event)


def load_event(body: bytes | str) -> AnyEvent:
    """Decode a stored event. Raises msgspec.DecodeError if it is none that we know."""
    return _decoder.decode(body)
