"""What a chat remembers: questions find their answers, and nothing is said twice in a row."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from bot.domain.actions import CallHuman, Say
from bot.domain.context import Context, Conversation
from bot.domain.events import BuyerRef
from bot.domain.meanings import Meaning, Understanding
from bot.domain.messages import Facts
from bot.domain.talks import NO_TALK, Talk
from handlers.chat import QUESTIONS
from handlers.talk import GREETS_AGAIN, SAYS_AGAIN
from tests.handlers.world import (
    ANN,
    answers,
    cancelled,
    chat_context,
    decide,
    order_of,
    paid,
    placed,
    talk_after,
    why_outdated,
    wrote,
)

ORDER = order_of(placed())


def after(*texts: str, context: Context | None = None, apart: timedelta = timedelta(seconds=30)) -> Context:
    """The chat after these words, one after the other."""
    context = context or chat_context(ORDER)
    for number, text in enumerate(texts):
        context = next_context(context, talk_after(wrote(text, id=f"before{number}"), context), apart)
    return context


def next_context(
    context: Context, talk: Talk, apart: timedelta = timedelta(seconds=30), **known: Any
) -> Context:
    assert context.conversation is not None
    chat = msgspec.structs.replace(context.conversation, talk=talk)
    return msgspec.structs.replace(context, conversation=chat, now=context.now + apart, **known)


def between(first: str, second: str) -> Understanding:
    return Understanding("ask", (Meaning(first, 0.4), Meaning(second, 0.35)), guessed=True)


def test_a_second_greeting_is_answered_and_not_returned() -> None:
    assert answers(wrote("hello"), chat_context()) == ["hello"]
    assert answers(wrote("在吗"), after("你好", context=chat_context())) == ["hello_again"]
    assert answers(wrote("hello"), after("hello", context=chat_context(), apart=GREETS_AGAIN)) == ["hello"]


def test_the_same_facts_are_not_told_twice_in_a_row_and_the_third_question_gets_a_person() -> None:
    first = after("where is my order?")
    assert answers(wrote("where is my order??", id="m2"), first) == ["same_again"]
    again = decide(wrote("so where is it?", id="m3"), after("where is my order", context=first))
    assert [action.template for action in again if isinstance(action, Say)] == ["human_coming"]
    assert any(isinstance(action, CallHuman) for action in again)
    assert answers(wrote("where is my order?"), after("where is my order", apart=SAYS_AGAIN)) == [
        "where_is_order"
    ]


def test_one_sentence_that_answers_two_questions_is_said_once() -> None:
    paid_for = chat_context(order_of(placed(), paid()))
    told = after("where is my order?", context=paid_for)

    assert answers(wrote("when will it be sent?", id="m2"), told) == ["same_again"]
    assert answers(wrote("has my payment come?", id="m2"), told) == ["payment_status"]
    then = after("when will it be sent?", context=told)
    assert answers(wrote("where's my parcel now?", id="m3"), then) == ["where_is_order"]  # and no person yet


def test_thanks_and_a_stop_said_twice_are_answered_once() -> None:
    for text, template in (("thanks", "thanks"), ("STOP", "stopped")):
        assert answers(wrote(text), chat_context()) == [template]
        assert answers(wrote(text, id="m2"), after(text, context=chat_context())) == []


def test_which_order_is_asked_in_other_words_the_second_time() -> None:
    first = after("where is my order?", context=chat_context())
    (said,) = decide(wrote("where is my order", id="m2"), first)
    assert isinstance(said, Say)
    assert (said.template, said.values) == ("which_order", {"again": True})
    (third,) = decide(wrote("where is my order??", id="m3"), after("where is my order", context=first))
    assert isinstance(third, Say)
    assert (third.template, third.values) == ("which_order", {})


@pytest.mark.parametrize(
    ("wish", "rest"),
    [
        ("不要再给我发", "消息了"),
        ("別再傳", "訊息給我"),
        ("stop", "texting me"),
        ("stop", "sending messages please"),
    ],
)
def test_the_rest_of_a_wish_that_was_obeyed_calls_nobody(wish: str, rest: str) -> None:
    obeyed = after(wish, context=chat_context())

    assert decide(wrote(rest, id="m2"), obeyed) == []
    assert answers(wrote("my mug is broken", id="m2"), obeyed) == ["not_understood"]
    assert answers(wrote(rest, id="m2"), chat_context()) == ["not_understood"]


def test_words_that_show_no_language_are_answered_in_that_of_the_words_before() -> None:
    wang = msgspec.structs.replace(ANN, locale=None)
    chinese = order_of(placed(buyer=BuyerRef(id="w", locale="zh-CN")))
    talk = after("where is my parcel?", "1001 8000", context=chat_context(chinese, buyer=wang))

    (_, said) = decide(wrote("STOP"), talk)

    assert isinstance(said, Say)
    assert (said.template, said.locale) == ("stopped", "en")


def test_facts_that_changed_are_told() -> None:
    context = after("where is my order?")
    changed = order_of(placed(), cancelled())
    assert answers(wrote("where is my order?"), msgspec.structs.replace(context, orders=(changed,))) == [
        "where_is_order"
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [("1", "where_is_order"), ("the second one", "payment_status"), ("后者", "payment_status")],
)
def test_which_of_two_is_asked_and_the_answer_is_taken(words: str, said: str) -> None:
    context = chat_context(ORDER, understood=between("where_is_order", "payment_status"))
    asked = wrote("and my order thing?")
    assert answers(asked, context) == ["which_meaning"]
    talk = talk_after(asked, context)
    then = next_context(context, talk, understood=None)
    assert answers(wrote(words, id="m2"), then) == [said]
    assert talk_after(wrote(words, id="m2"), then).asked is None


def test_words_that_answer_nothing_are_read_by_themselves() -> None:
    context = chat_context(ORDER, understood=between("where_is_order", "payment_status"))
    then = next_context(context, talk_after(wrote("hm?"), context), understood=None)
    assert answers(wrote("I want to talk to a person"), then) == ["human_coming"]


def test_a_question_lapses() -> None:
    for name, question in QUESTIONS.items():
        assert question.lapses > timedelta(0), name
    context = chat_context(ORDER, understood=between("where_is_order", "payment_status"))
    talk = talk_after(wrote("hm?"), context)
    late = next_context(context, talk, QUESTIONS["which_meaning"].lapses, understood=None)
    assert answers(wrote("1"), late) == ["not_understood"]


def test_a_chat_without_a_conversation_remembers_nothing() -> None:
    assert Conversation(channel="shop", address="1", buyer="ann").talk == NO_TALK


def test_two_meanings_of_one_matter_are_not_asked_about() -> None:
    between_two = between("product_question", "material_care")
    assert answers(wrote("what's it made of?"), chat_context(understood=between_two)) != ["which_meaning"]
    assert answers(wrote("hm"), chat_context(understood=between("stock", "price"))) == ["which_meaning"]


def test_two_words_of_one_wish_in_one_breath_are_obeyed_and_answered_once() -> None:
    soon = after("STOP", apart=timedelta(seconds=1))
    assert answers(wrote("unsubscribe", id="m2"), soon) == []
    assert answers(wrote("unsubscribe", id="m2"), after("STOP", apart=timedelta(minutes=5))) == ["stopped"]


def test_that_prices_are_fixed_is_said_in_other_words_the_second_time() -> None:
    plea = Understanding("answer", (Meaning("discount", 0.95),))
    context = chat_context(understood=plea)
    (first,) = [each for each in decide(wrote("能便宜点吗"), context) if isinstance(each, Say)]
    then = next_context(context, talk_after(wrote("能便宜点吗"), context))
    (second,) = [each for each in decide(wrote("再少点嘛", id="m2"), then) if isinstance(each, Say)]
    assert (first.template, second.template) == ("prices_fixed", "prices_fixed")
    assert second.values == {**first.values, "again": True}


def test_that_nothing_has_changed_is_said_only_while_it_is_so() -> None:
    told = after("where is my order?")
    (same,) = [each for each in decide(wrote("where is my order??", id="m2"), told) if isinstance(each, Say)]
    for order, why in ((ORDER, None), (order_of(placed(), paid()), "facts_changed")):
        facts = Facts(shop=told.shop, buyer=ANN, order=order)
        reason = why_outdated(same, facts, told.now)
        assert (reason and reason.code) == why
