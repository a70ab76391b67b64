"""Texts become vectors of length 1 over the features that the examples have."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.understanding.vocabulary import vocabulary_of

KNOWN = vocabulary_of(["where is my order", "where is it", "你好"])


@given(st.text())
def test_a_vector_has_the_length_one_or_is_empty(text: str) -> None:
    places, weights = KNOWN.vector(text)

    assert len(places) == len(weights)
    assert weights @ weights == pytest.approx(1.0 if len(places) else 0.0)


def test_what_fewer_examples_have_weighs_more() -> None:
    places, weights = KNOWN.vector("where order")
    by_feature = dict(zip((KNOWN.features[place] for place in places), weights, strict=True))

    assert by_feature["order"] > by_feature["where"]


def test_unknown_features_count_for_nothing() -> None:
    assert KNOWN.vector("你好🎈")[1] == pytest.approx(KNOWN.vector("你好")[1])
    assert not np.any(KNOWN.vector("zzz")[1])
