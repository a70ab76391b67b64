"""Group commit: deliveries that come while one commit is being written share the next one."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

import msgspec
import structlog
from sqlalchemy import Connection

from bot.operations.metrics import Metrics
from storage import inbox
from storage.database import Database
from storage.inbox import InboxEvent, UnreadableDelivery

log = structlog.get_logger()

GROUP = 1000  # deliveries in one commit


class _Waiting(msgspec.Struct, frozen=True):
    events: Sequence[InboxEvent]
    unreadable: UnreadableDelivery | None
    stored: asyncio.Future[None]


class GroupCommit:
    """Stores deliveries in the database, up to `GROUP` of them in one transaction."""

    def __init__(self, database: Database, metrics: Metrics, on_stored: Callable[[], None]) -> None:
        """on_stored: called after each commit that brought new events."""
        self._database = database
        self._metrics = metrics
        self._on_stored = on_stored
        self._queue: deque[_Waiting] = deque()
        self._wake = asyncio.Event()

    def keep(
        self, events: Sequence[InboxEvent], unreadable: UnreadableDelivery | None = None
    ) -> asyncio.Future[None]:
        """Queue a delivery. The future is done once it is committed, and fails as its commit failed."""
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(_Waiting(events, unreadable, stored))
        self._wake.set()
        return stored

    @property
    def waiting(self) -> bool:
        """True while deliveries are queued for the next commit."""
        return bool(self._queue)

    async def run(self) -> None:
        """Commit group after group, until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._queue:
                await self._commit([self._queue.popleft() for _ in range(min(GROUP, len(self._queue)))])

    async def _commit(self, group: Sequence[_Waiting]) -> None:
        events = [event for each in group for event in each.events]
        unreadable = [each.unreadable for each in group if each.unreadable]

        def write(connection: Connection) -> None:
            inbox.add(connection, events)
            inbox.add_unreadable(connection, unreadable)

        error: Exception | None = None
        try:
            await self._database.write(write)
        except Exception as failed:  # of any kind: nothing of the group is stored, and each caller must know
            log.error("deliveries not kept", count=len(group), error=type(failed).__name__)
            error = failed
        self._metrics.group_size.observe(len(group))
        for each in group:
            if each.stored.done():
                continue  # cancelled, because the platform hung up meanwhile
            each.stored.set_exception(error) if error else each.stored.set_result(None)
        if error is None and events:
            self._on_stored()
