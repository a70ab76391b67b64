"""The clock: APScheduler wakes the legs and fires what the calendar starts; it remembers nothing itself."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from sqlalchemy import Connection

from xiaoer.bot.events import TimeCame
from xiaoer.bot.metrics import Metrics
from xiaoer.bot.receive import written
from xiaoer.storage import calendar, inbox

log = structlog.get_logger()

TICK = timedelta(seconds=1)  # how late a deadline may be noticed
WAKES = 500  # deadlines fired in one transaction
ENOUGH = 100  # a round with less is followed by a breath, in which more gathers: a round costs as much as ten
PACE = 0.02  # seconds; what this adds to an answer nobody notices
PAUSE = 1.0  # seconds to wait after a round that failed whole


def utc_now() -> datetime:
    return datetime.now(UTC)


class Leg:
    """One part of the journey: rounds without pause while there is work, then asleep until woken."""

    def __init__(self, name: str, work: Callable[[], Awaitable[int]], metrics: Metrics) -> None:
        self.name = name
        self._work = work
        self._metrics = metrics
        self._metrics.leg_errors.labels(name)  # 0 until a round fails
        self._wake = asyncio.Event()
        self._wake.set()

    def wake(self) -> None:
        self._wake.set()

    async def run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                while done := await self._work():
                    if done < ENOUGH:
                        await asyncio.sleep(PACE)
            except Exception as error:  # a database that is away comes back; the leg must still be there then
                self._metrics.leg_errors.labels(self.name).inc()
                log.error("leg failed", leg=self.name, error=type(error).__name__, exc_info=True)
                await asyncio.sleep(PAUSE)
                self._wake.set()


def fire_wakes(connection: Connection, now: datetime) -> int:
    """Deadlines that have come become events, each once; returns how many."""
    fired = 0
    for shop in calendar.shops_with_wakes(connection):
        due = calendar.due_wakes(connection, shop, now, WAKES)
        events = [
            TimeCame(
                channel="clock",
                external_id=wake.key,
                at=wake.at,
                what=wake.what,
                about=wake.about,
                order=wake.order_id,
            )
            for wake in due
        ]
        inbox.add(connection, [written(shop, event, now) for event in events])
        calendar.mark_fired(connection, shop, [wake.key for wake in due], now)
        fired += len(due)
    return fired


class Clock:
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
