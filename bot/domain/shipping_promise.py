"""By when an order is promised to leave, and whether that is still ahead."""

from datetime import datetime

from bot.domain.orders import Order
from bot.domain.shop import Shop
from bot.domain.working_days import end_of_term

AHEAD = frozenset(("unpaid", "on_delivery", "partly_paid", "authorised", "paid"))  # nothing has left yet


def to_ship(order: Order) -> bool:
    """True while none of the order has left and it is still to be sent."""
    return order.state in AHEAD and not order.sends_nothing and not order.arrival_unclear


def is_due(order: Order) -> bool:
    """True while any of the order has surely not left and is still to be sent."""
    return to_ship(order) or order.state == "partly_shipped"


def ready_at(order: Order) -> datetime | None:
    """Since when nothing but the packing keeps the order: paid in full, authorised to be, or free, and not
    cancelled since."""
    return _kept_since(order) if order.state in ("paid", "authorised") else None


def _kept_since(order: Order) -> datetime | None:
    since = max((at for at in (order.ready_at, order.paid_again_at) if at), default=order.placed_at)
    if since and order.called_off_at and order.reopened_at:
        return max(since, order.reopened_at)
    return since


def ships_by(order: Order, shop: Shop) -> datetime | None:
    """The end of the day by which the order is promised to leave; None while no day is promised."""
    since = None if order.sends_nothing or order.arrival_unclear else ready_at(order)
    return promised_day(since, shop) if since else None


def due_by(order: Order, shop: Shop) -> datetime | None:
    """As `ships_by`, also for the rest of an order of which a part left: the promise was for all of it."""
    if order.state != "partly_shipped":
        return ships_by(order, shop)
    ready = order.paid_in_full or (order.authorised and not order.payment_unclear)
    since = _kept_since(order) if ready else None
    return promised_day(since, shop) if since else None


def promised_day(since: datetime, shop: Shop) -> datetime | None:
    """The end of the day that is promised for what is ready at `since`; None if the shop promises none."""
    within = shop.payment.ships_within
    if not within:
        return None
    return end_of_term(since, within, shop.zone(), shop.calendar_of_work)
