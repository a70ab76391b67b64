"""What a channel is: three verbs, and distrust. One file a platform lies beside this one."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import ClassVar, Protocol, runtime_checkable

import msgspec

from bot.domain.events import Event


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP request of a platform, untouched. `headers` know their names in lower case."""

    method: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes
    received_at: datetime


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a platform's handshake wants to hear."""

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
    buyer_id: str  # the buyer as this channel knows her; the address where it knows no other
    at: datetime  # of this attempt
    buyer_name: str | None = None
    order: str | None = None
    buttons: Sequence[tuple[str, str]] = ()
    stop_url: str | None = None  # one-click unsubscribe, where the program has a public address


class ReceivingChannel(Protocol):
    """Every channel can be listened to; `Speaker` below can also be spoken through."""

    name: str  # the shop's name for it
    region: str  # for phone numbers written without a country
    listens: ClassVar[bool]

    def handshake(self, delivery: Delivery) -> Answer | None:
        """Answer the platform's own checks (pings, GET challenges); None: an ordinary delivery.

        Called before `verify`: a handshake proves nothing, so it must change nothing.
        """

    def verify(self, delivery: Delivery) -> None:
        """Compare in constant time with every secret. Raises WebhookRefused; with no secret set, always."""

    def parse(self, delivery: Delivery) -> Sequence[Event]:
        """Translate a verified delivery. () for kinds we do not follow.

        External ids are the same for every repeat of the delivery and differ within it.
        Raises Unreadable, naming the place, if it should have been understood.
        """


@runtime_checkable
class SendingChannel(Protocol):
    """A channel that reaches buyers."""

    name: str
    at_once: int  # so many it really sends at a time; more would wait in it while their facts grow old
    drops_repeats: ClassVar[bool]  # the platform honours our message id: sending again is harmless

    async def send(self, message: Outgoing) -> str | None:
        """Send once; returns the platform's id of the message if it gives one.

        Raises DeliveryDelayed, DeliveryRefused, BuyerUnreachable, or DeliveryUnknown where the answer
        was lost and the platform drops no repeats.
        """


class HoldsConnections(Protocol):
    """A channel that keeps connections open between two messages."""

    async def close(self) -> None:
        """Close them; the program stops."""


def external_id(delivery_id: str, part: str) -> str:
    """The id of one event among those of a delivery."""
    return f"{delivery_id}#{part}"
