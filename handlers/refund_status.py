"""Answers who asks for their money: from the order's refunds, and a person for what takes too long."""

from datetime import datetime, timedelta

from bot.domain.actions import Action, CallHuman, Value
from bot.domain.context import Context
from bot.domain.events import MessageReceived
from bot.domain.messages import DueMessage, Facts, MessagePolicies, Reason
from bot.domain.orders import Order
from bot.domain.payments import standing
from bot.domain.reasons import Reasons
from handlers import message_policies as policy
from handlers.replies import SHOWN, answer
from handlers.return_words import drops
from handlers.returns import open_return
from handlers.validity import of_order, refunded

TAKES = timedelta(days=10)  # a bank, at most
OWED_SINCE = timedelta(days=1)  # after a cancelling; until then it is under way


def tell(order: Order, words: str, event: MessageReceived, context: Context) -> list[Action]:
    returned = open_return(order, context) is not None
    if returned and drops(words):
        return [answer("noted", event)]
    unclear = order.account.refund_unclear
    missing = unclear or (not returned and _missing(order, context))
    said = answer("refund_status", event, order, returned=returned, missing=missing)
    said = answer("payment_status", event, order) if unclear else said
    details: dict[str, Value] = {"order": order.shown_number, "text": words[:SHOWN]}
    person = CallHuman(reason="asked_for_refund", order=order.id, details=details)
    return [said, person] if missing else [said]


def _missing(order: Order, context: Context) -> bool:
    """True if the money should be there by now, or may be owed, as far as the facts say."""
    if refunds := standing(order.refunds):
        newest = max(refund.at for refund in refunds)
        return context.now - newest > TAKES or (order.cancelled and not order.refunded_in_full)
    if order.paid_at is None and not order.on_delivery:
        return False
    if order.cancelled and order.called_off_at:
        return context.now - order.called_off_at > OWED_SINCE
    return True  # paid, and nothing went back: whoever asks for their money may want it


def why_not_tell(due: DueMessage, order: Order, facts: Facts, now: datetime) -> Reason | None:
    """What was still to come, and has come since: its own message tells of that."""
    since = any(refund.at > due.created_at for refund in standing(order.refunds))
    awaited = due.values.get("returned") or due.values.get("missing")
    return refunded(order) if since and awaited else None


POLICIES: MessagePolicies = {
    "refund_status": policy.answer(
        check=of_order(why_not_tell),
        anew=False,
        about_order=True,
        samples=(
            {"returned": False, "missing": False},
            {"returned": True, "missing": False},
            {"returned": False, "missing": True},
        ),
    )
}

REASONS: Reasons = {"asked_for_refund": ("order", "text")}
