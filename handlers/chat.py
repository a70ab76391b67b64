"""The chat: what the buyer means, which order she speaks of, and one answer; a person for all the rest."""

from collections.abc import Callable

from bot.domain.actions import Action, CallHuman, Consent, CountTry, JoinBuyer, NoteBuyer, OpenCase, Value
from bot.domain.context import Context
from bot.domain.events import MessageReceived
from bot.domain.orders import Order
from handlers import order_proof
from handlers.form import read_form
from handlers.meaning import MEANINGS, Meaning, recognise
from handlers.order_proof import order_numbers_in as order_numbers_in
from handlers.payment import covered_at
from handlers.replies import answer, human_called, quoted

MENU = "menu:"  # the value of a button of ours: menu:where_is_order

_OVER = ("cancelled", "refunded", "completed", "delivered")
_PAYABLE = ("unpaid", "partly_paid")
_BEFORE_SHIPPING = (*_PAYABLE, "paid")


def reply(event: MessageReceived, context: Context) -> list[Action]:
    """One message in, at most one answer out. Her stop is heard always, also while a person talks."""
    meaning = understand(event, context)
    joined = _joined(context) if meaning.name != "stop" else []
    if context.human_talks:
        return [Consent(stop=True)] if meaning.name == "stop" else joined
    if event.kind == "other" and meaning.name != "stop":
        return _call("media_received", "media_received", event, context)
    if event.kind == "edit" and meaning.name not in ("stop", "person"):
        return []  # the first wording was answered already
    if meaning.reason == "empty":
        return []
    if joined:
        return [*joined, answer("where_is_order", event, context.named_order)]
    fields = read_form(event.text) if meaning.name != "stop" and event.kind == "text" else {}
    return take_form(fields, event, context) if fields else ANSWERS[meaning.name](meaning, event, context)


def understand(event: MessageReceived, context: Context) -> Meaning:
    chosen = event.text.removeprefix(MENU)
    if event.kind == "button" and event.text.startswith(MENU) and chosen in MEANINGS:
        return Meaning(chosen, 1.0, "button")
    if event.kind == "other":
        return (
            Meaning("stop", 1.0, "stop word")
            if recognise(event.text, context.locale).name == "stop"
            else _NONE
        )
    return recognise(event.text, context.locale, context)


def _joined(context: Context) -> list[Action]:
    """She came through the signed link of her order's confirmation."""
    order = context.named_order
    return [JoinBuyer(order=order.id)] if context.link_proved and order else []


_NONE = Meaning("unknown", 0.0, "no text")


# About an order


def own_order(event: MessageReceived, context: Context, states: tuple[str, ...] | None) -> Order | None:
    """The order the buyer means: the one she names, else her newest in one of `states`, else her newest."""
    numbers = order_proof.numbers_in(event.text)
    named = [
        order for order in context.orders for number in numbers if order_proof.is_number_of(number, order)
    ]
    if named:
        return named[0]
    if order_proof.marked_numbers_in(event.text):
        return None  # she names an order, but none of hers
    fitting = (order for order in context.orders if _fits(order, states))
    return next(fitting, context.orders[0] if context.orders else None)


def _fits(order: Order, states: tuple[str, ...] | None) -> bool:
    return order.state in states if states else order.state not in _OVER


def about_order(
    event: MessageReceived,
    context: Context,
    then: Callable[[Order], list[Action]],
    states: tuple[str, ...] | None = None,
) -> list[Action]:
    order = own_order(event, context, states)
    return then(order) if order else order_proof.prove(event, context, then)


def tell(template: str, states: tuple[str, ...] | None = None) -> "Answer":
    """Answer from the order's facts; who says in the same breath that she paid is taken at her word."""

    def told(meaning: Meaning, event: MessageReceived, context: Context) -> list[Action]:
        def of(order: Order) -> list[Action]:
            if "i_paid" in meaning.also and not covered_at(order):
                return claim(order, event, context)
            return [answer(template, event, order)]

        return about_order(event, context, of, states)

    return told


def when_ship(meaning: Meaning, event: MessageReceived, context: Context) -> list[Action]:
    """Who has no order yet hears the shop's promise."""
    if not context.orders and not order_proof.numbers_in(event.text):
        return [answer("when_ship", event)]
    return tell("when_ship", _BEFORE_SHIPPING)(meaning, event, context)


# Money


def i_paid(meaning: Meaning, event: MessageReceived, context: Context) -> list[Action]:
    def of(order: Order) -> list[Action]:
        if covered_at(order):
            return [answer("payment_status", event, order)]
        return claim(order, event, context)

    return about_order(event, context, of, _PAYABLE)


def claim(order: Order, event: MessageReceived, context: Context) -> list[Action]:
    said = answer("payment_claimed", event, order)
    return [said] if claimed(order, context) else [claim_of(order, event), said]


def claim_of(order: Order, event: MessageReceived) -> OpenCase:
    details: dict[str, Value] = {"order": order.shown_number, **quoted(event)}
    return claim_case(order, event, "payment_claimed", details)


def claim_case(order: Order, event: MessageReceived, reason: str, details: dict[str, Value]) -> OpenCase:
    """A claim the seller turned down may be made again, so each message has a case of its own."""
    key = f"payment_claim:{order.id}:{event.channel}:{event.external_id}"
    return OpenCase(kind="payment_claim", key=key, reason=reason, order=order.id, details=details)


def claimed(order: Order, context: Context) -> bool:
    return any(
        case.kind == "payment_claim" and case.order == order.id and case.open for case in context.cases
    )


def take_form(fields: dict[str, str], event: MessageReceived, context: Context) -> list[Action]:
    """The filled-in form: a claim of payment for the seller to confirm; for a paid order, a note."""

    def of(order: Order) -> list[Action]:
        if covered_at(order):
            return [NoteBuyer(text=_as_note(fields)), answer("payment_status", event, order)]
        case = claim_case(order, event, "form_filled", {**fields, "order": order.shown_number})
        return [case, answer("form_received", event, order)]

    order = _order_of_form(fields, event, context)
    if order:
        return of(order)
    named = fields.get("order") or order_proof.marked_numbers_in(event.text)
    proved = order_proof.prove(event, context, of) if named else []
    if any(isinstance(action, JoinBuyer) for action in proved):
        return proved
    counted = [action for action in proved if isinstance(action, CountTry)]
    if human_called(context):
        return [*counted, NoteBuyer(text=_as_note(fields)), answer("form_received", event)]
    call = CallHuman(reason="form_filled", details={"order": "", **fields})
    return [*counted, answer("form_received", event), call]


def _as_note(fields: dict[str, str]) -> str:
    return "\n".join(f"{field}: {value}" for field, value in fields.items())


def _order_of_form(fields: dict[str, str], event: MessageReceived, context: Context) -> Order | None:
    numbers = (*order_proof.numbers_in(fields.get("order", "")), *order_proof.marked_numbers_in(event.text))
    named = [
        order for order in context.orders for number in numbers if order_proof.is_number_of(number, order)
    ]
    unpaid = [order for order in context.orders if order.state in _PAYABLE]
    if named or numbers:
        return named[0] if named else None
    return unpaid[0] if len(unpaid) == 1 else None


# Wishes about the talk itself


def stop(meaning: Meaning, event: MessageReceived, context: Context) -> list[Action]:
    said: list[Action] = [Consent(stop=True), answer("stopped", event)]
    order = own_order(event, context, _PAYABLE) if "i_paid" in meaning.also else None
    if order is None or covered_at(order) or claimed(order, context):
        return said
    return [*said, claim_of(order, event)]


def resume(meaning: Meaning, event: MessageReceived, context: Context) -> list[Action]:
    if context.buyer is None or not context.buyer.stopped:
        return hello(meaning, event, context)
    return [Consent(stop=False), answer("resumed", event)]


def hello(meaning: Meaning, event: MessageReceived, context: Context) -> list[Action]:
    return [answer("hello", event)]


def thanks(meaning: Meaning, event: MessageReceived, context: Context) -> list[Action]:
    return [answer("thanks", event)]


def nothing(meaning: Meaning, event: MessageReceived, context: Context) -> list[Action]:
    """ "OK" ends a talk; answering it would begin the next."""
    return []


def person(meaning: Meaning, event: MessageReceived, context: Context) -> list[Action]:
    return _call("human_coming", "asked_for_person", event, context)


def unknown(meaning: Meaning, event: MessageReceived, context: Context) -> list[Action]:
    """The answer to "which order?" may have few words of its own; anything else is for a person."""
    if order_proof.only_numbers(event.text):
        return tell("where_is_order")(meaning, event, context)
    nearer = recognise(order_proof.with_number_as_word(event.text), context.locale, context)
    if nearer.name in ABOUT_AN_ORDER:
        return ANSWERS[nearer.name](nearer, event, context)
    return _call("not_understood", "not_understood", event, context)


def _call(template: str, reason: str, event: MessageReceived, context: Context) -> list[Action]:
    """A kind word and a person, once; while she is on her way nothing is said again."""
    if human_called(context):
        return []
    details = {} if reason == "media_received" else quoted(event)
    return [answer(template, event), CallHuman(reason=reason, details=details)]


Answer = Callable[[Meaning, MessageReceived, Context], list[Action]]

ABOUT_AN_ORDER = ("where_is_order", "payment_status", "when_ship", "i_paid")

ANSWERS: dict[str, Answer] = {
    "where_is_order": tell("where_is_order"),
    "payment_status": tell("payment_status", _BEFORE_SHIPPING),
    "when_ship": when_ship,
    "i_paid": i_paid,
    "person": person,
    "stop": stop,
    "resume": resume,
    "hello": hello,
    "thanks": thanks,
    "acknowledged": nothing,
    "unknown": unknown,
}
