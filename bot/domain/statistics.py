"""Figures about many: where fifths end, how sure a share is. By the standard library alone."""

from bisect import bisect_left
from collections.abc import Sequence
from math import sqrt
from statistics import NormalDist
from typing import Any, TypeVar

T = TypeVar("T")

FIFTHS = 5
ENOUGH = 30  # of fewer nothing is said but their number
SURE = 0.95  # of an interval


def quintile_places(count: int) -> tuple[int, ...]:
    """The places, from 1 on, of the four values that end the first fifths of `count` sorted values."""
    return tuple(-(-count * part // FIFTHS) for part in range(1, FIFTHS))


def quintiles(ordered: Sequence[T]) -> tuple[T, ...]:
    """The four values that end the first four fifths of values in ascending order; of none: none."""
    return tuple(ordered[place - 1] for place in quintile_places(len(ordered))) if ordered else ()


def fifth_of(value: Any, ends: Sequence[Any]) -> int:
    """The fifth that a value is in, 1 to 5, by what `quintiles` found: equal values are in the same."""
    return 1 + bisect_left(ends, value)


def wilson(k: int, n: int, sure: float = SURE) -> tuple[float, float]:
    """Wilson's interval for a share of which `k` in `n` were seen; n is at least 1."""
    z = NormalDist().inv_cdf((1 + sure) / 2)
    share, within = k / n, z * z / n
    middle = (share + within / 2) / (1 + within)
    half = z / (1 + within) * sqrt(share * (1 - share) / n + within / (4 * n))
    return max(0.0, middle - half), min(1.0, middle + half)
