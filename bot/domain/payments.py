"""The payments and refunds of an order."""

from datetime import datetime

import msgspec

from bot.domain.money import Money


class Paid(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    id: str
    at: datetime
    amount: Money | None = None  # None: the whole
    method: str | None = None
    reference: str | None = None


class Refund(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    id: str
    at: datetime
    amount: Money | None = None  # None: the whole
