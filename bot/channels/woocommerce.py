"""WooCommerce's webhooks, received only: the order as it is at delivery, under ids that are not unique."""

import hmac
import re
from base64 import b64encode
from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from bot.channels import Delivery, HandshakeAnswer, woocommerce_events, woocommerce_products
from bot.channels.signatures import any_matches
from bot.channels.woocommerce_events import DeliveryInfo
from bot.domain.errors import WebhookRefused
from bot.domain.events import Event
from bot.domain.secrets import Secret
from bot.domain.shop import Settings

_PING = re.compile(rb"webhook_id=\d{1,20}")
# What wp_specialchars_decode(..., ENT_QUOTES) decodes; the site may show any of these spellings.
_ENTITY = re.compile(r"&(lt|gt|amp|quot|#0*(?:34|38|39|60|62)|#[xX]0*(?:22|26|27));")
_CHARACTERS = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}


class WooCommerceSettings(Settings):
    """A WooCommerce shop's webhooks."""

    kind: Literal["woocommerce"] = "woocommerce"
    secrets: tuple[Secret, ...] = Field((), description="of the webhooks, as their page shows it")
    completed_means: Literal["shipped", "completed"] = Field(
        "shipped", description="what the shop does when it sets an order to completed"
    )


READERS = {**woocommerce_events.READERS, **woocommerce_products.READERS}


class WooCommerceChannel:
    def __init__(
        self, name: str, region: str, settings: WooCommerceSettings, currency: str | None = None
    ) -> None:
        """currency: of prices, which a product's body does not name."""
        self.name = name
        self.region = region
        self._currency = currency
        self._completed_ships = settings.completed_means == "shipped"
        secrets = [secret.get_secret_value().strip() for secret in settings.secrets]
        # The site signs with the decoded secret, and its page may show either.
        both = (text for secret in secrets for text in (_decoded(secret), secret) if text)
        self._keys = tuple(text.encode() for text in dict.fromkeys(both))

    def handshake(self, delivery: Delivery) -> HandshakeAnswer | None:
        """Answer the ping that is sent when a webhook is saved; it is unsigned, and wants a 200."""
        if "x-wc-webhook-topic" in delivery.headers or not _PING.fullmatch(delivery.body.strip()):
            return None
        return HandshakeAnswer(status=200)

    def verify(self, delivery: Delivery) -> None:
        if not self._keys:
            raise WebhookRefused("no secret is set")
        given = delivery.headers.get("x-wc-webhook-signature", "").strip()
        if not given:
            raise WebhookRefused("x-wc-webhook-signature is missing")
        expected = [b64encode(hmac.digest(key, delivery.body, "sha256")) for key in self._keys]
        if not any_matches(expected, given):
            raise WebhookRefused("x-wc-webhook-signature does not match")

    def parse(self, delivery: Delivery) -> Sequence[Event]:
        topic = delivery.headers.get("x-wc-webhook-topic", "").strip()
        reader = READERS.get(topic)
        if reader is None:
            return ()
        info = DeliveryInfo(
            channel=self.name,
            region=self.region,
            topic=topic,
            delivery=_plain(delivery.headers.get("x-wc-webhook-delivery-id", "")),
            received_at=delivery.received_at,
            completed_ships=self._completed_ships,
            currency=self._currency,
        )
        events = reader(info, delivery.body)
        return tuple({event.external_id: event for event in events}.values())


def _plain(text: str) -> str:
    return text if len(text) <= 100 and text.isascii() and text.isprintable() else ""


def _decoded(secret: str) -> str:
    """Decode in one pass, so that what a decoded ampersand begins is not decoded again."""
    return _ENTITY.sub(_character, secret)


def _character(entity: re.Match[str]) -> str:
    name = entity[1]
    if name in _CHARACTERS:
        return _CHARACTERS[name]
    return chr(int(name[2:], 16) if name[1] in "xX" else int(name[1:]))
