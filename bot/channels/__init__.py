"""What a channel is: a protocol for receiving, and one for sending. Each platform has its files here."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import ClassVar, Protocol, runtime_checkable

import msgspec

from bot.domain.events import Event


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP request of a platform, unchanged. The names of `headers` are in lower case."""

    method: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes
    received_at: datetime


class HandshakeAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """How to answer a platform's handshake."""

    status: int = 200
    text: str = ""
    content_type: str = "text/plain"


class Outgoing(msgspec.Struct, frozen=True, kw_only=True):
    """One message, ready to be sent. `id` is the same for every attempt."""

    id: str
    shop: str
    shop_name: str
    key: str
    address: str  # the conversation's address, or a mail address
    text: str
    locale: str
    template: str
    category: str
    buyer_id: str  # the platform's id of the buyer; the address where there is none
    at: datetime  # of this attempt
    buyer_name: str | None = None
    order: str | None = None
    buttons: Sequence[tuple[str, str]] = ()
    case: int | None = None  # of a message to the seller
    reply_to: str | None = None  # the seller's words that it answers
    stop_url: str | None = None  # one-click unsubscribe, where the program has a public address


class ReceivingChannel(Protocol):
    """A channel whose platform sends webhooks."""

    name: str  # the shop's name for it
    region: str  # ISO 3166 country of phone numbers written without one

    def handshake(self, delivery: Delivery) -> HandshakeAnswer | None:
        """Answer the platform's own checks (pings, GET challenges). None for an ordinary delivery.

        Called before `verify`, so it must not change anything.
        """

    def verify(self, delivery: Delivery) -> None:
        """Check the signature against every secret (see `signatures`). Raises WebhookRefused."""

    def parse(self, delivery: Delivery) -> Sequence[Event]:
        """Translate a verified delivery into events. () for kinds that we do not follow.

        External ids are the same for every repeat of the delivery and differ within it.
        Raises Unreadable, naming the place, for a kind that we follow in a form that we cannot read.
        """


@runtime_checkable
class AcknowledgingChannel(Protocol):
    """A channel whose platform wants to hear more than the answer to its delivery."""

    async def acknowledge(self, delivery: Delivery) -> None:
        """Tell it, once, after the delivery was stored; a loss harms nobody, so this raises nothing."""


@runtime_checkable
class SendingChannel(Protocol):
    """A channel that sends messages to buyers."""

    name: str
    at_once: int  # messages that it sends at a time; more would wait in it while their facts grow old
    drops_repeats: ClassVar[bool]  # the platform honours our message id, so sending again is harmless

    async def send(self, message: Outgoing) -> str | None:
        """Send once. Returns the platform's id of the message, if it gives one.

        Raises DeliveryDelayed, DeliveryRefused, BuyerUnreachable, or DeliveryUnknown if the answer was lost
        and the platform does not drop repeats.
        """


class HoldsConnections(Protocol):
    """A channel that keeps connections open between two messages."""

    async def close(self) -> None:
        """Close them, when the program stops."""


def external_id(delivery_id: str, part: str) -> str:
    """The id of one event among those of a delivery."""
    return f"{delivery_id}#{part}"
