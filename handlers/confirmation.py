"""The confirmation of an order, and a second contact if an unpaid one is met with silence."""

from datetime import datetime

from bot.domain.actions import Action, Say, Unsay
from bot.domain.context import Context
from bot.domain.messages import DueMessage, Facts, MessagePolicies, Reason
from bot.domain.orders import Order
from bot.domain.reasons import Reasons
from handlers import message_policies as policy
from handlers.validity import (
    cancelled,
    free,
    iso,
    not_payable,
    order_closed,
    refunded_in_full,
    reminders_ended,
)


def confirm(order: Order, context: Context) -> list[Action]:
    """Confirm the order. Its template chooses pay form or thanks from the facts at the time of sending."""
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
    """Write by another channel after silence on an unpaid order, because the confirmation may be lost."""
    if order.placed_at is None:
        return []
    again = Say(
        template="second_contact",
        key=f"second_contact:{order.id}:1",
        order=order.id,
        at=order.placed_at + context.shop.followups.second_contact,
        unlike=f"order_confirmation:{order.id}",
    )
    outdated = not_payable(order) or reminders_ended(order)
    return (
        [again]
        if outdated is None
        else [again, Unsay(prefix=f"second_contact:{order.id}:", why=outdated.code, values=outdated.values)]
    )


def why_not_confirm(due: DueMessage, order: Order, facts: Facts, now: datetime) -> Reason | None:
    if order.placed_at is None:
        return Reason("order_unknown", {"order": order.shown_number})
    return cancelled(order) or refunded_in_full(order)


def why_not_contact_again(due: DueMessage, order: Order, facts: Facts, now: datetime) -> Reason | None:
    outdated = not_payable(order) or free(order) or reminders_ended(order)
    if outdated or order.placed_at is None:
        return outdated or Reason("order_unknown", {"order": order.shown_number})
    closed = order_closed(order, facts.shop.closes_at(order.placed_at), now)
    if closed:
        return closed
    heard = [chat.last_in_at for chat in facts.conversations if chat.last_in_at]
    answered_at = max((at for at in heard if at > order.placed_at), default=None)
    return Reason("buyer_answered", {"answered_at": iso(answered_at)}) if answered_at else None


POLICIES: MessagePolicies = {
    "order_confirmation": policy.service(
        why_not_confirm, opens_chat=True, samples=({"link": "https://shop.example/c/abc"}, {})
    ),
    "second_contact": policy.service(why_not_contact_again),
}

REASONS: Reasons = {"buyer_answered": ("answered_at",)}
