"""Store deliveries in the log: answered 200 once a majority of its replicas has them."""

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

REPORT_EVERY = 1.0  # seconds; in a rush a line for each refusal would flood our own log


class LogProducer:
    """The `DeliveryStore` in front of a log. What is too long for the log goes straight to the database."""

    def __init__(self, log: Log, database: DeliveryStore, metrics: Metrics) -> None:
        self._log = log
        self._database = database
        self._metrics = metrics
        self._refused = 0

    async def keep(self, events: Sequence[InboxEvent], unreadable: UnreadableDelivery | None = None) -> None:
        entry = entry_of(events, unreadable)
        body = dump_entry(entry)
        if len(body) > self._log.max_entry_bytes:
            return await self._database.keep(events, unreadable)
        try:
            await self._log.append(entry.shop, id_of(entry), body)
        except LogAway as error:
            self._count_refusal(error)
            raise

    def _count_refusal(self, error: LogAway) -> None:
        self._metrics.log_errors.inc()
        self._refused += 1
        if self._refused == 1:
            asyncio.get_running_loop().call_later(REPORT_EVERY, self._report, str(error))

    def _report(self, reason: str) -> None:
        log.error("deliveries not kept", count=self._refused, error=reason)
        self._refused = 0
