"""Twenty answers in ten minutes; then one kind word, a person, and silence."""

from datetime import datetime, timedelta
from typing import Any

from bot.domain.actions import Action, CallHuman, Consent, Hush, OpenCase, Say
from bot.domain.context import Context, Conversation
from handlers.answer_limit import STILL, WINDOW
from tests.handlers import world
from tests.handlers.world import chat_context, decide, human_case, order_of, wrote

NOW = world.PLACED + timedelta(hours=1)
MINUTE = timedelta(minutes=1)


def talked(*answered: datetime, **known: Any) -> Context:
    fields = {"answered": answered, "hushed_until": known.pop("hushed_until", None)}
    chat = Conversation(channel="telegram", address="42", buyer="ann", **fields)
    return chat_context(*known.pop("orders", ()), conversation=chat, now=NOW, **known)


def said(actions: list[Action]) -> list[str]:
    return [action.template for action in actions if isinstance(action, Say)]


def test_twenty_answers_are_given_and_the_next_is_a_kind_word_and_a_person() -> None:
    nineteen, twenty = [NOW - MINUTE] * 19, [NOW - MINUTE] * 20

    assert said(decide(wrote("hello"), talked(*nineteen))) == ["hello"]
    kind, hush, person = decide(wrote("hello"), talked(*twenty))
    assert isinstance(kind, Say)
    assert kind.template == "too_many_answers"
    assert hush == Hush(until=NOW + 10 * MINUTE)
    assert person == CallHuman(reason="too_many_answers")


def test_answers_of_more_than_ten_minutes_ago_do_not_count() -> None:
    assert said(decide(wrote("hello"), talked(*[NOW - 10 * MINUTE] * 20))) == ["hello"]


def test_after_the_kind_word_the_chat_is_left_alone_until_the_time_is_over() -> None:
    assert decide(wrote("hello"), talked(hushed_until=NOW + MINUTE)) == []
    assert said(decide(wrote("hello"), talked(hushed_until=NOW))) == ["hello"]


def test_what_is_no_answer_is_done_all_the_same() -> None:
    hushed = talked(hushed_until=NOW + MINUTE, orders=[order_of(world.placed())])

    assert Consent in [type(action) for action in decide(wrote("STOP"), hushed)]
    assert [type(action) for action in decide(wrote("I already paid"), hushed)] == [OpenCase]


def test_in_the_silence_who_asks_for_a_person_is_answered_a_few_times() -> None:
    begun = NOW - 2 * MINUTE
    for given, heard in ((0, ["human_again"]), (STILL - 1, ["human_again"]), (STILL, [])):
        answered = [begun, *[NOW - MINUTE] * given]
        hushed = talked(*answered, hushed_until=begun + WINDOW, cases=(human_case(),))
        assert said(decide(wrote("I want to talk to a person"), hushed)) == heard
        for other in ("where is my order?", "hello?", "有红色的吗"):
            assert said(decide(wrote(other), hushed)) == []


def test_the_number_is_a_setting() -> None:
    few = world.shop_with(limits={"answers": 2})

    assert said(decide(wrote("hello"), talked(NOW, NOW, shop=few))) == ["too_many_answers"]
