"""The watermark: up to what time everything acknowledged is in the inbox, though it came through the log.

Deliver asks the log for its end, and claims messages once the consumers have passed that end. It judges them
as of the time when it asked, and only within a few seconds of it. While the inbox is further behind, or the
log cannot be asked, nothing is sent, because an event that is still in the log may make a message untrue.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime

import msgspec
import structlog
from sqlalchemy import Connection

from bot.domain.errors import LogAway
from bot.operations.metrics import Metrics
from bot.receive.log.entries import PARTITIONS, partition_of
from bot.receive.log.jetstream import Log, Position
from storage import log_offsets

log = structlog.get_logger()

FRESH_SECONDS = 5.0  # for which a mark counts; less than the audit's SLACK


class Mark(msgspec.Struct, frozen=True):
    """Where a partition ended at a time, by the program's clock (`at`) and by the event loop's (`asked`)."""

    end: Position
    at: datetime
    asked: float


class Watermark:
    """For one program's deliver leg, whose rounds do not overlap."""

    def __init__(self, log: Log, metrics: Metrics, clock: Callable[[], datetime]) -> None:
        self._log = log
        self._metrics = metrics
        self._clock = clock
        self._marks: dict[int, Mark] = {}
        self._problems: dict[int, str] = {}

    async def refresh(self) -> None:
        """Ask each partition that has no fresh mark for its end: at most one call a round for each."""
        now = asyncio.get_running_loop().time()
        old = [
            partition
            for partition in range(PARTITIONS)
            if partition not in self._marks or now - self._marks[partition].asked > FRESH_SECONDS
        ]
        await asyncio.gather(*(self._mark(partition, now) for partition in old))

    async def _mark(self, partition: int, now: float) -> None:
        behind = self._marks.pop(partition, None) is not None
        at = self._clock()
        try:
            self._marks[partition] = Mark(await self._log.last(partition), at, now)
            self._report(partition, "it is behind" if behind else "")
        except LogAway as error:
            self._report(partition, "it cannot be asked", error=str(error))

    def known_until(self, connection: Connection) -> Callable[[str], datetime | None]:
        """A function from a shop to the time up to which we know everything about it; None if we do not.

        It uses up the marks that were passed, so each serves one round.
        """
        consumed = {
            partition: Position(*offset) for partition, offset in log_offsets.reached(connection).items()
        }
        until: dict[int, datetime] = {}
        for partition, mark in list(self._marks.items()):
            if consumed.get(partition, _NOTHING).reaches(mark.end):
                until[partition] = mark.at
                del self._marks[partition]
        return lambda shop: until.get(partition_of(shop))

    def _report(self, partition: int, problem: str, **more: str) -> None:
        """Log when a problem begins and when it ends, but not when only `more` changes: the reason does each
        time another server is tried."""
        before = self._problems.get(partition, "")
        self._problems[partition] = problem
        self._metrics.log_holds.labels(str(partition)).set(1 if problem else 0)
        if problem and problem != before:
            log.warning("messages wait for the log", partition=partition, why=problem, **more)
        elif before and not problem:
            log.info("messages no longer wait for the log", partition=partition)


_NOTHING = Position("", 0)
