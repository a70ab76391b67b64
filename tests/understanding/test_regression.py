"""Both forms of the regression find the same, with sentence vectors and without."""

import pytest

from bot.understanding import regression
from bot.understanding.examples import Example
from bot.understanding.model import Encoder
from bot.understanding.training import train
from tests.understanding.sentences import SMALL
from tests.understanding.test_vectors import by_letters

EXAMPLES = [Example(text, intent) for intent, texts in SMALL.items() for text in texts]


@pytest.mark.parametrize("encode", [None, by_letters])
def test_both_forms_find_the_same(monkeypatch: pytest.MonkeyPatch, encode: Encoder | None) -> None:
    monkeypatch.setattr(regression, "TOLERANCE", 1e-6)
    dense = train(EXAMPLES, encode)
    monkeypatch.setattr(regression, "DENSE_UP_TO", 0)
    monkeypatch.setattr(regression, "WITH_VECTORS_UP_TO", 0)
    sparse = train(EXAMPLES, encode)

    for text in ("where is my parcel", "多少钱", "a person"):
        assert sparse.scored(text).scores == pytest.approx(dense.scored(text).scores, abs=0.1)


def test_products_are_the_same_whatever_the_size_of_a_block(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = train(EXAMPLES)
    monkeypatch.setattr(regression, "BLOCK", 3)

    assert train(EXAMPLES).scored("多少钱").scores == pytest.approx(whole.scored("多少钱").scores, abs=0.02)


def test_an_intent_that_was_not_seen_is_never_the_likeliest() -> None:
    single = [*EXAMPLES, Example("a sentence of its own", "single")]

    assert 0.4 < train(single).learned.accuracy < 1
