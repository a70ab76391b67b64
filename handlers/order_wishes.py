"""Wishes about one order: which order is meant is asked and proved first, and remembered until it is."""

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial

import msgspec

from bot.domain.actions import Action, Ask, CallHuman, Say
from bot.domain.context import Context
from bot.domain.events import MessageReceived
from bot.domain.meanings import Meaning
from bot.domain.order_numbers import named
from bot.domain.orders import Order
from bot.domain.reasons import Reasons
from bot.domain.talks import Asked, Detail
from handlers import order_proof
from handlers.meaning import parts_of
from handlers.normalise import normalise
from handlers.questions import Answers, Question
from handlers.replies import answer, case_waiting, quoted
from handlers.taken_back import kept_numbers, names_wish, without_denied
from handlers.talk import open_question
from handlers.which_order import about_order, corrected_to, named_orders, shape

LAPSES = timedelta(minutes=30)
MOST_ASKED = 3  # times for which order; then a person is asked
SURE = 0.6  # the least probability of a meaning that surely is one of its own
KEPT = 500  # characters of a wish
MOST_KEPT = 3  # wishes that wait for one order
MOST_TOGETHER = 5  # answers to one wish about several orders; of more a person speaks
MOST_HELD = 20
ON_THEIR_WAY = ("partly_shipped", "shipped")  # of which it is said that they have left

_OR = re.compile(r"\bor\b|还是|或")
_ALL_NAMED = re.compile(r"都(?:请|帮我|给我)?(?:不想?要|取消|退)")
_EVERY = re.compile(
    r"\bboth(?: of)?(?: (?:them|these|those))?(?: my| the)?(?: orders?)?"
    r"(?= ?(?:[^\w ]|$)| (?:please|now|today|asap|any|to be|cancel\w*|except|but|apart)\b)"
    r"|\b(?:my|the|these|those|our) (?:two|three|four|[234]) orders\b"
    r"|\b(?:all|every)(?: of)?(?: (?:my|the|these|those|our))? orders?\b|\ball of (?:them|these|those)\b"
    r"|\bcancel (?:them all|all|everything)"
    r"(?= ?(?:[^\w ]|$)| (?:please|now|today|asap|any|to be|cancel\w*)\b)"
    r"|[两二三四几][个笔筆单张](?:订单)?.{0,4}(?:都|一起|全)|(?:取消|退掉|不要)(?:这|那)?[两二三四][个笔筆单张](?!商品|东西)"
    r"|(?:全部|全都?|所有的?)(?:订单|单子?)?(?:都|给我|帮我)?(?:取消|退|不要)|(?:取消|退掉)(?:全部|所有)"
    r"|除了?.{1,14}(?:都|全部?|其[他它余]).{0,4}(?:不想?要|取消|退)"
    r"|订单(?:都|全部?|全都)|^\W*都(?:不想?要|取消)了?吧?\W*$"
)

# (order, the words of the wish, message, context) -> actions
OfOrder = Callable[[Order, str, MessageReceived, Context], list[Action]]


class OrderWish(msgspec.Struct, frozen=True):
    """What to do once the order is known. states: of the order that is likeliest meant, where several are.

    of_each: of several that are named it is wished of each, as if they were named one after the other.
    """

    of: OfOrder
    states: tuple[str, ...] | None = None
    of_each: bool = False


Wishes = Mapping[str, OrderWish]  # by intent


def answers_of(question: str, wishes: Wishes) -> Answers:
    """Answers to these intents; question: the name of `question_of(question, wishes)` in the questions."""

    def of(intent: str, _: Meaning, event: MessageReceived, context: Context) -> list[Action]:
        wish, here = wishes[intent], _named_here(event.text, context)
        several = _meant_together(wish, event, context)
        if len(several) > 1 or (several and not here):
            return _of_each(wish, several, event, context)
        beside = len({order.shown_number for order in here}) > 1 or kept_numbers(event.text)
        meant = _wished_of(here, event.text) if len(here) > 1 else here
        if beside and len(meant) != 1:
            return ask_person("order_not_named", event, context)
        context = msgspec.structs.replace(context, orders=tuple(meant)) if beside else context
        waiting = waiting_for(question, context) | {intent: event.text}
        return _about(question, wishes, waiting, intent, 1, event, context)

    return {intent: partial(of, intent) for intent in wishes}


def _meant_together(wish: OrderWish, event: MessageReceived, context: Context) -> list[Order]:
    """The orders of which one thing is wished at once: all that are named beside it, or "both" of them."""
    if not wish.of_each or _OR.search(normalise(event.text)):
        return []
    named_here = _named_here(event.text, context)
    if len({order.shown_number for order in named_here}) > 1:
        wished = _wished_of(named_here, event.text)
        return wished or (named_here if _ALL_NAMED.search(normalise(event.text)) else [])
    kept = kept_numbers(event.text)
    numbers = [each for each in order_proof.numbers_in(event.text) if each.casefold() not in kept]
    if not _EVERY.search(normalise(event.text)) or numbers or not wish.states:
        return []
    left = [each for each in context.orders if not any(named(number, [each]) for number in kept)]
    return [each for each in left if each.state in (*wish.states, *ON_THEIR_WAY)]


def _named_here(text: str, context: Context) -> list[Order]:
    """The orders that are named, without those that are to stay as they are."""
    kept = kept_numbers(text)
    orders = named_orders(order_proof.numbers_in(text), context)
    return [each for each in orders if not any(named(number, [each]) for number in kept)]


def _of_each(wish: OrderWish, orders: list[Order], event: MessageReceived, context: Context) -> list[Action]:
    """Do it of each, with an answer for each that says what holds for that one. A person goes on where more
    would have to be asked than one question."""
    done = [(order, wish.of(order, event.text, event, context)) for order in orders[:MOST_HELD]]
    asks = sum(isinstance(action, Ask) for _, actions in done for action in actions)
    held = [action for _, actions in done for action in actions if not isinstance(action, Ask | Say)]
    if asks > 1 or len(orders) > MOST_TOGETHER:
        return [*held, *ask_person("order_not_named", event, context)]
    found: list[Action] = []
    for order, actions in done:
        for action in actions:
            if isinstance(action, Say) and action.order:
                action = msgspec.structs.replace(action, key=f"{action.key}:{order.id}")
            if action not in found:
                found.append(action)
    told = any(isinstance(each, Say) and each.order for each in found)
    return [each for each in found if not (told and isinstance(each, Say) and each.template == "noted")]


def _wished_of(orders: list[Order], text: str) -> list[Order]:
    """Those of these orders whose numbers stand beside a wish, "keep 1002 but cancel 1001", or take the place
    of one that does."""
    numbers = set(corrected_to(text))
    wished = False
    for part in () if numbers else parts_of(text):
        alone = order_proof.only_numbers(part)  # "cancel 1001 and 1002"
        wished = wished if alone else names_wish(normalise(without_denied(part)))
        numbers.update(order_proof.numbers_in(part) if wished else ())
    return [order for order in orders if any(named(number, [order]) for number in numbers)]


def question_of(question: str, wishes: Wishes) -> Question:
    """The question which order wishes are about; a number with digits answers it."""

    def answered(
        asked: Asked, meaning: Meaning, event: MessageReceived, context: Context
    ) -> list[Action] | None:
        waiting = {intent: words for intent, words in kept(asked.about).items() if intent in wishes}
        if not waiting or not order_proof.only_numbers(event.text):
            return None
        times = int(asked.about.get("times") or 1)
        newest = list(waiting)[-1]
        offered = order_proof.with_number_before(event, waiting[newest])
        return _about(question, wishes, waiting, newest, times + 1, offered, context)

    return Question(LAPSES, answered)


def ask_which(question: str, waiting: Mapping[str, str], times: int = 1) -> Ask:
    """waiting: the words of the wishes by their intents; of more than MOST_KEPT the newest are remembered."""
    about: dict[str, Detail] = {"times": times}
    for place, (intent, words) in enumerate(list(waiting.items())[-MOST_KEPT:]):
        about |= {_nth("intent", place): intent, _nth("text", place): words[:KEPT]}
    return Ask(question=question, lapses=LAPSES, about=about)


def waiting_for(question: str, context: Context) -> dict[str, str]:
    asked = open_question(context)
    return kept(asked.about) if asked and asked.question == question else {}


def kept(about: Mapping[str, Detail]) -> dict[str, str]:
    """The words of the wishes that wait for an order to be known, by their intents, the first first."""
    places = [place for place in range(MOST_KEPT) if about.get(_nth("intent", place))]
    return {str(about[_nth("intent", place)]): str(about.get(_nth("text", place)) or "") for place in places}


def _nth(name: str, place: int) -> str:
    return name if place == 0 else f"{name}{place + 1}"


def in_one_question(actions: list[Action]) -> list[Action]:
    """Several wishes of one message wait for the same order."""
    asks = [each for each in actions if isinstance(each, Ask) and kept(each.about)]
    if len({each.question for each in asks}) != 1 or len(asks) < 2:
        return actions
    waiting: dict[str, str] = {}
    for each in asks:
        waiting |= kept(each.about)
    rest = [each for each in actions if each not in asks]
    return [
        *rest,
        ask_which(asks[0].question, waiting, max(int(each.about.get("times") or 1) for each in asks)),
    ]


def _about(
    question: str,
    wishes: Wishes,
    waiting: dict[str, str],
    newest: str,
    times: int,
    event: MessageReceived,
    context: Context,
) -> list[Action]:
    """Do what waits once the order is known. newest: the wish that says which order is likeliest."""

    def of(order: Order) -> list[Action]:
        known = any(each.id == order.id for each in context.orders)
        meant = {newest: waiting[newest]} if known and times == 1 else _meant_for(order, waiting)
        rest = {intent: words for intent, words in waiting.items() if intent not in meant}
        asks: list[Action] = [ask_which(question, rest)] if rest else []
        done = (wishes[intent].of(order, words, event, context) for intent, words in meant.items())
        return [*asks, *(action for actions in done for action in actions)]

    decided = about_order(event, context, of, wishes[newest].states, named_alone=True)
    if not any(isinstance(each, Say) and each.template in ("which_order", "not_matched") for each in decided):
        return decided
    if times > MOST_ASKED:
        return [*order_proof.counted(decided), *ask_person("order_not_named", event, context)]
    return [*decided, ask_which(question, waiting, times)]


def _meant_for(order: Order, waiting: dict[str, str]) -> dict[str, str]:
    """Those that name no other order; all, where each does, for the buyer named this one instead."""
    return {intent: words for intent, words in waiting.items() if not _of_another(order, words)} or waiting


def _of_another(order: Order, words: str) -> bool:
    """True for a number that is called an order's, or is written as this one's is, and is another."""
    written = shape(order.shown_number)
    alike = (number for number in order_proof.uncalled_numbers_in(words) if shape(number) == written)
    numbers = (*order_proof.marked_numbers_in(words), *alike)
    return bool(numbers) and not any(named(number, (order,)) for number in numbers)


def says_only(meaning: Meaning, intents: frozenset[str]) -> bool:
    """True for words taken for one of these, or for nothing surely: they may be what we asked for."""
    return meaning.intent in intents or meaning.probability < SURE


def ask_person(reason: str, event: MessageReceived, context: Context) -> list[Action]:
    """Let a person go on where the bot would only ask again."""
    if case_waiting(context):
        return [answer("human_again", event)]
    return [answer("human_coming", event), CallHuman(reason=reason, details=quoted(event))]


REASONS: Reasons = {"order_not_named": ("text",)}
