"""An order ends before its time, or money goes back: say so plainly."""

from datetime import datetime

from bot.domain.actions import Action, Say
from bot.domain.context import Context
from bot.domain.messages import DueMessage, Facts, Reason
from bot.domain.orders import Order, Refund


def cancel(order: Order, context: Context) -> list[Action]:
    if order.cancelled_at is None:
        return []
    return [Say(template="cancelled", key=f"cancelled:{order.id}", order=order.id, at=order.cancelled_at)]


def refund(order: Order, context: Context) -> list[Action]:
    """One message for each refund. Part or whole is judged by that refund alone, so that the order in
    which refunds become known does not matter; until the total is known a part cannot be told."""
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


def still_cancelled(due: DueMessage, order: Order, facts: Facts, now: datetime) -> Reason | None:
    return None if order.cancelled else Reason("order_reopened", {"order": order.shown_number})


def still_refunded(due: DueMessage, order: Order, facts: Facts, now: datetime) -> Reason | None:
    """A refund that happened stays true; only one that the record does not know is not told."""
    if any(refund.id == due.values.get("refund") for refund in order.refunds):
        return None
    return Reason("order_unknown", {"order": order.shown_number})
