"""Learning: the same from the same examples, seen examples known, probabilities calibrated by unseen ones."""

import random

import numpy as np
import pytest

from bot.understanding.examples import Example
from bot.understanding.model import Model
from bot.understanding.training import TooFewExamples, cross_validated, train
from tests.understanding.sentences import SMALL
from tests.understanding.test_vectors import by_letters

EXAMPLES = [Example(text, intent) for intent, texts in SMALL.items() for text in texts]


def likeliest(model: Model, text: str) -> str:
    return model.intents[int(model.scored(text).scores.argmax())]


def test_what_was_learned_is_recognised(small: Model) -> None:
    assert [likeliest(small, each.text) for each in EXAMPLES] == [each.intent for each in EXAMPLES]


def test_a_sentence_that_is_a_little_different_is_recognised(small: Model) -> None:
    assert likeliest(small, "wheres my parcle") == "where_is_order"
    assert likeliest(small, "這個多少錢呀") == "price"


def test_order_and_repetition_of_the_examples_change_nothing(small: Model) -> None:
    mixed = [*EXAMPLES, *EXAMPLES[:5]]
    random.Random(0).shuffle(mixed)
    again = train(mixed)

    assert again.vocabulary.features == small.vocabulary.features
    assert np.array_equal(again.learned.weights, small.learned.weights)
    assert again.learned.temperature == small.learned.temperature


def test_one_intent_cannot_be_told_from_others() -> None:
    with pytest.raises(TooFewExamples):
        train([Example("hello", "hello"), Example("hi", "hello")])


def test_two_intents_are_enough() -> None:
    model = train([Example("hello", "hello"), Example("bye", "bye")])

    assert likeliest(model, "hello") == "hello"
    assert likeliest(model, "bye") == "bye"


def test_unseen_examples_are_judged(small: Model) -> None:
    assert 0.4 < small.learned.accuracy <= 1.0
    assert len(small.learned.sureness) == len(small.learned.right) > 0
    assert cross_validated(EXAMPLES) == small.learned.accuracy


def test_sentences_filed_at_random_are_recognised_less(small: Model) -> None:
    intents = [each.intent for each in EXAMPLES]
    random.Random(1).shuffle(intents)
    at_random = [Example(each.text, intent) for each, intent in zip(EXAMPLES, intents, strict=True)]

    assert cross_validated(at_random) < small.learned.accuracy - 0.2


def test_sentence_vectors_are_learned_beside_the_features() -> None:
    model = train(EXAMPLES, by_letters)

    assert model.learned.vectors.shape == (len(EXAMPLES), 8)
    assert model.learned.vector_weights.shape == (8, len(SMALL))
    assert likeliest(model, "where is my order") == "where_is_order"
