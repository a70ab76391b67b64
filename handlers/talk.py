"""What a chat remembers from turn to turn, so that questions find their answers and nothing is said twice in
a row."""

import re
from datetime import datetime, timedelta
from zlib import crc32

import msgspec
from rapidfuzz import fuzz

from bot.domain.actions import Action, Ask, CallHuman, KeepTalk, Say
from bot.domain.context import Context
from bot.domain.events import AnswerOutdated, MessageReceived
from bot.domain.meanings import POLITE, Understanding
from bot.domain.messages import DueMessage, Facts, MessagePolicies, Reason
from bot.domain.orders import Order
from bot.domain.reasons import Reasons
from bot.domain.talks import NO_TALK, Asked, Talk
from handlers import answer_limit
from handlers import message_policies as policy
from handlers.language import written_in
from handlers.meaning import recognise, says_paid
from handlers.normalise import normalise
from handlers.order_proof import numbers_in
from handlers.replies import answer, case_waiting, quoted
from handlers.stop import goes_on

GREETS_AGAIN = timedelta(hours=4)  # before this a second greeting is answered, not returned
SAYS_AGAIN = timedelta(hours=1)  # before this the same is not said a second time in the same words
ASKED = "|"  # between what was said and the words that it answered
ALIKE = 60  # of 100, from which on two questions are the same
WORDS = 80  # characters of a question that are remembered
AGAIN = "again:"  # before what was said last, if it was said in other words by then
QUESTION_ENDS = Ask(question="")  # among the actions: what was asked is answered

# What has other words for the second time in a row, and then its first ones again.
OTHER_WORDS = frozenset(
    {
        *("human_again", "noted", "which_order", "which_product", "not_matched", "hello_again"),
        *("prices_fixed", "payment_claimed"),
    }
)
ASKED_ONCE = frozenset({"which_meaning"})  # a person is called where that did not help
# What tells facts: the second time that nothing has changed. Who then asks the same again gets a person.
TELLS_FACTS = frozenset(
    {
        *("where_is_order", "when_ship", "payment_status", "refund_status", "return_open", "return_policy"),
        *("how_to_pay", "contact", "opening_hours", "is_bot"),
    }
)
WISHES = {  # that were obeyed, by what answers each
    "stopped": "stop",
    "resumed": "resume",
    "offers_ended": "no_offers",
    "reminders_ended": "no_reminders",
}
ONCE = frozenset({"thanks", "praise", *WISHES})  # needs no second answer: the first one still stands
# Two questions to which an order in these states has one answer, word for word.
WISH_ENDS = timedelta(minutes=1)  # within which a second message may be the end of a wish
ONE_ANSWER = {"when_ship": "where_is_order"}
ALIKE_IN = ("authorised", "paid", "shipped")


def open_question(context: Context) -> Asked | None:
    """What the bot asked in this chat, as long as the next words may be the answer."""
    asked = talk_of(context).asked
    return asked if asked and context.now < asked.until else None


def talk_of(context: Context) -> Talk:
    return context.conversation.talk if context.conversation else NO_TALK


def last_answer(context: Context) -> str:
    """The template of what was said last in this chat; "" if nothing was."""
    return (talk_of(context).said or "").removeprefix(AGAIN).partition(":")[0]


def ends_a_wish(event: MessageReceived, context: Context) -> bool:
    """Whether these words are only the rest of a wish that was obeyed a moment ago."""
    talk = talk_of(context)
    obeyed = (talk.said or "").partition(":")[0] in WISHES
    return obeyed and _lately(context) and goes_on(normalise(event.text))


def _lately(context: Context) -> bool:
    """Whether something was said so short a time ago that more of the same wish adds nothing."""
    said_at = talk_of(context).said_at
    return said_at is not None and context.now - said_at < WISH_ENDS


def told_anew(actions: list[Action], event: MessageReceived, context: Context) -> list[Action]:
    """Put other words for what this chat was told last, or leave it out, so that nothing is said twice in a
    row; who asks the same a third time gets a person."""
    talk = talk_of(context)
    said_at = None if isinstance(event, AnswerOutdated) else talk.said_at  # what was said last was not sent
    recent = said_at is not None and context.now - said_at < SAYS_AGAIN
    greeted = talk.greeted_at is not None and context.now - talk.greeted_at < GREETS_AGAIN
    told: list[Action] = []
    for action in actions:
        if not isinstance(action, Say) or not action.to:
            told.append(action)
            continue
        said = answer("hello_again", event) if action.template == "hello" and greeted else action
        told += _anew(said, event, context) if recent else [said]
    return told


def _anew(say: Say, event: MessageReceived, context: Context) -> list[Action]:
    before, _, words = (talk_of(context).said or "").partition(ASKED)
    varied = before.startswith(AGAIN)
    if before.removeprefix(AGAIN) != _known_by(say, context):
        return [say]
    alike = fuzz.token_set_ratio(words, _words(event)) >= ALIKE
    if say.template in ONCE and (alike or say.template not in WISHES or _wished_again(say, event, context)):
        return []
    if say.template in OTHER_WORDS:
        return [say if varied else _in_other_words(say)]
    if say.template in TELLS_FACTS and (numbers_in(event.text) or says_paid(event.text)):
        return [say]  # whoever names an order is told of it, and whoever has paid that the money came
    if say.template in TELLS_FACTS and not varied:
        order = _order_of(say, context)
        return [answer("same_again", event, order, facts=_facts_of(order) if order else None)]
    third = say.template in TELLS_FACTS and alike
    return _person(event, context) if third or say.template in ASKED_ONCE else [say]


def _wished_again(say: Say, event: MessageReceived, context: Context) -> bool:
    """The same wish in other words, which its answer has just met; of any other one it is told what holds."""
    return _lately(context) and recognise(event.text).intent == WISHES[say.template]


def _words(event: MessageReceived) -> str:
    return " ".join(re.findall(r"[\u3400-\u9fff]|\w+", normalise(event.text)))[:WORDS]


def _in_other_words(say: Say) -> Say:
    return msgspec.structs.replace(say, values={**say.values, "again": True})


def _known_by(say: Say, context: Context) -> str:
    """How an answer is known again: by all that its words depend on."""
    order = _order_of(say, context)
    template, facts = say.template, ""
    if order:
        facts = _facts_of(order)
        template = ONE_ANSWER.get(template, template) if order.state in ALIKE_IN else template
    values = {name: value for name, value in sorted(say.values.items()) if name != "again"}
    return f"{template}:{crc32(f'{facts}{values}{sorted(say.words.items())}'.encode()):08x}"


def _order_of(say: Say, context: Context) -> Order | None:
    return next((each for each in (*context.orders, *context.named_orders) if each.id == say.order), None)


def _facts_of(order: Order) -> str:
    """All of an order that answers about it tell, as a checksum."""
    parcels = [(each.tracking, each.delivered_at, each.failed, each.ready) for each in order.parcels]
    facts = f"{order.id}:{order.state}:{order.total}:{order.paid}:{order.refunded}:{parcels}"
    return f"{crc32(facts.encode()):08x}"


def why_not_the_same(due: DueMessage, facts: Facts, now: datetime) -> Reason | None:
    """That nothing has changed is said only while it is so."""
    told = due.values.get("facts")
    if told is None or facts.order is None or _facts_of(facts.order) == told:
        return None
    return Reason("facts_changed", {"order": facts.order.shown_number})


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
    talk = msgspec.structs.replace(
        before, asked=_asked(actions, context), written=_written(event, context) or before.written
    )
    says = [action for action in actions if isinstance(action, Say) and action.to]
    if any(say.template == "hello" for say in says):
        talk = msgspec.structs.replace(talk, greeted_at=now)
    if says:
        last = says[-1]
        repeated = last.template == "same_again"
        same = (before.said or "").partition(ASKED)[0] if repeated else _known_by(last, context)
        again = AGAIN if repeated or last.values.get("again") else ""
        said = f"{again}{same}{ASKED}{_words(event)}"
        talk = msgspec.structs.replace(talk, said=said, said_at=now)
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
    return answer_limit.counted(talk, actions, context)


def _written(event: MessageReceived, context: Context) -> str | None:
    if event.kind == "button":
        return None
    return written_in(event.text, talk_of(context).written or context.locale, context.shop.locale)


def _asked(actions: list[Action], context: Context) -> Asked | None:
    asks = [action for action in actions if isinstance(action, Ask)]
    if not asks:
        return open_question(context)
    newest = asks[-1]
    if newest == QUESTION_ENDS:
        return None
    return Asked(newest.question, context.now, context.now + newest.lapses, newest.about)


POLICIES: MessagePolicies = {
    "hello_again": policy.answer(samples=({}, {"again": True})),
    "same_again": policy.answer(check=why_not_the_same),
}

REASONS: Reasons = {"asked_again": ("text",), "facts_changed": ("order",)}
