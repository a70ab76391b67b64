"""Take in: what lies in the log goes into the inbox, in its order, and its place with it in one commit."""

import asyncio
import hashlib
import json
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import msgspec
import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import StatementError

from bot.domain.errors import LogAway
from bot.operations.metrics import Metrics
from bot.receive.log.entries import PARTITIONS, Entry, load_entry
from bot.receive.log.jetstream import Log, Place
from bot.receive.log.reader import Stored
from storage import inbox, log_offsets
from storage.database import Database, is_service_trouble, lease_clock
from storage.inbox import UnreadableDelivery

log = structlog.get_logger()

LEASE = timedelta(seconds=6)  # after which another program takes over from a dead one
IDLE = 2.0  # seconds without an entry after which the lease is renewed and the log asked for its end
PAUSE = 1.0  # seconds to wait after something failed, or while another program takes
RELEASE = 60.0  # seconds for which entries stay in the log, once or twice, after they were taken in
FOREIGN = "log"  # stands for the channel of bytes in the log that are no entry


class LogConsumer:
    """One program's hand in the log: for each partition, one program of all takes at a time.

    The lease only saves work. What keeps the order is the place: a batch is written if the place
    is still the one that it was read behind, and moves it, in one transaction.
    """

    def __init__(
        self,
        log: Log,
        database: Database,
        metrics: Metrics,
        on_taken: Callable[[], None],
        clock: Callable[[], datetime],
    ) -> None:
        self._log = log
        self._database = database
        self._metrics = metrics
        self._metrics.leg_errors.labels("take")  # 0 until one fails
        self._on_taken = on_taken
        self._clock = clock
        self._name = uuid.uuid4().hex

    async def run(self) -> None:
        """Take from every partition that nobody else takes from, until cancelled."""
        try:
            await asyncio.gather(*(self._serve(partition) for partition in range(PARTITIONS)))
        finally:
            try:
                await self._database.write(
                    lambda link: log_offsets.release(link, self._name, lease_clock(link, self._clock()))
                )
            except Exception as error:  # the database is away; then the lease ends by itself
                log.warning("log not let go", error=type(error).__name__)

    async def _serve(self, partition: int) -> None:
        while True:
            try:
                await self._log.ready.wait()
                await self._take(partition)
            except LogAway as error:
                log.warning("reading the log again", partition=partition, why=str(error))
            except Exception as error:  # a database that is away comes back; we must still be there then
                self._metrics.leg_errors.labels("take").inc()
                why = type(error).__name__
                log.error(
                    "taking in failed", partition=partition, error=why, exc_info=not is_service_trouble(error)
                )
            await asyncio.sleep(PAUSE)

    async def _take(self, partition: int) -> None:
        """Until another program takes here, or the log has more and brings nothing."""
        place = await self._hold(partition)
        if place is None:
            return
        last = await self._log.last(partition)
        whole = place.stream == last.stream and place.sequence <= last.sequence
        # Of a log that was made anew, or set back, everything is read; what is known already changes nothing.
        start = place.sequence if whole else 0
        release = _Release(self._log, partition)
        async with self._log.reading(partition, start) as reader:
            while True:
                if batch := await reader.next(IDLE):
                    place = await self._keep(partition, place, last.stream, batch)
                    await release.through(place.sequence)
                    continue
                last = await self._log.last(partition)
                if await self._hold(partition) != place or not place.reaches(last):
                    return

    async def _hold(self, partition: int) -> Place | None:
        def hold(connection: Connection) -> tuple[str, int] | None:
            now = lease_clock(connection, self._clock())
            return log_offsets.claim(connection, partition, self._name, now, now + LEASE)

        held = await self._database.write(hold)
        return Place(*held) if held else None

    async def _keep(self, partition: int, seen: Place, stream: str, batch: Sequence[Stored]) -> Place:
        """Into the inbox, in smaller steps if the database refuses, up to the one entry to blame."""
        reached = Place(stream, batch[-1].sequence)
        try:
            await self._commit(partition, seen, reached, [_opened(stored, self._clock()) for stored in batch])
        except Exception as error:
            if not _is_its_own_fault(error):
                raise
            if len(batch) == 1:
                foreign = _foreign(batch[0], self._clock(), f"{type(error).__name__}: it cannot be kept")
                await self._commit(partition, seen, reached, [foreign])
                return reached
            half = len(batch) // 2
            seen = await self._keep(partition, seen, stream, batch[:half])
            return await self._keep(partition, seen, stream, batch[half:])
        return reached

    async def _commit(self, partition: int, seen: Place, reached: Place, entries: Sequence[Entry]) -> None:
        arrivals = [arrival for entry in entries for arrival in entry.arrivals]
        puzzles = [entry.puzzle for entry in entries if entry.puzzle]

        def write(connection: Connection) -> None:
            until = lease_clock(connection, self._clock()) + LEASE
            now, then = (seen.stream, seen.sequence), (reached.stream, reached.sequence)
            if not log_offsets.advance(connection, partition, self._name, now, then, until):
                raise LogAway("another program takes from it")
            inbox.add(connection, arrivals)
            inbox.keep(connection, puzzles)

        await self._database.write(write)
        self._metrics.log_taken.inc(len(entries))
        self._metrics.group_size.observe(len(entries))
        for puzzle in puzzles:
            if puzzle.channel == FOREIGN:
                self._metrics.unreadable.labels(puzzle.shop, FOREIGN).inc()
                log.error("bytes in the log are no delivery", shop=puzzle.shop, where=puzzle.headers)
        self._on_taken()


class _Release:
    """Lets go of what was taken in a while ago. Until then a database that lost its last commits finds it."""

    def __init__(self, log: Log, partition: int) -> None:
        self._log = log
        self._partition = partition
        self._earlier = 0
        self._at = 0.0

    async def through(self, sequence: int) -> None:
        now = asyncio.get_running_loop().time()
        if now < self._at + RELEASE:
            return
        if self._earlier:
            await self._log.release(self._partition, self._earlier)
        self._earlier, self._at = sequence, now


def _opened(stored: Stored, now: datetime) -> Entry:
    try:
        return load_entry(stored.body)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        return _foreign(stored, now, f"not an entry: {error}"[:300])


def _foreign(stored: Stored, now: datetime, error: str) -> Entry:
    """Bytes that nobody can read stop nothing, and are kept whole for whoever looks for them."""
    return Entry(
        puzzle=UnreadableDelivery(
            shop=stored.subject.rpartition(".")[2],
            channel=FOREIGN,
            external_id=hashlib.sha256(stored.body).hexdigest(),
            headers=json.dumps({"subject": stored.subject, "sequence": str(stored.sequence)}),
            body=stored.body,
            error=error,
            received_at=now,
        )
    )


def _is_its_own_fault(error: Exception) -> bool:
    """The entry cannot be written, however often it is tried."""
    if isinstance(error, StatementError):
        return not is_service_trouble(error)
    return isinstance(error, ValueError | TypeError | IndexError)
