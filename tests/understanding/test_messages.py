"""The messages that judge: enough of them are settled, and hardly any wrongly."""

from collections import Counter

import pytest

from bot.domain.meanings import INTENTS
from bot.understanding.learning import shipped
from bot.understanding.outcomes import thresholds_for
from bot.understanding.understand import understand
from tests.understanding.judge import Message, Verdict, messages, verdict_on

MESSAGES = list(messages())


@pytest.fixture(scope="module")
def verdicts() -> Counter[Verdict]:
    model = shipped()
    assert model is not None
    limits = thresholds_for(model)
    return Counter(
        verdict_on(each, understand(model, each.text, each.language, thresholds=limits)) for each in MESSAGES
    )


def test_there_are_enough_messages_of_every_intent() -> None:
    assert len(MESSAGES) >= 200
    assert {intent for each in MESSAGES for meant in each.meant for intent in meant} == set(INTENTS)


def test_seven_of_ten_are_settled_or_rightly_handed_over(verdicts: Counter[Verdict]) -> None:
    assert verdicts["settled"] + verdicts["handed over"] >= 0.7 * len(MESSAGES)


def test_hardly_any_is_understood_wrongly(verdicts: Counter[Verdict]) -> None:
    assert verdicts["wrong"] <= 0.03 * len(MESSAGES)


def test_a_verdict_is_that_of_an_assistant() -> None:
    from bot.domain.meanings import Meaning, Understanding

    def judged(meant: str, outcome: str, *intents: str) -> Verdict:
        wanted = tuple(frozenset(each.split("|")) for each in meant.split("+"))
        found = Understanding(outcome, tuple(Meaning(intent, 0.9) for intent in intents))  # type: ignore[arg-type]
        return verdict_on(Message("en", "", wanted), found)

    assert judged("price", "answer", "price") == "settled"
    assert judged("price|stock", "answer", "stock") == "settled"
    assert judged("price+stock", "answer", "price") == "half"
    assert judged("price", "answer", "stock") == "wrong"
    assert judged("price", "ask", "stock", "price") == "asked"
    assert judged("price", "hand_over", "price") == "missed"
    assert judged("other", "hand_over", "price") == "handed over"
    assert judged("other", "answer", "price") == "wrong"
    assert judged("complaint", "hand_over", "complaint") == "handed over"
