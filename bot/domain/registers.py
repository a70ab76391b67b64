"""Merge rules for one field of a record: repeated and permuted, the same values give the same result."""

from datetime import datetime

TIMES_KEPT = 20  # of one fact: a platform may repeat it each day


def first(one: datetime | None, other: datetime) -> datetime:
    return other if one is None else min(one, other)


def last(one: datetime | None, other: datetime) -> datetime:
    return other if one is None else max(one, other)


def each_once(*times: datetime | None) -> tuple[datetime, ...]:
    """The times that are known, in their order."""
    return tuple(sorted({at for at in times if at}))


def spread(*times: datetime | None) -> tuple[datetime, tuple[datetime, ...], datetime | None]:
    """The first of the times, the newest of those between, and the last if that is another."""
    every = each_once(*times)
    return every[0], every[1:-1][-TIMES_KEPT:], every[-1] if len(every) > 1 else None
