"""Figures about many: where fifths end, rates and means with intervals. By the standard library alone."""

from bisect import bisect_left
from collections.abc import Sequence
from math import sqrt
from statistics import NormalDist
from typing import Any, TypeVar

import msgspec

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


class Interval(msgspec.Struct, frozen=True):
    """A value and between which two the true one lies, in 95 of 100 cases."""

    value: float
    low: float
    high: float


def rate_difference(k1: int, n1: int, k2: int, n2: int) -> Interval:
    """The first rate less the second, with the interval of Newcombe's method 10."""
    one, two = k1 / n1, k2 / n2
    (low1, high1), (low2, high2) = wilson(k1, n1), wilson(k2, n2)
    low = one - two - sqrt((one - low1) ** 2 + (high2 - two) ** 2)
    high = one - two + sqrt((high1 - one) ** 2 + (two - low2) ** 2)
    return Interval(one - two, max(-1.0, low), min(1.0, high))


class Sums(msgspec.Struct, frozen=True):
    """So many values, their sum, and the sum of their squares."""

    n: int
    total: float
    squares: float

    @property
    def mean(self) -> float:
        return self.total / self.n

    @property
    def variance(self) -> float:
        return max(0.0, (self.squares - self.total * self.mean) / (self.n - 1))


def mean_difference(one: Sums, two: Sums) -> Interval:
    """The first mean less the second, with Welch's interval; of at least two values each."""
    parts = (one.variance / one.n, two.variance / two.n)
    value, spread = one.mean - two.mean, sum(parts)
    if not spread:
        return Interval(value, value, value)
    freedom = spread**2 / (parts[0] ** 2 / (one.n - 1) + parts[1] ** 2 / (two.n - 1))
    half = t_bound(freedom) * sqrt(spread)
    return Interval(value, value - half, value + half)


def t_bound(freedom: float) -> float:
    """Between minus and plus this lie 95 of 100 of Student's t; by Hill's expansion, for freedom of 20 on
    right to five digits."""
    z, nu = NormalDist().inv_cdf((1 + SURE) / 2), freedom
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / nu + second / nu**2 + third / nu**3
