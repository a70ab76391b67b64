"""Fifths, rates and means, compared with those of numpy and SciPy; equal values are in the same fifth."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from bot.domain.statistics import (
    FIFTHS,
    Sums,
    fifth_of,
    mean_difference,
    quintile_places,
    quintiles,
    rate_difference,
    wilson,
)

values = st.lists(st.integers(-50, 50), min_size=1, max_size=300).map(sorted)


@given(values)
def test_the_fifths_end_where_those_of_numpy_do(ordered: list[int]) -> None:
    wanted = np.quantile(ordered, [part / FIFTHS for part in range(1, FIFTHS)], method="inverted_cdf")

    assert list(quintiles(ordered)) == wanted.tolist()


@given(values)
def test_equal_values_share_a_fifth_and_more_is_never_less(ordered: list[int]) -> None:
    ends = quintiles(ordered)
    found = [fifth_of(value, ends) for value in ordered]

    assert found == sorted(found)
    assert len({(value, fifth) for value, fifth in zip(ordered, found, strict=True)}) == len(set(ordered))
    assert set(found) <= set(range(1, FIFTHS + 1))


def test_different_values_are_shared_out_evenly() -> None:
    ends = quintiles(range(100))

    assert [sum(fifth_of(value, ends) == fifth for value in range(100)) for fifth in range(1, 6)] == [20] * 5
    assert quintile_places(100) == (20, 40, 60, 80)
    assert quintiles([]) == ()


@given(st.integers(1, 5000), st.floats(0, 1))
def test_the_interval_of_a_share_is_that_of_scipy(n: int, share: float) -> None:
    k = round(n * share)
    wanted = stats.binomtest(k, n).proportion_ci(0.95, method="wilson")

    assert np.allclose(wilson(k, n), (wanted.low, wanted.high), atol=1e-9)


@given(st.integers(1, 3000), st.integers(1, 3000), st.data())
def test_the_difference_of_two_rates_lies_in_its_interval(one: int, two: int, data: st.DataObject) -> None:
    k1, k2 = data.draw(st.integers(0, one)), data.draw(st.integers(0, two))
    difference = rate_difference(k1, one, k2, two)
    assert -1 <= difference.low <= difference.value <= difference.high <= 1
    mirrored = rate_difference(k2, two, k1, one)
    assert (-mirrored.high, -mirrored.low) == pytest.approx((difference.low, difference.high), abs=1e-9)


def test_the_difference_of_two_rates_is_that_of_newcombe() -> None:
    """56 of 70 against 48 of 80, from Newcombe (1998), table II, method 10."""
    found = rate_difference(56, 70, 48, 80)
    assert (found.low, found.high) == pytest.approx((0.0524, 0.3339), abs=5e-5)


@given(
    st.lists(st.integers(0, 100_000), min_size=30, max_size=60),
    st.lists(st.integers(0, 100_000), min_size=30, max_size=60),
)
def test_the_difference_of_two_means_is_that_of_welch(one: list[int], two: list[int]) -> None:
    sums = [Sums(len(each), sum(each), sum(x * x for x in each)) for each in (one, two)]
    assume(len(set(one)) > 1 and len(set(two)) > 1)
    ours = mean_difference(*sums)
    theirs = stats.ttest_ind(one, two, equal_var=False).confidence_interval(0.95)
    size = max(1.0, ours.high - ours.low)
    assert abs(ours.low - theirs.low) < size * 1e-4
    assert abs(ours.high - theirs.high) < size * 1e-4
