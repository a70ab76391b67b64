"""A checkout that was left: one question whether something went wrong, one reminder; an order ends both.

Both are offers: they go to addresses that agreed to these alone, and count towards the cap on offers. Each
telling of a checkout queues both; the facts decide which is said, whatever the order of arrival: of a
checkout its newest telling, and of a buyer's checkouts the one that was left last.
"""

import re
from datetime import datetime, timedelta

from bot.domain.actions import Action, Say, Value
from bot.domain.context import Context, Said
from bot.domain.events import CheckoutAbandoned
from bot.domain.messages import DueMessage, Facts, MessagePolicies, Reason
from bot.domain.reasons import Reasons
from handlers import message_policies as policy
from handlers.validity import iso

AT_LEFT = "left_at"  # among the values: when the checkout was left, in seconds since 1970
_KEY = re.compile(r"checkout:(.+):(\d):(\d{9,})", re.DOTALL)
REACHED = ("sent", "sending", "unknown")  # or may have
BEFORE = timedelta(hours=1)  # an order placed so long before may be the one that was left


def ask(event: CheckoutAbandoned, context: Context) -> list[Action]:
    """Queue both steps; what is true of them is judged when they are due."""
    waits = context.shop.followups
    if not waits.checkout:
        return []
    values: dict[str, Value] = {AT_LEFT: int(event.at.timestamp())}
    if event.total is not None:
        values |= {"amount_minor": event.total.minor, "currency": event.total.currency}
    steps = [waits.checkout, *([waits.checkout + waits.checkout_reminder] if waits.checkout_reminder else [])]
    return [
        Say(
            template="checkout_question",
            key=f"checkout:{event.channel}:{event.checkout}:{step}:{values[AT_LEFT]}",
            at=event.at + wait,
            values={**values, "step": step, "last": step > 1},
        )
        for step, wait in enumerate(steps, start=1)
    ]


def why_not_ask(due: DueMessage, facts: Facts, now: datetime) -> Reason | None:
    """Outdated by any order since, by a later checkout, once it was asked, and while nobody asks about
    checkouts any more; a reminder also if nothing was asked."""
    if not facts.shop.followups.checkout:
        return Reason("checkout_not_asked")
    left_at = float(due.values[AT_LEFT])
    for order in (*facts.orders, *facts.orders_alike):
        if order.placed_at and order.placed_at.timestamp() >= left_at - BEFORE.total_seconds():
            values = {"order": order.shown_number, "placed_at": iso(order.placed_at)}
            return Reason("ordered_since", values)
    return _said_better(due, facts.said)


def _said_better(due: DueMessage, said: tuple[Said, ...]) -> Reason | None:
    mine = _parts(due.key)
    if mine is None:
        return None
    checkout, step, left_at = mine
    others = [(parts, each) for each in said if each.key != due.key and (parts := _parts(each.key))]
    if any((at, name) > (left_at, checkout) for (name, _, at), _ in others):
        return Reason("checkout_left_later")
    reached = {(name, number) for (name, number, _), each in others if each.state in REACHED}
    if (checkout, step) in reached:
        return Reason("checkout_asked")
    if step > 1 and (checkout, 1) not in reached:
        return Reason("checkout_never_asked")
    return None


def _parts(key: str) -> tuple[str, int, int] | None:
    """The checkout, the step, and when it was left; None for another offer, or one of an older version."""
    found = _KEY.fullmatch(key)
    return (found[1], int(found[2]), int(found[3])) if found else None


POLICIES: MessagePolicies = {
    "checkout_question": policy.promotion(
        why_not_ask,
        looks_back=True,
        variables=("step", "last"),
        samples=(
            {"step": 1, "last": False, AT_LEFT: 0, "amount_minor": 6000, "currency": "CNY"},
            {"step": 2, "last": True, AT_LEFT: 0},
        ),
    )
}

REASONS: Reasons = {
    "ordered_since": ("order", "placed_at"),
    "checkout_not_asked": (),
    "checkout_left_later": (),
    "checkout_asked": (),
    "checkout_never_asked": (),
}
