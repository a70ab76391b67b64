"""Claims of payment, in a sentence or in the filled-in pay form, which the seller confirms."""

import re
from datetime import timedelta
from typing import Literal

from bot.domain.actions import (
    Action,
    Ask,
    CallHuman,
    CloseCase,
    Consent,
    NoteBuyer,
    OpenCase,
    OpenOrder,
    Say,
    Value,
)
from bot.domain.context import Context
from bot.domain.events import MessageReceived
from bot.domain.meanings import Meaning
from bot.domain.messages import MessagePolicies
from bot.domain.orders import Order
from bot.domain.reasons import Reasons
from bot.domain.talks import Asked
from handlers import message_policies as policy
from handlers import order_proof
from handlers.meaning import says_paid
from handlers.normalise import normalise
from handlers.payment import owes_nothing
from handlers.questions import Question, Questions
from handlers.replies import answer, human_called, quoted
from handlers.talk import open_question
from handlers.which_order import PAYABLE, about_order, named_order, own_order

KIND: Literal["payment_claim"] = "payment_claim"
# What says of an order that waits for its payment that it does.
TELLS_OWED = frozenset(("where_is_order", "when_ship", "payment_status", "how_to_pay"))
WHICH = "claimed_order"  # the question which of several orders was paid
LAPSES = timedelta(days=1)
MOST = 5  # orders to choose from
_CARRIER = re.compile(
    r"快递|配送|司机|师傅|送货|取货|宅急便|超商"
    r"|\b(?:driver|courier|carrier|delivery (?:man|guy|person)|postman|postie)\b"
)


def i_paid(meaning: Meaning, event: MessageReceived, context: Context) -> list[Action]:
    def of(order: Order) -> list[Action]:
        if _has_come(order, meaning):
            return status(order, event)
        return claim_or_status(order, event, context)

    meant = _meant(meaning, event, context)
    if len(meant) > 1:
        return _which_of(meant, "payment_claimed", quoted(event), event, context)
    return of(meant[0]) if meant else about_order(event, context, of, PAYABLE)


def beside(decided: list[Action], meaning: Meaning, event: MessageReceived, context: Context) -> list[Action]:
    """What was decided, with the claim that stands beside the matter, and without a word of what is owed."""
    decides = any(isinstance(each, OpenCase) and each.kind == KIND for each in decided)
    if decides or not says_paid(event.text) or any(isinstance(each, OpenOrder) for each in decided):
        return decided
    own = own_order(event, context, PAYABLE)
    orders = _meant(meaning, event, context) or ([own] if own else [])
    meant = [each for each in orders if each.state in PAYABLE and not _has_come(each, meaning)]
    if not meant or any(owes_nothing(each) for each in meant):
        return decided
    claims = i_paid(meaning, event, context)
    ids = {each.id for each in meant}
    rest = [
        each
        for each in decided
        if not isinstance(each, Say) or each.template not in TELLS_OWED or each.order not in ids
    ]
    if any(isinstance(each, Consent) for each in decided):  # a wish has its own answer, and no other
        return [*rest, *(each for each in claims if isinstance(each, OpenCase))]
    return [*claims, *(each for each in rest if each not in claims)]


def _meant(meaning: Meaning, event: MessageReceived, context: Context) -> list[Order]:
    """The orders of which it may be said, where none is named: those that owe the sum which is, else all that
    owe anything; who says again what was said last means the same one."""
    named = order_proof.marked_numbers_in(event.text) or order_proof.is_pair(event.text)
    if named or named_order(order_proof.numbers_in(event.text), context):
        return []
    owing, amount = _owing(context), meaning.slots.amount
    exact = [each for each in owing if amount and each.left and each.left.decimal == amount]
    meant = (exact or owing)[:MOST]
    last = context.conversation.talk.order if context.conversation else None
    return [each for each in meant if each.id == last and claimed(each, context)] or meant


def _has_come(order: Order, meaning: Meaning) -> bool:
    """True if the sum that is named is the one that came: it is no news that it was sent."""
    paid, amount = order.paid, meaning.slots.amount
    return paid is not None and amount is not None and paid.minor > 0 and paid.decimal == amount


def _to_carrier(order: Order, event: MessageReceived) -> bool:
    """True for what the carrier was paid, so that nobody here has anything to look for."""
    if not order.on_delivery or not order.shipped:
        return False
    return order.state in ("delivered", "completed") or bool(_CARRIER.search(normalise(event.text)))


def _which_of(
    orders: list[Order], reason: str, details: dict[str, Value], event: MessageReceived, context: Context
) -> list[Action]:
    """Claim each until it is known which one was paid: none of them is reminded of meanwhile."""
    before = open_question(context)
    again = before is not None and before.question == WHICH
    claimed_by = before.about["message"] if before and again else event.external_id
    ids = "\n".join(order.id for order in orders)
    cases = [
        _case(order, event, reason, {"order": order.shown_number, **details})
        for order in orders
        if not claimed(order, context)
    ]
    choices = [order.shown_number for order in orders]
    return [
        *cases,
        answer("payment_claimed", event, choices=choices),
        Ask(question=WHICH, lapses=LAPSES, about={"orders": ids, "message": claimed_by}),
    ]


def _chosen(asked: Asked, meaning: Meaning, event: MessageReceived, context: Context) -> list[Action] | None:
    """The order that is named keeps the claim; the others are owed as before."""
    among = str(asked.about.get("orders")).split("\n")
    order = named_order(order_proof.numbers_in(event.text), context)
    if order is None or order.id not in among:
        return None
    others = {_key(id, event, str(asked.about.get("message"))) for id in among if id != order.id}
    closed = [CloseCase(key=case.key) for case in context.cases if case.key in others]
    return [*closed, *i_paid(meaning, event, context)]


def claim_or_status(order: Order, event: MessageReceived, context: Context) -> list[Action]:
    """A claim where money is waited for that somebody here can find."""
    settled = owes_nothing(order) or _to_carrier(order, event)
    return status(order, event) if settled else claim(order, event, context)


def status(order: Order, event: MessageReceived) -> list[Action]:
    """What is known of its payment; where nothing is, somebody looks."""
    return [answer("payment_status", event, order), *looked_after(order, event)]


def looked_after(order: Order, event: MessageReceived) -> list[CallHuman]:
    """Call a person for an order of which no record says whether it is paid: its text promises one."""
    known = order.paid_at or order.on_delivery or order.free or order.authorisation == "held"
    gone = order.state in ("partly_shipped", "shipped", "delivered", "completed") and not known
    if not gone and order.state not in ("payment_unclear", "unknown"):
        return []
    details: dict[str, Value] = {"order": order.shown_number, **quoted(event)}
    return [CallHuman(reason="asked_for_payment", order=order.id, details=details)]


def claim(order: Order, event: MessageReceived, context: Context) -> list[Action]:
    said = answer("payment_claimed", event, order)
    details: dict[str, Value] = {"order": order.shown_number, **quoted(event)}
    return [said] if claimed(order, context) else [_case(order, event, "payment_claimed", details), said]


def _case(order: Order, event: MessageReceived, reason: str, details: dict[str, Value]) -> OpenCase:
    """A claim that the seller rejected may be made again, so each message has a case of its own."""
    key = _key(order.id, event, event.external_id)
    return OpenCase(kind=KIND, key=key, reason=reason, order=order.id, details=details)


def _key(order: str, event: MessageReceived, message: str) -> str:
    return f"{KIND}:{order}:{event.channel}:{message}"


def claimed(order: Order, context: Context) -> bool:
    return any(case.kind == KIND and case.order == order.id and case.open for case in context.cases)


def take_form(fields: dict[str, str], event: MessageReceived, context: Context) -> list[Action]:
    """The filled-in form: a claim of payment for the seller to confirm; for a paid order, a note."""

    def of(order: Order) -> list[Action]:
        if owes_nothing(order):
            return [NoteBuyer(text=_as_note(fields)), *status(order, event)]
        case = _case(order, event, "form_filled", {**fields, "order": order.shown_number})
        return [case, answer("form_received", event, order)]

    order = _order_of_form(fields, event, context)
    if order:
        return of(order)
    several = [] if _numbers(fields, event) else _owing(context)
    if len(several) > 1:
        return _which_of(several[:MOST], "form_filled", {**fields}, event, context)
    named = fields.get("order") or order_proof.marked_numbers_in(event.text)
    proved = order_proof.prove(event, context, of) if named else []
    if any(isinstance(action, OpenOrder) for action in proved):
        return proved
    counted = order_proof.counted(proved)
    if human_called(context):
        return [*counted, NoteBuyer(text=_as_note(fields)), answer("form_received", event)]
    call = CallHuman(reason="form_filled", details={"order": "", **fields})
    return [*counted, answer("form_received", event), call]


def _as_note(fields: dict[str, str]) -> str:
    return "\n".join(f"{field}: {value}" for field, value in fields.items())


def _order_of_form(fields: dict[str, str], event: MessageReceived, context: Context) -> Order | None:
    """The order that the form names; else the only one that is still to be paid, or the newest if all are."""
    if numbers := _numbers(fields, event):
        return named_order(numbers, context)
    unpaid = _owing(context)
    if not unpaid and context.orders and owes_nothing(context.orders[0]):
        return context.orders[0]
    return unpaid[0] if len(unpaid) == 1 else None


def _numbers(fields: dict[str, str], event: MessageReceived) -> tuple[str, ...]:
    return (*order_proof.numbers_in(fields.get("order", "")), *order_proof.marked_numbers_in(event.text))


def _owing(context: Context) -> list[Order]:
    return [each for each in context.orders if each.state in PAYABLE and not owes_nothing(each)]


QUESTIONS: Questions = {WHICH: Question(LAPSES, _chosen)}

POLICIES: MessagePolicies = {
    "payment_claimed": policy.answer(samples=({}, {"choices": ["1001", "1002"]})),
    "form_received": policy.answer(),
}

REASONS: Reasons = {
    "payment_claimed": ("order", "text"),
    "asked_for_payment": ("order", "text"),
    "form_filled": ("order", "name", "bank", "digits", "amount", "time"),
}
