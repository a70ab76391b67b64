"""Cancellations and refunds."""

from datetime import datetime

from bot.domain.actions import Action, Say
from bot.domain.context import Context
from bot.domain.messages import DueMessage, Facts, MessagePolicies, Reason
from bot.domain.orders import Order
from bot.domain.payments import Refund
from handlers import message_policies as policy


def cancel(order: Order, context: Context) -> list[Action]:
    if order.cancelled_at is None:
        return []
    return [Say(template="cancelled", key=f"cancelled:{order.id}", order=order.id, at=order.cancelled_at)]


def refund(order: Order, context: Context) -> list[Action]:
    """Report each refund. Whether it is a part is judged by that refund alone, so that the order in which
    refunds arrive does not matter, and only once the order's total is known."""
    return [
        Say(
            template="refunded" if whole(one, order) else "partly_refunded",
            key=f"refunded:{order.id}:{one.id}",
            order=order.id,
            at=one.at,
            values={"refund": one.id},
        )
        for one in order.refunds
        if one.amount is None or order.total is not None
    ]


def whole(refund: Refund, order: Order) -> bool:
    if refund.amount is None:
        return True
    return order.total is not None and refund.amount.minor >= order.total.minor


def why_not_report_cancelling(due: DueMessage, order: Order, facts: Facts, now: datetime) -> Reason | None:
    return None if order.cancelled else Reason("order_reopened", {"order": order.shown_number})


def why_not_report_refund(due: DueMessage, order: Order, facts: Facts, now: datetime) -> Reason | None:
    """A refund that happened stays true, so only one that the order does not have is not reported."""
    if any(refund.id == due.values.get("refund") for refund in order.refunds):
        return None
    return Reason("order_unknown", {"order": order.shown_number})


_REFUND = policy.service(why_not_report_refund, samples=({"refund": "r"},))

POLICIES: MessagePolicies = {
    "cancelled": policy.service(why_not_report_cancelling),
    "refunded": _REFUND,
    "partly_refunded": _REFUND,
}
