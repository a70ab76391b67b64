"""Shopify's webhooks, in: the topic says what happened, the body how the order looks now.

https://shopify.dev/docs/api/webhooks
"""

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar, Literal

import msgspec
from pydantic import Field, SecretStr

from bot.channels import Answer, Delivery
from bot.channels.json_reading import moment
from bot.channels.shopify_events import READERS, Told
from bot.domain.errors import Unreadable, WebhookRefused
from bot.domain.events import Event
from bot.domain.shop import Settings

_moments: msgspec.json.Decoder[datetime] = msgspec.json.Decoder(datetime)


class ShopifySettings(Settings):
    """A Shopify shop's webhooks."""

    kind: Literal["shopify"] = "shopify"
    secrets: tuple[SecretStr, ...] = Field((), description="the app's client secret; several while rotating")


class ShopifyChannel:
    listens: ClassVar[bool] = True

    def __init__(self, name: str, region: str, settings: ShopifySettings) -> None:
        self.name = name
        self.region = region
        secrets = (secret.get_secret_value().strip() for secret in settings.secrets)
        self._keys = tuple(secret.encode() for secret in secrets if secret)

    def handshake(self, delivery: Delivery) -> Answer | None:
        return None

    def verify(self, delivery: Delivery) -> None:
        if not self._keys:
            raise WebhookRefused("no secret is set")
        given = _header(delivery, "hmac-sha256")
        if not given:
            raise WebhookRefused("x-shopify-hmac-sha256 is missing")
        matches = False
        for key in self._keys:  # all are compared, so that the time taken tells nothing
            expected = b64encode(hmac.digest(key, delivery.body, "sha256"))
            matches |= hmac.compare_digest(expected, given.encode(errors="replace"))
        if not matches:
            raise WebhookRefused("x-shopify-hmac-sha256 does not match")

    def parse(self, delivery: Delivery) -> Sequence[Event]:
        reader = READERS.get(_header(delivery, "topic"))
        if reader is None:
            return ()
        told = Told(
            channel=self.name,
            region=self.region,
            topic=_header(delivery, "topic"),
            delivery=_delivery_id(delivery),
            triggered_at=_triggered_at(delivery),
        )
        events = reader(told, delivery.body)
        return tuple({event.external_id: event for event in events}.values())


def _header(delivery: Delivery, name: str) -> str:
    headers = delivery.headers
    return (headers.get(f"x-shopify-{name}") or headers.get(f"shopify-{name}") or "").strip()


def _delivery_id(delivery: Delivery) -> str:
    """The header is not signed: one that is no plain word gives way to the body's own fingerprint."""
    given = _header(delivery, "webhook-id")
    if given and len(given) <= 100 and given.isascii() and given.isprintable():
        return given
    return hashlib.sha256(_header(delivery, "topic").encode(errors="replace") + delivery.body).hexdigest()


def _triggered_at(delivery: Delivery) -> datetime:
    try:
        text = _header(delivery, "triggered-at")
        return moment(_moments.decode(f'"{text}"'), "x-shopify-triggered-at")
    except (msgspec.DecodeError, ValueError, Unreadable):
        return delivery.received_at
