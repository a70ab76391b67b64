"""Invoices: what goes on one is asked for once, then a person makes it out."""

from datetime import timedelta

from bot.domain.actions import Action, Ask, OpenCase
from bot.domain.context import Context
from bot.domain.events import MessageReceived
from bot.domain.meanings import Meaning
from bot.domain.messages import MessagePolicies
from bot.domain.orders import Order
from bot.domain.reasons import Reasons
from bot.domain.talks import Asked
from handlers import message_policies as policy
from handlers.order_details import invoice_fields
from handlers.order_wishes import says_only
from handlers.questions import Question, Questions
from handlers.replies import SHOWN, answer

LAPSES = timedelta(days=1)
KIND = "invoice"
# What a message may be taken for that holds nothing but the fields.
FIELDS = frozenset(("unknown", "other", "invoice"))


def ask_for(order: Order, words: str, event: MessageReceived, context: Context) -> list[Action]:
    """Ask for the fields that the words do not hold, and nothing that the order holds."""
    if any(case.open and case.kind == KIND and case.order == order.id for case in context.cases):
        return [answer("noted", event)]
    fields = invoice_fields(words)
    if "title" in fields:
        return _passed_on(order, fields, words, event)
    kept = _kept(fields)
    return [
        answer("invoice_form", event, order, mailbox=_knows_mailbox(order)),
        Ask(question="invoice_fields", lapses=LAPSES, about={"order": order.id, **kept}),
    ]


def _filled_in(
    asked: Asked, meaning: Meaning, event: MessageReceived, context: Context
) -> list[Action] | None:
    """Whatever fields are given are passed on; a person asks for what is missing."""
    order = next((each for each in context.orders if each.id == asked.about.get("order")), None)
    if order is None:
        return None
    given = invoice_fields(event.text, asked=says_only(meaning, FIELDS))
    if not given:
        return None
    before = {name: str(asked.about[name]) for name in ("tax", "mailbox") if asked.about.get(name)}
    return _passed_on(order, {**before, **given}, event.text, event)


def _passed_on(order: Order, fields: dict[str, str], words: str, event: MessageReceived) -> list[Action]:
    case = OpenCase(
        kind="invoice",
        key=f"invoice:{order.id}:{event.channel}:{event.external_id}",
        reason="asked_invoice",
        details={"order": order.shown_number, **fields, "text": words[:SHOWN]},
        order=order.id,
    )
    return [case, answer("invoice_asked", event, order)]


def _kept(fields: dict[str, str]) -> dict[str, str | int | None]:
    return {name: fields[name] for name in ("tax", "mailbox") if name in fields}


def _knows_mailbox(order: Order) -> bool:
    return bool(order.contacts and order.contacts.known("email"))


QUESTIONS: Questions = {"invoice_fields": Question(LAPSES, _filled_in)}

POLICIES: MessagePolicies = {
    "invoice_form": policy.answer(about_order=True, samples=({"mailbox": False}, {"mailbox": True})),
    "invoice_asked": policy.answer(about_order=True),
}

REASONS: Reasons = {"asked_invoice": ("order", "title", "tax", "mailbox", "text")}
