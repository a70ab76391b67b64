"""Payments: acknowledged, followed by a reassurance, and shown to the seller if they do not add up."""

from datetime import datetime, timedelta

from bot.domain.actions import Action, CloseCase, OpenCase, Say, Unsay
from bot.domain.context import Context
from bot.domain.messages import DueMessage, Facts, MessagePolicies, Reason
from bot.domain.money import Money
from bot.domain.orders import Order
from bot.domain.reasons import Reasons
from handlers import message_policies as policy
from handlers.late_shipping import why_late
from handlers.validity import (
    amount,
    arrived,
    cancelled,
    case_open,
    ever_cancelled,
    free,
    paid,
    refunded,
    refunded_in_full,
    shipped,
)

REASSURE_AFTER = timedelta(days=1)  # buyers begin to doubt the day after, while nothing has arrived


def covered_at(order: Order) -> datetime | None:
    return order.covered_at


def receive(order: Order, context: Context) -> list[Action]:
    at = covered_at(order)
    if at is None:
        return []
    return [Say(template="payment_received", key=f"payment_received:{order.id}", order=order.id, at=at)]


def reassure(order: Order, context: Context) -> list[Action]:
    at = covered_at(order)
    if at is None:
        return []
    calm = Say(
        template="reassurance", key=f"reassurance:{order.id}:1", order=order.id, at=at + REASSURE_AFTER
    )
    outdated = no_need_to_reassure(order)
    return (
        [calm]
        if outdated is None
        else [calm, Unsay(prefix=f"reassurance:{order.id}:", why=outdated.code, values=outdated.values)]
    )


def show_partial(order: Order, context: Context) -> list[Action]:
    """Open a case for a payment smaller than the total; the payments that make up the rest close it.

    It is opened even if those are known already: otherwise the result would depend on which payment
    arrived first.
    """
    total = order.total
    if total is None or not any(part.amount and part.amount.minor < total.minor for part in order.payments):
        return []
    key = f"paid_partly:{order.id}"
    so_far = amount(Money(order.paid_minor, total.currency))
    details = {"order": order.shown_number, "amount": so_far, "total": amount(total)}
    case = OpenCase(kind="payment", key=key, reason="paid_partly", order=order.id, details={**details})
    return [case] if covered_at(order) is None else [case, CloseCase(key=key)]


def show_late(order: Order, context: Context) -> list[Action]:
    """Open a case for a payment made after the order was cancelled.

    A payment at exactly that time is not late: where one delivery shows both, as Shopify's do, the payment
    is dated no later than the cancelling.
    """
    cancelled_at = order.cancelled_at
    if cancelled_at is None or not any(payment.at > cancelled_at for payment in order.payments):
        return []
    key = f"paid_after_cancel:{order.id}"
    sums = [payment.amount for payment in order.payments if payment.at > cancelled_at]
    came = [amount(money) for money in (one or order.total for one in sums) if money]
    details = {"order": order.shown_number, "amount": " + ".join(came)}
    case = OpenCase(kind="payment", key=key, reason="paid_after_cancel", order=order.id, details={**details})
    return [case] if order.cancelled else [case, CloseCase(key=key)]


def no_need_to_reassure(order: Order) -> Reason | None:
    return shipped(order) or arrived(order) or ever_cancelled(order) or refunded(order)


def why_not_acknowledge(due: DueMessage, order: Order, facts: Facts, now: datetime) -> Reason | None:
    said = not_covered(order) or free(order) or _already_said(order, facts)
    return cancelled(order) or refunded_in_full(order) or said


def _already_said(order: Order, facts: Facts) -> Reason | None:
    """A confirmation sent after the payment said already that the order is paid."""
    known = any(said.paid for said in facts.said if said.template == "order_confirmation")
    return Reason("already_told", {"order": order.shown_number}) if known else None


def why_not_reassure(due: DueMessage, order: Order, facts: Facts, now: datetime) -> Reason | None:
    late = why_late(order, facts.shop, now)
    return no_need_to_reassure(order) or not_covered(order) or late or case_open(facts)


def not_covered(order: Order) -> Reason | None:
    if covered_at(order):
        return None
    return paid(order) or Reason("order_not_paid", {"order": order.shown_number})


POLICIES: MessagePolicies = {
    "payment_received": policy.service(why_not_acknowledge, variables=("order.paid_at",)),
    "reassurance": policy.service(why_not_reassure, variables=("order.paid_at",)),
}

REASONS: Reasons = {
    "order_not_paid": ("order",),
    "already_told": ("order",),
    "paid_partly": ("order", "amount", "total"),
    "paid_after_cancel": ("order", "amount"),
}
