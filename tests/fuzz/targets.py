"""Targets of the fuzzer: each takes any bytes and must not raise; an exception is a finding."""

import contextlib
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime

from pydantic import SecretStr

from bot.channels import ReceivingChannel, standard_webhooks
from bot.channels.shopify import READERS as SHOPIFY_TOPICS
from bot.channels.shopify import ShopifyChannel, ShopifySettings
from bot.channels.telegram import TelegramChannel, TelegramSettings
from bot.channels.webhook import WebhookChannel, WebhookSettings
from bot.channels.woocommerce import READERS as WOO_TOPICS
from bot.channels.woocommerce import WooCommerceChannel, WooCommerceSettings
from bot.domain.errors import TemplateError, WebhookRefused
from bot.domain.shop import parse_duration
from bot.domain.signed_tokens import SignedTokens
from bot.settings import yaml_with_lines
from bot.texts.catalogue import Catalogue, make_version
from tests.channels.recorded import PAYLOADS, delivery, only_unreadable

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)

KEY = standard_webhooks.key(SecretStr("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
WEBHOOK = WebhookChannel("shop", "CN", WebhookSettings(), None)  # type: ignore[arg-type]  # it never sends
_BOT = TelegramSettings.model_validate({"token": "1:x"})
TELEGRAM = TelegramChannel("chat", "CN", _BOT, None)  # type: ignore[arg-type]  # it never sends
SHOPIFY = ShopifyChannel("shop", "US", ShopifySettings(), "USD")
WOOCOMMERCE = WooCommerceChannel("shop", "CN", WooCommerceSettings(), "CNY")
TEXTS = Catalogue()
LINKS = SignedTokens("a secret that is only for tests")
VARIABLES = {
    "buyer": {"name": "Ann"},
    "many": list(range(50)),
    "long": "x" * 1000,
    "at": NOW,
    "nothing": None,
}


def deliveries_of(
    channel: ReceivingChannel, topic_header: str = "", topics: Iterable[str] = ("",)
) -> Callable[[bytes], None]:
    """The first byte chooses the topic, the rest is the body."""
    known = sorted(topics)

    def parse(data: bytes) -> None:
        topic = known[data[0] % len(known)] if data else known[0]
        headers = {topic_header: topic} if topic_header else {}
        only_unreadable(channel, delivery(data[1:], headers))

    return parse


def signatures(data: bytes) -> None:
    given, _, body = data.partition(b"\n")
    id, timestamp, signature = [*given.decode("latin-1").split("|"), "", "", ""][:3]
    headers = {"webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signature}
    with contextlib.suppress(WebhookRefused):
        standard_webhooks.check([KEY], headers, body, NOW)
        raise AssertionError("a signature was guessed")


def templates(data: bytes) -> None:
    source = data.decode(errors="replace")
    with contextlib.suppress(TemplateError):
        text = TEXTS.render(make_version("en", "fuzzed", source), VARIABLES).text
        assert len(text) <= 16_000


def durations(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        parse_duration(data.decode(errors="replace"))


def settings(data: bytes) -> None:
    yaml_with_lines.read(data.decode(errors="replace"))


def links(data: bytes) -> None:
    assert LINKS.read("stop", data.decode("latin-1")) is None, "a token was guessed"


TARGETS: Mapping[str, Callable[[bytes], None]] = {
    "webhook": deliveries_of(WEBHOOK),
    "shopify": deliveries_of(SHOPIFY, "x-shopify-topic", SHOPIFY_TOPICS),
    "woocommerce": deliveries_of(WOOCOMMERCE, "x-wc-webhook-topic", WOO_TOPICS),
    "telegram": deliveries_of(TELEGRAM),
    "signatures": signatures,
    "templates": templates,
    "durations": durations,
    "settings": settings,
    "links": links,
}


def seeds(name: str) -> list[bytes]:
    """The first inputs of a target: recorded deliveries, or a few valid ones."""
    match name:
        case "webhook":
            return [b"\0" + form for form in webhook_forms()]
        case "shopify" | "woocommerce" | "telegram":
            return [b"\0" + file.read_bytes() for file in sorted((PAYLOADS / name).rglob("*.json"))]
        case "signatures":
            made = standard_webhooks.sign(KEY[:-1], "d1", NOW, b"{}")
            return ["|".join(made.values()).encode() + b"\n{}"]
        case "templates":
            return [version.source.encode() for version in TEXTS.versions if version.locale == "en"]
        case "durations":
            return [b"1h30m", b"2d"]
        case "settings":
            return [b"a: &a [1, 'x', {b: *c}]\nc: !!str >\n  text\n", b'secret: ${X}\nshops: {"a": {}}\n']
        case _:
            return [(LINKS.token("chat", "shop", "1001") or "").encode()]


def webhook_forms() -> list[bytes]:
    order = {"id": "1001", "total": "128.00", "currency": "CNY", "buyer": {"id": "ann"}, "amount": "1"}
    message = {"id": "m1", "buyer": {"id": "ann"}, "text": "hello"}
    kinds = ("placed", "paid", "shipped", "delivered", "completed", "cancelled", "refunded")
    orders = [(f"order.{kind}", {"order": order}) for kind in kinds]
    at = NOW.isoformat()
    return [
        json.dumps({"type": kind, "timestamp": at, "data": data}).encode()
        for kind, data in (*orders, ("message.received", {"message": message}))
    ]
