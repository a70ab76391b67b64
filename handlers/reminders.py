"""Payment reminders in steps, each true when it is said; afterwards the unpaid order goes to the seller."""

from datetime import datetime, timedelta

import msgspec

from bot.domain.actions import Action, OpenCase, Say, Unsay, WakeAt
from bot.domain.context import Context
from bot.domain.events import TimeCame
from bot.domain.messages import DueMessage, Facts, Reason
from bot.domain.orders import Order
from bot.domain.shop import Payment
from handlers.validity import amount, claimed, free, moment, not_payable

FORGOTTEN = timedelta(days=30)  # older facts come from an import; nobody waits for them any more


class Reminder(msgspec.Struct, frozen=True):
    at: datetime
    last: bool  # names the closing time


def reminder_times(placed_at: datetime, payment: Payment) -> list[Reminder]:
    """When to remind, earliest first, at most three, all before the order closes.

    A step nearer than `gap` to the one after it falls away; the last always stays.
    A wait of nothing means that there is no such step.
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
    untrue = not_payable(order)
    if untrue:
        actions.append(Unsay(prefix=f"payment_reminder:{order.id}:", why=untrue.code, values=untrue.values))
    return actions


def close(event: TimeCame, context: Context) -> list[Action]:
    """The time to pay is over: an order still unpaid is the seller's, with what was said so far."""
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
    """What was said about the order, in that order: template, state, time of sending."""
    about = [said for said in context.said if said.order == order.id]
    about.sort(key=lambda said: (said.sent_at is None, said.sent_at or context.now))
    return [
        f"{said.template} {said.state} {moment(said.sent_at) if said.sent_at else ''}".rstrip()
        for said in about
    ]


def still_unpaid(due: DueMessage, order: Order, facts: Facts, now: datetime) -> Reason | None:
    """Not after the order closed, and not a step whose successor's time has come as well."""
    untrue = not_payable(order) or free(order) or claimed(order, facts)
    if untrue or order.placed_at is None:
        return untrue or Reason("order_unknown", {"order": order.shown_number})
    closes_at = facts.shop.closes_at(order.placed_at)
    if now >= closes_at:
        return Reason("order_closed", {"order": order.shown_number, "closes_at": moment(closes_at)})
    times = reminder_times(order.placed_at, facts.shop.payment)
    if any(due.due_at < reminder.at <= now for reminder in times):
        lateness = int((now - due.due_at).total_seconds())
        return Reason("too_late", {"due_at": moment(due.due_at), "lateness": lateness})
    return None
