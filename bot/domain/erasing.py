"""Take a person out of events, orders and quotes; what the books and counts need stays.

Ids that name the person, or lead to them, become keyed hashes: the same id gives the same hash, so that a
platform's repetition of a fact about an erased order is still known for one, and nobody without the key can
tell whose it was. Money, dates, items, states, and the shop's own order numbers stay.
"""

import hashlib
import re
from collections.abc import Callable, Collection
from typing import Any

import msgspec

from bot.domain.buyers import GUEST, guest_of
from bot.domain.events import (
    AgentReplied,
    BuyerEvent,
    BuyerOptedOut,
    BuyerRef,
    CaseSettled,
    ChatEvent,
    CheckoutAbandoned,
    Event,
    Listing,
    MessageReceived,
    MessageStatusChanged,
    OffersConfirmed,
    OrderCancelled,
    OrderDelivered,
    OrderEvent,
    OrderListed,
    OrderPlaced,
    OrderRefunded,
    OrderShipped,
    ParcelCancelled,
    ParcelMoved,
    PaymentReceived,
    ReviewPosted,
    TimeCame,
)
from bot.domain.listings import ToldFacts, with_listing
from bot.domain.orders import DELETED, Order, Review, joined_with_files, merge
from bot.domain.parcel_names import plain
from bot.domain.parcels import UNNAMED, Number, Parcel, tracking_number, with_number, without_repeats
from bot.domain.payments import Paid, Refund
from bot.domain.wishes import EMAIL, PHONE, AddressKey, mailbox

ERASED = "erased-"  # how the id of an erased file begins
RULE = "erased"  # the rule of events that are about an erased person
_LENGTH = 12  # bytes of a hash
_SEVERAL = re.compile(r"[,，;；]")  # as parcels are compared by their numbers
_PLAIN_PART = re.compile(r"\d{1,12}|\d{4}-\d\d-\d\d|parcel-?|all|owner")  # of a key: counts and days

Identity = tuple[str, str]
Hash = Callable[[str | None], Any]  # a text for a text, None for None

_replace = msgspec.structs.replace


class Digest:
    """Keyed hashes for one shop. secret: the settings' own, which is not in the database."""

    def __init__(self, secret: str, shop: str) -> None:
        # A key of its own: what signs links is told to nobody who compares hashes, and the other way round.
        self._key = hashlib.blake2b(b"erased", key=secret.encode()[:64] or b"none", digest_size=32).digest()
        self._shop = shop

    def of(self, *parts: str) -> str:
        """The hash of what these parts name together."""
        name = "\x1f".join((self._shop, *parts)).encode("utf-8", "surrogatepass")
        return f"x1{hashlib.blake2b(name, key=self._key, digest_size=_LENGTH).hexdigest()}"

    def address(self, address: AddressKey) -> str:
        return self.of("address", *address)

    def order(self, id: str) -> str:
        return self.of("order", id)

    def event(self, external_id: str, row: int) -> str:
        """Of a delivery's id: each time that it comes another, because a platform's repeats meet no row."""
        return self.of("event", external_id, str(row))


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """What belongs to one person, by what is proved. to: the id of the file that stands for them afterwards.

    buyers: our ids, of now and of records that were joined to it. addresses: that are theirs alone, said or
    proved. not_theirs: others' orders that a system names as it names one of theirs. words: by which what
    cannot be read is found. names: theirs, for words of the seller's own.
    """

    to: str
    buyers: tuple[str, ...]
    identities: tuple[Identity, ...] = ()
    chats: tuple[tuple[str, str], ...] = ()
    orders: tuple[str, ...] = ()
    not_theirs: tuple[str, ...] = ()
    addresses: tuple[AddressKey, ...] = ()
    shared: tuple[AddressKey, ...] = ()
    cases: tuple[int, ...] = ()
    words: tuple[str, ...] = ()
    names: tuple[str, ...] = ()

    def order_of(self, event: OrderEvent) -> str | None:
        """Our id of the order of theirs that an event is about."""
        own = f"{event.order}@{event.channel}"
        if own in self.orders:
            return own
        return event.order if event.order in self.orders and own not in self.not_theirs else None


def is_erased(buyer: str | None) -> bool:
    return buyer is not None and buyer.startswith(ERASED)


def identities_in(event: Event) -> list[Identity]:
    """The identities that an event names, a guest's among them, and the chat that it belongs to."""
    found = [(event.channel, event.conversation)] if isinstance(event, ChatEvent) else []
    ref: BuyerRef | None = getattr(event, "buyer", None)
    if ref is not None:
        contact = mailbox(ref.email) or ref.phone
        if ref.id:
            found.append((event.channel, ref.id))
        elif contact and not isinstance(event, ChatEvent):
            found.append(guest_of(event.channel, contact))
    return found


def addresses_of(event: Event) -> list[AddressKey]:
    """Every address that an event names, said or proved, guests' identities left out."""
    found = [each for each in identities_in(event) if not each[0].startswith(GUEST)]
    ref: BuyerRef | None = getattr(event, "buyer", None)
    if ref is not None:
        found += [(kind, value) for kind, value in ((EMAIL, mailbox(ref.email)), (PHONE, ref.phone)) if value]
    if isinstance(event, BuyerOptedOut | OffersConfirmed) and event.address:
        found.append(event.address)
    return found


def belongs(event: Event, scope: Scope) -> bool:
    """True if an event is about this person: by an order, an identity, a chat or a case of theirs, or by an
    address that is theirs alone. What others only said of them is not theirs."""
    match event:
        case TimeCame():
            about = event.order in scope.orders or event.about in (*scope.buyers, *scope.orders)
            return about or event.case in scope.cases
        case CaseSettled():
            return event.case in scope.cases
        case BuyerOptedOut() | OffersConfirmed() if event.address is not None:
            return event.address in scope.addresses or _named(event, scope)
        case OrderEvent():
            return scope.order_of(event) is not None
        case _:
            return _named(event, scope)


def names_only(event: Event, scope: Scope) -> bool:
    """True if an event about another's order names this person, e.g. before the order was corrected."""
    return isinstance(event, OrderEvent) and not belongs(event, scope) and _named(event, scope)


def _named(event: Event, scope: Scope) -> bool:
    ref: BuyerRef | None = getattr(event, "buyer", None)
    known = {*scope.identities, *scope.chats}
    if ref is not None and ref.id in scope.buyers and isinstance(event, BuyerOptedOut):
        return True  # an older link of ours
    return any(identity in known for identity in identities_in(event))


def without_buyer(event: Event, external_id: str) -> Event:
    """An event about another's order without the buyer whom it named."""
    return _replace(event, buyer=BuyerRef(), external_id=external_id)


def without_words(event: Event) -> Event:
    """The event without what was written in it, and without contacts; ids stay, so it stays whose it was."""
    ref: BuyerRef | None = getattr(event, "buyer", None)
    if ref is not None:
        event = _replace(event, buyer=BuyerRef(id=ref.id))
    match event:
        case MessageReceived():
            return _replace(event, text="", media=())
        case AgentReplied():
            return _replace(event, text="", agent=None)
        case ReviewPosted():
            return _replace(event, text="")
        case CaseSettled():
            return _replace(event, outcome=None)
        case OrderRefunded():
            return _replace(event, reason=None)
        case _:
            return event


def anonymous_event(event: Event, digest: Digest, row: int) -> Event:
    """The event with nothing of the person left: what happened, when, and for how much. row: its number."""
    name = _hash(digest)
    event = _replace(event, external_id=digest.event(event.external_id, row))
    match event:
        case MessageReceived():
            return type(event)(
                channel=event.channel,
                external_id=event.external_id,
                at=event.at,
                conversation=name(event.conversation) or "",
                buyer=BuyerRef(),
                message_id=name(event.message_id) or "",
                text="",
                kind=event.kind,
            )
        case AgentReplied():
            return AgentReplied(
                channel=event.channel,
                external_id=event.external_id,
                at=event.at,
                conversation=name(event.conversation) or "",
                message_id=name(event.message_id) or "",
                text="",
                relayed=event.relayed,
            )
        case MessageStatusChanged():
            ids = {"conversation": name(event.conversation), "message_id": name(event.message_id)}
            return _replace(event, **ids)
        case ChatEvent():
            return _replace(event, conversation=name(event.conversation))
        case CheckoutAbandoned():
            return _replace(event, buyer=BuyerRef(), checkout=name(event.checkout))
        case BuyerOptedOut():
            address = ("", digest.address(event.address)) if event.address else None
            return _replace(event, buyer=BuyerRef(), address=address)
        case OffersConfirmed():
            return _replace(event, address=("", digest.address(event.address)))
        case BuyerEvent():
            return _replace(event, buyer=BuyerRef())
        case CaseSettled():
            return _replace(event, outcome=None)
        case TimeCame():
            return _replace(event, about=event.order or "")
        case OrderEvent():
            return _fact(event, name)
        case _:
            return event


def _hash(digest: Digest) -> Hash:
    def name(value: str | None) -> str | None:
        if not value or (value.startswith("x1") and len(value) == 2 + 2 * _LENGTH):
            return value  # nothing, or hashed before
        return digest.of("id", value)

    return name


def _parcel_name(name: Hash) -> Callable[[str | None], str | None]:
    """Names of parcels are compared without dashes and capitals, and several may stand in one field."""

    def parcel(value: str | None) -> str | None:
        if not value or value == UNNAMED:
            return value
        return ",".join(name(plain(part)) for part in _SEVERAL.split(value) if plain(part))

    return parcel


def _number(name: Hash) -> Callable[[str | None], str | None]:
    named = _parcel_name(name)
    return lambda value: named(tracking_number(value))


def _fact(event: OrderEvent, name: Hash) -> OrderEvent:
    parcel, number = _parcel_name(name), _number(name)
    match event:
        case OrderPlaced():
            return _replace(event, buyer=BuyerRef(), postcode=None)
        case PaymentReceived():
            ids = {"payment": name(event.payment), "reference": name(event.reference)}
            return _replace(event, buyer=None, method=None, **ids)
        case OrderShipped():
            return _replace(
                event,
                buyer=None,
                parcel=parcel(event.parcel),
                carrier=None,
                tracking=number(event.tracking),
                tracking_url=None,
                names=tuple(parcel(each) or "" for each in event.names),
            )
        case ParcelMoved() | ParcelCancelled() | OrderDelivered():
            same = event.tracking is not None and event.tracking == event.parcel
            tracking = parcel(event.tracking) if same else number(event.tracking)
            return _replace(event, parcel=parcel(event.parcel), tracking=tracking)
        case OrderCancelled():
            return _replace(event, reason=DELETED if event.reason == DELETED else None)
        case OrderRefunded():
            return _replace(event, refund=name(event.refund), reason=None)
        case OrderListed():
            return _replace(event, listing=_listing(event.listing, name))
        case ReviewPosted():
            return _replace(event, review=name(event.review), text="")
        case _:
            return event


def anonymous_order(order: Order, digest: Digest, to: str | None) -> Order:
    """The order as an entry in the books of the file `to`."""
    name = _hash(digest)
    bare = _replace(
        order,
        buyer=to,
        contacts=None,
        postcode=None,
        reviews=tuple(sorted((_review(each, name) for each in order.reviews), key=lambda each: each.id)),
    )
    if order.told is None:
        return _replace(bare, **_books(order, name))
    listed: tuple[Listing, ...] = ()
    for each in order.listed:
        listed = with_listing(listed, _listing(each, name))
    return joined_with_files(
        _replace(bare, listed=listed, told=_replace(order.told, **_books(order.told, name)))
    )


def _books(facts: Order | ToldFacts, name: Hash) -> dict[str, Any]:
    return {
        "payments": tuple(sorted((_paid(each, name) for each in facts.payments), key=_payment_key)),
        "refunds": tuple(sorted((_refund(each, name) for each in facts.refunds), key=_refund_key)),
        "parcels": tuple(sorted((_parcel(each, name) for each in facts.parcels), key=lambda each: each.id)),
    }


def _listing(listing: Listing, name: Hash) -> Listing:
    parcel, number = _parcel_name(name), _number(name)
    if listing.parcels is None:
        return _replace(listing, method=None)
    parcels = (
        _replace(
            each,
            parcel=parcel(each.parcel),
            tracking=number(each.tracking),
            carrier=None,
            link=None,
        )
        for each in listing.parcels
    )
    return _replace(listing, method=None, parcels=tuple(parcels))


def merged(order: Order, event: OrderEvent, digest: Digest) -> Order:
    """An erased order with one more fact, of which nothing but the books' part is taken."""
    return _replace(merge(order, _fact(event, _hash(digest))), contacts=None, postcode=None)


def _paid(paid: Paid, name: Hash) -> Paid:
    """A payment without an id has one made of its time, sum and reference."""
    reference = paid.reference
    made = f" {reference}"
    if paid.id == reference or not paid.id.endswith(made):
        id = name(paid.id)
    else:
        id = f"{paid.id.removesuffix(made)} {name(reference)}"
    return _replace(paid, id=id, reference=name(reference), method=None)


def _payment_key(paid: Paid) -> tuple[str, str, bytes]:
    return paid.id, paid.source or "", msgspec.json.encode(paid.amount)


def _refund(refund: Refund, name: Hash) -> Refund:
    return _replace(refund, id=name(refund.id))


def _refund_key(refund: Refund) -> tuple[str, str]:
    return refund.id, refund.source or ""


def _parcel(parcel: Parcel, name: Hash) -> Parcel:
    named, number = _parcel_name(name), _number(name)
    numbers: tuple[Number, ...] = ()
    for each in parcel.numbers:
        numbers = with_number(numbers, _replace(each, tracking=number(each.tracking), carrier=None))
    erased = _replace(
        parcel,
        id=named(parcel.id),
        carrier=None,
        tracking=number(parcel.tracking),
        tracking_url=None,
        names=tuple(sorted(named(each) or "" for each in parcel.names)),
        arrival_numbers=tuple(sorted(named(each) or "" for each in parcel.arrival_numbers)),
        numbers=numbers,
        also=tuple(named(each) or "" for each in parcel.also),
    )
    return without_repeats(erased)


def _review(review: Review, name: Hash) -> Review:
    """A review without an id has one made of its time and rating, which name nobody."""
    if review.review.partition(" ")[2].isdecimal():
        return review
    named = name(review.review)
    return _replace(review, id=f"{named}:{review.id.rpartition(':')[2]}", review=named)


def anonymous_key(key: str, keep: Collection[str], digest: Digest) -> str:
    """A message's key without what names the person: its first word, orders, counts and days stay.

    keep: what may stand in it, e.g. the ids of orders. One that was hashed stays as it is.
    """
    first, *rest = key.split(":")
    name = _hash(digest)
    kept = [part if part in keep or _PLAIN_PART.fullmatch(part) else name(part) or "" for part in rest]
    return ":".join((first, *kept))
