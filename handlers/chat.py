"""Answers in the chat: one to each message, from what the buyer means; a person for everything else."""

from collections.abc import Callable

import msgspec

from bot.domain.actions import (
    TALKED_ABOUT,
    Action,
    Ask,
    CallHuman,
    CloseCase,
    Consent,
    CountTry,
    EndReminders,
    NoteBuyer,
    OpenCase,
    OpenOrder,
    RemindAgain,
    Say,
)
from bot.domain.context import Context
from bot.domain.events import AnswerOutdated, MessageReceived
from bot.domain.meanings import Meaning, Understanding
from bot.domain.messages import MessagePolicies
from bot.domain.orders import Order
from bot.domain.reasons import Reasons
from bot.domain.talks import Asked
from handlers import (
    about_items,
    after_sales,
    claimed_orders,
    claims,
    complaints,
    haggling,
    knowledge,
    late_shipping,
    lost_sale,
    order_proof,
    order_wishes,
    products,
    quotes,
    reminded,
    second_thoughts,
    shop_facts,
    totals,
    which_meaning,
)
from handlers import message_policies as policy
from handlers.answer_limit import limited
from handlers.awaited import noted, only_waits
from handlers.causes import not_here
from handlers.form import read_form
from handlers.language import in_letters, language_of
from handlers.meaning import EMPTY, ENDS_TALK, asks_beside_wish, recognise, says_paid
from handlers.normalise import normalise
from handlers.payment import owes_nothing
from handlers.questions import Answer, Answers, Question, Questions
from handlers.reading import read
from handlers.replies import answer, case_waiting, quoted
from handlers.stop import chooses_no_offers
from handlers.taken_back import wished_away, without_denied
from handlers.talk import QUESTION_ENDS, ends_a_wish, open_question, remembered, talk_of, told_anew
from handlers.which_order import BEFORE_SHIPPING, PAYABLE, about_order, named_order

SHIPPING_QUESTIONS = ("where_is_order", "when_ship")
ARRIVED = ("delivered", "completed")  # as the carrier says
MOST = 3  # answers to one message
CALLING = frozenset(("person", "complaint", "damaged_item"))  # what a person has to hear in any case
# What a picture's caption may say without being the matter: the picture is.
BESIDE_A_PICTURE = ("hello", "thanks", "acknowledged")


def reply(event: MessageReceived, context: Context) -> list[Action]:
    """Reply to a message in its own language, each of its wishes once, and not too often in a row."""
    read_alone = haggling.surely(context.understood or read(event, context.locale))
    understood = about_items.revised(read_alone, event, context)
    decided = told_anew(_with_claim(understood, event, context), event, context)
    given = limited(decided, _meant(understood), event, context)
    answers = [_in_language(action, event, context) for action in given]
    return remembered([*answers, *quotes.recognise(answers, context)], understood, event, context)


def reply_anew(event: AnswerOutdated, context: Context) -> list[Action]:
    """Reply again by the facts of now, leaving out what was answered already."""
    replied = reply(event, context)
    done = {*event.answered, "noted"}  # its words stand where they stood
    return [each for each in replied if not (isinstance(each, Say) and each.template in done)]


def _with_claim(understood: Understanding, event: MessageReceived, context: Context) -> list[Action]:
    """A payment that is claimed beside another matter counts, whatever that is."""
    if claimed_orders.only_claims(event):
        claimed = tuple(each for each in understood.meanings if each.intent in ABOUT_AN_ORDER)
        understood = msgspec.structs.replace(understood, meanings=claimed or understood.meanings)
    meanings = _meant(understood)
    if event.kind in ("text", "other"):
        claim, rest = claimed_orders.apart(event)
        if rest != event:
            understood = _but_for_the_claim(understood, rest)
        decided = decide(understood, rest, claimed_orders.claimed_first(meanings, event, context))
        decided = claims.beside(decided, meanings[0], claim, context) + claims.taken_back(event, context)
    else:
        decided = decide(understood, event, context)
    return _in_silence(decided, meanings, event, context) if context.human_talks else decided


def _but_for_the_claim(understood: Understanding, rest: MessageReceived) -> Understanding:
    """What the other words of a message mean, which are about another order than the one that is paid."""
    others = tuple(each for each in understood.meanings if each.intent != "i_paid")
    if others or not understood.meanings:
        return msgspec.structs.replace(understood, meanings=others)
    ruled = recognise(rest.text)
    if ruled.intent == "unknown" and wished_away(rest.text):
        ruled = msgspec.structs.replace(ruled, intent="cancel_order")
    return Understanding("hand_over" if ruled.intent == "unknown" else "answer", (ruled,))


def _in_silence(
    decided: list[Action], meanings: tuple[Meaning, ...], event: MessageReceived, context: Context
) -> list[Action]:
    """While a person talks the bot says nothing, and yet what was asked for counts, and nothing is lost:
    whoever asks for a person is on the list of who waits, and so is whoever writes to one of ours where no
    open case shows it."""
    kept = [action for action in decided if _counts(action)]
    intents = {meaning.intent for meaning in meanings}
    opened = any(isinstance(action, OpenCase) for action in kept)
    if "person" in intents or (CALLING & intents and not opened):
        return [*kept, CallHuman(reason="asked_for_person", details=quoted(event))]
    shown = opened or any(case.kind in TALKED_ABOUT for case in context.cases)
    asks = event.kind not in ("sticker", "edit") and not intents & {*ENDS_TALK, *WISHES}
    if shown or not asks or not talk_of(context).through_us:
        return kept
    return [*kept, CallHuman(reason="wrote_again", details=quoted(event))]


def _counts(action: Action) -> bool:
    """True for what holds an order, ends reminders, obeys or proves, of which nothing has to be said."""
    if isinstance(action, OpenCase):
        return action.kind in ("payment_claim", "order_change", "complaint")
    return action == QUESTION_ENDS or isinstance(
        action, (Consent, EndReminders, RemindAgain, CloseCase, OpenOrder, CountTry, NoteBuyer)
    )


def decide(understood: Understanding, event: MessageReceived, context: Context) -> list[Action]:
    """Decide on a reply."""
    if event.kind == "sticker":
        return []
    meanings = _meant(understood)
    meaning = meanings[0]
    second = second_thoughts.hear(event, context)
    wish = None if second and not meaning.reason.rule else WISHES.get(meaning.intent)
    opened = _opened(context) if wish is None else []
    urgent = complaints.alarmed(event, context)
    ended = _ended(meaning, event, context)
    if urgent:
        return [*([wish(event)] if wish else [*opened, *ended]), *urgent]
    if event.kind == "edit" and wish is None and meaning.intent not in EDITED:
        return []  # the first wording was answered already
    if second and wish is None:
        asks = _kept(second) and understood.outcome == "answer" and without_denied(event.text) != event.text
        beside = [each for each in meanings if asks and each.intent not in AGAINST_KEEPING]
        return [*opened, *ended, *second, *_each_once(tuple(beside), event, context)]
    asks_back = wish is None and not knowledge.word_for_word(context)
    answered = _to_question(meaning, event, context) if asks_back else None
    if answered is not None:
        return [*opened, *ended, *answered]
    empty = meaning.reason.rule == EMPTY
    if event.kind == "other" and (empty or meaning.intent in BESIDE_A_PICTURE):
        return _call("media_received", event, context)
    if empty or (wish is None and event.kind == "text" and ends_a_wish(event, context)):
        return []
    if opened:
        return [*opened, answer("where_is_order", event, context.linked_order)]
    told = wish is None and event.kind in ("text", "other")
    fields = (read_form(event.text) or claims.digits_alone(event, context)) if told else {}
    if fields:
        return [*ended, *claims.take_form(fields, event, context)]
    known = knowledge.reply(understood, event, context)
    if known is not None:
        return [*ended, *known]
    if understood.outcome == "ask":
        one = which_meaning.settled(meanings, context.shelf)
        if one is None:
            return [*ended, *which_meaning.ask(meanings, event)]
        meanings = (one,)
    return [*ended, *_each_once(meanings, event, context)]


def _kept(actions: list[Action]) -> bool:
    return any(isinstance(action, Say) and action.template == "order_kept" for action in actions)


def _meant(understood: Understanding) -> tuple[Meaning, ...]:
    """The meanings to answer, each knowing of the others; `unknown` if none is sure. A person is called
    whether they are surely asked for or only likely.
    """
    asked = understood.outcome == "ask"
    meanings = understood.meanings[:MOST]
    if not meanings or (understood.guessed and not asked):
        return meanings[:1] if meanings and meanings[0].intent == "person" else (Meaning("unknown", 0.0),)
    intents = [each.intent for each in meanings]
    if len(meanings) == 1 or asked:
        return meanings
    return tuple(
        msgspec.structs.replace(each, also=(*each.also, *(name for name in intents if name != each.intent)))
        for each in meanings
    )


def _each_once(meanings: tuple[Meaning, ...], event: MessageReceived, context: Context) -> list[Action]:
    """Answer each meaning, and nothing twice."""
    decided = (action for meaning in meanings for action in _answer_to(meaning)(meaning, event, context))
    found: list[Action] = []
    for action in decided:
        if action not in found:
            found.append(action)
    return order_wishes.in_one_question(found)


def _answer_to(meaning: Meaning) -> Answer:
    """Whoever asks for the price and names one haggles."""
    haggles = meaning.intent == "price" and meaning.slots.offer
    return ANSWERS.get("discount" if haggles else meaning.intent, unknown)


def _to_question(meaning: Meaning, event: MessageReceived, context: Context) -> list[Action] | None:
    """What follows if these words answer what the bot asked; None if they do not, or if nothing is asked."""
    asked = open_question(context)
    if asked is None:
        return reminded.answered(event, context)
    if asked.question not in QUESTIONS:
        return None
    answered = QUESTIONS[asked.question].answered(asked, meaning, event, context)
    if answered is None or any(isinstance(action, Ask) for action in answered):
        return answered
    return [*answered, QUESTION_ENDS]


def _in_language(action: Action, event: MessageReceived, context: Context) -> Action:
    """Answer in the language of the question, where it shows one that we have; else in that of the words
    before it in this chat."""
    if not isinstance(action, Say) or not action.to:
        return action
    own = context.buyer.locale if context.buyer else None
    before = talk_of(context).written
    if before and before.startswith("zh") and in_letters(event.text):
        before = None  # they write in another language by now, whichever it is
    told = before or own or _told_with(context.orders)
    shown = None if event.kind == "button" else language_of(event.text, told, context.shop.locale)
    return msgspec.structs.replace(action, locale=shown or (None if told == own else told))


def _told_with(orders: tuple[Order, ...]) -> str | None:
    """The language of the newest order that names one: its buyer's, whose file may name none."""
    contacts = (order.contacts for order in orders if order.contacts)
    return next((locale for each in contacts if (locale := each.known("locale"))), None)


def _opened(context: Context) -> list[Action]:
    """Open the order whose signed link the message is."""
    order = context.linked_order
    return [OpenOrder(order=order.id, how="link")] if order else []


# About an order


def from_order(template: str, states: tuple[str, ...] | None = None) -> Answer:
    """Answer from the order's facts. A buyer who also says that they paid has claimed a payment."""

    def reply_about(meaning: Meaning, event: MessageReceived, context: Context) -> list[Action]:
        def of(order: Order) -> list[Action]:
            if says_paid(event.text) and not owes_nothing(order):
                return claims.claim_or_status(order, event, context)
            looked_into = claims.looked_into(order, template, event, context)
            if looked_into is not None:
                return looked_into
            asked = template in SHIPPING_QUESTIONS
            if asked and order.state in ARRIVED and not_here(normalise(event.text)):
                return complaints.complaint(meaning, event, context)
            late = late_shipping.ask_person(order, event, context) if asked else []
            unknown = order.state in ("payment_unclear", "unknown") or not asked
            return [
                answer(template, event, order),
                *late,
                *(claims.looked_after(order, event) if unknown else []),
            ]

        if says_paid(event.text) and len(claimed_orders.orders_meant(meaning, event, context)) > 1:
            return claims.i_paid(meaning, event, context)  # it may be any of them that was paid
        return about_order(event, context, of, states, named_alone=True)

    return reply_about


def when_ship(meaning: Meaning, event: MessageReceived, context: Context) -> list[Action]:
    """Without an order the answer is the shop's promise."""
    if not context.orders and not order_proof.numbers_in(event.text):
        return [answer("when_ship", event)]
    return from_order("when_ship", BEFORE_SHIPPING)(meaning, event, context)


def before_buying(meaning: Meaning, event: MessageReceived, context: Context) -> list[Action]:
    """When something would arrive that is not ordered yet: no more than the shop's promise is known."""
    if context.shop.payment.ships_within:
        return [answer("when_ship", event)]
    return products.ask_person(event, context)


def not_told(meaning: Meaning, event: MessageReceived, context: Context) -> list[Action]:
    """What no setting tells, whichever item it is asked of."""
    return products.ask_person(event, context)


def how_to_order(meaning: Meaning, event: MessageReceived, context: Context) -> list[Action]:
    """At the page of the item that is meant; with the quote that holds for it."""
    agreed = haggling.agreed_again(event, context)
    return [*agreed, *products.page(event, context, agreed=bool(agreed))]


# About the conversation itself


def stop(meaning: Meaning, event: MessageReceived, context: Context) -> list[Action]:
    """Record the wish and say what holds."""
    obeyed: list[Action] = [_stop(event), *_told("stopped", event, context)]
    return _with_question(obeyed, meaning, event, context)


def _told(template: str, event: MessageReceived, context: Context) -> list[Action]:
    """The answer to a wish; none to a word that is older than the one that stands, which was answered."""
    standing = context.standing
    stands_since = standing.stopped_at or standing.resumed_at
    return [] if stands_since and stands_since > event.at else [answer(template, event)]


def _with_question(
    obeyed: list[Action], meaning: Meaning, event: MessageReceived, context: Context
) -> list[Action]:
    """What is asked or wished beside it stands in a case: an answer could promise what is now withheld."""
    if asks_beside_wish(event.text):
        return [*obeyed, CallHuman(reason="not_understood", details=quoted(event))]
    return obeyed


def resume(meaning: Meaning, event: MessageReceived, context: Context) -> list[Action]:
    """Record the wish whatever is known, because an older stop may still come; the answer is for one who had
    stopped."""
    if not context.standing.stopped:
        return [_resume(event), *hello(meaning, event, context)]
    if _stopped_since(event, context):
        return [_resume(event), *_told("stopped", event, context)]
    missed = [say for order in context.orders for say in totals.announce_missed(order, event.at)]
    return [_resume(event), *_told("resumed", event, context), *missed]


def no_offers(meaning: Meaning, event: MessageReceived, context: Context) -> list[Action]:
    wish = _no_offers(event)
    stands = _stopped_since(event, context) or (wish.stop is None and context.standing.stopped)
    told = _told("stopped", event, context) if stands else [answer("offers_ended", event)]
    obeyed: list[Action] = [wish, *told]
    return _with_question(obeyed, meaning, event, context)


def _stopped_since(event: MessageReceived, context: Context) -> bool:
    """True if a stop of the same time or a newer one stands, which a late word does not undo."""
    stopped_at = context.standing.stopped_at
    return stopped_at is not None and stopped_at >= event.at


def _stop(event: MessageReceived) -> Consent:
    return Consent(stop=True, at=event.at)


def _resume(event: MessageReceived) -> Consent:
    return Consent(stop=False, at=event.at)


def _no_offers(event: MessageReceived) -> Consent:
    """The smaller wish takes an earlier stop back where it is in the words that the stop's answer offered."""
    stop = False if chooses_no_offers(normalise(event.text)) else None
    return Consent(stop=stop, promotions=False, at=event.at)


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
        numbers = ", ".join(_unknown_numbers(event, context))
        return [_first_answer("human_coming", event, context), _why_pressed(numbers, event)]
    numbers = ", ".join(order.shown_number for order in orders)
    return [answer("reminders_ended", event, orders[0]), _why_pressed(numbers, event, orders[0])]


def _why_pressed(numbers: str, event: MessageReceived, order: Order | None = None) -> CallHuman:
    reason = "asked_no_reminders" if order or not numbers else "asked_no_reminders_early"
    return CallHuman(
        reason=reason, details={"order": numbers, **quoted(event)}, order=order.id if order else None
    )


def _first_answer(template: str, event: MessageReceived, context: Context) -> Say:
    return answer("human_again" if case_waiting(context) else template, event)


def _ended(meaning: Meaning, event: MessageReceived, context: Context) -> list[Action]:
    """End the reminders that the buyer does not want."""
    if meaning.intent != "no_reminders" and "no_reminders" not in meaning.also:
        return []
    if numbers := _unknown_numbers(event, context):
        return [EndReminders(order=None, number=number, at=event.at) for number in numbers]
    ended = [order.id for order in _pressed(event, context)]
    every = [] if _named(event, context) else [None]
    return [EndReminders(order=order, at=event.at) for order in (*ended, *every)]


def _pressed(event: MessageReceived, context: Context) -> list[Order]:
    """The order that the buyer names, else all that they may be reminded of."""
    if named := _named(event, context):
        return [named]
    if _unknown_numbers(event, context):
        return []
    return [order for order in context.orders if order.state in PAYABLE]


def _unknown_numbers(event: MessageReceived, context: Context) -> tuple[str, ...]:
    """The order's numbers that the buyer names, if none of them is known here."""
    return () if _named(event, context) else order_proof.marked_numbers_in(event.text)


def _named(event: MessageReceived, context: Context) -> Order | None:
    return named_order(order_proof.numbers_in(event.text), context)


def unknown(meaning: Meaning, event: MessageReceived, context: Context) -> list[Action]:
    """A number alone answers "which order?"; anything else is for a person."""
    if order_proof.only_numbers(event.text):
        return from_order("where_is_order")(meaning, event, context)
    nearer = recognise(order_proof.with_number_as_word(event.text))
    if nearer.intent in ABOUT_AN_ORDER:
        return ANSWERS[nearer.intent](nearer, event, context)
    return _call("media_received" if event.kind == "other" else "not_understood", event, context)


def _call(reason: str, event: MessageReceived, context: Context) -> list[Action]:
    """Reply and open a case. While one waits, say that this stands in it too."""
    case = case_waiting(context)
    if case is None:
        return [
            answer(reason, event),
            CallHuman(kind="not_understood", reason=reason, details=quoted(event)),
        ]
    return [answer("human_again", event) if only_waits(event.text) else noted(case.key, event, context)]


# Who keeps an order wishes none of these, however near their words are to them.
AGAINST_KEEPING = frozenset(("cancel_order", "return_exchange", "refund_status"))
# What is heard also where it was put into a message later.
EDITED = ("person", "no_reminders", "complaint", "damaged_item")
ABOUT_AN_ORDER = ("where_is_order", "payment_status", "when_ship", "i_paid")

ANSWERS: Answers = {
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
    **after_sales.ANSWERS,
    **complaints.ANSWERS,
    **shop_facts.ANSWERS,
    **products.ANSWERS,
    **haggling.ANSWERS,
    about_items.BEFORE_BUYING: before_buying,
    about_items.HOW_TO_ORDER: how_to_order,
    about_items.OWN_SUM: shop_facts.own_sum,
    about_items.TAX: not_told,
}


def _chosen(asked: Asked, meaning: Meaning, event: MessageReceived, context: Context) -> list[Action] | None:
    """Answer the question that came before, now that it is known which of two was meant."""
    intent = which_meaning.chosen(asked, meaning, event)
    if intent is None:
        return None
    whole = msgspec.structs.replace(event, text=f"{asked.about['text']}\n{event.text}")
    return ANSWERS.get(intent, unknown)(msgspec.structs.replace(meaning, intent=intent), whole, context)


QUESTIONS: Questions = {
    "which_meaning": Question(which_meaning.LAPSES, _chosen),
    **claims.QUESTIONS,
    **complaints.QUESTIONS,
    **after_sales.QUESTIONS,
    **products.QUESTIONS,
    **lost_sale.QUESTIONS,
    **haggling.QUESTIONS,
}

POLICIES: MessagePolicies = {
    "where_is_order": policy.answer(about_order=True),
    "payment_status": policy.answer(about_order=True),
    "when_ship": policy.answer(),
    "human_coming": policy.answer(),
    "human_again": policy.answer(samples=({}, {"again": True})),
    "noted": policy.answer(samples=({}, {"again": True})),
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
    "asked_no_reminders_early": ("order", "text"),
    "not_understood": ("text",),
    "media_received": ("text",),
}
