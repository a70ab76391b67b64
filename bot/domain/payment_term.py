"""How long a buyer has to pay: from when they were told, a waking day at least, and not ending at night."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from bot.domain.context import Said
from bot.domain.hours import SECOND, quiet_until, waking_time_over
from bot.domain.orders import Order
from bot.domain.shop import QuietHours, Shop

TOLD_BY = "order_confirmation"
REMINDED_BY = "payment_reminder"
AT_ONCE = timedelta(minutes=5)  # told so soon after the order, the term counts from the order
WAKING_DAY = timedelta(hours=12)
OPEN = ("queued", "sending")  # states of a message that may still be sent


def begins_at(order: Order, said: Iterable[Said], now: datetime) -> datetime | None:
    """When the term to pay begins: as the buyer is told, which is now as long as that is still ahead.

    The order's own time if it was told at once, or if nobody told them.
    """
    if order.placed_at is None:
        return None
    told = next((each for each in said if each.template == TOLD_BY), None)
    if told is None:
        return order.placed_at
    at = now if told.state in OPEN else told.written_at or told.sent_at
    return at if at and at > order.placed_at + AT_ONCE else order.placed_at


def reminder_number(own_key: str, said: Iterable[Said]) -> int:
    """Which reminder of the order its buyer now reads, from 1; earlier steps may have been left out. One that
    may have been read counts, so that nobody reads the same words twice. own_key: of the message itself.
    said: about the order."""
    before = (each for each in said if each.template == REMINDED_BY and each.key != own_key)
    return 1 + sum(bool(each.sent_at or each.written_at or each.tried) for each in before)


def closes_at(
    order: Order, shop: Shop, said: Iterable[Said], zone: ZoneInfo, now: datetime
) -> datetime | None:
    """When an unpaid order is given up, or should have been paid. zone: the buyer's."""
    begins = begins_at(order, said, now)
    ends = term_ends(begins, shop, zone) if begins else None
    return max(ends, order.pay_by) if ends and order.pay_by else ends


def term_ends(begins: datetime, shop: Shop, zone: ZoneInfo) -> datetime:
    """At least WAKING_DAY of waking time after `begins`; an end at night waits for the morning, in which
    the last reminder still comes before it."""
    return _ends(begins, shop.payment.close, shop.payment.last_reminder, shop.quiet_hours, zone)


@lru_cache(maxsize=1024)  # each message about an unpaid order asks for it several times
def _ends(
    begins: datetime, close: timedelta, last_reminder: timedelta, quiet: QuietHours, zone: ZoneInfo
) -> datetime:
    ends = max(begins + close, waking_time_over(begins, WAKING_DAY, quiet, zone))
    morning = quiet_until(ends - SECOND, quiet, zone)  # just before the night is still in the day
    wait = max(last_reminder, timedelta(hours=1))
    return ends if morning is None else waking_time_over(morning, wait, quiet, zone)
