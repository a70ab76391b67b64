"""Shopify's webhooks, received only: the topic says what happened, the body is the order as it is now.

https://shopify.dev/docs/api/webhooks
"""

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec
from pydantic import Field

from bot.channels import Delivery, HandshakeAnswer, shopify_events, shopify_products
from bot.channels.json_reading import timestamp
from bot.channels.shopify_events import DeliveryInfo
from bot.channels.signatures import any_matches
from bot.domain.errors import Unreadable, WebhookRefused
from bot.domain.events import Event
from bot.domain.secrets import Secret
from bot.domain.shop import Settings

_timestamps: msgspec.json.Decoder[datetime] = msgspec.json.Decoder(datetime)


class ShopifySettings(Settings):
    """A Shopify shop's webhooks."""

    kind: Literal["shopify"] = "shopify"
    secrets: tuple[Secret, ...] = Field((), description="the app's client secret; several while rotating")


READERS = {**shopify_events.READERS, **shopify_products.READERS}


class ShopifyChannel:
    def __init__(
        self, name: str, region: str, settings: ShopifySettings, currency: str | None = None
    ) -> None:
        """currency: of prices, which a product's body does not name."""
        self.name = name
        self.region = region
        self._currency = currency
        secrets = (secret.get_secret_value().strip() for secret in settings.secrets)
        self._keys = tuple(secret.encode() for secret in secrets if secret)

    def handshake(self, delivery: Delivery) -> HandshakeAnswer | None:
        return None

    def verify(self, delivery: Delivery) -> None:
        if not self._keys:
            raise WebhookRefused("no secret is set")
        given = _header(delivery, "hmac-sha256")
        if not given:
            raise WebhookRefused("x-shopify-hmac-sha256 is missing")
        expected = [b64encode(hmac.digest(key, delivery.body, "sha256")) for key in self._keys]
        if not any_matches(expected, given):
            raise WebhookRefused("x-shopify-hmac-sha256 does not match")

    def parse(self, delivery: Delivery) -> Sequence[Event]:
        reader = READERS.get(_header(delivery, "topic"))
        if reader is None:
            return ()
        info = DeliveryInfo(
            channel=self.name,
            region=self.region,
            topic=_header(delivery, "topic"),
            delivery=_delivery_id(delivery),
            triggered_at=_triggered_at(delivery),
            currency=self._currency,
        )
        events = reader(info, delivery.body)
        return tuple({event.external_id: event for event in events}.values())


def _header(delivery: Delivery, name: str) -> str:
    headers = delivery.headers
    return (headers.get(f"x-shopify-{name}") or headers.get(f"shopify-{name}") or "").strip()


def _delivery_id(delivery: Delivery) -> str:
    """The id of the header, which is not signed; if it is not plain ASCII, the body's fingerprint."""
    given = _header(delivery, "webhook-id")
    if given and len(given) <= 100 and given.isascii() and given.isprintable():
        return given
    return hashlib.sha256(_header(delivery, "topic").encode(errors="replace") + delivery.body).hexdigest()


def _triggered_at(delivery: Delivery) -> datetime:
    try:
        text = _header(delivery, "triggered-at")
        told = timestamp(_timestamps.decode(f'"{text}"'), "x-shopify-triggered-at")
        return min(told, delivery.received_at)  # the header is not signed: nothing is of tomorrow
    except (msgspec.DecodeError, ValueError, Unreadable):
        return delivery.received_at
