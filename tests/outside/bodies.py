"""Writes and signs deliveries in the forms of the platforms: the shop's own system, and Telegram."""

import hmac
import json
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from pydantic import SecretStr

from bot.channels import standard_webhooks
from tests.outside.facts import Address, Contact, Fact, Wrote
from tests.outside.shop import SECRETS


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """What one POST tells. body: as JSON; order: whose history it belongs to.

    link_from: the text is the link that was last heard at this address; nothing is told without one.
    """

    channel: str
    kind: str
    id: str
    body: dict[str, Any]
    facts: tuple[Fact, ...]
    order: str | None = None
    stranger: bool = False
    link_from: Address | None = None


def money(amount: Decimal) -> str:
    return f"{amount:.2f}"


def webhook(
    id: str, kind: str, at: datetime, name: str, data: dict[str, Any], *facts: Fact, **more: Any
) -> Delivery:
    body = {"type": kind, "timestamp": at.isoformat(), "data": {name: data}}
    return Delivery(channel="webhook", kind=kind, id=id, body=body, facts=facts, **more)


def buyer(contact: Contact, locale: str, agrees: bool = False) -> dict[str, Any]:
    told = {
        "id": contact.buyer,
        "name": contact.name,
        "email": contact.email,
        "phone": contact.phone,
        "timezone": contact.zone,
        "locale": locale,
        "agrees": agrees or None,
    }
    return {name: value for name, value in told.items() if value is not None}


def wrote(id: str, word: Wrote, **more: Any) -> Delivery:
    """Something written in a chat, told by the channel of that chat."""
    if word.chat.kind == "telegram":
        chat = int(word.chat.value)
        sender = {"id": chat, "is_bot": False, "first_name": word.name or "Visitor"}
        message = {
            "message_id": int(id.rpartition("-")[2]),
            "date": int(word.at.timestamp()),
            "chat": {"id": chat, "type": "private"},
            "from": sender,
            "text": word.text,
        }
        body = {"update_id": int(id.rpartition("-")[2]), "message": message}
        return Delivery(channel="telegram", kind="message", id=id, body=body, facts=(word,), **more)
    writer = {"id": word.chat.value}
    writer |= {"email": word.verified, "verified": True} if word.verified else {}
    told = {"id": id, "buyer": writer, "text": word.text, "sent_at": word.at.isoformat()}
    return webhook(id, "message.received", word.at, "message", told, word, **more)


def headers(delivery: Delivery, body: bytes, now: datetime) -> dict[str, str]:
    """What the platform would send along, signed with the shop's secret."""
    return _SIGNERS[delivery.channel](delivery, body, now)


def encoded(delivery: Delivery) -> bytes:
    return json.dumps(delivery.body, ensure_ascii=False).encode()


def _webhook_headers(delivery: Delivery, body: bytes, now: datetime) -> dict[str, str]:
    key = standard_webhooks.key(SecretStr(SECRETS["HOOK_SECRET"]))
    return standard_webhooks.sign(key, delivery.id, now, body)


def _shopify_headers(delivery: Delivery, body: bytes, now: datetime) -> dict[str, str]:
    return {
        "x-shopify-topic": delivery.kind,
        "x-shopify-webhook-id": delivery.id,
        "x-shopify-triggered-at": delivery.body.get("updated_at") or now.isoformat(),
        "x-shopify-hmac-sha256": _mac(body),
    }


def _woocommerce_headers(delivery: Delivery, body: bytes, now: datetime) -> dict[str, str]:
    return {
        "x-wc-webhook-topic": delivery.kind,
        "x-wc-webhook-delivery-id": delivery.id,
        "x-wc-webhook-signature": _mac(body),
    }


def _telegram_headers(delivery: Delivery, body: bytes, now: datetime) -> dict[str, str]:
    return {"x-telegram-bot-api-secret-token": SECRETS["SHOP_SECRET"]}


def _mac(body: bytes) -> str:
    return b64encode(hmac.digest(SECRETS["SHOP_SECRET"].encode(), body, "sha256")).decode()


_SIGNERS: dict[str, Callable[[Delivery, bytes, datetime], dict[str, str]]] = {
    "webhook": _webhook_headers,
    "shopify": _shopify_headers,
    "woocommerce": _woocommerce_headers,
    "telegram": _telegram_headers,
}
