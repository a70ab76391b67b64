"""Money that does not add up: weighed some minutes after each fact, and shown to the seller as a case."""

from datetime import datetime, timedelta

from bot.domain.actions import Action, OpenCase, Value, WakeAt
from bot.domain.context import Case, Context
from bot.domain.events import TimeCame
from bot.domain.money import Money
from bot.domain.orders import Order
from bot.domain.reasons import Reasons
from handlers import totals
from handlers.payment import covered, points
from handlers.reminders import FORGOTTEN
from handlers.validity import amount

WAIT = timedelta(minutes=10)  # the other facts of the same moment have come by then


def weigh_later(order: Order, context: Context) -> list[Action]:
    """Set a deadline after each fact that may not add up. More facts only add to them."""
    changes = totals.changes(order).items()
    times = {f"total {total.minor}{totals.again(nth)}": at for (total, nth), at in changes}
    times |= {f"refund {refund.id}": refund.first_at or refund.at for refund in order.refunds}
    if odd(order):
        times |= points(order)
    given_up = _given_up_at(order)
    if given_up:
        times["given up"] = given_up
    return [
        WakeAt(key=f"weigh:{order.id}:{name}", at=at + WAIT, what="weigh_money", order=order.id)
        for name, at in times.items()
    ]


def odd(order: Order) -> bool:
    """True unless one payment was told that is the total, or nothing but that the whole is paid."""
    shown = {each.total for each in order.shown_money if each.asked}
    sums = {paid.amount for paid in order.payments if paid.amount}
    sums |= {each.paid for each in order.shown_money if each.paid and each.paid.minor}
    mixed = any(total != each for each in sums for total in shown)
    return mixed or len(order.payments) > 1 or bool(order.cancellations or order.cancelled_at)


def _given_up_at(order: Order) -> datetime | None:
    """When the platform first showed nothing as paid or authorised, after it had shown something."""
    something = [each.at for each in order.shown_money if each.moved]
    nothing = [each.at for each in order.shown_money if each.paid and not each.moved]
    return min((at for at in nothing if any(was < at for was in something)), default=None)


def weigh(event: TimeCame, context: Context) -> list[Action]:
    order = context.order
    if order is None or context.now - event.at > FORGOTTEN:
        return []
    return [
        OpenCase(
            kind="payment",
            key=f"{reason}:{order.id}" + (f":{sum.minor}" if sum and reason in _AGAIN else ""),
            reason=reason,
            order=order.id,
            details=_details(order, sum),
        )
        for reason, sum in findings(order)
    ]


_AGAIN = ("overpaid", "refunded_more")  # another sum is another case


def findings(order: Order) -> list[tuple[str, Money | None]]:
    """What does not add up by all that is known, and the sum it is about."""
    found: list[tuple[str, Money | None]] = []
    paid, back = order.paid, order.refunded
    late = late_payments(order)
    if order.total and (paid is None or back is None):
        found.append(("other_currency", None))
    if order.cancelled and late:
        found.append(("paid_after_cancel", late[0]))
    if paid and back and back > paid and (paid.minor or order.told_paid is not None or order.payments):
        found.append(("refunded_more", back))
    if order.cancelled or order.refunded_in_full:
        return found
    if order.first_paid_at and order.paid_at is None and not order.authorised:
        found.append(("payment_given_up", None))
    if order.authorisation == "released":
        found.append(("authorisation_given_up", None))
    if paid and paid.minor and not covered(order):
        found.append(("paid_partly", paid))
    if order.overpaid:
        found.append(("overpaid", order.overpaid))
    return found


def late_payments(order: Order) -> list[Money | None]:
    """Payments after the cancelling; one at exactly its time is not late."""
    at = order.called_off_at
    return [paid.amount or order.total for paid in order.payments if at and paid.at > at]


def _details(order: Order, sum: Money | None) -> dict[str, Value]:
    return {
        "order": order.shown_number,
        "amount": amount(sum) if sum else None,
        "total": amount(order.total) if order.total else None,
    }


def settled(case: Case, order: Order) -> bool:
    """True if the money of such a case adds up by now."""
    if case.reason not in REASONS or case.reason == "refunded_more":
        return False
    return case.reason not in {reason for reason, _ in findings(order)}


REASONS: Reasons = {
    "paid_partly": ("order", "amount", "total"),
    "paid_after_cancel": ("order", "amount"),
    "other_currency": ("order", "total"),
    "payment_given_up": ("order",),
    "authorisation_given_up": ("order",),
    "overpaid": ("order", "amount", "total"),
    "refunded_more": ("order", "amount"),
}
