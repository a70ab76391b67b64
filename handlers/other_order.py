"""The wish made just before, for another order: one that takes its place, "sorry, I meant 1002", or one more,
"and 1001 too", "the other one as well".

Only words that say nothing else are read so, Chinese first.
"""

from collections.abc import Callable

from bot.domain.actions import Action, CloseCase
from bot.domain.context import Case, Context
from bot.domain.events import MessageReceived
from bot.domain.order_numbers import named
from bot.domain.orders import Order
from handlers import after_sales, claims, order_holds
from handlers.claimed_orders import KIND, orders_owing
from handlers.order_proof import numbers_in
from handlers.taken_back import adds_order, corrects_order, denied_numbers, only_order, only_other
from handlers.talk import last_answer, open_question
from handlers.which_order import BEFORE_SHIPPING, named_orders


def _claimed(order: Order, words: str, event: MessageReceived, context: Context) -> list[Action]:
    return claims.claim_or_status(order, event, context)


# By the answer to the wish, which must be what was said last: the reasons of its case, and what is done.
_WISHES: dict[str, tuple[tuple[str, ...], Callable[..., list[Action]]]] = {
    "cancel_asked": ((order_holds.ASKED_TO_CANCEL,), after_sales.WISHES["cancel_order"].of),
    "order_change_asked": (("asked_to_change",), after_sales.WISHES["change_order"].of),
    "address_asked": (
        ("asked_new_address", "asked_to_redirect"),
        after_sales.WISHES["change_address"].of,
    ),
    "payment_claimed": (("payment_claimed",), _claimed),
}


def hear(event: MessageReceived, context: Context) -> list[Action]:
    """Do the same for the order that is named; [] where that is not sure, which leaves it to a person."""
    adds, corrects = adds_order(event.text), corrects_order(event.text)
    reasons, of = _WISHES.get(last_answer(context), ((), None))
    numbers = numbers_in(event.text)
    counted = not numbers and of is not None and only_other(event.text, paid=of is _claimed)
    if not counted and not ((adds or corrects) and only_order(event.text, numbers)):
        return []
    former = _former(reasons, context)
    if of is None or former is None:
        return []
    order = _other(former, context) if counted else _meant(former, event, context)
    if order is None:
        return []
    done = of(order, event.text, event, context)
    back = [] if adds or (counted and not corrects) else _taken_from(former, order, event, context)
    return [*(each for each in back if each not in done), *done]


def _former(reasons: tuple[str, ...], context: Context) -> Case | None:
    """The newest case of the wish; None if it was made of several orders, of which one must be chosen."""
    asked = open_question(context)
    if asked and asked.question == claims.WHICH:
        return None
    lately = (each for each in context.cases if each.open and each.reason in reasons)
    cases = [each for each in lately if context.now - each.opened_at < order_holds.LAPSES]
    return max(cases, key=lambda each: (each.opened_at, each.number), default=None)


def _meant(former: Case, event: MessageReceived, context: Context) -> Order | None:
    """The one other order of theirs that is named."""
    numbers = numbers_in(event.text)
    denied = denied_numbers(event.text)
    if not all(named(number, context.orders) for number in numbers):
        return None
    if any(each.id != former.order for each in named_orders(denied, context)):
        return None  # "1001, not 1002"
    others = [each for each in named_orders(numbers, context) if each.id != former.order]
    return others[0] if len(others) == 1 else None


def _other(former: Case, context: Context) -> Order | None:
    """The one other order of theirs of which the same could be wished."""
    others = [each for each in context.orders if each.id != former.order and each.state in BEFORE_SHIPPING]
    if former.kind == KIND:
        others = [each for each in others if each in orders_owing(context)]
    return others[0] if len(others) == 1 else None


def _taken_from(former: Case, order: Order, event: MessageReceived, context: Context) -> list[Action]:
    if former.kind == KIND:
        return [CloseCase(key=former.key)]  # nothing was changed: its money is waited for as before
    return order_holds.take_back(former, order, event, context)
