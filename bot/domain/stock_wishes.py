"""What buyers asked for while it was sold out: each is told once that it is back, in the chat that asked."""

from datetime import datetime, timedelta

import msgspec

from bot.domain.products import Product

TEMPLATE = "item_restocked"
SKU = "sku"  # among the message's values
GONE_AGAIN = "gone_again"  # the reason not to send it that leaves the wish open
REST = timedelta(days=1)  # after as many were told as there are pieces, until as many as are left are told


class StockWish(msgspec.Struct, frozen=True, kw_only=True):
    """channel, address: the chat that asked. lapses_at: from when on nobody is told any more.

    told_at: when the message was queued. tries: messages before it that went to nobody, since it was sold out
    again when they were due.
    """

    sku: str
    channel: str
    address: str
    title: str
    asked_at: datetime
    lapses_at: datetime
    told_at: datetime | None = None
    tries: int = 0

    @property
    def chat(self) -> str:
        return f"{self.channel}:{self.address}"

    @property
    def key(self) -> str:
        """The message's key, so that nobody is told twice of one wish."""
        asked = f"{self.asked_at:%Y%m%dT%H%M%S.%f}"
        return f"{TEMPLATE}:{self.channel}:{self.address}:{self.sku}:{asked}:{self.tries}"

    def holds(self, at: datetime) -> bool:
        return self.lapses_at > at


def came_back(before: Product | None, after: Product | None) -> bool:
    """Whether there is more of a product than there was: any at all, or more pieces."""
    if after is None or not after.available:
        return False
    if before is None or not before.available:
        return True
    return isinstance(before.stock, int) and isinstance(after.stock, int) and after.stock > before.stock
