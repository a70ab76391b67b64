"""The first word after an order, and the second when the first met silence."""

from datetime import datetime

from bot.domain.actions import Action, Say, Unsay
from bot.domain.context import Context
from bot.domain.messages import DueMessage, Facts, Reason
from bot.domain.orders import Order
from handlers.validity import cancelled, free, moment, not_payable, refunded_in_full


def confirm(order: Order, context: Context) -> list[Action]:
    """Whether it carries the pay form or plain thanks, the template sees from the facts of its sending."""
    if order.placed_at is None:
        return []
    return [
        Say(
            template="order_confirmation",
            key=f"order_confirmation:{order.id}",
            order=order.id,
            at=order.placed_at,
        )
    ]


def contact_again(order: Order, context: Context) -> list[Action]:
    """Silence after the confirmation of an unpaid order: the letter may have been lost, so another way."""
    if order.placed_at is None:
        return []
    again = Say(
        template="second_contact",
        key=f"second_contact:{order.id}:1",
        order=order.id,
        at=order.placed_at + context.shop.followups.second_contact,
        unlike=f"order_confirmation:{order.id}",
    )
    untrue = not_payable(order)
    return (
        [again]
        if untrue is None
        else [again, Unsay(prefix=f"second_contact:{order.id}:", why=untrue.code, values=untrue.values)]
    )


def still_placed(due: DueMessage, order: Order, facts: Facts, now: datetime) -> Reason | None:
    if order.placed_at is None:
        return Reason("order_unknown", {"order": order.shown_number})
    return cancelled(order) or refunded_in_full(order)


def still_silent(due: DueMessage, order: Order, facts: Facts, now: datetime) -> Reason | None:
    untrue = not_payable(order) or free(order)
    if untrue or order.placed_at is None:
        return untrue or Reason("order_unknown", {"order": order.shown_number})
    closes_at = facts.shop.closes_at(order.placed_at)
    if now >= closes_at:
        return Reason("order_closed", {"order": order.shown_number, "closes_at": moment(closes_at)})
    heard = [chat.last_in_at for chat in facts.conversations if chat.last_in_at]
    answered_at = max((at for at in heard if at > order.placed_at), default=None)
    return Reason("buyer_answered", {"answered_at": moment(answered_at)}) if answered_at else None
