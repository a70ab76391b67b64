"""A checkout that was left: one question whether something went wrong, one reminder; an order ends both.

Both are offers: they go to addresses that agreed to these alone, and count towards the cap on offers.
"""

from datetime import datetime, timedelta

from bot.domain.actions import Action, Say, Value
from bot.domain.context import Context
from bot.domain.events import CheckoutAbandoned
from bot.domain.messages import DueMessage, Facts, MessagePolicies, Reason
from bot.domain.reasons import Reasons
from handlers import message_policies as policy
from handlers.validity import iso

AT_LEFT = "left_at"  # among the values: when the checkout was left, in seconds since 1970
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
            key=f"checkout:{event.channel}:{event.checkout}:{step}",
            at=event.at + wait,
            values={**values, "step": step, "last": step > 1},
        )
        for step, wait in enumerate(steps, start=1)
    ]


def why_not_ask(due: DueMessage, facts: Facts, now: datetime) -> Reason | None:
    """Outdated by any order since, and while nobody asks about checkouts any more."""
    if not facts.shop.followups.checkout:
        return Reason("checkout_not_asked")
    left_at = float(due.values[AT_LEFT])
    for order in facts.orders:
        if order.placed_at and order.placed_at.timestamp() >= left_at - BEFORE.total_seconds():
            values = {"order": order.shown_number, "placed_at": iso(order.placed_at)}
            return Reason("ordered_since", values)
    return None


POLICIES: MessagePolicies = {
    "checkout_question": policy.promotion(
        why_not_ask,
        variables=("step", "last"),
        samples=(
            {"step": 1, "last": False, AT_LEFT: 0, "amount_minor": 6000, "currency": "CNY"},
            {"step": 2, "last": True, AT_LEFT: 0},
        ),
    )
}

REASONS: Reasons = {"ordered_since": ("order", "placed_at"), "checkout_not_asked": ()}
