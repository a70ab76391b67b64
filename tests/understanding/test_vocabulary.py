"""Texts become vectors of length 1 over the features that the examples have."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.understanding.vocabulary import vocabulary_of

KNOWN = vocabulary_of(["where is my order", "where is it", "你好"])


@given(st.text())
def test_a_vector_is_no_longer_than_one(text: str) -> None:
    places, weights = KNOWN.vector(text)

    assert len(places) == len(weights)
    assert 0 <= weights @ weights <= 1 + 1e-9


def test_a_text_of_known_features_has_the_length_one() -> None:
    weights = KNOWN.vector("where is it")[1]

    assert weights @ weights == pytest.approx(1.0)


def test_what_fewer_examples_have_weighs_more() -> None:
    places, weights = KNOWN.vector("where order")
    by_feature = dict(zip((KNOWN.features[place] for place in places), weights, strict=True))

    assert by_feature["order"] > by_feature["where"]


def test_words_that_were_never_learned_make_the_others_weigh_less() -> None:
    plain, with_more = KNOWN.vector("你好"), KNOWN.vector("你好朋友")

    assert list(plain[0]) == list(with_more[0])
    assert (with_more[1] < plain[1]).all()
    assert not np.any(KNOWN.vector("zzz")[1])
