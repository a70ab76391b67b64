"""Cancellations and refunds."""

from datetime import datetime

from bot.domain.actions import Action, Say
from bot.domain.context import Context
from bot.domain.messages import DueMessage, Facts, MessagePolicies, Reason
from bot.domain.orders import Order
from bot.domain.reasons import Reasons
from handlers import message_policies as policy
from handlers.validity import unclear


def cancel(order: Order, context: Context) -> list[Action]:
    """Report the first cancelling, and the first one after each reopening."""
    return [
        Say(template="cancelled", key=key, order=order.id, at=at, earliest=True)
        for key, at in _cancellings(order).items()
    ]


def _cancellings(order: Order) -> dict[str, datetime]:
    """Those worth a word, by the keys of their messages, the newest last."""
    times = order.cancellings or ((order.cancelled_at,) if order.cancelled_at else ())
    if not times:
        return {}
    found = {f"cancelled:{order.id}": times[0]}
    for back in order.reopenings:
        after = [at for at in times if at > back > times[0]]
        if after:
            found[f"cancelled:{order.id}:{back:%Y%m%dT%H%M%S.%f}"] = after[0]
    return found


def refund(order: Order, context: Context) -> list[Action]:
    """Report each refund, once the order's total is known. Whether it gave back the rest or a part is judged
    when that is said, because it depends on the other facts: so both are planned, and one of them is said."""
    return [
        Say(
            template=template,
            key=f"{template}:{order.id}:{one.id}",
            order=order.id,
            at=one.at,
            earliest=True,
            values={"refund": one.id},
        )
        for one in order.refunds
        for template in (("refunded",) if one.amount is None else ("refunded", "partly_refunded"))
        if one.amount is None or order.total is not None
    ]


def why_not_report_cancelling(due: DueMessage, order: Order, facts: Facts, now: datetime) -> Reason | None:
    """Of several cancellings that wait, the first one since the last reopening is reported."""
    if not order.cancelled:
        return Reason("order_reopened", {"order": order.shown_number})
    newest = list(_cancellings(order))[-1:]
    return None if due.key in newest else Reason("order_reopened", {"order": order.shown_number})


def why_not_report_refund(due: DueMessage, order: Order, facts: Facts, now: datetime) -> Reason | None:
    """A refund that happened stays true. Which share it was cannot be said of another currency's."""
    if not any(refund.id == due.values.get("refund") for refund in order.refunds):
        return Reason("order_unknown", {"order": order.shown_number})
    if order.total is not None and order.refunded is None:
        return unclear(order) or Reason("payment_unclear", {"order": order.shown_number})
    if (due.template == "refunded") != order.refunded_in_full:
        return Reason("refund_told_otherwise", {"order": order.shown_number})
    whole = any(said.template == "refunded" and said.sent_at for said in facts.said)
    return Reason("already_told", {"order": order.shown_number}) if whole else None


_REFUND = policy.service(why_not_report_refund, looks_back=True, samples=({"refund": "r"},))

POLICIES: MessagePolicies = {
    "cancelled": policy.service(why_not_report_cancelling),
    "refunded": _REFUND,
    "partly_refunded": _REFUND,
}

REASONS: Reasons = {"refund_told_otherwise": ("order",)}
