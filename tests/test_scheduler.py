"""The scheduler wakes at its interval, and once after any gap."""

import asyncio
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.scheduler import Every, Scheduler

AT = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def fired_by(now: datetime, since: datetime, at_most: int = 10) -> list[datetime]:
    """The times that APScheduler would list as missed: from the job's next time up to now."""
    trigger, times, following = Every(SECOND), list[datetime](), since
    while following <= now and len(times) < at_most:
        times.append(following)
        following = trigger.get_next_fire_time(following, now)
    return times


@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=3650)))
def test_a_clock_that_jumped_ahead_wakes_once(gap: timedelta) -> None:
    assert fired_by(AT + gap, since=AT) == [AT]


@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=3650)))
def test_the_next_time_is_an_interval_ahead(gap: timedelta) -> None:
    trigger = Every(SECOND)
    assert trigger.get_next_fire_time(None, AT) == AT + SECOND
    assert trigger.get_next_fire_time(AT, AT + gap) == AT + gap + SECOND
    assert trigger.get_next_fire_time(AT + gap, AT) == AT + gap + SECOND


async def test_a_job_is_woken_again_and_again() -> None:
    woken = asyncio.Semaphore(0)
    scheduler = Scheduler()
    scheduler.every(timedelta(milliseconds=10), woken.release)
    scheduler.start()
    async with asyncio.timeout(20):
        for _ in range(3):
            await woken.acquire()
    scheduler.stop()


def test_one_that_never_started_may_be_stopped() -> None:
    Scheduler().stop()
