"""Figures about many: where fifths end. By the standard library alone."""

from bisect import bisect_left
from collections.abc import Sequence
from typing import Any, TypeVar

T = TypeVar("T")

FIFTHS = 5


def quintile_places(count: int) -> tuple[int, ...]:
    """The places, from 1 on, of the four values that end the first fifths of `count` sorted values."""
    return tuple(-(-count * part // FIFTHS) for part in range(1, FIFTHS))


def quintiles(ordered: Sequence[T]) -> tuple[T, ...]:
    """The four values that end the first four fifths of values in ascending order; of none: none."""
    return tuple(ordered[place - 1] for place in quintile_places(len(ordered))) if ordered else ()


def fifth_of(value: Any, ends: Sequence[Any]) -> int:
    """The fifth that a value is in, 1 to 5, by what `quintiles` found: equal values are in the same."""
    return 1 + bisect_left(ends, value)
