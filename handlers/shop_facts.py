"""Answers from the shop's own settings: how to pay, hours, contact, who answers; and thanks for praise."""

from bot.domain.actions import Action, CallHuman, OpenCase, Value
from bot.domain.context import Context
from bot.domain.events import MessageReceived
from bot.domain.meanings import Meaning
from bot.domain.messages import MessagePolicies
from bot.domain.orders import Order
from bot.domain.reasons import Reasons
from handlers import claims, pay_ways
from handlers import message_policies as policy
from handlers.payment import owes_nothing
from handlers.questions import Answers
from handlers.replies import answer, case_waiting, quoted
from handlers.validity import PAYMENT_FAILED, cannot_pay
from handlers.which_order import PAYABLE, about_order, own_order


def how_to_pay(meaning: Meaning, event: MessageReceived, context: Context) -> list[Action]:
    """With the sum and the reference of the order that is to be paid, where the buyer has one.

    Whether a way to pay can be had that no setting names only a person knows.
    """
    payment = context.shop.payment
    if not payment.accounts and not payment.link:
        return _ask_person(event, context)
    order = own_order(event, context, PAYABLE)
    if order is not None and (order.state not in PAYABLE or owes_nothing(order)):
        return claims.status(order, event)
    unsure = pay_ways.not_told(event.text, payment)
    if not unsure:
        return [answer("how_to_pay", event, order)]
    said = answer("how_to_pay", event, order, unsure=unsure)
    return [said] if case_waiting(context) else [said, _call(event)]


def payment_failed(meaning: Meaning, event: MessageReceived, context: Context) -> list[Action]:
    """A person helps whoever cannot pay. It is a case of its own for who waits for a person already, too,
    because the order is not reminded of while it is open."""
    order = own_order(event, context, PAYABLE)
    if order is None or order.state not in PAYABLE or cannot_pay(order, context.cases):
        return _ask_person(event, context)
    details: dict[str, Value] = {"order": order.shown_number, **quoted(event)}
    if not any(case.calls for case in context.cases):
        call = CallHuman(reason=PAYMENT_FAILED, order=order.id, details=details)
        return [answer("asking_person", event), call]
    key = f"{PAYMENT_FAILED}:{order.id}:{event.channel}:{event.external_id}"
    own = OpenCase(kind="human", key=key, reason=PAYMENT_FAILED, order=order.id, details=details)
    return [answer("human_again" if case_waiting(context) else "asking_person", event), own]


def own_sum(meaning: Meaning, event: MessageReceived, context: Context) -> list[Action]:
    """What an order comes to, and how it is paid while it is to be paid."""
    payment = context.shop.payment

    def of(order: Order) -> list[Action]:
        to_pay = order.state in PAYABLE and not owes_nothing(order) and (payment.accounts or payment.link)
        return [answer("how_to_pay", event, order)] if to_pay else claims.status(order, event)

    return about_order(event, context, of, PAYABLE)


def contact(meaning: Meaning, event: MessageReceived, context: Context) -> list[Action]:
    seller = context.shop.seller
    return [answer("contact", event)] if seller.contact else _ask_person(event, context)


def opening_hours(meaning: Meaning, event: MessageReceived, context: Context) -> list[Action]:
    known = context.shop.working_hours or context.shop.seller.contact
    return [answer("opening_hours", event)] if known else _ask_person(event, context)


def is_bot(meaning: Meaning, event: MessageReceived, context: Context) -> list[Action]:
    return [answer("is_bot", event)]


def praise(meaning: Meaning, event: MessageReceived, context: Context) -> list[Action]:
    return [answer("praise", event)]


def _ask_person(event: MessageReceived, context: Context) -> list[Action]:
    """The shop has not told us, so a person is asked."""
    if case_waiting(context):
        return [answer("human_again", event)]
    return [answer("asking_person", event), _call(event)]


def _call(event: MessageReceived) -> CallHuman:
    return CallHuman(reason="not_told_us", details=quoted(event))


ANSWERS: Answers = {
    "how_to_pay": how_to_pay,
    "payment_failed": payment_failed,
    "contact": contact,
    "opening_hours": opening_hours,
    "is_bot": is_bot,
    "praise": praise,
}

POLICIES: MessagePolicies = {
    "how_to_pay": policy.answer(samples=({}, {"unsure": ["PayPal", "LINE Pay"]})),
    "contact": policy.answer(),
    "opening_hours": policy.answer(),
    "is_bot": policy.answer(),
    "praise": policy.answer(),
    "asking_person": policy.answer(),
}

REASONS: Reasons = {"not_told_us": ("text",), PAYMENT_FAILED: ("order", "text")}
