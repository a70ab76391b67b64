"""Payment reminders in steps; an order still unpaid at closing becomes a case for the seller."""

from datetime import datetime, timedelta

import msgspec

from bot.domain import payment_term
from bot.domain.actions import Action, OpenCase, Say, Unsay, WakeAt
from bot.domain.context import Context
from bot.domain.events import TimeCame
from bot.domain.messages import DueMessage, Facts, MessagePolicies, Reason
from bot.domain.orders import Order
from bot.domain.payment_term import begins_at
from bot.domain.reasons import Reasons
from bot.domain.shop import Payment
from handlers import message_policies as policy
from handlers import totals
from handlers.validity import (
    amount,
    authorised,
    cancelled,
    claimed,
    free,
    iso,
    not_payable,
    on_account,
    on_delivery,
    paid,
    refunded,
    reminders_ended,
    waits_for_seller,
)
from handlers.validity import order_closed as closed_at

TO_SELLER = "seller_case"  # the template of what the seller is told, about an order or not
TOO_LATE = timedelta(hours=12)  # a night's quiet hours fit in
ONE_BREATH = timedelta(minutes=6)  # at least, between two messages about the same money
TOLD_BEFORE = (payment_term.TOLD_BY, "total_changed")  # before the sum is asked for
ABOUT_MONEY = (*TOLD_BEFORE, "payment_received", "payment_reminder", "second_contact")
WAITS_AGAIN = timedelta(days=1)  # an order that waits for the seller is looked at again
FORGOTTEN = timedelta(days=30)  # older facts come from an import, and need no follow-up


class Reminder(msgspec.Struct, frozen=True):
    at: datetime
    last: bool  # names the closing time


def reminder_times(
    placed_at: datetime, payment: Payment, closes_at: datetime | None = None
) -> list[Reminder]:
    """When to remind: at most three times, earliest first, all before the order closes.

    closes_at: if that is not simply `payment.close` after the order.

    A step nearer than `gap` to the next one is left out; the last always stays.
    A wait of zero means that there is no such step.
    """
    closes_at = closes_at or placed_at + payment.close
    times: list[Reminder] = []
    if timedelta(0) < payment.last_reminder < closes_at - placed_at:
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
            template=payment_term.REMINDED_BY,
            key=f"payment_reminder:{order.id}:{step}",
            order=order.id,
            at=reminder.at,
            earliest=True,
            values={"step": step, "steps": len(times), "last": reminder.last},
        )
        for step, reminder in enumerate(times, start=1)
    ]
    closes_at = context.shop.closes_at(order.placed_at)
    actions.append(
        WakeAt(key=f"unpaid_closed:{order.id}", at=closes_at, what="unpaid_closed", order=order.id)
    )
    for nth, at in enumerate(totals.raised_from_nothing(order), start=1):  # long after it was placed, maybe
        key = f"unpaid_closed:{order.id}:raised{totals.again(nth)}"
        closes_at = context.shop.closes_at(at)
        actions.append(WakeAt(key=key, at=closes_at, what="unpaid_closed", order=order.id))
    for nth, at in enumerate(order.restored_times, start=1):
        key = f"unpaid_closed:{order.id}:restored{totals.again(nth)}"
        closes_at = context.shop.closes_at(at)
        actions.append(WakeAt(key=key, at=closes_at, what="unpaid_closed", order=order.id))
    outdated = not_payable(order) or reminders_ended(order)
    if outdated:
        actions.append(
            Unsay(prefix=f"payment_reminder:{order.id}:", why=outdated.code, values=outdated.values)
        )
    return actions


def close(event: TimeCame, context: Context) -> list[Action]:
    """Open a case for an order still unpaid at closing, with what was sent about it. One that was on again
    since is reminded of nothing, and has its time anew."""
    order = context.order
    if order is None or order.placed_at is None or why_settled(order) or free(order):
        return []
    zone = context.shop.zone(context.buyer.timezone if context.buyer else None)
    closes_at = payment_term.closes_at(order, context.shop, context.said, zone, context.now)
    if closes_at is None:
        return []
    if order.restored_times:
        closes_at = max(closes_at, context.shop.closes_at(max(order.restored_times)))
    if max(context.now, event.at) < closes_at:  # told later than it was placed, or given more time since
        again = f"unpaid_closed:{order.id}:{int(closes_at.timestamp())}"
        return [WakeAt(key=again, at=closes_at, what="unpaid_closed", order=order.id)]
    if context.now - closes_at > FORGOTTEN:
        return []
    restored = len(order.restored_times)
    if waits_for_seller(order, context.cases, ("quote",)):  # the buyer was asked to wait for the new price
        later = context.now + WAITS_AGAIN
        again = f"unpaid_closed:{order.id}:{int(later.timestamp())}"
        return [WakeAt(key=again, at=later, what="unpaid_closed", order=order.id)]
    return [
        OpenCase(
            kind="unpaid",
            key=f"unpaid:{order.id}{':restored' * bool(restored)}{totals.again(restored or 1)}",
            reason="unpaid_closed",
            order=order.id,
            details={
                "order": order.shown_number,
                "amount": amount(order.total) if order.total else None,
                "history": history(order, context),
            },
        )
    ]


def why_settled(order: Order) -> Reason | None:
    """Why no money is waited for. Who sends an order that is not paid asks its buyer no more, and the money
    is still owed."""
    return paid(order) or authorised(order) or on_delivery(order) or cancelled(order) or refunded(order)


def history(order: Order, context: Context) -> list[str]:
    """List what was sent to the buyer about the order, oldest first: template, state, time of sending."""
    about = [said for said in context.said if said.order == order.id and said.template != TO_SELLER]
    about.sort(key=lambda said: (said.sent_at is None, said.sent_at or context.now))
    return [
        f"{said.template} {said.state} {iso(said.sent_at) if said.sent_at else ''}".rstrip() for said in about
    ]


def why_not_remind(due: DueMessage, order: Order, facts: Facts, now: datetime) -> Reason | None:
    """A step is outdated too once the order is closed, or the next step is due."""
    outdated = (
        not_payable(order)
        or free(order)
        or on_account(order)
        or reminders_ended(order, facts.conversations)
        or claimed(order, facts)
    )
    if outdated or order.placed_at is None:
        return outdated or Reason("order_unknown", {"order": order.shown_number})
    closed = order_closed(order, facts, now)
    if closed:
        return closed
    times = schedule(order, facts, now)
    own = _own(due, times)
    after = [reminder for reminder in times if own is None or reminder.at > own.at]
    if own is None or now > own.at + TOO_LATE or any(reminder.at <= now for reminder in after):
        due_at = own.at if own else due.due_at
        lateness = max(0, int((now - due_at).total_seconds()))
        return Reason("too_late", {"due_at": iso(due_at), "lateness": lateness})
    return None


def not_yet(due: DueMessage, facts: Facts, now: datetime) -> tuple[datetime, Reason] | None:
    """A step counts from what was said to the buyer, and comes in one breath with nothing about money."""
    order = facts.order
    own = _own(due, schedule(order, facts, now)) if order else None
    if order is None or own is None:
        return None
    breath_over = one_breath_over(facts, now)
    at = max(own.at, breath_over)
    why = "said_lately" if at == breath_over else "reminder_later"
    return (at, Reason(why, {"order": order.shown_number, "until": iso(at)})) if now < at else None


def schedule(order: Order, facts: Facts, now: datetime) -> list[Reminder]:
    """The reminders of an order as they are due by what its buyer was told."""
    begins, ends = begins_at(order, facts.said, now), _closes_at(order, facts, now)
    return reminder_times(begins, facts.shop.payment, ends) if begins and ends else []


def order_closed(order: Order, facts: Facts, now: datetime) -> Reason | None:
    ends = _closes_at(order, facts, now)
    return closed_at(order, ends, now) if ends else None


def one_breath_over(facts: Facts, now: datetime) -> datetime:
    """When enough time has passed since anything was said about the money of this order."""
    if any(said.template in TOLD_BEFORE and said.state in payment_term.OPEN for said in facts.said):
        return now + _breath(facts.shop.payment)  # it is still to be told
    gap, breath = facts.shop.payment.gap, _breath(facts.shop.payment)
    waits = [
        at + (breath if said.template == payment_term.TOLD_BY else max(gap, breath))
        for said in facts.said
        if (at := said.sent_at or said.written_at) and said.template in ABOUT_MONEY
    ]
    return max(waits, default=now)


def _breath(payment: Payment) -> timedelta:
    """ONE_BREATH, or less where the shop itself wants a reminder sooner than that."""
    return min((ONE_BREATH, *(wait for wait in payment.remind if wait)))


def _closes_at(order: Order, facts: Facts, now: datetime) -> datetime | None:
    zone = facts.shop.zone(facts.buyer.timezone)
    return payment_term.closes_at(order, facts.shop, facts.said, zone, now)


def _own(due: DueMessage, times: list[Reminder]) -> Reminder | None:
    """The time of this step: the last one is the last, whatever its number was when it was decided on."""
    if due.values.get("last"):
        return times[-1] if times and times[-1].last else None
    steps = [reminder for reminder in times if not reminder.last]
    place = int(due.values.get("step", 1)) - 1
    return steps[place] if place < len(steps) else None


POLICIES: MessagePolicies = {
    "payment_reminder": policy.payment(
        why_not_remind,
        not_before=not_yet,
        variables=("step", "steps", "last", "payment.closes_at"),
        samples=(
            {"step": 1, "steps": 3, "last": False},
            {"step": 2, "steps": 3, "last": False},
            {"step": 3, "steps": 3, "last": True},
            {"step": 1, "steps": 1, "last": True},
        ),
    ),
}

REASONS: Reasons = {
    "unpaid_closed": ("order", "amount", "history"),
    "said_lately": ("order", "until"),
    "reminder_later": ("order", "until"),
}
