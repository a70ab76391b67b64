"""A score is the sum of its parts, probabilities sum to 1, and the nearest example is a real one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.meanings import BASE, SENTENCE_VECTOR
from bot.understanding.examples import Example
from bot.understanding.model import PARTS, Model
from bot.understanding.training import train
from tests.understanding.sentences import SMALL
from tests.understanding.test_vectors import by_letters

WORDS = st.lists(
    st.sampled_from([word for texts in SMALL.values() for text in texts for word in text.split()])
).map(" ".join)


@given(text=st.one_of(st.text(max_size=200), WORDS))
def test_the_parts_add_up_to_the_score(small: Model, text: str) -> None:
    scored = small.scored(text)

    for intent, score in zip(small.intents, scored.scores, strict=True):
        assert sum(part.weight for part in small.parts(scored, intent)) == pytest.approx(score, abs=1e-9)


@given(text=st.one_of(st.text(max_size=200), WORDS))
def test_the_reason_adds_up_to_the_score(small: Model, text: str) -> None:
    scored = small.scored(text)
    reason = small.reason(scored, "price")

    total = sum(part.weight for part in reason.parts) + reason.rest
    assert total == pytest.approx(scored.scores[small.intents.index("price")], abs=1e-9)
    assert len(reason.parts) <= PARTS
    assert reason.nearest in SMALL["price"]
    assert 0 <= reason.similarity <= 1.000001


@given(text=st.text(max_size=400))
def test_probabilities_sum_to_one(small: Model, text: str) -> None:
    probabilities = small.probabilities(small.scored(text).scores)

    assert probabilities.sum() == pytest.approx(1.0)
    assert (probabilities >= 0).all()


def test_parts_add_up_with_sentence_vectors_too() -> None:
    examples = [Example(text, intent) for intent, texts in SMALL.items() for text in texts]
    model = train(examples, by_letters)
    scored = model.scored("where is the price")

    for intent, score in zip(model.intents, scored.scores, strict=True):
        parts = model.parts(scored, intent)
        assert {SENTENCE_VECTOR, BASE} <= {part.feature for part in parts}
        assert sum(part.weight for part in parts) == pytest.approx(score, abs=1e-9)


def test_the_nearest_example_of_a_known_sentence_is_that_sentence(small: Model) -> None:
    scored = small.scored("这个多少钱")

    assert small.reason(scored, "price").nearest == "这个多少钱"
    assert small.similarities(scored).max() == pytest.approx(1.0, abs=1e-3)  # as precise as it is kept


def test_a_text_without_a_known_feature_scores_by_the_base_alone(small: Model) -> None:
    scored = small.scored("🎈")

    assert np.array_equal(scored.scores, small.learned.bias)
    assert small.similarities(scored).max() == 0.0


def test_a_model_with_sentence_vectors_is_nothing_without_them() -> None:
    model = train([Example("yes", "a"), Example("no", "b")], by_letters)

    with pytest.raises(ValueError, match="not installed"):
        Model(model.vocabulary, model.examples, model.learned)
