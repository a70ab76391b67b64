"""Fifths and intervals, compared with those of numpy and scipy; equal values are in the same fifth."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from bot.domain.statistics import FIFTHS, fifth_of, quintile_places, quintiles, wilson

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
    wanted = binomtest(k, n).proportion_ci(0.95, method="wilson")

    assert np.allclose(wilson(k, n), (wanted.low, wanted.high), atol=1e-9)
