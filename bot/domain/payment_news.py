"""What a word of thanks for a payment tells: the money that came since the buyer was last told of any."""

from collections.abc import Iterable

from bot.domain.context import Said
from bot.domain.money import Money
from bot.domain.orders import Order

THANKS = "payment_received"
TELL_PAYMENTS = ("order_confirmation", THANKS, "total_changed")


def is_thanked_for(order: Order) -> bool:
    """False where money that comes is answered by a person, or by nobody."""
    return not (order.cancelled or order.refunded_in_full or order.on_delivery)


def told_of_money(said: Iterable[Said]) -> list[Said]:
    """What was sent and written knowing that money came."""
    return [each for each in said if each.template in TELL_PAYMENTS and each.sent_at and each.paid]


def newly_paid(order: Order, said: Iterable[Said]) -> Money | None:
    """What came since; all of it if nothing was told, None if it cannot be said."""
    paid, told = order.paid, [each.paid_sum for each in told_of_money(said)]
    before = [each for each in told if each and paid and each.currency == paid.currency]
    if paid is None or len(before) < len(told):
        return None
    rest = paid - max(before) if before else paid
    return rest if rest.minor > 0 else None
