"""Answer, ask back or hand over, by thresholds for a wished share of right answers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.meanings import Meaning
from bot.understanding.model import Model
from bot.understanding.outcomes import (
    ENOUGH,
    NEVER_ABOVE,
    NEVER_BELOW,
    Judged,
    Thresholds,
    decide,
    least_sureness,
    thresholds_for,
)

LIMITS = Thresholds(answer=0.7, ask=0.6)


def meant(**probabilities: float) -> list[Meaning]:
    return [Meaning(intent, probability) for intent, probability in probabilities.items()]


@pytest.mark.parametrize(
    ("likeliest", "outcome"),
    [
        ({"price": 0.8}, "answer"),
        ({"price": 0.4, "stock": 0.3}, "ask"),
        ({"price": 0.6, "stock": 0.05}, "hand_over"),
        ({"price": 0.3, "stock": 0.2}, "hand_over"),
        ({"price": 0.5, "complaint": 0.3}, "hand_over"),
        ({"price": 0.5, "hello": 0.3}, "hand_over"),
        ({"complaint": 0.99}, "hand_over"),
        ({"person": 0.99}, "hand_over"),
        ({"other": 0.99}, "hand_over"),
        ({}, "hand_over"),
    ],
)
def test_outcomes(likeliest: dict[str, float], outcome: str) -> None:
    assert decide(meant(**likeliest), LIMITS) == outcome


def test_the_threshold_is_the_lowest_that_keeps_the_wished_share() -> None:
    judged = (
        [Judged(0.9, True)] * 9 + [Judged(0.8, True)] * 9 + [Judged(0.7, False)] * 2 + [Judged(0.6, False)]
    )

    assert least_sureness(judged, 0.9) == pytest.approx(0.7)
    assert least_sureness(judged, 0.95) == pytest.approx(0.8)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()).map(lambda each: Judged(*each))), st.floats(0, 1))
def test_the_wished_share_is_kept_among_those_that_are_surer(judged: list[Judged], wished: float) -> None:
    least = least_sureness(judged, wished)

    assert NEVER_BELOW <= least <= NEVER_ABOVE
    surer = sorted((each for each in judged if each.probability > least), key=lambda each: -each.probability)
    if NEVER_BELOW < least < NEVER_ABOVE:
        at_it = [each for each in judged if each.probability == least]
        right = sum(each.right for each in [*surer, *at_it])
        assert right >= wished * (len(surer) + len(at_it)) or any(not each.right for each in at_it)


def test_by_examples_alone_fewer_errors_are_allowed(small: Model) -> None:
    sureness, right = small.learned.sureness, small.learned.right
    judged = [Judged(float(each), bool(was)) for each, was in zip(sureness, right, strict=True)]

    assert thresholds_for(small, wished=0.7).answer == least_sureness(judged, 0.8)


def test_judged_messages_count_once_there_are_enough(small: Model) -> None:
    by_examples = thresholds_for(small)

    assert thresholds_for(small, [Judged(0.5, True)] * (ENOUGH - 1)) == by_examples
    assert thresholds_for(small, [Judged(0.5, True)] * ENOUGH).answer == 0.5
