"""What the seller wrote down answers what no fact does, word for word; nothing that only people settle."""

from typing import Any

import pytest

from bot.domain.actions import CallHuman, Say
from bot.domain.context import Context
from bot.domain.knowledge import Entry, Known
from bot.domain.meanings import Meaning, Reason, Understanding
from bot.domain.products import Product, Shelf
from tests.handlers.world import PLACED, answers, chat_context, decide, order_of, placed, wrote

WRAP = Entry(id="wrap", questions=("Do you gift wrap?",), answers={"en": "Yes.", "zh-CN": "可以的。"})
MUG = Product(sku="MUG-1", title="Blue mug", updated_at=PLACED)
OF_MUG = Entry(id="micro", questions=("Microwave?",), answers={"en": "Yes, it may."}, products=("MUG-1",))
QUESTION = wrote("could you wrap it?")


def asked(
    intent: str,
    similarity: float,
    *,
    nearest: float = 0.3,
    entry: Entry = WRAP,
    outcome: str = "answer",
    **more: Any,
) -> Context:
    meaning = Meaning(intent, 0.9, reason=Reason(similarity=nearest))
    understood = Understanding(outcome, (meaning,), guessed=outcome == "hand_over")  # type: ignore[arg-type]
    orders = more.pop("orders", ())
    return chat_context(*orders, understood=understood, known=(Known(entry, similarity),), **more)


def test_an_answer_is_said_word_for_word_in_every_language_that_it_has() -> None:
    (said,) = [each for each in decide(QUESTION, asked("change_order", 0.5)) if isinstance(each, Say)]

    assert (said.template, said.words, said.values) == ("knowledge", WRAP.answers, {"entry": "wrap"})


@pytest.mark.parametrize("signs", ["{{7*7}}", "24/7", "7-11?"])
def test_signs_and_numbers_alone_are_no_question(signs: str) -> None:
    said = [each for each in decide(wrote(signs), asked("product_question", 0.7)) if isinstance(each, Say)]

    assert "knowledge" not in {each.template for each in said}


@pytest.mark.parametrize(
    ("intent", "similarity", "nearest", "known"),
    [
        ("product_question", 0.46, 0.8, True),
        ("product_question", 0.37, 0.3, False),
        ("contact", 0.44, 0.3, False),
        ("contact", 0.5, 0.95, False),
        ("where_is_order", 0.5, 0.3, False),
        ("when_ship", 0.6, 0.4, True),
        ("when_ship", 0.6, 0.7, False),
        ("person", 0.99, 0.3, False),
        ("stop", 0.99, 0.3, False),
        ("thanks", 0.99, 0.3, False),
    ],
)
def test_it_answers_what_it_is_near_to_unless_facts_or_wishes_are_nearer(
    intent: str, similarity: float, nearest: float, known: bool
) -> None:
    order = order_of(placed())
    context = asked(intent, similarity, nearest=nearest, orders=(order,))

    assert ("knowledge" in answers(QUESTION, context)) is known


def test_what_was_not_understood_is_answered_from_less() -> None:
    assert answers(QUESTION, asked("other", 0.39, outcome="hand_over")) == ["knowledge"]
    assert answers(QUESTION, asked("other", 0.37, outcome="hand_over")) == ["not_understood"]
    assert answers(QUESTION, asked("other", 0.39, outcome="ask")) == ["knowledge"]


def test_of_a_product_it_answers_only_where_that_is_the_one_in_hand() -> None:
    mug = Shelf(products=(MUG,), named=True, stocked=True)
    other = Shelf(products=(Product(sku="POT", title="Pot", updated_at=PLACED),), named=True, stocked=True)

    assert answers(QUESTION, asked("material_care", 0.9, entry=OF_MUG, shelf=mug)) == ["knowledge"]
    assert answers(QUESTION, asked("material_care", 0.9, entry=OF_MUG, shelf=other)) == ["product_unknown"]


def test_it_answers_before_a_person_is_asked_about_a_product() -> None:
    shelf = Shelf(products=(MUG,), named=True, stocked=True)
    decided = decide(QUESTION, asked("material_care", 0.4, shelf=shelf))

    assert [each.template for each in decided if isinstance(each, Say)] == ["knowledge"]
    assert not any(isinstance(each, CallHuman) for each in decided)
