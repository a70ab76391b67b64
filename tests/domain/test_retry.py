"""When a failed sending is tried again."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.retry import ATTEMPTS, LONGEST, wait_before

LUCK = st.floats(0, 1)
DAY = timedelta(days=1)


def waits(luck: float) -> list[timedelta]:
    return [wait for attempt in range(1, ATTEMPTS + 2) if (wait := wait_before(attempt, luck)) is not None]


@given(LUCK)
def test_a_day_without_an_answer_is_outlasted_and_there_is_an_end(luck: float) -> None:
    """So that a receiver that is away over night costs no buyer a word."""
    assert len(waits(luck)) == ATTEMPTS - 1
    assert timedelta(hours=18) < sum(waits(luck), timedelta(0)) < timedelta(hours=32)
    assert sum(waits(luck)[:9], timedelta(0)) < timedelta(hours=3), "soon while it may be back at once"


@given(LUCK)
def test_each_wait_is_at_least_the_one_before(luck: float) -> None:
    assert waits(luck) == sorted(waits(luck))


@given(st.integers(1, ATTEMPTS - 1), LUCK)
def test_luck_spreads_the_waits_by_a_quarter(attempt: int, luck: float) -> None:
    middle = wait_before(attempt, 0.5)
    wait = wait_before(attempt, luck)
    assert middle is not None
    assert wait is not None
    assert 0.75 * middle <= wait <= 1.25 * middle
    assert wait <= 1.25 * LONGEST


@given(st.integers(1, ATTEMPTS - 1), LUCK, st.timedeltas(timedelta(0), timedelta(days=400)))
def test_the_platforms_own_wait_is_never_undercut_and_bounded_by_a_day(
    attempt: int, luck: float, retry_after: timedelta
) -> None:
    wait = wait_before(attempt, luck, retry_after)
    own = wait_before(attempt, luck)
    assert wait is not None
    assert own is not None
    assert wait == max(own, min(retry_after, DAY))


@given(st.timedeltas(timedelta(0), DAY))
def test_a_platforms_wait_does_not_add_to_the_attempts(retry_after: timedelta) -> None:
    assert wait_before(ATTEMPTS, 0.5, retry_after) is None
