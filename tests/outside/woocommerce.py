"""Draws the life of an order as WooCommerce tells it: each delivery shows the whole order."""

import random
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from tests.outside.bodies import Delivery, money
from tests.outside.drafts import DAY, HOUR, MINUTE, Draft, Sent, soon
from tests.outside.facts import Cancelled, OrderFact, Refunded, Restored, Shipped, Tidied


class _Woo:
    """An order in WooCommerce."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.status = "on-hold"
        self.paid_at: datetime | None = None
        self.completed_at: datetime | None = None
        self.refunds: list[dict[str, Any]] = []
        self.facts: list[OrderFact] = []
        self.sent: list[Sent] = []

    def tell(self, at: datetime, topic: str = "order.updated") -> None:
        draft, contact = self.draft, self.draft.contact
        billing = {"first_name": contact.name, "email": contact.email or "", "phone": contact.phone or ""}
        line = {"name": "Tea", "quantity": draft.pieces, "total": money(draft.price * draft.pieces)}
        body: dict[str, Any] = {
            "id": int(draft.id),
            "number": draft.number,
            "status": self.status,
            "currency": draft.currency,
            "total": money(draft.total),
            "shipping_total": money(draft.postage),
            "customer_id": int(contact.buyer or 0),
            "payment_method": "cod" if draft.on_delivery else "bacs",
            "payment_method_title": "Transfer",
            "transaction_id": "",
            "date_created_gmt": _gmt(draft.placed_at),
            "date_modified_gmt": _gmt(at),
            "date_paid_gmt": _gmt(self.paid_at),
            "date_completed_gmt": _gmt(self.completed_at),
            "billing": billing,
            "line_items": [line],
            "refunds": list(self.refunds),
        }
        shown = draft.placed(at, paid=draft.total if self.paid_at else Decimal(0))
        facts: tuple[OrderFact, ...] = (shown, *self.facts)
        if topic == "order.deleted":
            body, facts = {"id": int(draft.id)}, (Tidied(order=draft.key, at=at),)
        id = f"w-{next(draft.ids)}"
        delivery = Delivery(
            channel="woocommerce",
            kind=topic,
            id=id,
            body=body,
            facts=facts,
            order=draft.key,
            stranger=draft.stranger,
        )
        self.sent.append(Sent(at, delivery))


def woocommerce(rng: random.Random, draft: Draft) -> list[Sent]:
    """On hold, paid, completed when it is posted; sometimes cancelled, restored, refunded, tidied away."""
    order, at = _Woo(draft), draft.placed_at
    order.tell(at, "order.created")
    if rng.random() < 0.25:
        at += soon(rng, HOUR, DAY)
        order.status = "cancelled"
        order.facts.append(Cancelled(order=draft.key, at=at))
        order.tell(at)
        if rng.random() < 0.4:
            return order.sent
        at += soon(rng, HOUR, DAY)
        order.status = "on-hold"
        order.facts.append(Restored(order=draft.key, at=at))
        order.tell(at)
        if rng.random() < 0.4:
            at += soon(rng, HOUR, DAY)
            order.status = "cancelled"
            order.facts.append(Cancelled(order=draft.key, at=at))
            order.tell(at)
            return order.sent
    if rng.random() < 0.25:
        return order.sent
    at += soon(rng, 30 * MINUTE, 10 * HOUR)
    order.status, order.paid_at = "processing", at
    order.tell(at)
    if rng.random() < 0.1 and draft.total:
        at += soon(rng, HOUR, 2 * DAY)
        order.status = "refunded"
        order.refunds.append({"id": int(draft.id) * 10, "total": f"-{money(draft.total)}", "reason": ""})
        whole = Refunded(order=draft.key, at=at, refund="all", amount=draft.total, currency=draft.currency)
        order.facts.append(whole)
        order.tell(at)
        return order.sent
    if rng.random() < 0.15 and draft.total:
        at += soon(rng, HOUR, DAY)
        half = (draft.total / 2).quantize(Decimal("0.01"))
        order.refunds.append({"id": int(draft.id) * 10, "total": f"-{money(half)}", "reason": ""})
        fact = Refunded(order=draft.key, at=at, refund="half", amount=half, currency=draft.currency)
        order.facts.append(fact)
        order.tell(at)
    at += soon(rng, HOUR, DAY)
    order.status, order.completed_at = "completed", at
    order.facts.append(Shipped(order=draft.key, at=at, parcel="1", last=True, followed=False))
    order.tell(at)
    if rng.random() < 0.2:
        order.tell(at + soon(rng, 4 * DAY, 8 * DAY), "order.deleted")
    return order.sent


def _gmt(at: datetime | None) -> str | None:
    return at.astimezone(UTC).replace(tzinfo=None).isoformat() if at else None
