"""Keep deliveries in the log: answered 200 once a majority of its copies has them."""

import asyncio
from collections.abc import Sequence

import structlog

from bot.domain.errors import LogAway
from bot.operations.metrics import Metrics
from bot.receive.delivery_store import DeliveryStore
from bot.receive.log.entries import dump_entry, entry_of, id_of
from bot.receive.log.jetstream import Log
from storage.inbox import InboxEvent, UnreadableDelivery

log = structlog.get_logger()

TELL_EVERY = 1.0  # seconds; in a rush each refusal on a line of its own would be a rush of lines


class LogProducer:
    """What is too long for the log goes straight to the database."""

    def __init__(self, log: Log, database: DeliveryStore, metrics: Metrics) -> None:
        self._log = log
        self._database = database
        self._metrics = metrics
        self._refused = 0

    async def keep(self, arrivals: Sequence[InboxEvent], puzzle: UnreadableDelivery | None = None) -> None:
        """Done once it cannot get lost; raises LogAway."""
        entry = entry_of(arrivals, puzzle)
        body = dump_entry(entry)
        if len(body) > self._log.room:
            return await self._database.keep(arrivals, puzzle)
        try:
            await self._log.append(entry.shop, id_of(entry), body)
        except LogAway as error:
            self._tell(error)
            raise

    def _tell(self, error: LogAway) -> None:
        self._metrics.log_errors.inc()
        self._refused += 1
        if self._refused == 1:
            asyncio.get_running_loop().call_later(TELL_EVERY, self._sum_up, str(error))

    def _sum_up(self, why: str) -> None:
        log.error("deliveries not kept", count=self._refused, error=why)
        self._refused = 0
