"""What a shop's systems tell, as facts: the same whatever platform tells them and in whatever form."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple


class Address(NamedTuple):
    """Where words are heard. kind: email, or the name of the channel whose chat it is."""

    kind: str
    value: str


@dataclass(frozen=True, kw_only=True)
class Contact:
    """Who ordered, as one system tells it. buyer: the id by which that system knows them, if any."""

    buyer: str | None = None
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    zone: str | None = None


@dataclass(frozen=True, kw_only=True)
class Fact:
    """at: the time that the fact itself carries."""

    at: datetime


@dataclass(frozen=True, kw_only=True)
class OrderFact(Fact):
    """order: channel and id, as webhook/1001, since ids alike in two systems are two orders."""

    order: str


@dataclass(frozen=True, kw_only=True)
class Placed(OrderFact):
    """How an order looks at a time; each later showing is another one.

    paid: the sum that the platform itself says was paid so far, where it does.
    unclear: nobody can say what is paid, as where a part is known in the shop's own currency alone.
    authorised: the money is held on the buyer's card, so that they owe nothing and have paid nothing.
    pieces: how many are to be shipped. amounts: further sums that a text may rightly name.
    """

    number: str
    placed_at: datetime
    total: Decimal
    currency: str
    contact: Contact
    on_delivery: bool = False
    test: bool = False
    pieces: int = 1
    paid: Decimal | None = None
    unclear: bool = False
    authorised: bool = False
    amounts: tuple[Decimal, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Paid(OrderFact):
    """amount: None for the whole. payment: the reference by which it is known. contact: if it is told."""

    payment: str
    amount: Decimal | None = None
    currency: str | None = None
    contact: Contact | None = None


@dataclass(frozen=True, kw_only=True)
class Voided(OrderFact):
    """An authorisation was given up: nothing was paid."""


@dataclass(frozen=True, kw_only=True)
class Refunded(OrderFact):
    """amount: None for the whole."""

    refund: str
    amount: Decimal | None = None
    currency: str | None = None


@dataclass(frozen=True, kw_only=True)
class Cancelled(OrderFact):
    pass


@dataclass(frozen=True, kw_only=True)
class Restored(OrderFact):
    pass


@dataclass(frozen=True, kw_only=True)
class Tidied(OrderFact):
    """A finished order was deleted from the shop's system."""


@dataclass(frozen=True, kw_only=True)
class Shipped(OrderFact):
    """parcel: the same whatever name it was told by. pieces: of the order, in this parcel, if told."""

    parcel: str
    tracking: str | None = None
    pieces: int | None = None
    last: bool | None = None
    followed: bool = True


@dataclass(frozen=True, kw_only=True)
class TakenBack(OrderFact):
    """The fulfilment of a parcel was cancelled. name: by which it was told, if not as the parcel itself."""

    parcel: str
    name: str | None = None


@dataclass(frozen=True, kw_only=True)
class Carried(OrderFact):
    """What the carrier says of a parcel. failed: it gave up; else it met nobody and will try again."""

    parcel: str
    failed: bool


@dataclass(frozen=True, kw_only=True)
class Delivered(OrderFact):
    """parcel: None for all of it. name: by which the parcel was told, where that is another than its id."""

    parcel: str | None = None
    name: str | None = None


@dataclass(frozen=True, kw_only=True)
class Completed(OrderFact):
    pass


@dataclass(frozen=True, kw_only=True)
class Reviewed(OrderFact):
    rating: int


@dataclass(frozen=True, kw_only=True)
class Wrote(Fact):
    """asks: question, proof, link, stop, start, person, pressing or other.

    number, digits: an order's number and a phone's last four, if the text names them.
    opened: for a link, the address to which it had been sent.
    verified: the mailbox that the shop's own system has proved to be theirs.
    """

    chat: Address
    text: str
    asks: str
    number: str | None = None
    digits: str | None = None
    opened: Address | None = None
    verified: str | None = None
    name: str | None = None


@dataclass(frozen=True, kw_only=True)
class Replied(Fact):
    """A person of the shop wrote in this chat."""

    chat: Address


@dataclass(frozen=True, kw_only=True)
class OptedOut(Fact):
    """The shop's own system says that these addresses want no more words."""

    addresses: tuple[Address, ...]
