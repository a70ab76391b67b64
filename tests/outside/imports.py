"""Draws the life of an order that the seller imports from a file, once or twice, as it stands then."""

import csv
import io
import random
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from tests.outside.bodies import Delivery, money
from tests.outside.drafts import DAY, HOUR, MINUTE, STARTS, Draft, Sent, soon
from tests.outside.facts import Cancelled, Delivered, OrderFact, Paid, Refunded, Shipped

CHANNEL = "import"
_OLD = 0.4  # of the orders, placed weeks before the shop began with us


class _Line:
    """An order's line in the file: what is in it, and the same as facts."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.cells = {"state": "unpaid"}
        self.facts: list[OrderFact] = []

    def step(self, state: str | None, at: datetime, fact: OrderFact, **cells: str) -> None:
        self.cells |= {"state": state or self.cells["state"]} | cells
        self.facts.append(fact)

    def file(self, at: datetime) -> Sent:
        draft, contact = self.draft, self.draft.contact
        known = {
            "order": draft.id,
            "placed_at": draft.placed_at.isoformat(),
            "total": money(draft.total),
            "postage": money(draft.postage),
            "currency": draft.currency,
            "buyer": contact.buyer,
            "name": contact.name,
            "email": contact.email,
            "phone": contact.phone,
            "locale": draft.locale,
            "item": "Tea",
            "quantity": str(draft.pieces),
            "price": money(draft.price),
            "updated_at": at.isoformat(),
        }
        row = {name: value for name, value in (known | self.cells).items() if value is not None}
        written = io.StringIO()
        table = csv.DictWriter(written, row)
        table.writeheader()
        table.writerow(row)
        delivery = Delivery(
            channel=CHANNEL,
            kind="orders",
            id=f"i-{next(draft.ids)}",
            body={"file": written.getvalue()},
            facts=(draft.placed(at), *self.facts),
            order=draft.key,
            stranger=draft.stranger,
        )
        return Sent(at, delivery)


def imported(rng: random.Random, draft: Draft) -> list[Sent]:
    """Files that show the order as unpaid, paid in part, paid, on its way, there, given up, paid back."""
    if not draft.contact.email and not draft.contact.phone:
        return []  # a line that names nobody is refused
    draft = replace(draft, on_delivery=False)  # which no column tells
    if rng.random() < _OLD:
        draft = replace(draft, placed_at=draft.placed_at - soon(rng, 6 * DAY, 15 * DAY, 40 * DAY))
    line, begins = _Line(draft), max(draft.placed_at, STARTS)
    count = rng.choice((1, 1, 2))
    files = sorted(begins + soon(rng, 10 * MINUTE, 5 * HOUR, 2 * DAY, 6 * DAY) for _ in range(count))
    sent: list[Sent] = []
    for fact, state, cells in _life(rng, draft):
        while files and files[0] < fact.at:
            sent.append(line.file(files.pop(0)))
        line.step(state, fact.at, fact, **cells)
    return sent + [line.file(each) for each in files]


def _life(rng: random.Random, draft: Draft) -> list[tuple[OrderFact, str | None, dict[str, str]]]:
    order, at = draft.key, draft.placed_at
    found: list[tuple[OrderFact, str | None, dict[str, str]]] = []

    def happens(fact: OrderFact, state: str | None, **cells: str) -> None:
        name = {"unpaid": "paid"}.get(state or "", state)
        found.append((fact, state, {f"{name}_at": fact.at.isoformat()} | cells))

    if rng.random() < 0.1:
        at += soon(rng, HOUR, DAY)
        happens(Cancelled(order=order, at=at), "cancelled")
        return found
    if rng.random() < 0.25 or not draft.total:
        return found
    at += soon(rng, 5 * MINUTE, 5 * HOUR)
    if rng.random() < 0.15:
        part = (draft.total / 4).quantize(Decimal("0.01"))
        payment = Paid(order=order, at=at, payment="part", amount=part, currency=draft.currency)
        happens(payment, "unpaid", paid=money(part))
        return found
    happens(Paid(order=order, at=at, payment="whole"), "paid")
    if rng.random() < 0.1:
        at += soon(rng, HOUR, 2 * DAY)
        happens(Refunded(order=order, at=at, refund="whole"), "refunded")
        return found
    if rng.random() < 0.75:
        at += soon(rng, HOUR, DAY)
        tracking = f"IM{draft.id}"
        left = Shipped(order=order, at=at, parcel=tracking, tracking=tracking)
        happens(left, "shipped", tracking=tracking, carrier="Royal Mail")
        at += soon(rng, 2 * DAY, 5 * DAY)
        happens(Delivered(order=order, at=at), "delivered")
    return found
