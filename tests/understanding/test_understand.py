"""A message is understood whole and by its clauses, with what it names and what came before it."""

import time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.meanings import Before
from bot.understanding.model import Model
from bot.understanding.outcomes import Thresholds
from bot.understanding.understand import understand

LIMITS = Thresholds(answer=0.5, ask=0.4)
SLOWEST = 0.5  # seconds, on a machine that does much else besides


def intents(model: Model, text: str, before: Before = Before()) -> list[str]:  # noqa: B008  # frozen
    return [each.intent for each in understand(model, text, before=before, thresholds=LIMITS).meanings]


def test_a_question_is_answered(small: Model) -> None:
    found = understand(small, "where is my parcel?", thresholds=LIMITS)

    assert found.outcome == "answer"
    assert found.meanings[0].intent == "where_is_order"
    assert found.meanings[0].probability > 0.5


def test_a_greeting_before_a_question_is_not_what_is_meant(small: Model) -> None:
    assert intents(small, "hello, how much is it") == ["price"]
    assert intents(small, "你好，我的快递到哪了") == ["where_is_order"]


def test_a_greeting_before_what_is_not_understood_is_not_just_returned(small: Model) -> None:
    assert understand(small, "hi, a song about a parcel price", thresholds=LIMITS).outcome == "hand_over"


def test_a_greeting_alone_is_returned(small: Model) -> None:
    assert intents(small, "你好") == ["hello"]


def test_two_wishes_are_both_heard(small: Model) -> None:
    assert set(intents(small, "快递到哪了？这个多少钱？")) == {"where_is_order", "price"}


def test_whoever_asks_for_a_person_gets_one_whatever_else_is_asked(small: Model) -> None:
    found = understand(small, "how much is it? I want a person", thresholds=LIMITS)

    assert found.outcome == "hand_over"
    assert found.meanings[0].intent == "person"


def test_what_no_example_is_like_is_handed_over(small: Model) -> None:
    assert understand(small, "🎈").outcome == "hand_over"
    assert understand(small, "").meanings == ()
    assert understand(small, "tell me a joke", thresholds=LIMITS).outcome == "hand_over"


def test_few_words_over_and_over_mean_nothing(small: Model) -> None:
    assert understand(small, "parcel price " * 100, thresholds=LIMITS).meanings == ()


def test_a_follow_up_is_about_what_was_asked_last(small: Model) -> None:
    alone = understand(small, "那黑色的呢？", thresholds=LIMITS)
    after = understand(small, "那黑色的呢？", before=Before(last="price"), thresholds=LIMITS)

    assert after.outcome == "answer"
    assert after.meanings[0].intent == "price"
    assert after.meanings[0].reason.parts[0].feature == "(follows the last question)"
    assert not alone.meanings or alone.meanings[0].probability < after.meanings[0].probability


def test_what_was_asked_for_is_likelier(small: Model) -> None:
    plain, awaited = (
        understand(small, "one cup", before=before).meanings
        for before in (Before(), Before(awaited=("price", "nothing")))
    )

    assert awaited[0].intent == "price"
    assert awaited[0].probability > max(each.probability for each in plain if each.intent == "price")


def test_reasons_add_up_with_what_the_talk_adds(small: Model) -> None:
    for meaning in understand(small, "那黑色的呢？", before=Before("price", ("person",))).meanings:
        total = sum(part.weight for part in meaning.reason.parts) + meaning.reason.rest
        assert total == pytest.approx(meaning.score, abs=1e-9)


def test_meanings_carry_what_the_message_names(small: Model) -> None:
    (meaning,) = understand(small, "80包邮，这个多少钱", "zh-CN", thresholds=LIMITS).meanings

    assert meaning.slots.amount == Decimal(80)
    assert meaning.slots.postage_free


@given(text=st.text(max_size=3000))
def test_any_text_is_understood_somehow(small: Model, text: str) -> None:
    found = understand(small, text)

    assert found.outcome in ("answer", "ask", "hand_over")
    assert all(0 <= each.probability <= 1 for each in found.meanings)
    assert len({each.intent for each in found.meanings}) == len(found.meanings)


@pytest.mark.parametrize(
    "piece", ["a", "1", "1-", "包", "好，", "how about 1", "1,", "@", "http://", "order ", "十", "sf1"]
)
def test_a_repeated_piece_costs_no_more_time(small: Model, piece: str) -> None:
    started = time.process_time()
    understand(small, piece * 100_000)

    assert time.process_time() - started < SLOWEST
