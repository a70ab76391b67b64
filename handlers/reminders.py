"""Payment reminders in steps; an order still unpaid at closing becomes a case for the seller."""

from datetime import datetime, timedelta

import msgspec

from bot.domain.actions import Action, OpenCase, Say, Unsay, WakeAt
from bot.domain.context import Context
from bot.domain.events import TimeCame
from bot.domain.messages import DueMessage, Facts, MessagePolicies, Reason
from bot.domain.orders import Order
from bot.domain.reasons import Reasons
from bot.domain.shop import Payment
from handlers import message_policies as policy
from handlers.validity import amount, claimed, free, iso, not_payable, order_closed, reminders_ended

FORGOTTEN = timedelta(days=30)  # older facts come from an import, and need no follow-up


class Reminder(msgspec.Struct, frozen=True):
    at: datetime
    last: bool  # names the closing time


def reminder_times(placed_at: datetime, payment: Payment) -> list[Reminder]:
    """When to remind: at most three times, earliest first, all before the order closes.

    A step nearer than `gap` to the next one is left out; the last always stays.
    A wait of zero means that there is no such step.
    """
    closes_at = placed_at + payment.close
    times: list[Reminder] = []
    if timedelta(0) < payment.last_reminder < payment.close:
        times.append(Reminder(closes_at - payment.last_reminder, last=True))
    for wait in sorted(payment.remind, reverse=True):
        at = placed_at + wait
        before = times[0].at - payment.gap if times else None
        if wait > timedelta(0) and at < closes_at and (before is None or at <= before):
            times.insert(0, Reminder(at, last=False))
    return times


def remind(order: Order, context: Context) -> list[Action]:
    if order.placed_at is None:
        return []
    times = reminder_times(order.placed_at, context.shop.payment)
    actions: list[Action] = [
        Say(
            template="payment_reminder",
            key=f"payment_reminder:{order.id}:{step}",
            order=order.id,
            at=reminder.at,
            values={"step": step, "steps": len(times), "last": reminder.last},
        )
        for step, reminder in enumerate(times, start=1)
    ]
    closes_at = context.shop.closes_at(order.placed_at)
    actions.append(
        WakeAt(key=f"unpaid_closed:{order.id}", at=closes_at, what="unpaid_closed", order=order.id)
    )
    outdated = not_payable(order) or reminders_ended(order)
    if outdated:
        actions.append(
            Unsay(prefix=f"payment_reminder:{order.id}:", why=outdated.code, values=outdated.values)
        )
    return actions


def close(event: TimeCame, context: Context) -> list[Action]:
    """Open a case for an order still unpaid at closing, with what was sent about it."""
    order = context.order
    if order is None or order.placed_at is None or not_payable(order) or free(order):
        return []
    closes_at = context.shop.closes_at(order.placed_at)
    if max(context.now, event.at) < closes_at:  # the seller has given more time since
        again = f"unpaid_closed:{order.id}:{int(closes_at.timestamp())}"
        return [WakeAt(key=again, at=closes_at, what="unpaid_closed", order=order.id)]
    if context.now - closes_at > FORGOTTEN:
        return []
    return [
        OpenCase(
            kind="unpaid",
            key=f"unpaid:{order.id}",
            reason="unpaid_closed",
            order=order.id,
            details={
                "order": order.shown_number,
                "amount": amount(order.total) if order.total else None,
                "history": history(order, context),
            },
        )
    ]


def history(order: Order, context: Context) -> list[str]:
    """List what was sent about the order, oldest first: template, state, time of sending."""
    about = [said for said in context.said if said.order == order.id]
    about.sort(key=lambda said: (said.sent_at is None, said.sent_at or context.now))
    return [
        f"{said.template} {said.state} {iso(said.sent_at) if said.sent_at else ''}".rstrip() for said in about
    ]


def why_not_remind(due: DueMessage, order: Order, facts: Facts, now: datetime) -> Reason | None:
    """A step is outdated too once the order is closed, or the next step is due."""
    outdated = not_payable(order) or free(order) or reminders_ended(order) or claimed(order, facts)
    if outdated or order.placed_at is None:
        return outdated or Reason("order_unknown", {"order": order.shown_number})
    closed = order_closed(order, facts.shop.closes_at(order.placed_at), now)
    if closed:
        return closed
    times = reminder_times(order.placed_at, facts.shop.payment)
    if any(due.due_at < reminder.at <= now for reminder in times):
        lateness = int((now - due.due_at).total_seconds())
        return Reason("too_late", {"due_at": iso(due.due_at), "lateness": lateness})
    return None


POLICIES: MessagePolicies = {
    "payment_reminder": policy.payment(
        why_not_remind,
        variables=("step", "steps", "last", "payment.closes_at"),
        samples=(
            {"step": 1, "steps": 3, "last": False},
            {"step": 2, "steps": 3, "last": False},
            {"step": 3, "steps": 3, "last": True},
            {"step": 1, "steps": 1, "last": True},
        ),
    ),
}

REASONS: Reasons = {"unpaid_closed": ("order", "amount", "history")}
