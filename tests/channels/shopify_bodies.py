"""Bodies as Shopify sends them, and what a listener makes of them."""

import json
from datetime import UTC, datetime
from typing import Any

from pydantic import SecretStr

from bot.channels.shopify import ShopifyChannel, ShopifySettings
from bot.domain.events import (
    Event,
    OrderEvent,
)
from bot.domain.orders import Order, merge
from tests.channels.recorded import delivery, recorded

ORDER = "820982911946154508"
THEN = datetime(2022, 1, 1, tzinfo=UTC)
VERSIONS = ("shopify", "shopify/2026-04")
ORDER_TOPICS = (
    "orders/create",
    "orders/paid",
    "orders/updated",
    "orders/cancelled",
    "orders/fulfilled",
    "orders/partially_fulfilled",
)


def channel(*secrets: str) -> ShopifyChannel:
    """With these secrets, also with such as settings refuse."""
    given = {"secrets": tuple(map(SecretStr, secrets))}
    return ShopifyChannel("shop", "US", ShopifySettings().model_copy(update=given), "USD")


LISTENER = channel("test-only-shopify-client-secret")


def told(topic: str, body: bytes | dict[str, Any], **headers: str) -> tuple[Event, ...]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = {"X-Shopify-Topic": topic, "X-Shopify-Webhook-Id": "w1", **headers}
    return tuple(LISTENER.parse(delivery(raw, lines)))


def kinds(events: tuple[Event, ...]) -> list[type[Event]]:
    return [type(event) for event in events]


def order(**changes: Any) -> dict[str, Any]:
    """A plain order, neither paid nor cancelled."""
    body: dict[str, Any] = json.loads(recorded("shopify/orders_create.json"))
    return {**body, "cancelled_at": None, "financial_status": "pending", **changes}


def fulfillment(id: int, **changes: Any) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(recorded("shopify/fulfillments_create.json"))
    return {**body, "id": id, "status": "success", **changes}


def merged(*batches: tuple[Event, ...]) -> Order:
    state: Order | None = None
    for event in (event for batch in batches for event in batch):
        assert isinstance(event, OrderEvent)
        state = merge(state, event)
    assert state is not None
    return state


def refund(*transactions: dict[str, Any]) -> dict[str, Any]:
    return {**json.loads(recorded("shopify/refunds_create.json")), "transactions": list(transactions)}


def moved(amount: str, **changes: Any) -> dict[str, Any]:
    return {"id": 1, "kind": "refund", "status": "success", "amount": amount, "currency": "USD", **changes}
