"""The watermark: up to which moment everything acknowledged is in the inbox, though it came by the log.

Deliver asks the log for its end, and claims once the takers have passed it: as of the moment when it asked,
and only within a few seconds of that. While the log is further behind, or cannot be asked, nothing is sent:
what we know to be unknown may make it untrue.
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
from bot.receive.log.jetstream import Log, Place
from storage import log_offsets

log = structlog.get_logger()

FRESH = 5.0  # seconds for which an answer of the log counts; less than the audit's SLACK


class Mark(msgspec.Struct, frozen=True):
    """Where a partition ended when it was asked, by the program's clock and by the event loop's."""

    place: Place
    at: datetime
    asked: float


class Watermark:
    """Of one program's deliver leg, whose rounds do not overlap."""

    def __init__(self, log: Log, metrics: Metrics, clock: Callable[[], datetime]) -> None:
        self._log = log
        self._metrics = metrics
        self._clock = clock
        self._marks: dict[int, Mark] = {}
        self._trouble: dict[int, str] = {}

    async def look(self) -> None:
        """Ask each partition that has no fresh mark for its end: at most one call a round for each."""
        now = asyncio.get_running_loop().time()
        old = [
            partition
            for partition in range(PARTITIONS)
            if partition not in self._marks or now - self._marks[partition].asked > FRESH
        ]
        await asyncio.gather(*(self._mark(partition, now) for partition in old))

    async def _mark(self, partition: int, now: float) -> None:
        behind = self._marks.pop(partition, None) is not None
        at = self._clock()
        try:
            self._marks[partition] = Mark(await self._log.last(partition), at, now)
            self._tell(partition, "it is behind" if behind else "")
        except LogAway as error:
            self._tell(partition, "it cannot be asked", error=str(error))

    def known(self, connection: Connection) -> Callable[[str], datetime | None]:
        """Up to when we know everything of a shop; None while we do not. A mark serves one round."""
        taken = {partition: Place(*place) for partition, place in log_offsets.reached(connection).items()}
        until: dict[int, datetime] = {}
        for partition, mark in list(self._marks.items()):
            if taken.get(partition, _NOTHING).reaches(mark.place):
                until[partition] = mark.at
                del self._marks[partition]
        return lambda shop: until.get(partition_of(shop))

    def _tell(self, partition: int, trouble: str, **more: str) -> None:
        """Once, when it begins and when it is over; `more` may change meanwhile, as one server after another
        is tried."""
        before = self._trouble.get(partition, "")
        self._trouble[partition] = trouble
        self._metrics.log_holds.labels(str(partition)).set(1 if trouble else 0)
        if trouble and trouble != before:
            log.warning("messages wait for the log", partition=partition, why=trouble, **more)
        elif before and not trouble:
            log.info("messages no longer wait for the log", partition=partition)


_NOTHING = Place("", 0)
