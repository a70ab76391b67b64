"""Changes of an order before it leaves: a case by which a person holds it, and nothing promised as done."""

from datetime import datetime, timedelta
from typing import Literal

from bot.domain.actions import Action, Ask, CloseCase, EndReminders, OpenCase, RemindAgain
from bot.domain.context import Case, Context
from bot.domain.events import MessageReceived
from bot.domain.meanings import Meaning
from bot.domain.messages import DueMessage, Facts, MessagePolicies, Reason
from bot.domain.orders import Order
from bot.domain.reasons import Reasons
from bot.domain.talks import Asked
from handlers import message_policies as policy
from handlers.order_details import has_address
from handlers.order_wishes import says_only
from handlers.questions import Question, Questions
from handlers.replies import SHOWN, answer, quoted
from handlers.taken_back import adds_order, corrected
from handlers.validity import arrived, cancelled, of_order, refunded_in_full, shipped

LAPSES = timedelta(hours=2)
KIND: Literal["order_change"] = "order_change"
ASKED_TO_CANCEL = "asked_to_cancel"
ASKED = (ASKED_TO_CANCEL, "asked_to_change", "asked_new_address", "asked_to_redirect")
ON_ITS_WAY = ("shipped", "partly_shipped")
# What a message may be taken for that only gives the details of a change.
DETAILS = frozenset(
    ("unknown", "other", "change_order", "change_address", "product_question", "size_fit", "stock", "price")
)


def cancel(
    order: Order, words: str, event: MessageReceived, context: Context, gone: bool = False
) -> list[Action]:
    """Hold it, and remind no more of paying for it. gone: it has left, and may not be stopped any more."""
    if _held(order, ASKED_TO_CANCEL, context):
        return [answer("noted", event)]
    return [
        EndReminders(order=order.id, at=event.at, until_kept=True),
        *_corrected(order, event, context),
        _case(ASKED_TO_CANCEL, order, words, event),
        answer("cancel_asked", event, order, gone=gone),
    ]


def change(order: Order, words: str, event: MessageReceived, context: Context) -> list[Action]:
    """Hold it; what is to be changed may follow in the next words."""
    if _held(order, "asked_to_change", context):
        return [answer("noted", event)]
    return [
        *_corrected(order, event, context),
        _case("asked_to_change", order, words, event),
        answer("order_change_asked", event, order),
        Ask(question="order_change", lapses=LAPSES, about={"order": order.id}),
    ]


def change_address(order: Order, words: str, event: MessageReceived, context: Context) -> list[Action]:
    """Hold it, or have the carrier asked; the new address is asked for where the words hold none."""
    if order.state not in ON_ITS_WAY and _left(order):
        return [answer("where_is_order", event, order)]
    reason = "asked_to_redirect" if order.state in ON_ITS_WAY else "asked_new_address"
    if _held(order, reason, context):
        return [answer("noted", event)]
    given = has_address(words)
    told: list[Action] = [
        *_corrected(order, event, context),
        _case(reason, order, words, event),
        answer("address_asked", event, order, given=given),
    ]
    return told if given else [*told, Ask(question="new_address", lapses=LAPSES, about={"order": order.id})]


def _corrected(order: Order, event: MessageReceived, context: Context) -> list[Action]:
    """Who says that they meant this wishes the former no more, of whichever order: its case must not be
    worked."""
    former = lately_asked(context)
    if former is None or corrected(event.text) is None:
        return []
    another = former.order != order.id
    return [] if another and adds_order(event.text) else take_back(former, order, event, context)


def take_back(former: Case, order: Order, event: MessageReceived, context: Context) -> list[Action]:
    """Close the case of a wish that was meant for `order`. Where that is another, the seller hears it as a
    case of its own, since they may have read the first already."""
    closed = CloseCase(key=former.key)
    first = next((each for each in context.orders if each.id == former.order), None)
    if first is None or first.id == order.id:
        return [closed]
    note = OpenCase(
        kind=KIND,
        key=f"meant_another:{first.id}:{event.channel}:{event.external_id}",
        reason="meant_another",
        details={"order": first.shown_number, "other": order.shown_number, **quoted(event)},
        order=first.id,
    )
    again = [RemindAgain(order=first.id)] if first.cancelling_since else []
    return [closed, note, *again]


def lately_asked(context: Context) -> Case | None:
    """The newest case of a change that was asked for a short time ago."""
    asked = (each for each in context.cases if each.open and each.reason in ASKED)
    newest = max(asked, key=lambda each: (each.opened_at, each.number), default=None)
    return newest if newest and context.now - newest.opened_at < LAPSES else None


def held(order: Order, context: Context) -> bool:
    """True while a person is asked to change, cancel or redirect it."""
    return any(_is_about(order, case) for case in (*context.cases, *context.others_cases))


def settled(case: Case, order: Order) -> bool:
    """True once a wish to cancel came true; whether an address was changed only a person knows."""
    return case.reason == ASKED_TO_CANCEL and (order.cancelled or order.refunded_in_full)


def _held(order: Order, reason: str, context: Context) -> bool:
    """The same was asked before; the words of now stand in that case."""
    return any(_is_about(order, case) and case.reason == reason for case in context.cases)


def _is_about(order: Order, case: Case) -> bool:
    return case.open and case.kind == KIND and case.order == order.id


def _left(order: Order) -> bool:
    return bool(order.shipped or order.done or order.cancelled)


def _case(reason: str, order: Order, words: str, event: MessageReceived) -> OpenCase:
    return OpenCase(
        kind="order_change",
        key=f"{reason}:{order.id}:{event.channel}:{event.external_id}",
        reason=reason,
        details={"order": order.shown_number, "text": words[:SHOWN]},
        order=order.id,
    )


def _told_address(
    asked: Asked, meaning: Meaning, event: MessageReceived, context: Context
) -> list[Action] | None:
    """An address, or words of no other meaning with a number in them; they stand in the open case."""
    vague = says_only(meaning, DETAILS) and any(sign.isdigit() for sign in event.text)
    given = has_address(event.text) or vague
    return [answer("noted", event)] if given and _waits(asked, context) else None


def _told_change(
    asked: Asked, meaning: Meaning, event: MessageReceived, context: Context
) -> list[Action] | None:
    given = says_only(meaning, DETAILS) and event.text
    return [answer("noted", event)] if given and _waits(asked, context) else None


def _waits(asked: Asked, context: Context) -> bool:
    """True while there is a case in which the words stand."""
    return any(case.open and case.order == asked.about.get("order") for case in context.cases)


QUESTIONS: Questions = {
    "new_address": Question(LAPSES, _told_address),
    "order_change": Question(LAPSES, _told_change),
}


def why_not_held(due: DueMessage, order: Order, facts: Facts, now: datetime) -> Reason | None:
    """Nothing is held that has left or was cancelled since; its own message tells of that."""
    if due.values.get("gone"):
        left = None if order.shipped else Reason("parcel_taken_back", {"order": order.shown_number})
    else:
        left = shipped(order)
    return left or why_not_redirected(due, order, facts, now)


def why_not_redirected(due: DueMessage, order: Order, facts: Facts, now: datetime) -> Reason | None:
    return arrived(order) or cancelled(order) or refunded_in_full(order)


POLICIES: MessagePolicies = {
    "cancel_asked": policy.answer(
        about_order=True, samples=({"gone": False}, {"gone": True}), check=of_order(why_not_held)
    ),
    "order_change_asked": policy.answer(about_order=True, check=of_order(why_not_held)),
    "address_asked": policy.answer(
        about_order=True, samples=({"given": True}, {"given": False}), check=of_order(why_not_redirected)
    ),
}

REASONS: Reasons = {
    ASKED_TO_CANCEL: ("order", "text"),
    "asked_to_change": ("order", "text"),
    "asked_new_address": ("order", "text"),
    "asked_to_redirect": ("order", "text"),
    "meant_another": ("order", "other", "text"),
}
