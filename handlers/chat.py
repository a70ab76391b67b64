"""Answers in the chat: one to each message, from what the buyer means; a person for everything else."""

from collections.abc import Callable

from bot.domain.actions import Action, CallHuman, Consent, OpenOrder
from bot.domain.context import Context
from bot.domain.events import MessageReceived
from bot.domain.messages import MessagePolicies
from bot.domain.orders import Order
from bot.domain.reasons import Reasons
from handlers import claims, order_proof
from handlers import message_policies as policy
from handlers.form import read_form
from handlers.meaning import MEANINGS, Meaning, recognise
from handlers.payment import covered_at
from handlers.replies import answer, human_called, quoted
from handlers.which_order import BEFORE_SHIPPING, PAYABLE, about_order, own_order

MENU = "menu:"  # the value of a button of ours: menu:where_is_order


def reply(event: MessageReceived, context: Context) -> list[Action]:
    """Reply at most once to a message. What a chat wants to hear is obeyed also while a person talks."""
    meaning = understand(event, context)
    wish = WISHES.get(meaning.name)
    opened = _opened(context) if wish is None else []
    if context.human_talks:
        return [wish(event)] if wish else opened
    if event.kind == "other" and wish is None:
        return _call("media_received", "media_received", event, context)
    if event.kind == "edit" and wish is None and meaning.name != "person":
        return []  # the first wording was answered already
    if meaning.reason == "empty":
        return []
    if opened:
        return [*opened, answer("where_is_order", event, context.linked_order)]
    fields = read_form(event.text) if wish is None and event.kind == "text" else {}
    if fields:
        return claims.take_form(fields, event, context)
    return ANSWERS[meaning.name](meaning, event, context)


def understand(event: MessageReceived, context: Context) -> Meaning:
    chosen = event.text.removeprefix(MENU)
    if event.kind == "button" and event.text.startswith(MENU) and chosen in MEANINGS:
        return Meaning(chosen, 1.0, "button")
    if event.kind == "other":
        caption = recognise(event.text, context.locale)
        return caption if caption.name in WISHES else _NONE
    return recognise(event.text, context.locale, context)


def _opened(context: Context) -> list[Action]:
    """Open the order whose signed link the message is."""
    order = context.linked_order
    return [OpenOrder(order=order.id, how="link")] if order else []


_NONE = Meaning("unknown", 0.0, "no text")


# About an order


def from_order(template: str, states: tuple[str, ...] | None = None) -> "Answer":
    """Answer from the order's facts. A buyer who also says that they paid has claimed a payment."""

    def reply_about(meaning: Meaning, event: MessageReceived, context: Context) -> list[Action]:
        def of(order: Order) -> list[Action]:
            if "i_paid" in meaning.also and not covered_at(order):
                return claims.claim(order, event, context)
            return [answer(template, event, order)]

        return about_order(event, context, of, states)

    return reply_about


def when_ship(meaning: Meaning, event: MessageReceived, context: Context) -> list[Action]:
    """Without an order the answer is the shop's promise."""
    if not context.orders and not order_proof.numbers_in(event.text):
        return [answer("when_ship", event)]
    return from_order("when_ship", BEFORE_SHIPPING)(meaning, event, context)


# About the conversation itself


def stop(meaning: Meaning, event: MessageReceived, context: Context) -> list[Action]:
    """Record the wish; the answer says what holds, which may be a newer word that came before this one."""
    resumed_at = context.standing.resumed_at
    undone = resumed_at is not None and resumed_at > event.at
    said: list[Action] = [_stop(event), answer("resumed" if undone else "stopped", event)]
    order = own_order(event, context, PAYABLE) if "i_paid" in meaning.also else None
    if order is None or covered_at(order) or claims.claimed(order, context):
        return said
    return [*said, claims.claim_of(order, event)]


def resume(meaning: Meaning, event: MessageReceived, context: Context) -> list[Action]:
    """Record the wish whatever is known, because an older stop may still come; the answer is for one who had
    stopped."""
    if not context.standing.stopped:
        return [_resume(event), *hello(meaning, event, context)]
    return [_resume(event), answer("stopped" if _stopped_since(event, context) else "resumed", event)]


def no_offers(meaning: Meaning, event: MessageReceived, context: Context) -> list[Action]:
    holds = "stopped" if _stopped_since(event, context) else "offers_ended"
    return [_no_offers(event), answer(holds, event)]


def _stopped_since(event: MessageReceived, context: Context) -> bool:
    """True if a stop of the same time or a newer one stands, which a late word does not undo."""
    stopped_at = context.standing.stopped_at
    return stopped_at is not None and stopped_at >= event.at


def _stop(event: MessageReceived) -> Consent:
    return Consent(stop=True, at=event.at)


def _resume(event: MessageReceived) -> Consent:
    return Consent(stop=False, at=event.at)


def _no_offers(event: MessageReceived) -> Consent:
    """The smaller wish takes an earlier stop back: its answer offered this one instead."""
    return Consent(stop=False, promotions=False, at=event.at)


WISHES: dict[str, Callable[[MessageReceived], Consent]] = {
    "stop": _stop,
    "resume": _resume,
    "no_offers": _no_offers,
}


def hello(meaning: Meaning, event: MessageReceived, context: Context) -> list[Action]:
    return [answer("hello", event)]


def thanks(meaning: Meaning, event: MessageReceived, context: Context) -> list[Action]:
    return [answer("thanks", event)]


def nothing(meaning: Meaning, event: MessageReceived, context: Context) -> list[Action]:
    """No reply to "OK": it ends a conversation, and a reply would begin the next."""
    return []


def person(meaning: Meaning, event: MessageReceived, context: Context) -> list[Action]:
    return _call("human_coming", "asked_for_person", event, context)


def unknown(meaning: Meaning, event: MessageReceived, context: Context) -> list[Action]:
    """A number alone answers "which order?"; anything else is for a person."""
    if order_proof.only_numbers(event.text):
        return from_order("where_is_order")(meaning, event, context)
    nearer = recognise(order_proof.with_number_as_word(event.text), context.locale, context)
    if nearer.name in ABOUT_AN_ORDER:
        return ANSWERS[nearer.name](nearer, event, context)
    return _call("not_understood", "not_understood", event, context)


def _call(template: str, reason: str, event: MessageReceived, context: Context) -> list[Action]:
    """Reply once and open a case; stay silent while a case is open."""
    if human_called(context):
        return []
    details = {} if reason == "media_received" else quoted(event)
    return [answer(template, event), CallHuman(reason=reason, details=details)]


Answer = Callable[[Meaning, MessageReceived, Context], list[Action]]

ABOUT_AN_ORDER = ("where_is_order", "payment_status", "when_ship", "i_paid")

ANSWERS: dict[str, Answer] = {
    "where_is_order": from_order("where_is_order"),
    "payment_status": from_order("payment_status", BEFORE_SHIPPING),
    "when_ship": when_ship,
    "i_paid": claims.i_paid,
    "person": person,
    "stop": stop,
    "resume": resume,
    "no_offers": no_offers,
    "hello": hello,
    "thanks": thanks,
    "acknowledged": nothing,
    "unknown": unknown,
}

POLICIES: MessagePolicies = {
    "where_is_order": policy.answer(about_order=True),
    "payment_status": policy.answer(about_order=True),
    "when_ship": policy.answer(),
    "human_coming": policy.answer(),
    "not_understood": policy.answer(),
    "media_received": policy.answer(),
    "hello": policy.answer(),
    "thanks": policy.answer(),
    "stopped": policy.answer(),
    "resumed": policy.answer(),
    "offers_ended": policy.answer(),
}

REASONS: Reasons = {"asked_for_person": ("text",), "not_understood": ("text",), "media_received": ()}
