"""Group commit: deliveries that arrive while one commit is written share the next one."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

import structlog
from sqlalchemy import Connection

from bot.operations.metrics import Metrics
from storage import inbox
from storage.database import Database
from storage.inbox import InboxEvent, UnreadableDelivery

log = structlog.get_logger()


GROUP = 1000  # deliveries in one commit


class GroupCommit:
    """Group commit: all deliveries that came while one commit was being written share the next."""

    def __init__(self, database: Database, metrics: Metrics, on_kept: Callable[[], None]) -> None:
        self._database = database
        self._metrics = metrics
        self._on_kept = on_kept
        self._waiting: deque[tuple[Sequence[InboxEvent], UnreadableDelivery | None, asyncio.Future[None]]] = (
            deque()
        )
        self._wake = asyncio.Event()

    def keep(
        self, arrivals: Sequence[InboxEvent], puzzle: UnreadableDelivery | None = None
    ) -> asyncio.Future[None]:
        """Done once it is on disk; fails as the commit failed."""
        kept: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((arrivals, puzzle, kept))
        self._wake.set()
        return kept

    @property
    def waiting(self) -> bool:
        return bool(self._waiting)

    async def run(self) -> None:
        """Commit group after group, until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                group = [self._waiting.popleft() for _ in range(min(GROUP, len(self._waiting)))]
                await self._commit(group)

    async def _commit(
        self, group: list[tuple[Sequence[InboxEvent], UnreadableDelivery | None, asyncio.Future[None]]]
    ) -> None:
        arrivals = [arrival for each, _, _ in group for arrival in each]
        puzzles = [puzzle for _, puzzle, _ in group if puzzle]

        def write(connection: Connection) -> None:
            inbox.add(connection, arrivals)
            inbox.keep(connection, puzzles)

        error: Exception | None = None
        try:
            await self._database.write(write)
        except Exception as failed:  # whatever it was, none of the group is on disk and all must hear of it
            log.error("deliveries not kept", count=len(group), error=type(failed).__name__)
            error = failed
        self._metrics.group_size.observe(len(group))
        for _, _, kept in group:
            if kept.done():
                continue  # the platform hung up meanwhile
            kept.set_exception(error) if error else kept.set_result(None)
        if error is None and arrivals:
            self._on_kept()
