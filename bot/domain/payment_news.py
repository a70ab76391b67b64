"""What a word of thanks for a payment tells: the money that came since the buyer was last told of any."""

from collections.abc import Iterable

from bot.domain.context import Said
from bot.domain.money import Money
from bot.domain.orders import Order

THANKS = "payment_received"
TELL_PAYMENTS = ("order_confirmation", THANKS, "total_changed")


def is_thanked_for(order: Order) -> bool:
    """False where money that comes is answered by a person, or by nobody."""
    to_carrier = order.on_delivery and not order.paid_ahead
    return not (order.cancelled or order.refunded_in_full or to_carrier)


def told_of_money(said: Iterable[Said]) -> list[Said]:
    """What was sent and written knowing that money came."""
    return [each for each in said if each.template in TELL_PAYMENTS and each.sent_at and each.paid]


def newly_paid(order: Order, said: Iterable[Said]) -> Money | None:
    """What came since; all of it if nothing was told, None if it cannot be said, or if no payment was of that
    sum: what one source told of, another may tell otherwise."""
    rest = _more_told(order, said)
    return rest if rest and (rest == order.paid or order.account.has_come(rest)) else None


def tells_otherwise(order: Order, said: Iterable[Said]) -> bool:
    """True if all was told to be paid, and what is told beyond that is no payment: it is the same money, by
    another source, and a surplus is a thing for the seller."""
    told = list(said)
    rest = _more_told(order, told)
    if rest is None or order.paid is None or order.counted is None or order.total is None:
        return False
    covered = order.counted - rest >= order.total
    return covered and not order.account.has_come(rest)


def _more_told(order: Order, said: Iterable[Said]) -> Money | None:
    paid, told = order.paid, [each.paid_sum for each in told_of_money(said)]
    before = [each for each in told if each and paid and each.currency == paid.currency]
    if paid is None or len(before) < len(told):
        return None
    rest = paid - max(before) if before else paid
    return rest if rest.minor > 0 else None
