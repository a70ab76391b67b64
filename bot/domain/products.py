"""A product as the shop lists it."""

from datetime import datetime

import msgspec

from bot.domain.money import Money


class Product(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """stock: pieces, None if nobody counts them. floor: of one piece. postage: of an order."""

    sku: str
    title: str
    price: Money
    stock: int | None = None
    floor: Money | None = None
    postage: Money | None = None
    materials: str | None = None
    sizes: str | None = None
    care: str | None = None
    url: str | None = None
    updated_at: datetime | None = None
