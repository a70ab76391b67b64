"""Totals that change after the confirmation: told once, with what that leaves to pay or to give back."""

from datetime import datetime

from bot.domain.actions import Action, Say
from bot.domain.context import Context
from bot.domain.messages import DueMessage, Facts, MessagePolicies, Reason
from bot.domain.money import Money
from bot.domain.orders import Order
from bot.domain.reasons import Reasons
from handlers import message_policies as policy
from handlers.validity import arrived, cancelled, refunded_in_full

_NAME_THE_TOTAL = (
    "order_confirmation",
    "payment_received",
    "payment_reminder",
    "second_contact",
    "total_changed",
)


def changes(order: Order) -> dict[Money, datetime]:
    """The totals that followed another one, and when each was shown first after that."""
    found: dict[Money, datetime] = {}
    seen: list[tuple[datetime, Money]] = sorted(
        (each.at, each.total) for each in order.shown_money if each.asked
    )
    for at, total in seen:
        if total not in found and any(was != total and shown_at < at for shown_at, was in seen):
            found[total] = at
    return found


def announce(order: Order, context: Context) -> list[Action]:
    return [
        Say(
            template="total_changed",
            key=_key(order, total),
            order=order.id,
            at=at,
            earliest=True,
        )
        for total, at in changes(order).items()
    ]


def _key(order: Order, total: Money) -> str:
    return f"total_changed:{order.id}:{total.minor}{total.currency}"


def why_not_announce(due: DueMessage, order: Order, facts: Facts, now: datetime) -> Reason | None:
    over = cancelled(order) or refunded_in_full(order) or arrived(order)
    return over or _changed_again(due, order) or _known(order, facts)


def _changed_again(due: DueMessage, order: Order) -> Reason | None:
    if order.total and due.key == _key(order, order.total):
        return None
    return Reason("total_changed_again", {"order": order.shown_number})


def _known(order: Order, facts: Facts) -> Reason | None:
    """What was said last names this total, or nothing was said: then the confirmation names it."""
    told = [
        (said.sent_at, said.total) for said in facts.said if said.template in _NAME_THE_TOTAL and said.sent_at
    ]
    newest = max(told, key=lambda each: each[0], default=None)
    if newest is None or newest[1] is None or newest[1] == order.total:
        return Reason("already_told", {"order": order.shown_number})
    return None


POLICIES: MessagePolicies = {
    "total_changed": policy.service(why_not_announce, variables=("order.total",)),
}

REASONS: Reasons = {"total_changed_again": ("order",)}
