"""Why a message about an order would no longer be true: one answer for withdrawing and for not sending."""

from collections.abc import Callable
from datetime import UTC, datetime

from bot.domain.messages import Check, DueMessage, Facts, Reason
from bot.domain.money import Money
from bot.domain.orders import Order

OrderCheck = Callable[[DueMessage, Order, Facts, datetime], Reason | None]


def always(due: DueMessage, facts: Facts, now: datetime) -> Reason | None:
    """For words that no fact can make untrue."""
    return None


def about_order(truth: OrderCheck) -> Check:
    """A truth that needs its order; without one nothing is said."""

    def of_order(due: DueMessage, facts: Facts, now: datetime) -> Reason | None:
        if facts.order is None:
            return Reason("order_unknown", {"order": due.order or ""})
        return truth(due, facts.order, facts, now)

    return of_order


def moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()


def amount(money: Money) -> str:
    return f"{money.decimal} {money.currency}"


def cancelled(order: Order) -> Reason | None:
    if not order.cancelled or order.cancelled_at is None:
        return None
    return Reason(
        "order_cancelled", {"order": order.shown_number, "cancelled_at": moment(order.cancelled_at)}
    )


def ever_cancelled(order: Order) -> Reason | None:
    """Also of an order that came back: the person who reopened it speaks with the buyer, not a timetable.

    Were it otherwise, what is said would hang on whether the cancelling or the reopening arrived first.
    """
    if order.cancelled_at is None:
        return None
    return cancelled(order) or Reason("order_reopened", {"order": order.shown_number})


def refunded(order: Order) -> Reason | None:
    return Reason("order_refunded", {"order": order.shown_number}) if order.refunds else None


def refunded_in_full(order: Order) -> Reason | None:
    return refunded(order) if order.refunded_in_full else None


def shipped(order: Order) -> Reason | None:
    return Reason("order_shipped", {"order": order.shown_number}) if order.shipped else None


def arrived(order: Order) -> Reason | None:
    """Delivered, any of it, or closed by the platform."""
    known = [order.all_delivered_at, order.completed_at, *(parcel.delivered_at for parcel in order.parcels)]
    first = min((at for at in known if at), default=None)
    if first is None:
        return None
    return Reason("order_delivered", {"order": order.shown_number, "delivered_at": moment(first)})


def paid(order: Order) -> Reason | None:
    if order.paid_at is None:
        return None
    if not order.paid_in_full:
        return Reason("order_partly_paid", {"order": order.shown_number})
    return Reason("order_paid", {"order": order.shown_number, "paid_at": moment(order.paid_at)})


def on_delivery(order: Order) -> Reason | None:
    return Reason("pay_on_delivery", {"order": order.shown_number}) if order.pay_on_delivery else None


def free(order: Order) -> Reason | None:
    """Nothing is to pay as long as the order is shown so. A newer showing may take that back, so this is
    asked when a message is sent, and withdraws none."""
    return Reason("nothing_owed", {"order": order.shown_number}) if order.free else None


def not_payable(order: Order) -> Reason | None:
    """Why nobody may be asked for this order's money. Each fact, once known, stays: none is taken back."""
    return (
        paid(order)
        or on_delivery(order)
        or ever_cancelled(order)
        or refunded(order)
        or shipped(order)
        or arrived(order)
    )


def claimed(order: Order, facts: Facts) -> Reason | None:
    """She said that she paid, and the seller has not looked yet: to ask her again would call her a liar."""
    for case in facts.cases:
        if case.open and case.kind == "payment_claim" and case.order == order.id:
            return Reason("case_open", {"number": case.number})
    return None


def case_open(facts: Facts) -> Reason | None:
    case = next((case for case in facts.cases if case.open), None)
    return Reason("case_open", {"number": case.number}) if case else None
