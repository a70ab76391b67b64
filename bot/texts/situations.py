"""The situations that an order may be in: how far it is paid, sent and ended, each with each.

A text is tried in all of those in which its policy would let it be said, so that it promises and looks back
to nothing that is not so there. A label is made of the names of its parts, which operator.yaml translates.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import msgspec

from bot.domain.money import Money
from bot.domain.orders import Review
from bot.domain.parcels import READY, Parcel
from bot.domain.payments import Paid, Refund, Shown

AT = datetime(2026, 11, 21, 2, 3, tzinfo=UTC)  # the time of saying
AGO = AT - timedelta(days=12)  # longer than any promise
HALF = Money(6400, "CNY")
A_QUARTER = Money(3200, "CNY")  # less than any payment, so that it never is the whole
JOINT = " + "  # between the parts of a label

Part = tuple[str, dict[str, Any]]

_SENT = Parcel(
    id="a",
    shipped_at=AT,
    moved_at=AT,
    followed=True,
    carrier="SF Express",
    tracking="SF123",
    tracking_url="https://sf.example/1",
)
_FIRST = Parcel(id="a", shipped_at=AT, carrier="SF Express", last=False)
_STUCK = Parcel(id="a", shipped_at=AGO, moved_at=AGO, followed=True, tracking="SF123")
_READY = msgspec.structs.replace(_SENT, status=READY, ready_at=AT)
_TAKEN_BACK = Parcel(id="a", shipped_at=AT, cancelled_at=AT + timedelta(minutes=1), tracking="SF123")
_CALLED_OFF = Parcel(id="b", shipped_at=AT, cancelled_at=AT + timedelta(minutes=1), tracking="SF124")
_NEVER_SENT = Parcel(id="a", tracking="SF123", delivered_at=AT)
_ARRIVED = Parcel(id="a", shipped_at=AGO, tracking="SF123", followed=True, delivered_at=AT)

_HELD = Shown(AT, Money(12800, "CNY"), Money(0, "CNY"), authorised=True)
_TAKEN = Shown(AT + timedelta(minutes=1), Money(12800, "CNY"), HALF)

PAYING: tuple[Part, ...] = (
    ("unpaid", {}),
    ("paid in part", {"payments": (Paid(id="p", at=AT, amount=HALF),)}),
    ("paid just now", {"payments": (Paid(id="p", at=AT, method="bank transfer"),)}),
    ("paid long ago", {"payments": (Paid(id="p", at=AGO),)}),
    ("authorised", {"authorised": True, "shown_money": (_HELD,)}),
    ("taken in part of what was authorised", {"told_paid": HALF, "shown_money": (_HELD, _TAKEN)}),
    ("to be paid on delivery", {"pay_on_delivery": True}),
    ("to be paid on account", {"pay_by": AT + timedelta(days=30)}),
    ("free", {"total": Money(0, "CNY")}),
)
SENDING: tuple[Part, ...] = (
    ("not shipped", {}),
    ("taken back", {"parcels": (_TAKEN_BACK,)}),
    ("shipped in part", {"parcels": (_FIRST,)}),
    ("shipped", {"parcels": (_SENT,)}),
    ("waiting to be fetched", {"parcels": (_READY,)}),
    ("on its way beside what was called off", {"parcels": (_SENT, _CALLED_OFF)}),
    ("stuck on its way", {"parcels": (_STUCK,)}),
    ("delivered", {"parcels": (_ARRIVED,)}),
    ("told to be delivered", {"all_delivered_at": AT}),
    ("delivered and never sent", {"parcels": (_NEVER_SENT,)}),
    ("completed", {"completed_at": AT}),
)
ENDING: tuple[Part, ...] = (
    ("not ended", {}),
    ("cancelled", {"cancelled_at": AT}),
    ("cancelled and restored", {"cancelled_at": AGO, "reopened_at": AT}),
    ("refunded in part", {"refunds": (Refund(id="r", at=AT, amount=A_QUARTER),)}),
    ("refunded", {"refunds": (Refund(id="r", at=AT),)}),
    ("reviewed", {"reviews": (Review(id="v:5", review="v", at=AT, rating=5),)}),
)


def situations() -> Iterator[Part]:
    """Every situation, with a label of three parts and the facts that an order has in it."""
    for paying, sending, ending in product(PAYING, SENDING, ENDING):
        if paying[0] == "free" and "refunded" in ending[0]:
            continue
        label = JOINT.join(name for name, _ in (paying, sending, ending))
        placed_at = AGO if paying[0] == "paid long ago" else AT
        yield label, {"placed_at": placed_at, **paying[1], **sending[1], **ending[1]}
