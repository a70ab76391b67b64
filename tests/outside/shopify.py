"""Draws the life of an order as Shopify tells it: each delivery shows the whole order."""

import copy
import random
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from tests.outside.bodies import Delivery, money
from tests.outside.drafts import DAY, FOREIGN, HOUR, MINUTE, Draft, Sent, soon
from tests.outside.facts import (
    Cancelled,
    Carried,
    Delivered,
    OrderFact,
    Placed,
    Refunded,
    Shipped,
    TakenBack,
    Voided,
)


class _Shopify:
    """An order in Shopify's admin; `tell` sends a webhook that shows it as it is."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.financial = "pending"
        self.paid = Decimal(0)
        self.cancelled_at: datetime | None = None
        self.parcels: dict[str, dict[str, Any]] = {}
        self.refunds: list[dict[str, Any]] = []
        self.facts: list[OrderFact] = []
        self.sent: list[Sent] = []

    def tell(self, at: datetime, *topics: str) -> None:
        authorised = self.financial == "authorized"
        unclear = self.draft.abroad and self.financial == "partially_paid"
        paid = None if unclear else self.paid
        shown = self.draft.placed(at, paid=paid, unclear=unclear, authorised=authorised)
        for topic in topics:
            facts = (shown, *self.facts)
            if topic == "orders/create":
                facts = (shown,)
            id = f"s-{next(self.draft.ids)}"
            delivery = Delivery(
                channel="shopify",
                kind=topic,
                id=id,
                body=self._body(at, shown),
                facts=facts,
                order=self.draft.key,
                stranger=self.draft.stranger,
            )
            self.sent.append(Sent(at, delivery))

    def tell_part(self, at: datetime, topic: str, body: dict[str, Any], fact: OrderFact) -> None:
        """A webhook about one parcel or one refund alone."""
        delivery = Delivery(
            channel="shopify",
            kind=topic,
            id=f"s-{next(self.draft.ids)}",
            body=copy.deepcopy(body),
            facts=(fact,),
            order=self.draft.key,
            stranger=self.draft.stranger,
        )
        self.sent.append(Sent(at, delivery))

    def _body(self, at: datetime, shown: Placed) -> dict[str, Any]:
        draft, contact = self.draft, self.draft.contact
        first = draft.total + draft.removed * draft.price
        customer = {"id": int(contact.buyer or 0), "first_name": contact.name, "email": contact.email}
        packed = sum(parcel["line_items"][0]["quantity"] for parcel in self._alive())
        whole = packed >= draft.pieces and not draft.digital
        fulfilled = None if not packed else "fulfilled" if whole else "partial"
        return {
            "id": int(draft.id),
            "name": draft.number,
            "test": draft.test,
            "created_at": draft.placed_at.isoformat(),
            "processed_at": draft.placed_at.isoformat(),
            "updated_at": at.isoformat(),
            "cancelled_at": self.cancelled_at.isoformat() if self.cancelled_at else None,
            "currency": self._currency,
            "presentment_currency": draft.currency,
            "total_price": self._counted(first),
            "total_price_set": self._both(first),
            "current_total_price": self._counted(draft.total),
            "current_total_price_set": self._both(draft.total),
            "total_outstanding": self._counted(draft.total - self.paid),
            "total_shipping_price_set": self._both(draft.postage),
            "buyer_accepts_marketing": draft.agrees,
            "financial_status": self.financial,
            "fulfillment_status": fulfilled,
            "payment_gateway_names": ["Cash on Delivery (COD)"]
            if draft.on_delivery
            else ["shopify_payments"],
            "email": contact.email,
            "contact_email": contact.email,
            "phone": contact.phone,
            "customer_locale": draft.locale,
            "customer": customer if contact.buyer else None,
            "billing_address": {"name": contact.name, "phone": contact.phone},
            "line_items": self._lines(),
            "fulfillments": copy.deepcopy(list(self.parcels.values())),
            "refunds": list(self.refunds),
        }

    def _lines(self) -> list[dict[str, Any]]:
        count, price = self.draft.pieces, self._counted(self.draft.price)
        ordered = count + self.draft.removed
        tea = {"id": 1, "title": "Tea", "quantity": ordered, "current_quantity": count, "price": price}
        tea |= {"price_set": self._both(self.draft.price)}
        book = {"id": 2, "title": "E-book", "quantity": 1, "current_quantity": 1, "price": "0.00"}
        lines = [tea | {"requires_shipping": True, "gift_card": False}]
        return lines + [book | {"requires_shipping": False, "gift_card": False}] * self.draft.digital

    @property
    def _currency(self) -> str:
        """The one that the shop counts in."""
        return FOREIGN[self.draft.currency] if self.draft.abroad else self.draft.currency

    def _counted(self, amount: Decimal) -> str:
        return money(amount * 2 if self.draft.abroad else amount)

    def _both(self, amount: Decimal) -> dict[str, Any]:
        """As the shop counts it and as the buyer sees it."""
        return {
            "shop_money": {"amount": self._counted(amount), "currency_code": self._currency},
            "presentment_money": {"amount": money(amount), "currency_code": self.draft.currency},
        }

    def _alive(self) -> list[dict[str, Any]]:
        return [parcel for parcel in self.parcels.values() if parcel["status"] == "success"]

    def pack(self, at: datetime, pieces: int, tracking: str | None) -> str:
        id = str(int(self.draft.id) * 10 + len(self.parcels))
        self.parcels[id] = {
            "id": int(id),
            "order_id": int(self.draft.id),
            "status": "success",
            "created_at": at.isoformat(),
            "updated_at": at.isoformat(),
            "tracking_company": "Royal Mail",
            "tracking_number": tracking,
            "tracking_numbers": [tracking] if tracking else [],
            "shipment_status": None,
            "line_items": [{"id": 1, "quantity": pieces}],
        }
        shipped = Shipped(order=self.draft.key, at=at, parcel=id, tracking=tracking, pieces=pieces)
        self.facts.append(shipped)
        return id

    def change(self, at: datetime, parcel: str, fact: OrderFact, **told: Any) -> None:
        self.parcels[parcel] |= told | {"updated_at": at.isoformat()}
        self.facts.append(fact)


def shopify(rng: random.Random, draft: Draft) -> list[Sent]:
    """Paid by card, later, in parts or by gift card; shipped by pieces; now and then taken back."""
    order, at = _Shopify(draft), draft.placed_at
    plan = rng.choices(("card", "later", "part", "void", "never"), (36, 20, 14, 16, 14))[0]
    if plan == "card":
        order.financial, order.paid = "paid", draft.total
    elif plan == "part":
        order.financial, order.paid = "partially_paid", _quarter(draft)
    elif plan == "void":
        order.financial = "authorized"
    order.tell(at, "orders/create", "orders/updated")
    if plan in ("later", "part") and rng.random() < 0.8:
        at += soon(rng, MINUTE / 6, 20 * MINUTE, 5 * HOUR, 20 * HOUR)
        order.financial, order.paid = "paid", draft.total
        order.tell(at, "orders/paid", "orders/updated")
    if plan == "void":
        at += soon(rng, HOUR, DAY)
        if rng.random() < 0.3:  # a part of it is taken
            order.financial, order.paid = "partially_paid", _quarter(draft)
        else:
            order.financial = "voided"
            order.facts.append(Voided(order=draft.key, at=at))
        order.tell(at, "orders/updated")
    if rng.random() < 0.15:
        at += soon(rng, 10 * MINUTE, 3 * HOUR)
        order.draft = draft = _edited(rng, draft)
        if order.financial == "paid" and order.paid < order.draft.total:
            order.financial = "partially_paid"
        order.tell(at, "orders/updated")
    if rng.random() < 0.12:
        at += soon(rng, HOUR, DAY)
        order.cancelled_at = at
        order.facts.append(Cancelled(order=draft.key, at=at))
        order.tell(at, "orders/cancelled", "orders/updated")
    elif order.financial == "paid":
        at = _fulfil(rng, order, at)
    if order.financial == "paid" and order.paid and not order.draft.removed and rng.random() < 0.2:
        _give_back(rng, order, at + soon(rng, HOUR, 2 * DAY))
    return order.sent


def _quarter(draft: Draft) -> Decimal:
    return (draft.total / 4).quantize(Decimal("0.01"))


def _edited(rng: random.Random, draft: Draft) -> Draft:
    """Dearer, or without one of its pieces, or only touched."""
    match rng.choice(("dearer", "fewer", "touched")):
        case "dearer":
            return replace(draft, postage=draft.postage + 3)
        case "fewer" if draft.pieces > 1:
            return replace(draft, pieces=draft.pieces - 1, removed=draft.removed + 1)
    return draft


def _fulfil(rng: random.Random, order: _Shopify, at: datetime) -> datetime:
    draft = order.draft
    portions = [draft.pieces] if draft.pieces == 1 or rng.random() < 0.6 else [1, draft.pieces - 1]
    for place, pieces in enumerate(portions):
        at += soon(rng, HOUR, DAY)
        known = rng.random() < 0.7
        tracking = f"BT{draft.id[-5:]}{place}"
        parcel = order.pack(at, pieces, tracking if known else None)
        if rng.random() < 0.3:
            order.tell_part(at, "fulfillments/create", order.parcels[parcel], order.facts[-1])
        last = place == len(portions) - 1
        whole = last and not draft.digital
        order.tell(at, "orders/fulfilled" if whole else "orders/partially_fulfilled", "orders/updated")
        if not known:
            at += soon(rng, 30 * MINUTE, 5 * HOUR)
            fact = Shipped(order=draft.key, at=at, parcel=parcel, tracking=tracking, pieces=pieces)
            order.change(at, parcel, fact, tracking_number=tracking, tracking_numbers=[tracking])
            if rng.random() < 0.3:
                order.tell_part(at, "fulfillments/update", order.parcels[parcel], fact)
            order.tell(at, "orders/updated")
    if rng.random() < 0.12:
        at += soon(rng, 20 * MINUTE, DAY)
        gone = next(reversed(order.parcels))
        order.change(at, gone, TakenBack(order=draft.key, at=at, parcel=gone), status="cancelled")
        order.tell(at, "orders/updated")
        return at
    if rng.random() < 0.2:
        at += soon(rng, DAY, 3 * DAY)
        parcel, failed = next(iter(order.parcels)), rng.random() < 0.5
        status = "failure" if failed else "attempted_delivery"
        order.change(
            at, parcel, Carried(order=draft.key, at=at, parcel=parcel, failed=failed), shipment_status=status
        )
        order.tell(at, "orders/updated")
    if rng.random() < 0.75:
        at += soon(rng, 2 * DAY, 5 * DAY)
        for parcel in order.parcels:
            order.change(
                at, parcel, Delivered(order=draft.key, at=at, parcel=parcel), shipment_status="delivered"
            )
        order.tell(at, "orders/updated")
    return at


def _give_back(rng: random.Random, order: _Shopify, at: datetime) -> None:
    draft = order.draft
    amount = rng.choice((order.paid, (order.paid / 2).quantize(Decimal("0.01"))))
    id = str(int(draft.id) * 10 + 9)
    moved = {"kind": "refund", "status": "success", "amount": money(amount), "currency": draft.currency}
    refund = {
        "id": int(id),
        "order_id": int(draft.id),
        "processed_at": at.isoformat(),
        "transactions": [moved],
    }
    order.refunds.append(refund | {"created_at": at.isoformat(), "note": None})
    order.financial = "refunded" if amount == order.paid else "partially_refunded"
    fact = Refunded(order=draft.key, at=at, refund=id, amount=amount, currency=draft.currency)
    order.facts.append(fact)
    if rng.random() < 0.4:
        order.tell_part(at, "refunds/create", order.refunds[-1], fact)
    order.tell(at, "orders/updated")
