"""What the shop takes back, and how it makes good: its settings applied to the facts of one order.

Three rules hold beside the days: what can be replaced is replaced, what cannot is paid back, and where nobody
can say whose fault it is, the shop takes the blame.
"""

from datetime import datetime, time, timedelta
from typing import Literal

import msgspec

from bot.domain.money import Money
from bot.domain.orders import Order
from bot.domain.shop import Shop

Way = Literal["replacement", "refund", "repair", "size"]
# mind: it is as it should be, and not wanted. fault: it came broken, faulty or wrong. unclear: broken since.
Cause = Literal["mind", "fault", "unclear"]
Why = Literal[
    "no_policy", "order_over", "not_sent", "not_paid", "none_taken", "too_late", "excluded", "used", "no_way",
    "within_days", "satisfied", "made_good", "blame_taken",
]  # fmt: skip


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What a buyer wants to be done about an order.

    way: None if they did not say. used: None if nobody knows.
    skus: of the items meant; None for one without. Empty: whatever is in the order.
    """

    way: Way | None = None
    cause: Cause = "mind"
    used: bool | None = None
    skus: tuple[str | None, ...] = ()


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """agreed: the policy lets the buyer have it. ways: what they may have, the shop's choice first.

    until: when the days are over; None while it has not arrived. at_most: what can still be paid back; None
    if it cannot be said, as of what was paid at the door.
    """

    agreed: bool
    why: Why
    ways: tuple[Way, ...] = ()
    until: datetime | None = None
    shop_pays: bool = False  # for sending it back
    at_most: Money | None = None


def decide(wish: Wish, order: Order, shop: Shop, now: datetime) -> Decision:
    """Apply the shop's policy. What it does not agree to is for a person, or refused: see `why`."""
    if order.refunded_in_full or order.cancelled:
        return Decision(agreed=False, why="order_over")
    if not _left(order):
        return Decision(agreed=False, why="not_sent")
    policy = shop.returns
    if policy is None:
        return Decision(agreed=False, why="no_policy")
    until = until_of(order, shop, wish.cause)
    ways = ways_of(order, shop, wish.cause)
    why = _why_not(wish, order, shop, until, now) or (None if ways else "no_way")
    if why:
        return Decision(agreed=False, why=why, until=until)
    rest = refundable(order)
    return Decision(
        agreed=True,
        why=_why(wish),
        ways=_wished_first(ways, wish.way),
        until=until,
        shop_pays=wish.cause != "mind" or policy.postage == "shop",
        at_most=rest if rest and rest.minor else None,
    )


def days_of(shop: Shop, cause: Cause) -> int:
    """How many days after the arrival the shop takes it back; 0 for not at all."""
    if shop.returns is None:
        return 0
    return shop.returns.days if cause == "mind" else shop.returns.faulty_days


def until_of(order: Order, shop: Shop, cause: Cause = "mind") -> datetime | None:
    """When the days are over: the day of the arrival is none of them, and the last counts in full, in the
    shop's zone. None while it has not arrived, or where nothing is taken back."""
    at, number = arrived_at(order, shop), days_of(shop, cause)
    if at is None or number == 0:
        return None
    zone = shop.zone()
    return datetime.combine(at.astimezone(zone).date() + timedelta(days=number + 1), time.min, zone)


def arrived_at(order: Order, shop: Shop) -> datetime | None:
    """When the buyer has had all of it. Where nobody reports arrivals, the usual time after it left or was
    closed. The latest counts, because a buyer may have waited for it."""
    if order.delivered_at:
        return order.delivered_at
    carried = any(parcel.followed and not order.has_arrived(parcel) for parcel in order.shipped)
    if carried or not (order.all_shipped or order.completed_at):
        return None
    told = [parcel.delivered_at for parcel in order.sent if parcel.delivered_at]
    left = [at for parcel in order.shipped if (at := parcel.sent_at) and not parcel.delivered_at]
    left += [order.completed_at] if order.completed_at else []
    return max([*told, *(at + shop.followups.travel for at in left)], default=None)


def ways_of(order: Order, shop: Shop, cause: Cause) -> tuple[Way, ...]:
    """What may be done, the shop's choice first: to replace comes before to pay back where it is at fault."""
    policy = shop.returns
    if policy is None:
        return ()
    refund: tuple[Way, ...] = ("refund",) if _can_be_refunded(order) else ()
    if cause == "mind":
        return (*refund, *(("replacement", "size") if policy.exchange else ()))
    replaced: tuple[Way, ...] = ("replacement",) if policy.exchange else ()
    repaired: tuple[Way, ...] = ("repair",) if policy.repair else ()
    return (*replaced, *refund, *repaired, *(("size",) if policy.exchange else ()))


def skus_of(order: Order) -> tuple[str | None, ...]:
    """The SKUs of what was bought, discounts left out."""
    return tuple(line.sku for line in order.lines if line.price.minor >= 0)


def refundable(order: Order) -> Money | None:
    """What was paid and not given back; None if it cannot be said, as where two currencies came."""
    paid, back = order.paid, order.refunded
    if paid is None or (back is not None and back.currency != paid.currency):
        return None
    rest = paid - back if back else paid
    return Money(max(0, rest.minor), rest.currency)


def _why_not(wish: Wish, order: Order, shop: Shop, until: datetime | None, now: datetime) -> Why | None:
    policy = shop.returns
    if policy is None:
        return "no_policy"
    if days_of(shop, wish.cause) == 0:
        return "none_taken"
    if until is not None and now >= until:
        return "too_late"
    if wish.cause == "mind":  # otherwise the shop is at fault, whatever it takes back
        if any(sku in policy.excluded for sku in wish.skus or skus_of(order)):
            return "excluded"
        if wish.used and not policy.satisfied:
            return "used"
    return "not_paid" if wish.way == "refund" and not _can_be_refunded(order) else None


def _why(wish: Wish) -> Why:
    if wish.cause == "mind":
        return "satisfied" if wish.used else "within_days"
    return "made_good" if wish.cause == "fault" else "blame_taken"


def _wished_first(ways: tuple[Way, ...], wished: Way | None) -> tuple[Way, ...]:
    if wished not in ways:
        return ways
    return (wished, *(way for way in ways if way != wished))


def _left(order: Order) -> bool:
    return bool(order.shipped or order.sent or order.completed_at or order.all_delivered_at)


def _can_be_refunded(order: Order) -> bool:
    """False if nothing is left to give back; an order that is paid at the door tells of no payment."""
    rest = refundable(order)
    return not order.free and (rest is None or rest.minor > 0 or order.on_delivery)
