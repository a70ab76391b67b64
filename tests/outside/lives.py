"""Draws the life of an order, as the shop's own system tells it through the webhook channel."""

import random
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from typing import Any

from tests.outside import bodies
from tests.outside.drafts import DAY, FOREIGN, HOUR, MINUTE, Draft, Sent, soon
from tests.outside.facts import (
    Cancelled,
    Completed,
    Delivered,
    Fact,
    OrderFact,
    Paid,
    Refunded,
    Reviewed,
    Shipped,
    TakenBack,
)


class _Teller:
    """Collects what is told of one order, each fact at its own time."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.sent: list[Sent] = []

    def show(self, at: datetime) -> None:
        draft = self.draft
        tea = {"sku": "TEA", "title": "Tea", "quantity": draft.pieces, "price": bodies.money(draft.price)}
        voucher = {"title": "Voucher", "quantity": 1, "price": bodies.money(-draft.discount), "ships": False}
        lines = [tea, voucher] if draft.discount else [tea]
        told = {
            "id": draft.id,
            "number": draft.number,
            "placed_at": draft.placed_at.isoformat(),
            "total": bodies.money(draft.total),
            "postage": bodies.money(draft.postage),
            "currency": draft.currency,
            "buyer": bodies.buyer(draft.contact, draft.locale, draft.agrees),
            "lines": lines,
            "pay_on_delivery": draft.on_delivery,
        }
        self._tell("order.placed", told, draft.placed(at))

    def fact(self, kind: str, fact: OrderFact, time: str, **told: Any) -> None:
        self._tell(kind, {"id": self.draft.id, time: fact.at.isoformat(), **_given(told)}, fact)

    def review(self, fact: Reviewed) -> None:
        told = {
            "order": self.draft.id,
            "rating": fact.rating,
            "id": f"r-{self.draft.id}",
            "text": "As I see it",
        }
        self._tell("review.posted", told | {"posted_at": fact.at.isoformat()}, fact, "review")

    def overtaken(self, at: datetime) -> None:
        """The first word of the order comes only then, after what happened next."""
        self.sent[0] = replace(self.sent[0], at=at)

    def again(self, wait: timedelta) -> None:
        """The last fact once more: the same by its own name, in another delivery and with another time."""
        last = self.sent[-1]
        fact = replace(last.delivery.facts[0], at=last.at + wait)
        name, told = next(iter(last.delivery.body["data"].items()))
        moved = {key: fact.at.isoformat() if key.endswith("_at") else value for key, value in told.items()}
        self._tell(last.delivery.kind, moved, fact, name)

    def _tell(self, kind: str, told: dict[str, Any], fact: Fact, name: str = "order") -> None:
        id = f"d-{next(self.draft.ids)}"
        about = {"order": self.draft.key, "stranger": self.draft.stranger}
        self.sent.append(Sent(fact.at, bodies.webhook(id, kind, fact.at, name, told, fact, **about)))


def live(rng: random.Random, draft: Draft) -> list[Sent]:
    """All that is told of one order by the shop's own system."""
    teller = _Teller(draft)
    teller.show(draft.placed_at)
    invoiced = rng.random() < 0.15
    after = soon(rng, DAY, 3 * DAY) if invoiced else timedelta(0)
    paid_at = _pay(rng, teller, after) if draft.total and not draft.on_delivery else draft.placed_at
    _edit(rng, teller, paid_at)
    cancelled_at = _cancel(rng, teller)
    if cancelled_at is None and draft.on_delivery and rng.random() < 0.7:
        _ship_and_be_paid(rng, teller)
    elif cancelled_at is None and invoiced:
        _ship(rng, teller, draft.placed_at + soon(rng, HOUR, 8 * HOUR))
    elif cancelled_at is None and (paid_at is not None or rng.random() < 0.2):
        _ship(rng, teller, (paid_at or draft.placed_at) + soon(rng, HOUR, DAY, 2 * DAY, 7 * DAY, 12 * DAY))
    if paid_at is not None:
        _refund(rng, teller, paid_at + soon(rng, HOUR, 3 * DAY, 6 * DAY))
    return teller.sent


def _pay(rng: random.Random, teller: _Teller, after: timedelta) -> datetime | None:
    """When all of it was paid; None if it was not. after: it is an invoice, which takes so much longer."""
    draft = teller.draft
    wait = soon(rng, *(MINUTE / 6,) * 3, 2 * MINUTE, 40 * MINUTE, 5 * HOUR, 30 * HOUR)
    at = draft.placed_at + after + wait
    plan = rng.choices(
        ("none", "whole", "sum", "parts", "twins", "over", "under", "foreign"), (24, 18, 24, 12, 4, 4, 6, 8)
    )[0]
    overtakes = at - draft.placed_at < MINUTE and not draft.contact.zone and rng.random() < 0.6
    overtakes = overtakes and not draft.alike
    plan = "whole" if overtakes else plan
    sums: list[tuple[Decimal | None, str | None]]
    part = (draft.total / 3).quantize(Decimal("0.01"))
    match plan:
        case "whole":
            sums = [(None, None)]
        case "sum":
            sums = [(draft.total, draft.currency)]
        case "parts":
            sums = [(part, draft.currency), (draft.total - part, draft.currency)]
        case "twins":
            sums = [((draft.total / 2).quantize(Decimal("0.01"), ROUND_DOWN), draft.currency)] * 2
        case "over":
            sums = [(draft.total + 5, draft.currency)]
        case "under":
            sums = [(part, draft.currency)]
        case "foreign":
            sums = [(draft.total * 100, FOREIGN[draft.currency])]
        case _:
            sums = []
    for place, (amount, currency) in enumerate(sums):
        fact = Paid(
            order=draft.key, at=at, payment=f"{draft.id}-pay{place}", amount=amount, currency=currency
        )
        told: dict[str, Any] = {
            "amount": bodies.money(amount) if amount else None,
            "currency": currency,
            "reference": fact.payment,
        }
        if overtakes:
            fact = replace(fact, contact=draft.contact)
            told["buyer"] = bodies.buyer(draft.contact, draft.locale)
            teller.overtaken(at + soon(rng, 2 * MINUTE))
        teller.fact("order.paid", fact, "paid_at", **told)
        if rng.random() < 0.1:
            teller.again(soon(rng, 2 * MINUTE, HOUR))
        if plan != "twins":
            at += soon(rng, HOUR, 20 * HOUR)
    return at if plan in ("whole", "sum", "parts", "twins", "over") else None


def _ship_and_be_paid(rng: random.Random, teller: _Teller) -> None:
    """The buyer pays whoever brings the parcel, and the shop hears of the money some time after."""
    draft = teller.draft
    at = draft.placed_at + soon(rng, HOUR, DAY)
    parcel = f"P{draft.id}-0"
    left = Shipped(order=draft.key, at=at, parcel=parcel, last=True)
    teller.fact("order.shipped", left, "shipped_at", parcel=parcel, last=True, carrier="Royal Mail")
    at += soon(rng, DAY, 3 * DAY)
    if rng.random() < 0.7:
        teller.fact("order.delivered", Delivered(order=draft.key, at=at), "delivered_at")
    at += soon(rng, HOUR, DAY)
    paid = Paid(
        order=draft.key, at=at, payment=f"{draft.id}-cod", amount=draft.total, currency=draft.currency
    )
    told = {"amount": bodies.money(draft.total), "currency": draft.currency, "reference": paid.payment}
    if draft.total:
        teller.fact("order.paid", paid, "paid_at", **told)


def _edit(rng: random.Random, teller: _Teller, paid_at: datetime | None) -> None:
    """The total goes up or down, or a mistyped address is put right."""
    draft = teller.draft
    at = draft.placed_at + soon(rng, 5 * MINUTE, 2 * HOUR, 26 * HOUR)
    if rng.random() < 0.12 and draft.total:
        change = rng.choice((Decimal("4.00"), Decimal("-1.50")))
        before = draft.postage
        teller.draft = draft = replace(draft, postage=max(draft.postage + change, Decimal(0)))
        teller.show(at)
        if rng.random() < 0.3:
            at += soon(rng, 20 * MINUTE, 5 * HOUR)
            teller.draft = draft = replace(draft, postage=before)
            teller.show(at)
    if rng.random() < 0.08 and draft.contact.email:
        corrected = replace(draft.contact, email="new." + draft.contact.email)
        teller.draft = replace(draft, contact=corrected)
        teller.show(at + MINUTE)
    if rng.random() < 0.05 and draft.contact.buyer is None:
        other = {"name": "Kornelius", "email": "kornelius@buyers.example", "phone": "+447946091234"}
        teller.draft = replace(teller.draft, contact=replace(draft.contact, **other))
        teller.show(at + 3 * MINUTE)


def _cancel(rng: random.Random, teller: _Teller) -> datetime | None:
    draft = teller.draft
    if rng.random() >= 0.12:
        return None
    fact = Cancelled(order=draft.key, at=draft.placed_at + soon(rng, 10 * MINUTE, 4 * HOUR, 2 * DAY))
    teller.fact("order.cancelled", fact, "cancelled_at", reason="asked")
    return fact.at


def _ship(rng: random.Random, teller: _Teller, at: datetime) -> None:
    draft = teller.draft
    count = rng.choice((1, 1, 1, 2, 3))
    named = rng.choice(("tracking", "parcel", "both", "later"))
    last_told = rng.random() < 0.7 or count > 1
    arrivals: list[tuple[str, str]] = []
    apart = rng.choice((10 * MINUTE, 10 * HOUR))
    for place in range(count):
        parcel, tracking = f"P{draft.id}-{place}", f"TR{draft.id.replace('/', '')}{place}"
        fact = Shipped(
            order=draft.key,
            at=at,
            parcel=parcel,
            tracking=tracking if named in ("tracking", "both") else None,
            last=place == count - 1 if last_told else None,
        )
        told = {"carrier": "Royal Mail", "last": fact.last, "tracking": fact.tracking}
        told["parcel"] = None if named == "tracking" else parcel
        teller.fact("order.shipped", fact, "shipped_at", **told)
        if named == "later":
            added = replace(fact, tracking=tracking)
            told = told | {"tracking": tracking, "timestamp": None}
            teller.fact("order.shipped", added, "shipped_at", **_given(told))
            _told_later(teller, soon(rng, 30 * MINUTE, 8 * HOUR))
        arrivals.append((parcel, _name(rng, named, parcel, tracking)))
        at += soon(rng, apart)
    if rng.random() < 0.08:
        parcel, name = arrivals.pop()
        by = "tracking" if name.startswith("TR") else "parcel"
        back = TakenBack(order=draft.key, at=at, parcel=parcel, name=name)
        teller.fact("order.parcel_cancelled", back, "cancelled_at", **{by: name})
    if arrivals and rng.random() < 0.8:
        _arrive(rng, teller, at + soon(rng, 2 * DAY, 4 * DAY, 7 * DAY), arrivals)


def _told_later(teller: _Teller, wait: timedelta) -> None:
    """The last fact keeps its own time and is told, and shown, that much later."""
    sent = teller.sent.pop()
    at = sent.at + wait
    body = sent.delivery.body | {"timestamp": at.isoformat()}
    teller.sent.append(Sent(at, replace(sent.delivery, body=body)))


def _name(rng: random.Random, named: str, parcel: str, tracking: str) -> str:
    """By which of its names the parcel is told to have arrived."""
    match named:
        case "tracking":
            return tracking
        case "parcel":
            return parcel
    return rng.choice((parcel, tracking))


def _arrive(rng: random.Random, teller: _Teller, at: datetime, arrivals: list[tuple[str, str]]) -> None:
    draft = teller.draft
    if rng.random() < 0.4:
        teller.fact("order.delivered", Delivered(order=draft.key, at=at), "delivered_at")
    else:
        for parcel, name in arrivals:
            by = "tracking" if name.startswith("TR") else "parcel"
            fact = Delivered(order=draft.key, at=at, parcel=parcel, name=name)
            teller.fact("order.delivered", fact, "delivered_at", **{by: name})
            at += soon(rng, MINUTE, 5 * HOUR)
        if rng.random() < 0.3:  # and of the whole, by another system of the shop
            at += soon(rng, HOUR, DAY)
            teller.fact("order.delivered", Delivered(order=draft.key, at=at), "delivered_at")
    if rng.random() < 0.2:
        teller.fact("order.completed", Completed(order=draft.key, at=at + HOUR), "completed_at")
    if rng.random() < 0.3:
        teller.review(Reviewed(order=draft.key, at=at + soon(rng, HOUR, 3 * DAY), rating=rng.randint(1, 5)))
        if rng.random() < 0.2:
            teller.again(HOUR)


def _refund(rng: random.Random, teller: _Teller, at: datetime) -> None:
    draft = teller.draft
    if rng.random() >= 0.25 or not draft.total:
        return
    half = (draft.total / 2).quantize(Decimal("0.01"))
    amount, currency = rng.choice(
        ((None, None), (half, draft.currency), (draft.total, draft.currency), (half, FOREIGN[draft.currency]))
    )
    fact = Refunded(order=draft.key, at=at, refund=f"{draft.id}-back", amount=amount, currency=currency)
    told = {"amount": bodies.money(amount) if amount else None, "currency": currency, "refund": fact.refund}
    teller.fact("order.refunded", fact, "refunded_at", **told)
    if rng.random() < 0.15:
        teller.again(HOUR)


def _given(told: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in told.items() if value is not None}
