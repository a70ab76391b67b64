"""Merge rules for one field of a record: repeated and permuted, the same values give the same result."""

from datetime import datetime


def first(one: datetime | None, other: datetime) -> datetime:
    return other if one is None else min(one, other)


def last(one: datetime | None, other: datetime) -> datetime:
    return other if one is None else max(one, other)
