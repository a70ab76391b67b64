"""A partition of the log has one consumer at a time, and its offset moves only from where they saw it."""

from datetime import datetime

from sqlalchemy import Connection

from storage import log_offsets
from tests.one_shop import HOUR, MINUTE
from tests.world import NOON

LEASE = MINUTE
START = ("", 0)


def claim(connection: Connection, taker: str, now: datetime = NOON) -> tuple[str, int] | None:
    return log_offsets.claim(connection, 3, taker, now, now + LEASE)


def advance(connection: Connection, taker: str, seen: tuple[str, int], reached: tuple[str, int]) -> bool:
    return log_offsets.advance(connection, 3, taker, seen, reached, NOON + LEASE)


def test_a_partition_begins_at_its_start_and_is_its_takers_until_the_claim_is_over(
    connection: Connection,
) -> None:
    assert claim(connection, "one") == START
    assert claim(connection, "two") is None
    assert claim(connection, "two", NOON + LEASE) is None
    assert claim(connection, "one", NOON + LEASE) == START
    assert claim(connection, "two", NOON + HOUR) == START


def test_who_claims_next_goes_on_where_the_last_one_stopped(connection: Connection) -> None:
    claim(connection, "one")
    assert advance(connection, "one", START, ("s1", 5))

    assert claim(connection, "two", NOON + HOUR) == ("s1", 5)
    assert log_offsets.reached(connection) == {3: ("s1", 5)}


def test_no_offset_moves_by_who_lost_the_claim_or_saw_another_offset(connection: Connection) -> None:
    claim(connection, "one")

    assert not advance(connection, "two", START, ("s1", 5))
    assert not advance(connection, "one", ("s1", 0), ("s1", 5))
    assert not advance(connection, "one", ("", 1), ("s1", 5))
    assert log_offsets.reached(connection) == {3: START}


def test_a_released_partition_can_be_claimed_at_once_and_others_stay_claimed(connection: Connection) -> None:
    claim(connection, "one")
    log_offsets.claim(connection, 4, "three", NOON, NOON + HOUR)

    log_offsets.release(connection, "one", NOON)

    assert claim(connection, "two", NOON + MINUTE) == START
    assert log_offsets.claim(connection, 4, "two", NOON + MINUTE, NOON + HOUR) is None
