"""Answers in the chat: one to each message, from what the buyer means; a person for everything else."""

import re
from collections.abc import Callable

import msgspec

from bot.domain.actions import Action, CallHuman, Consent, EndReminders, OpenOrder, Say
from bot.domain.context import Context
from bot.domain.events import MessageReceived
from bot.domain.messages import MessagePolicies
from bot.domain.orders import Order
from bot.domain.reasons import Reasons
from handlers import claims, late_shipping, order_proof
from handlers import message_policies as policy
from handlers.answer_limit import limited
from handlers.form import read_form
from handlers.language import language_of
from handlers.meaning import MEANINGS, Meaning, recognise
from handlers.payment import owes_nothing
from handlers.replies import answer, case_waiting, quoted
from handlers.which_order import BEFORE_SHIPPING, PAYABLE, about_order, named_order, own_order

SHIPPING_QUESTIONS = ("where_is_order", "when_ship")
MENU = "menu:"  # the value of a button of ours: menu:where_is_order
START_LINK = 30  # characters behind /start from which on it is a link of ours, if an old one
_COMMAND = re.compile(r"^\s*/([a-z_]{1,32})(?:@\w{1,64})?(?:\s+(\S.*))?\s*$", re.IGNORECASE | re.DOTALL)

# Which commands of a chat program mean what; any other is answered with what one may ask.
COMMANDS = {"start": "resume", "stop": "stop", "help": "hello", "human": "person", "agent": "person"}

# What a picture's caption may say without being the matter: the picture is.
BESIDE_A_PICTURE = ("hello", "thanks", "acknowledged")


def reply(event: MessageReceived, context: Context) -> list[Action]:
    """Reply at most once to a message, in its own language, and not too often in a row."""
    return [
        _in_language(action, event, context) for action in limited(decide(event, context), event, context)
    ]


def decide(event: MessageReceived, context: Context) -> list[Action]:
    """Decide on a reply. Requests to stop, or not to be pressed, are obeyed also while a person talks."""
    if event.kind == "sticker":
        return []
    meaning = understand(event, context)
    wish = WISHES.get(meaning.name)
    opened = _opened(context) if wish is None else []
    if context.human_talks:
        return [wish(event)] if wish else [*opened, *_ended(meaning, event, context)]
    if event.kind == "edit" and wish is None and meaning.name not in ("person", "no_reminders"):
        return []  # the first wording was answered already
    if event.kind == "other" and (meaning.reason == "empty" or meaning.name in BESIDE_A_PICTURE):
        return _call("media_received", event, context)
    if meaning.reason == "empty":
        return []
    if opened:
        return [*opened, answer("where_is_order", event, context.linked_order)]
    ended = _ended(meaning, event, context)
    fields = read_form(event.text) if wish is None and event.kind in ("text", "other") else {}
    if fields:
        return [*ended, *claims.take_form(fields, event, context)]
    return [*ended, *ANSWERS[meaning.name](meaning, event, context)]


def understand(event: MessageReceived, context: Context) -> Meaning:
    """What a message means; captions are read like any other words."""
    chosen = event.text.removeprefix(MENU)
    if event.kind == "button" and event.text.startswith(MENU) and chosen in MEANINGS:
        return Meaning(chosen, 1.0, "button")
    command = _COMMAND.match(event.text)
    if command:
        return _commanded(command[1].casefold(), command[2] or "")
    return recognise(event.text, context.locale, context)


def _commanded(name: str, more: str) -> Meaning:
    """/start with a link of ours that opens nothing any more asks for the order; any other greets."""
    if name == "start" and more:
        return Meaning("where_is_order" if len(more) >= START_LINK else "hello", 1.0, "start link")
    return Meaning(COMMANDS.get(name, "hello"), 1.0, "command")


def _in_language(action: Action, event: MessageReceived, context: Context) -> Action:
    """Answer in the language of the question, where it shows one that we have."""
    if not isinstance(action, Say) or not action.to:
        return action
    own = context.buyer.locale if context.buyer else None
    told = own or _told_with(context.orders)
    shown = None if event.kind == "button" else language_of(event.text, told, context.shop.locale)
    return msgspec.structs.replace(action, locale=shown or (None if own else told))


def _told_with(orders: tuple[Order, ...]) -> str | None:
    """The language of the newest order that names one: its buyer's, whose file may name none."""
    contacts = (order.contacts for order in orders if order.contacts)
    return next((locale for each in contacts if (locale := each.known("locale"))), None)


def _opened(context: Context) -> list[Action]:
    """Open the order whose signed link the message is."""
    order = context.linked_order
    return [OpenOrder(order=order.id, how="link")] if order else []


# About an order


def from_order(template: str, states: tuple[str, ...] | None = None) -> "Answer":
    """Answer from the order's facts. A buyer who also says that they paid has claimed a payment."""

    def reply_about(meaning: Meaning, event: MessageReceived, context: Context) -> list[Action]:
        def of(order: Order) -> list[Action]:
            if "i_paid" in meaning.also and not owes_nothing(order):
                return claims.claim(order, event, context)
            asked = template in SHIPPING_QUESTIONS
            late = late_shipping.ask_person(order, event, context) if asked else []
            return [answer(template, event, order), *late]

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
    if order is None or owes_nothing(order) or claims.claimed(order, context):
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
    """Whoever waits for a person and says hello again asks for them."""
    if case_waiting(context):
        return [answer("human_again", event)]
    return [answer("hello", event)]


def thanks(meaning: Meaning, event: MessageReceived, context: Context) -> list[Action]:
    return [answer("thanks", event)]


def nothing(meaning: Meaning, event: MessageReceived, context: Context) -> list[Action]:
    """No reply to "OK": it ends a conversation, and a reply would begin the next."""
    return []


def person(meaning: Meaning, event: MessageReceived, context: Context) -> list[Action]:
    """Always answered; while a case waits in other words, with the hours."""
    if case_waiting(context):
        return [answer("human_again", event)]
    return [answer("human_coming", event), CallHuman(reason="asked_for_person", details=quoted(event))]


def no_reminders(meaning: Meaning, event: MessageReceived, context: Context) -> list[Action]:
    """Say that the reminders end, and let a person know why; `_ended` ends them."""
    orders = _pressed(event, context)
    if not orders:
        return [_first_answer("human_coming", event, context), _why_pressed("", event)]
    numbers = ", ".join(order.shown_number for order in orders)
    return [answer("reminders_ended", event, orders[0]), _why_pressed(numbers, event, orders[0])]


def _why_pressed(numbers: str, event: MessageReceived, order: Order | None = None) -> CallHuman:
    details = {"order": numbers, **quoted(event)}
    return CallHuman(reason="asked_no_reminders", details=details, order=order.id if order else None)


def _first_answer(template: str, event: MessageReceived, context: Context) -> Say:
    return answer("human_again" if case_waiting(context) else template, event)


def _ended(meaning: Meaning, event: MessageReceived, context: Context) -> list[Action]:
    """End the reminders that the buyer does not want."""
    if meaning.name != "no_reminders" and "no_reminders" not in meaning.also:
        return []
    named = _named(event, context)
    ended = [named.id] if named else [*(order.id for order in _pressed(event, context)), None]
    return [EndReminders(order=order, at=event.at) for order in ended]


def _pressed(event: MessageReceived, context: Context) -> list[Order]:
    """The order that the buyer names, else all that they may be reminded of."""
    named = _named(event, context)
    return [named] if named else [order for order in context.orders if order.state in PAYABLE]


def _named(event: MessageReceived, context: Context) -> Order | None:
    return named_order(order_proof.numbers_in(event.text), context)


def unknown(meaning: Meaning, event: MessageReceived, context: Context) -> list[Action]:
    """A number alone answers "which order?"; anything else is for a person."""
    if order_proof.only_numbers(event.text):
        return from_order("where_is_order")(meaning, event, context)
    nearer = recognise(order_proof.with_number_as_word(event.text), context.locale, context)
    if nearer.name in ABOUT_AN_ORDER:
        return ANSWERS[nearer.name](nearer, event, context)
    return _call("media_received" if event.kind == "other" else "not_understood", event, context)


def _call(reason: str, event: MessageReceived, context: Context) -> list[Action]:
    """Reply and open a case. While one waits, say once a day that this stands in it too."""
    case = case_waiting(context)
    if case is None:
        return [
            answer(reason, event),
            CallHuman(kind="not_understood", reason=reason, details=quoted(event)),
        ]
    day = context.now.astimezone(context.shop.zone()).date().isoformat()
    return [msgspec.structs.replace(answer("noted", event), key=f"noted:{case.key}:{day}")]


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
    "no_reminders": no_reminders,
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
    "human_again": policy.answer(),
    "noted": policy.answer(),
    "reminders_ended": policy.answer(about_order=True),
    "not_understood": policy.answer(),
    "media_received": policy.answer(),
    "hello": policy.answer(),
    "thanks": policy.answer(),
    "stopped": policy.answer(),
    "resumed": policy.answer(),
    "offers_ended": policy.answer(),
}

REASONS: Reasons = {
    "asked_for_person": ("text",),
    "asked_no_reminders": ("order", "text"),
    "not_understood": ("text",),
    "media_received": ("text",),
}
