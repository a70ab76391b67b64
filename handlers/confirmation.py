"""The confirmation of an order, and a second contact if an unpaid one is met with silence."""

from datetime import datetime, timedelta

from bot.domain.actions import Action, Say, Unsay
from bot.domain.context import Context
from bot.domain.messages import DueMessage, Facts, MessagePolicies, Reason
from bot.domain.orders import Order
from bot.domain.payment_term import begins_at
from bot.domain.reasons import Reasons
from handlers import message_policies as policy
from handlers import reminders
from handlers.validity import (
    cancelled,
    claimed,
    free,
    iso,
    not_payable,
    on_account,
    refunded_in_full,
    reminders_ended,
)

MINUTES_AGO = timedelta(minutes=15)  # an order so new is confirmed at once, at night too: its buyer is awake
LOOKED_BACK_TO = ("order_confirmation", "payment_reminder")


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
            earliest=True,
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
        earliest=True,
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
    outdated = cancelled(order) or refunded_in_full(order)
    if outdated is None and any(said.template == "cancelled" and said.sent_at for said in facts.said):
        return Reason("order_reopened", {"order": order.shown_number})  # which tells how it goes on
    return outdated


def why_not_contact_again(due: DueMessage, order: Order, facts: Facts, now: datetime) -> Reason | None:
    outdated = not_payable(order) or free(order) or on_account(order)
    outdated = outdated or reminders_ended(order, facts.conversations) or claimed(order, facts)
    if outdated or order.placed_at is None:
        return outdated or Reason("order_unknown", {"order": order.shown_number})
    closed = reminders.order_closed(order, facts, now)
    if closed:
        return closed
    if not any(said.sent_at and said.template in LOOKED_BACK_TO for said in facts.said):
        return Reason("nothing_said", {"order": order.shown_number})
    heard = [chat.last_in_at for chat in facts.conversations if chat.last_in_at]
    answered_at = max((at for at in heard if at > order.placed_at), default=None)
    return Reason("buyer_answered", {"answered_at": iso(answered_at)}) if answered_at else None


def not_yet_again(due: DueMessage, facts: Facts, now: datetime) -> tuple[datetime, Reason] | None:
    """Silence counts from what was said, and no two messages about money come in one breath."""
    order = facts.order
    begins = begins_at(order, facts.said, now) if order else None
    if order is None or begins is None:
        return None
    at = max(begins + facts.shop.followups.second_contact, reminders.one_breath_over(facts, now))
    return (at, Reason("said_lately", {"order": order.shown_number, "until": iso(at)})) if now < at else None


POLICIES: MessagePolicies = {
    "order_confirmation": policy.confirmation(
        why_not_confirm,
        opens_chat=True,
        fresh=MINUTES_AGO,
        samples=({"link": "https://shop.example/c/abc"}, {}),
    ),
    "second_contact": policy.service(why_not_contact_again, not_before=not_yet_again),
}

REASONS: Reasons = {"buyer_answered": ("answered_at",), "nothing_said": ("order",)}
