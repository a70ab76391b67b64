"""Wishes about one order: which order is meant is asked and proved first, and remembered until it is."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial

import msgspec

from bot.domain.actions import Action, Ask, CallHuman, Say
from bot.domain.context import Context
from bot.domain.events import MessageReceived
from bot.domain.meanings import Meaning
from bot.domain.orders import Order
from bot.domain.reasons import Reasons
from bot.domain.talks import Asked
from handlers import order_proof
from handlers.questions import Answers, Question
from handlers.replies import answer, case_waiting, quoted
from handlers.which_order import about_order

LAPSES = timedelta(minutes=30)
MOST_ASKED = 3  # times for which order; then a person is asked
SURE = 0.6  # the least probability of a meaning that surely is one of its own
KEPT = 500  # characters of a wish

# (order, the words of the wish, message, context) -> actions
OfOrder = Callable[[Order, str, MessageReceived, Context], list[Action]]


class OrderWish(msgspec.Struct, frozen=True):
    """What to do once the order is known. states: of the order that is likeliest meant, where several are."""

    of: OfOrder
    states: tuple[str, ...] | None = None


Wishes = Mapping[str, OrderWish]  # by intent


def answers_of(question: str, wishes: Wishes) -> Answers:
    """Answers to these intents; question: the name of `question_of(question, wishes)` in the questions."""

    def of(intent: str, _: Meaning, event: MessageReceived, context: Context) -> list[Action]:
        return _about(question, wishes, intent, event.text, 1, event, context)

    return {intent: partial(of, intent) for intent in wishes}


def question_of(question: str, wishes: Wishes) -> Question:
    """The question which order a wish is about; a number with digits answers it."""

    def answered(
        asked: Asked, meaning: Meaning, event: MessageReceived, context: Context
    ) -> list[Action] | None:
        intent, words = str(asked.about.get("intent")), str(asked.about.get("text") or "")
        if intent not in wishes or not order_proof.only_numbers(event.text):
            return None
        times = int(asked.about.get("times") or 1)
        return _about(question, wishes, intent, words, times + 1, event, context)

    return Question(LAPSES, answered)


def _about(
    question: str,
    wishes: Wishes,
    intent: str,
    words: str,
    times: int,
    event: MessageReceived,
    context: Context,
) -> list[Action]:
    wish = wishes[intent]
    of = partial(_of, wish, words, event, context)
    decided = about_order(event, context, of, wish.states, named_alone=True)
    if not any(isinstance(each, Say) and each.template in ("which_order", "not_matched") for each in decided):
        return decided
    if times > MOST_ASKED:
        return [*order_proof.counted(decided), *ask_person("order_not_named", event, context)]
    about: dict[str, str | int | None] = {"intent": intent, "text": words[:KEPT], "times": times}
    return [*decided, Ask(question=question, lapses=LAPSES, about=about)]


def _of(wish: OrderWish, words: str, event: MessageReceived, context: Context, order: Order) -> list[Action]:
    return wish.of(order, words, event, context)


def says_only(meaning: Meaning, intents: frozenset[str]) -> bool:
    """True for words taken for one of these, or for nothing surely: they may be what we asked for."""
    return meaning.intent in intents or meaning.probability < SURE


def ask_person(reason: str, event: MessageReceived, context: Context) -> list[Action]:
    """Let a person go on where the bot would only ask again."""
    if case_waiting(context):
        return [answer("human_again", event)]
    return [answer("human_coming", event), CallHuman(reason=reason, details=quoted(event))]


REASONS: Reasons = {"order_not_named": ("text",)}
