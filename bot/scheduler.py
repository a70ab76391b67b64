"""The scheduler: APScheduler wakes the workers, and remembers nothing itself."""

import contextlib
from collections.abc import Callable
from datetime import UTC, timedelta

from apscheduler.schedulers.asyncio import AsyncIOScheduler

TICK = timedelta(seconds=1)  # how late a deadline may be noticed


class Scheduler:
    """APScheduler with a few interval jobs, each of which only wakes a worker."""

    def __init__(self) -> None:
        self._scheduler = AsyncIOScheduler(timezone=UTC)

    def every(self, interval: timedelta, job: Callable[[], None]) -> None:
        self._scheduler.add_job(
            job,
            "interval",
            seconds=interval.total_seconds(),
            coalesce=True,
            max_instances=1,
            misfire_grace_time=None,
        )

    def start(self) -> None:
        self._scheduler.start()

    def stop(self) -> None:
        with contextlib.suppress(Exception):  # raised for one that never started
            self._scheduler.shutdown(wait=False)
