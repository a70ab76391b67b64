"""Orders that become payable on delivery, or no longer are, after the buyer heard how to pay: told once."""

from collections import Counter
from datetime import datetime
from itertools import pairwise

from bot.domain.actions import Action, Say
from bot.domain.context import Context
from bot.domain.messages import DueMessage, Facts, MessagePolicies, Reason
from bot.domain.orders import Order
from bot.domain.reasons import Reasons
from handlers import message_policies as policy
from handlers import totals
from handlers.validity import arrived, authorised, cancelled, free, paid, refunded_in_full, shipped

TEMPLATE = "pay_way_changed"
_NAME_THE_WAY = (
    "order_confirmation",
    "payment_reminder",
    "payment_status",
    "second_contact",
    "total_changed",
    TEMPLATE,
)


def changes(order: Order) -> dict[tuple[bool, int], datetime]:
    """Each change to paying on delivery, or to another way, the first, second, ... time, and when it was
    shown first: more showings only add to them or make them earlier. Before the first that says so, the buyer
    may have been asked to pay."""
    found: dict[tuple[bool, int], datetime] = {}
    times = Counter[bool]()
    shown = sorted((each.at, each.on_delivery) for each in order.shown_money if each.on_delivery is not None)
    if shown and any(each.on_delivery is None for each in order.shown_money):
        shown.insert(0, (shown[0][0], False))
    for (_, before), (at, way) in pairwise(shown):
        if way != before:
            times[way] += 1
            found[way, times[way]] = at
    return found


def announce(order: Order, context: Context) -> list[Action]:
    """Report each change; whether it is news, and still so, is judged when that is said."""
    return [
        Say(
            template=TEMPLATE,
            key=f"{TEMPLATE}:{order.id}:{'delivery' if way else 'before'}{totals.again(nth)}",
            order=order.id,
            at=at,
            earliest=True,
        )
        for (way, nth), at in changes(order).items()
    ]


def why_not_announce(due: DueMessage, order: Order, facts: Facts, now: datetime) -> Reason | None:
    """Who owes a transfer is told that the carrier takes the money, also while the parcel is on its way."""
    left = None if order.on_delivery else shipped(order)
    over = cancelled(order) or refunded_in_full(order) or left or arrived(order)
    came = None if order.state in ("on_delivery", "partly_paid") and order.left else paid(order)
    return over or came or authorised(order) or free(order) or _known(order, facts)


def _known(order: Order, facts: Facts) -> Reason | None:
    """What was said last, or may have been, names this way; if nothing was, the confirmation names it."""
    told = [
        (at, said.on_delivery)
        for said in facts.said
        if said.template in _NAME_THE_WAY
        and said.on_delivery is not None
        and (at := said.sent_at or said.written_at)
    ]
    newest = max(told, default=None)
    if newest is None or newest[1] == order.on_delivery:
        return Reason("already_told", {"order": order.shown_number})
    return None


POLICIES: MessagePolicies = {TEMPLATE: policy.service(why_not_announce, variables=("order.total",))}

REASONS: Reasons = {}
