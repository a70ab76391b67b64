"""Twenty answers in ten minutes, forty that say nothing new, a hundred in a day; then one kind word, and a
person."""

import itertools
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.domain.actions import Action, CallHuman, Consent, Hush, OpenCase, Say
from bot.domain.context import Context, Conversation
from bot.domain.talks import NO_TALK
from handlers.answer_limit import STILL, WINDOW
from tests.handlers import world
from tests.handlers.world import chat_context, decide, human_case, order_of, talk_after, wrote

NOW = world.PLACED + timedelta(hours=1)
MINUTE = timedelta(minutes=1)


def talked(*answered: datetime, **known: Any) -> Context:
    fields: dict[str, Any] = {"answered": answered, "hushed_until": known.pop("hushed_until", None)}
    fields["talk"] = known.pop("talk", NO_TALK)
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
    for before, heard in ((0, ["human_again"]), (STILL - 1, ["human_again"]), (STILL, [])):
        answered = [begun, *[NOW - MINUTE] * before]
        hushed = talked(*answered, hushed_until=begun + WINDOW, cases=(human_case(),))
        assert said(decide(wrote("I want to talk to a person"), hushed)) == heard
        for other in ("where is my order?", "hello?", "有红色的吗"):
            assert said(decide(wrote(other), hushed)) == []


def test_the_number_is_a_setting() -> None:
    few = world.shop_with(limits={"answers": 2})

    assert said(decide(wrote("hello"), talked(NOW, NOW, shop=few))) == ["too_many_answers"]


SENTENCES = (
    "Where is my order?", "Has my payment arrived?", "When will it be sent?", "hello", "thank you",
    "Are you a bot?", "How can I pay?", "Do you ship abroad?", "I want my money back", "Can I return it?",
    "asdf", "1001 8001", "How much is it?",
)  # fmt: skip


def talk_of(lines: Iterable[str], pace: timedelta, insists: bool = False) -> list[list[str]]:
    """What a chat hears whose other end says the next line `pace` after each answer; unless it insists, it
    ends as soon as it hears nothing."""
    chat = Conversation(channel="telegram", address="42", buyer="ann")
    order = order_of(world.placed())
    heard: list[list[str]] = []
    for number, line in enumerate(lines):
        now = NOW + number * pace
        event = wrote(line, id=f"m{number}")
        context = chat_context(order, conversation=chat, now=now)
        actions = decide(event, context)
        heard.append(said(actions))
        if not heard[-1] and not insists:
            break
        hushed = next((each.until for each in actions if isinstance(each, Hush)), chat.hushed_until)
        answered = (*chat.answered, *[now] * len(heard[-1]))[-20:]
        chat = replace(chat, talk=talk_after(event, context), hushed_until=hushed, answered=answered)
    return heard


@settings(max_examples=25)
@given(st.lists(st.sampled_from(SENTENCES), min_size=1, max_size=8), st.integers(1, 600))
def test_two_machines_that_answer_each_other_end_at_any_pace(lines: list[str], pace: int) -> None:
    heard = talk_of(itertools.islice(itertools.cycle(lines), 200), timedelta(seconds=pace))

    assert len(heard) <= 101
    assert heard[-1] == []
    assert sum("too_many_answers" in each for each in heard) <= 1


def test_one_that_goes_on_all_day_hears_the_kind_word_once_and_then_nothing() -> None:
    lines = itertools.islice(itertools.cycle(SENTENCES[:3]), 140)
    heard = [each for answers in talk_of(lines, 10 * MINUTE, insists=True) for each in answers]

    assert len(heard) < 50
    assert heard[-1] == "too_many_answers"
    assert heard.count("too_many_answers") == 1


def test_an_answer_with_something_new_is_given_all_the_same() -> None:
    stuck = [*itertools.islice(itertools.cycle(SENTENCES[:3]), 70)]
    heard = talk_of([*stuck, "How can I pay?", SENTENCES[0]], 2 * MINUTE, insists=True)

    assert heard[len(stuck) - 1] == []
    assert heard[-2] not in ([], ["too_many_answers"])
    assert heard[-1] not in ([], ["too_many_answers"])


def test_on_the_next_day_everything_is_answered_again() -> None:
    pace = timedelta(hours=25) / 150
    heard = talk_of(itertools.islice(itertools.cycle(SENTENCES[:3]), 152), pace, insists=True)
    assert heard[100] == []
    assert heard[-1] != []


def test_whoever_writes_much_in_a_real_talk_is_not_cut_off() -> None:
    """They ask one thing and another in an afternoon, and most of it again."""
    lines = itertools.islice(itertools.cycle(SENTENCES), 45)
    assert not any("too_many_answers" in each for each in talk_of(lines, 2 * MINUTE, insists=True))


def test_a_day_has_room_for_a_hundred_answers_and_each_may_be_new() -> None:
    full = replace(NO_TALK, day_at=NOW - timedelta(hours=23), day_answers=99)
    over = replace(full, day_answers=100)
    past = replace(over, day_at=NOW - timedelta(hours=24))

    assert said(decide(wrote("hello"), talked(talk=full))) == ["hello"]
    assert said(decide(wrote("hello"), talked(talk=over))) == ["too_many_answers"]
    assert said(decide(wrote("hello"), talked(talk=past))) == ["hello"]
