"""What a buyer hears of their return without asking: that it takes longer, and that it is settled."""

from datetime import datetime

from bot.domain.actions import Action, Say
from bot.domain.context import Case, Context
from bot.domain.events import TimeCame
from bot.domain.messages import DueMessage, Facts, MessagePolicies, Reason
from bot.domain.orders import Order
from bot.domain.reasons import Reasons
from handlers import message_policies as policy
from handlers.returns import KIND
from handlers.validity import cancelled, refunded_in_full

_ITEMS = {"choices": ["Teapot", "Mug"], "shop_pays": False}


def check(event: TimeCame, context: Context) -> list[Action]:
    """Say that it takes longer, unless a person has answered or it is done."""
    order = context.order
    case = next((case for case in context.cases if f"check_{case.key}" == event.external_id), None)
    if order is None or case is None or not case.open or case.answered_at is not None:
        return []
    return [Say(template="return_waiting", key=f"return_waiting:{case.key}", order=order.id)]


def tell_settled(case: Case) -> list[Action]:
    """Say that a return is settled, once a person has closed its case."""
    if case.kind != KIND or case.order is None:
        return []
    return [Say(template="return_settled", key=f"return_settled:{case.key}", order=case.order)]


def why_not_waiting(due: DueMessage, order: Order, facts: Facts, now: datetime) -> Reason | None:
    """Outdated once the return is done, or a person has answered."""
    case = next((each for each in facts.cases if each.kind == KIND and each.order == order.id), None)
    over = refunded_in_full(order) or cancelled(order)
    if over or case is None or not case.open:
        return over or Reason("return_done", {"order": order.shown_number})
    if case.answered_at is not None:
        return Reason("return_answered", {"order": order.shown_number})
    return None


def why_not_settled(due: DueMessage, order: Order, facts: Facts, now: datetime) -> Reason | None:
    """Where the money went back, that is said by a message of its own."""
    return refunded_in_full(order)


POLICIES: MessagePolicies = {
    "return_policy": policy.answer(variables=("returns",)),
    "return_offer": policy.answer(
        about_order=True,
        variables=("returns",),
        samples=(
            {**_ITEMS, "ways": ["refund", "replacement", "repair"]},
            {**_ITEMS, "ways": ["refund"], "shop_pays": True},
            {**_ITEMS, "ways": [], "choices": ["{{ bad }}" * 15]},
            {**_ITEMS, "ways": ["refund", "replacement"], "again": True},
            {"choices": [], "ways": ["replacement"], "shop_pays": False},
        ),
    ),
    "return_agreed": policy.answer(
        about_order=True,
        variables=("returns",),
        samples=tuple(
            {"way": way, "shop_pays": pays}
            for way in ("refund", "replacement", "size")
            for pays in (True, False)
        ),
    ),
    "made_good": policy.answer(
        about_order=True,
        variables=("returns",),
        samples=(
            {"way": "replacement", "ways": ["replacement", "refund"], "picture": True},
            {"way": "refund", "ways": ["refund"], "picture": False},
            {"way": "repair", "ways": ["repair"], "picture": True},
            {"way": "size", "ways": ["size", "replacement"], "picture": False},
        ),
    ),
    "return_refused": policy.answer(
        about_order=True,
        variables=("returns",),
        samples=tuple({"why": why} for why in ("excluded", "used", "none_taken")),
    ),
    "return_passed_on": policy.answer(
        about_order=True,
        samples=(
            {"sorry": True, "late": False},
            {"sorry": False, "late": False},
            {"sorry": False, "late": True},
        ),
    ),
    "return_open": policy.answer(about_order=True),
    "return_dropped": policy.answer(about_order=True),
    "picture_wanted": policy.answer(about_order=True),
    "return_waiting": policy.service(why_not_waiting),
    "return_settled": policy.service(why_not_settled),
}

REASONS: Reasons = {
    "return_agreed": ("order", "way", "items", "amount", "text"),
    "return_at_fault": ("order", "way", "items", "amount", "text"),
    "return_unclear": ("order", "way", "items", "amount", "text"),
    "return_undecided": ("order", "way", "items", "text"),
    "return_too_late": ("order", "way", "items", "text"),
    "return_done": ("order",),
    "return_answered": ("order",),
}
