"""The scheduler: APScheduler wakes the workers, and remembers nothing itself."""

import contextlib
from collections.abc import Callable
from datetime import UTC, timedelta

from apscheduler.schedulers.asyncio import AsyncIOScheduler

TICK = timedelta(seconds=1)  # how late a deadline may be noticed


class Scheduler:
    """APScheduler with the few jobs that the program has; each only wakes somebody."""

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
        with contextlib.suppress(Exception):  # stopping a scheduler that never started is no trouble
            self._scheduler.shutdown(wait=False)
