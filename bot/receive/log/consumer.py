"""Move entries from the log into the inbox, in order, each batch and its position in one transaction."""

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
from bot.receive.log.jetstream import Log, Position
from bot.receive.log.reader import StoredEntry
from storage import inbox, log_offsets
from storage.database import Database, is_service_trouble, lease_clock
from storage.inbox import UnreadableDelivery

log = structlog.get_logger()

LEASE = timedelta(seconds=6)  # after which another program takes over a partition from a dead one
IDLE = 2.0  # seconds without an entry, after which the lease is renewed and the log asked for its end
PAUSE = 1.0  # seconds to wait after a failure, or while another program has the partition
RELEASE = 60.0  # seconds for which stored entries stay in the log at least; twice as long at most
LOG_CHANNEL = "log"  # the channel under which bytes in the log that are no entry are stored


class LogConsumer:
    """Consumes every partition that no other program has a lease on.

    The lease only saves work. The order is kept by the position: a batch is written only if the position is
    still the one that the batch was read behind, and moves it, in one transaction.
    """

    def __init__(
        self,
        log: Log,
        database: Database,
        metrics: Metrics,
        on_stored: Callable[[], None],
        clock: Callable[[], datetime],
    ) -> None:
        self._log = log
        self._database = database
        self._metrics = metrics
        self._metrics.leg_errors.labels("take")  # shown as 0 until one fails
        self._on_stored = on_stored
        self._clock = clock
        self._name = uuid.uuid4().hex

    async def run(self) -> None:
        """Consume until cancelled; then release the leases."""
        try:
            await asyncio.gather(*(self._keep_consuming(partition) for partition in range(PARTITIONS)))
        finally:
            try:
                await self._database.write(
                    lambda link: log_offsets.release(link, self._name, lease_clock(link, self._clock()))
                )
            except Exception as error:  # if the database is away, the lease ends by itself
                log.warning("log not let go", error=type(error).__name__)

    async def _keep_consuming(self, partition: int) -> None:
        while True:
            try:
                await self._log.ready.wait()
                await self._consume(partition)
            except LogAway as error:
                log.warning("reading the log again", partition=partition, why=str(error))
            except Exception as error:  # go on, because a database that is away comes back
                self._metrics.leg_errors.labels("take").inc()
                why = type(error).__name__
                log.error(
                    "taking in failed", partition=partition, error=why, exc_info=not is_service_trouble(error)
                )
            await asyncio.sleep(PAUSE)

    async def _consume(self, partition: int) -> None:
        """Consume until another program has the partition, or the reader stalls short of the log's end."""
        position = await self._hold(partition)
        if position is None:
            return
        last = await self._log.last(partition)
        intact = position.stream == last.stream and position.sequence <= last.sequence
        # A log that was created anew or restored is read from its start; the inbox drops what it has already.
        start = position.sequence if intact else 0
        release = _Release(self._log, partition)
        async with self._log.reading(partition, start) as reader:
            while True:
                if batch := await reader.next(IDLE):
                    position = await self._store(partition, position, last.stream, batch)
                    await release.through(position.sequence)
                    continue
                last = await self._log.last(partition)
                if await self._hold(partition) != position or not position.reaches(last):
                    return

    async def _hold(self, partition: int) -> Position | None:
        def write(connection: Connection) -> tuple[str, int] | None:
            now = lease_clock(connection, self._clock())
            return log_offsets.claim(connection, partition, self._name, now, now + LEASE)

        held = await self._database.write(write)
        return Position(*held) if held else None

    async def _store(
        self, partition: int, seen: Position, stream: str, batch: Sequence[StoredEntry]
    ) -> Position:
        """Store a batch; if the database refuses it, halve it until the entry at fault is alone."""
        reached = Position(stream, batch[-1].sequence)
        try:
            await self._commit(
                partition, seen, reached, [_decoded(stored, self._clock()) for stored in batch]
            )
        except Exception as error:
            if not _is_entrys_fault(error):
                raise
            if len(batch) == 1:
                reason = f"{type(error).__name__}: it cannot be kept"
                await self._commit(partition, seen, reached, [_unreadable(batch[0], self._clock(), reason)])
                return reached
            half = len(batch) // 2
            seen = await self._store(partition, seen, stream, batch[:half])
            return await self._store(partition, seen, stream, batch[half:])
        return reached

    async def _commit(
        self, partition: int, seen: Position, reached: Position, entries: Sequence[Entry]
    ) -> None:
        events = [event for entry in entries for event in entry.events]
        unreadable = [entry.unreadable for entry in entries if entry.unreadable]

        def write(connection: Connection) -> None:
            until = lease_clock(connection, self._clock()) + LEASE
            now, then = (seen.stream, seen.sequence), (reached.stream, reached.sequence)
            if not log_offsets.advance(connection, partition, self._name, now, then, until):
                raise LogAway("another program takes from it")
            inbox.add(connection, events)
            inbox.add_unreadable(connection, unreadable)

        await self._database.write(write)
        self._metrics.log_taken.inc(len(entries))
        self._metrics.group_size.observe(len(entries))
        for each in unreadable:
            if each.channel == LOG_CHANNEL:
                self._metrics.unreadable.labels(each.shop, LOG_CHANNEL).inc()
                log.error("bytes in the log are no delivery", shop=each.shop, where=each.headers)
        self._on_stored()


class _Release:
    """Deletes stored entries a while later, so that a database that lost its last commits finds them."""

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


def _decoded(stored: StoredEntry, now: datetime) -> Entry:
    try:
        return load_entry(stored.body)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        return _unreadable(stored, now, f"not an entry: {error}"[:300])


def _unreadable(stored: StoredEntry, now: datetime, error: str) -> Entry:
    """Keep the bytes whole as an unreadable delivery, so that they do not stop what is behind them."""
    return Entry(
        unreadable=UnreadableDelivery(
            shop=stored.subject.rpartition(".")[2],
            channel=LOG_CHANNEL,
            external_id=hashlib.sha256(stored.body).hexdigest(),
            headers=json.dumps({"subject": stored.subject, "sequence": str(stored.sequence)}),
            body=stored.body,
            error=error,
            received_at=now,
        )
    )


def _is_entrys_fault(error: Exception) -> bool:
    """True if the entry cannot be stored, however often it is tried."""
    if isinstance(error, StatementError):
        return not is_service_trouble(error)
    return isinstance(error, ValueError | TypeError | IndexError)
