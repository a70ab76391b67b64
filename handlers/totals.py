"""Totals that change after the confirmation: told once, with what that leaves to pay or to give back."""

from collections import Counter
from datetime import datetime, timedelta
from itertools import pairwise

from bot.domain.actions import Action, Say
from bot.domain.context import Context, Said
from bot.domain.messages import DueMessage, Facts, MessagePolicies, Reason
from bot.domain.money import Money
from bot.domain.orders import Order
from bot.domain.payment_news import THANKS
from bot.domain.payments import Shown
from bot.domain.platform_balance import outstanding
from bot.domain.reasons import Reasons
from handlers import message_policies as policy
from handlers.order_holds import ASKED_TO_CANCEL
from handlers.validity import arrived, cancelled, refunded_in_full

LOOKS_AGAIN = timedelta(hours=1)  # whether the buyer's wish to cancel is settled
WORTH_TELLING = timedelta(days=7)  # so long a person may take for it
MISSED = ":missed-"  # in the key of one that is told to who had stopped
_NAME_THE_TOTAL = (
    "order_confirmation",
    THANKS,
    "payment_reminder",
    "second_contact",
    "pay_way_changed",
    "total_changed",
)


def changes(order: Order) -> dict[tuple[Money, int], datetime]:
    """Each change to a total, the first, second, ... time to that total, and when it was shown first.

    More showings only add to the changes or make them earlier, so that the order of arrival does not matter.
    """
    found: dict[tuple[Money, int], datetime] = {}
    times = Counter[Money]()
    shown = sorted(order.shown, key=lambda each: (each.at, each.total))
    before, last = next((each.total for each in shown if each.asked), None), None
    for each in shown:
        if each.asked and (each.total != before or _asks_anew(last, each)):
            times[each.total] += 1
            found[each.total, times[each.total]] = each.at
        before, last = each.total if each.asked else before, each
    return found


def _asks_anew(last: Shown | None, shown: Shown) -> bool:
    """After money went back, more is asked for than before."""
    if last is None or shown.balance is None or not shown.balance.asks:
        return False
    return shown.balance.owed > outstanding(last)


def raised_from_nothing(order: Order) -> list[datetime]:
    """When an order that was free began to cost something."""
    shown = sorted((each.at, each.total) for each in order.shown if each.asked)
    return [at for (_, before), (at, total) in pairwise(shown) if before.minor == 0 < total.minor]


def announce(order: Order, context: Context) -> list[Action]:
    return [
        Say(
            template="total_changed",
            key=_key(order, total, nth),
            order=order.id,
            at=at,
            earliest=True,
        )
        for (total, nth), at in changes(order).items()
    ]


def announce_missed(order: Order, at: datetime) -> list[Action]:
    """Tell who hears of us again of a total that changed meanwhile, before they are asked for it."""
    times = [nth for total, nth in changes(order) if total == order.total]
    if order.total is None or order.left is None or not times:
        return []
    key = f"{_key(order, order.total, max(times))}{MISSED}{at:%Y%m%dT%H%M%S}"
    return [Say(template="total_changed", key=key, order=order.id, at=at)]


def again(nth: int) -> str:
    """What a name of a change to a total ends with."""
    return f":{nth}" if nth > 1 else ""


def _key(order: Order, total: Money, nth: int) -> str:
    return f"total_changed:{order.id}:{total.minor}{total.currency}{again(nth)}"


def why_not_announce(due: DueMessage, order: Order, facts: Facts, now: datetime) -> Reason | None:
    over = cancelled(order) or refunded_in_full(order) or arrived(order)
    return over or _changed_again(due, order) or _known(due, order, facts)


def _changed_again(due: DueMessage, order: Order) -> Reason | None:
    """Only the last change to the total of today stands."""
    newest = max((nth for total, nth in changes(order) if total == order.total), default=0)
    if order.total and due.key.partition(MISSED)[0] == _key(order, order.total, newest):
        return None
    return Reason("total_changed_again", {"order": order.shown_number})


def _known(due: DueMessage, order: Order, facts: Facts) -> Reason | None:
    """What was said last, or may have been, names this total; if nothing was, the confirmation names it. What
    is asked for anew since is news."""
    told = [
        (at, said.total)
        for said in facts.said
        if _names_the_total(said) and (at := said.sent_at or said.written_at)
    ]
    newest = max(told, key=lambda each: each[0], default=None)
    pairs = pairwise(sorted(order.shown, key=lambda each: (each.at, each.total)))
    anew = any(each.at == due.due_at and _asks_anew(last, each) for last, each in pairs)
    if anew and newest and newest[0] < due.due_at:
        return None
    if newest is None or newest[1] is None or newest[1] == order.total:
        return Reason("already_told", {"order": order.shown_number})
    return None


def _names_the_total(said: Said) -> bool:
    """Thanks name the sum that came, which is the total once nothing is left."""
    if said.template != THANKS or said.total is None or said.paid_sum is None:
        return said.template in _NAME_THE_TOTAL
    return said.paid_sum.currency == said.total.currency and said.paid_sum.minor >= said.total.minor


def not_while_cancelling(due: DueMessage, facts: Facts, now: datetime) -> tuple[datetime, Reason] | None:
    """While a person has not settled that the buyer wants to cancel, no other sum to pay is named."""
    wish = next(
        (case for case in facts.cases if case.reason == ASKED_TO_CANCEL and case.order == due.order), None
    )
    if wish is None or not wish.open:
        return None
    return now + LOOKS_AGAIN, Reason("case_open", {"number": wish.number})


POLICIES: MessagePolicies = {
    "total_changed": policy.service(
        why_not_announce,
        not_before=not_while_cancelling,
        lateness=WORTH_TELLING,
        variables=("order.total",),
    ),
}

REASONS: Reasons = {"total_changed_again": ("order",)}
