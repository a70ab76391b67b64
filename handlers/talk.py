"""What a chat remembers from turn to turn, so that questions find their answers and nothing is said twice in
a row."""

import re
from datetime import timedelta

import msgspec
from rapidfuzz import fuzz

from bot.domain.actions import Action, Ask, CallHuman, KeepTalk, Say
from bot.domain.context import Context
from bot.domain.events import AnswerOutdated, MessageReceived
from bot.domain.meanings import POLITE, Understanding
from bot.domain.messages import MessagePolicies
from bot.domain.reasons import Reasons
from bot.domain.talks import NO_TALK, Asked, Talk
from handlers import message_policies as policy
from handlers.normalise import normalise
from handlers.order_proof import numbers_in
from handlers.replies import answer, case_waiting, quoted

GREETS_AGAIN = timedelta(hours=4)  # before this a second greeting is answered, not returned
SAYS_AGAIN = timedelta(hours=1)  # before this the same facts are not told a second time
ASKED = "|"  # between what was said and the words that it answered
ALIKE = 60  # of 100, from which on two questions are the same
WORDS = 80  # characters of a question that are remembered
AGAIN = "again:"  # before what was said, once the same was asked again
QUESTION_ENDS = Ask(question="")  # among the actions: what was asked is answered

# What tells facts, and is dull to hear twice in a row.
TELLS_FACTS = frozenset(
    {"where_is_order", "when_ship", "payment_status", "how_to_pay", "contact", "opening_hours", "is_bot"}
)


def open_question(context: Context) -> Asked | None:
    """What the bot asked in this chat, as long as the next words may be the answer."""
    asked = talk_of(context).asked
    return asked if asked and context.now < asked.until else None


def talk_of(context: Context) -> Talk:
    return context.conversation.talk if context.conversation else NO_TALK


def told_anew(actions: list[Action], event: MessageReceived, context: Context) -> list[Action]:
    """Put other words for a greeting, or facts, that this chat was given last; the third time a person."""
    talk = talk_of(context)
    named = bool(numbers_in(event.text))  # whoever names an order is told of it
    last_at = None if isinstance(event, AnswerOutdated) else talk.last_at  # what was said last was not sent
    recent = not named and last_at is not None and context.now - last_at < SAYS_AGAIN
    greeted = talk.greeted_at is not None and context.now - talk.greeted_at < GREETS_AGAIN
    told: list[Action] = []
    for action in actions:
        if not isinstance(action, Say):
            told.append(action)
        elif action.template == "hello" and greeted:
            told.append(answer("hello_again", event))
        elif recent and _was_said(talk.said, "", action, event, context):
            told.append(answer("same_again", event))
        elif recent and _was_said(talk.said, AGAIN, action, event, context):
            told += _person(event, context)
        else:
            told.append(action)
    return told


def _was_said(said: str | None, before: str, say: Say, event: MessageReceived, context: Context) -> bool:
    """Whether the same facts were told last, to a question in much the same words."""
    same = _same(say, context)
    if not said or same is None or not said.startswith(f"{before}{same}{ASKED}"):
        return False
    words = said.partition(ASKED)[2]
    return fuzz.token_set_ratio(words, _words(event)) >= ALIKE


def _words(event: MessageReceived) -> str:
    return " ".join(re.findall(r"[\u3400-\u9fff]|\w+", normalise(event.text)))[:WORDS]


def _person(event: MessageReceived, context: Context) -> list[Action]:
    if case_waiting(context):
        return [answer("human_again", event)]
    return [answer("human_coming", event), CallHuman(reason="asked_again", details=quoted(event))]


def remembered(
    actions: list[Action], understood: Understanding, event: MessageReceived, context: Context
) -> list[Action]:
    """Replace what is asked by what the chat remembers after these actions, if that changes."""
    rest: list[Action] = [action for action in actions if not isinstance(action, Ask)]
    if context.conversation is None:
        return rest
    talk = _after(actions, understood, event, context)
    return rest if talk == context.conversation.talk else [*rest, KeepTalk(talk=talk)]


def _after(
    actions: list[Action], understood: Understanding, event: MessageReceived, context: Context
) -> Talk:
    before, now = talk_of(context), context.now
    talk = msgspec.structs.replace(before, asked=_asked(actions, context))
    says = [action for action in actions if isinstance(action, Say) and action.to]
    if any(say.template == "hello" for say in says):
        talk = msgspec.structs.replace(talk, greeted_at=now)
    if says:
        repeated = any(say.template == "same_again" for say in says)
        same = _same(says[-1], context)
        said = f"{AGAIN}{before.said}" if repeated else same and f"{same}{ASKED}{_words(event)}"
        talk = msgspec.structs.replace(talk, said=said, last_at=now if said else before.last_at)
    shelf = context.shelf
    named = shelf.products[0].sku if shelf.named and len(shelf.products) == 1 else None
    about = next((say.values["sku"] for say in says if "sku" in say.values), named)
    if isinstance(about, str):
        talk = msgspec.structs.replace(talk, product=about, last_at=now)
    order = next((say.order for say in reversed(says) if say.order), None)
    if order and order != before.order:
        talk = msgspec.structs.replace(talk, order=order, last_at=now)
    main = next((each.intent for each in understood.meanings if each.intent not in POLITE), None)
    if main and says and not understood.guessed:
        talk = msgspec.structs.replace(talk, last=main, last_at=now)
    return talk


def _asked(actions: list[Action], context: Context) -> Asked | None:
    asks = [action for action in actions if isinstance(action, Ask)]
    if not asks:
        return open_question(context)
    newest = asks[-1]
    if newest == QUESTION_ENDS:
        return None
    return Asked(newest.question, context.now, context.now + newest.lapses, newest.about)


def _same(say: Say, context: Context) -> str | None:
    """What two answers have in common that tell the same facts; None for what may be said again."""
    if say.template not in TELLS_FACTS:
        return None
    order = next((each for each in (*context.orders, *context.named_orders) if each.id == say.order), None)
    facts = f"{order.id}:{order.state}:{len(order.parcels)}" if order else ""
    return f"{say.template}:{facts}:{say.values.get('refused', '')}"


POLICIES: MessagePolicies = {"hello_again": policy.answer(), "same_again": policy.answer()}

REASONS: Reasons = {"asked_again": ("text",)}
