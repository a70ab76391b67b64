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


@pytest.mark.parametrize(
    ("text", "intents"),
    [
        ("Can I change the address and get an invoice?", {"change_address", "invoice"}),
        ("可以开发票吗，另外想改地址", {"change_address", "invoice"}),
        ("可以開統編嗎？\n我要改成7-11取貨", {"change_address", "invoice"}),
        ("我要改成7-11取貨", {"change_address"}),
        ("I want to cancel, I found it cheaper elsewhere", {"cancel_order"}),
        ("what are your opening hours and how do I pay?", {"opening_hours", "how_to_pay"}),
        ("hi! is jasmine tea available? and when will my order ship?", {"stock", "when_ship"}),
        ("我要退货，还有能开发票吗", {"return_exchange", "invoice"}),
        ("可以算便宜一點嗎？幾天會到", {"discount", "where_is_order"}),
        ("cancel my order and how much is the blue mug?", {"cancel_order", "price"}),
        ("我要取消訂單，青花杯多少錢", {"cancel_order", "price"}),
        ("不喜欢想退，运费谁出", {"return_exchange"}),
        ("拍错规格了，我要250g不是125g，订单70256", {"change_order"}),
        ("thanks, ok?", {"thanks"}),
        ("hello, how are you?", {"hello"}),
    ],
)
def test_each_of_two_wishes_is_heard_and_no_other(text: str, intents: set[str]) -> None:
    model = shipped()
    assert model is not None
    found = understand(model, text, thresholds=thresholds_for(model))

    assert (found.outcome, {each.intent for each in found.meanings}) == ("answer", intents)


def test_a_question_behind_thanks_is_not_taken_for_thanks() -> None:
    model = shipped()
    assert model is not None
    found = understand(model, "thanks, what changed?", thresholds=thresholds_for(model))

    assert found.guessed
    assert "thanks" not in {each.intent for each in found.meanings}


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
