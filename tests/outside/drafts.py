"""An order before its life begins, and a delivery on its way."""

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.outside.bodies import Delivery
from tests.outside.facts import Contact, Placed

STARTS = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)  # of every run
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
FOREIGN = {"GBP": "EUR", "USD": "CAD", "CNY": "USD"}


@dataclass(kw_only=True)
class Draft:
    """What is settled of an order before its life begins.

    digital: something in it is never shipped. abroad: the shop counts in another currency than the buyer's.
    agrees: a box for offers was ticked. removed: pieces that were ordered and taken out again.
    alike: an order of another system has this id; the shop's system tells of its own one first, as it should.
    """

    channel: str
    id: str
    number: str
    contact: Contact
    locale: str
    placed_at: datetime
    currency: str
    price: Decimal
    pieces: int = 1
    removed: int = 0
    postage: Decimal = Decimal(0)
    on_delivery: bool = False
    test: bool = False
    digital: bool = False
    abroad: bool = False
    agrees: bool = False
    discount: Decimal = Decimal(0)
    stranger: bool = False
    alike: bool = False
    ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def key(self) -> str:
        return f"{self.channel}/{self.id}"

    @property
    def total(self) -> Decimal:
        return self.price * self.pieces + self.postage - self.discount

    @property
    def amounts(self) -> tuple[Decimal, ...]:
        return (self.price, self.price * self.pieces, self.postage, self.discount)

    def placed(self, at: datetime, **more: Any) -> Placed:
        """The order as it looks at a time."""
        known: dict[str, Any] = {
            "order": self.key,
            "at": at,
            "number": self.number,
            "placed_at": self.placed_at,
            "total": self.total,
            "currency": self.currency,
            "contact": self.contact,
            "on_delivery": self.on_delivery,
            "test": self.test,
            "pieces": self.pieces,
            "amounts": self.amounts,
        }
        return Placed(**known | more)


@dataclass(frozen=True)
class Sent:
    """When a delivery leaves the platform."""

    at: datetime
    delivery: Delivery


def soon(rng: random.Random, *spans: timedelta) -> timedelta:
    """Some time of about one of these lengths, in whole seconds."""
    return timedelta(seconds=round(rng.choice(spans).total_seconds() * rng.uniform(0.6, 1.4)))
