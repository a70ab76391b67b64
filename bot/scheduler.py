"""The scheduler: APScheduler wakes the workers, and remembers nothing itself."""

import contextlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger

TICK = timedelta(seconds=1)  # how late a deadline may be noticed


class Every(BaseTrigger):  # type: ignore[misc]  # untyped
    """Fires each `interval` from now on, once after any gap.

    APScheduler's own lists every time that was missed: a million when a laptop wakes after a fortnight.
    """

    def __init__(self, interval: timedelta) -> None:
        self._interval = interval

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        return max(previous_fire_time or now, now) + self._interval


class Scheduler:
    """APScheduler with a few interval jobs, each of which only wakes a worker."""

    def __init__(self) -> None:
        self._scheduler = AsyncIOScheduler(timezone=UTC)

    def every(self, interval: timedelta, job: Callable[[], None]) -> None:
        self._scheduler.add_job(job, Every(interval), coalesce=True, max_instances=1, misfire_grace_time=None)

    def start(self) -> None:
        self._scheduler.start()

    def stop(self) -> None:
        with contextlib.suppress(Exception):  # raised for one that never started
            self._scheduler.shutdown(wait=False)
