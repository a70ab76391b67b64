"""The program: starts the parts that were built, runs their loops, and stops them cleanly."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable
from datetime import datetime
from functools import partial

import msgspec
from aiohttp import web
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from bot.channels import HoldsConnections
from bot.config import Config
from bot.deliver.claim import Claimer
from bot.deliver.dispatcher import Dispatcher
from bot.domain.errors import StorageError
from bot.domain.rules import Rules
from bot.operations.archive import EVERY, Archiver
from bot.operations.erasure import Eraser
from bot.operations.forgetting import Forgetter
from bot.operations.health import Health
from bot.operations.metrics import Metrics
from bot.operations.restore_guard import INTERVAL, RestoreGuard
from bot.operations.time_limit import TimeLimit
from bot.react.campaigns import Asked, Campaigns
from bot.react.deadlines import fire_deadlines
from bot.react.nights import EVERY as EVERY_NIGHT
from bot.react.nights import Nights
from bot.react.reactor import Reactor
from bot.react.restocks import Restocks
from bot.receive.connection_limits import ConnectionLimits
from bot.receive.delivery_store import DeliveryStore
from bot.receive.group_commit import GroupCommit
from bot.receive.log.consumer import LogConsumer
from bot.receive.log.jetstream import Log
from bot.scheduler import TICK, Scheduler
from bot.texts.catalogue import Catalogue
from bot.worker import Worker
from storage import erasures, notifications, transfer_records
from storage.database import Database
from storage.instance import OutboxHold

RECEIVE, REACT, DELIVER = LEGS = ("receive", "react", "deliver")
BUSY_SECONDS = 0.05  # until a shop that another program had locked is tried again
LOG_SECONDS = 10.0  # that a starting program waits for the log in front


class Workers(msgspec.Struct, frozen=True):
    """The loops of one program."""

    react: Worker
    deliver: Worker
    calendar: Worker
    archive: Worker
    restore_guard: Worker
    nights: Worker
    erasure: Worker


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """What `app.build` made. log, consumer, archiver, monitoring: only where the settings
    ask for them.

    deliver_database: where decisions are written; it notifies other programs if none of ours delivers.
    drain_seconds: how long a stopping program waits for platforms to answer.
    """

    site: web.Application
    config: Config
    rules: Rules
    metrics: Metrics
    database: Database
    deliver_database: Database
    clock: Callable[[], datetime]
    legs: Collection[str]
    drain_seconds: float
    workers: Workers
    catalogue: Catalogue
    group_commit: GroupCommit
    store: DeliveryStore
    limits: ConnectionLimits
    reactor: Reactor
    campaigns: Campaigns
    nights: Nights
    restocks: Restocks
    claimer: Claimer
    dispatcher: Dispatcher
    connected: Collection[HoldsConnections]
    time_limit: TimeLimit
    health: Health
    restore_guard: RestoreGuard
    log: Log | None = None
    consumer: LogConsumer | None = None
    archiver: Archiver | None = None
    eraser: Eraser
    forgetter: Forgetter
    monitoring: web.Application | None = None


class Program:
    """Everything that `serve` runs. Its rounds can also be called one by one; see `bot/simulation.py`."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts

    @property
    def site(self) -> web.Application:
        """The HTTP side of the program."""
        return self.parts.site

    async def react(self) -> int:
        """Handle what is open and ready, in every shop; returns how many events were handled or put off.

        Once nothing is left to do, the loop sleeps no longer than until the next event is ready.
        """
        found = await self.parts.reactor.react(self.parts.clock)
        handled = found.handled + found.parked
        if handled:
            self.parts.workers.deliver.wake()
        elif found.busy:  # what came after another program's read is still open
            await asyncio.sleep(BUSY_SECONDS)
            self.parts.workers.react.wake()
        elif found.next_at:
            self.parts.workers.react.wake_in((found.next_at - self.parts.clock()).total_seconds())
        return handled + found.put_off

    async def deliver(self) -> int:
        """Claim and start sending what is due; returns how many messages were examined."""
        return await self.parts.dispatcher.deliver_due()

    async def calendar(self) -> int:
        """Fire deadlines, settle what a dead program left behind, tell what is back, run campaigns."""
        fired = await self._fire_deadlines() if REACT in self.parts.legs else 0
        if DELIVER in self.parts.legs and await self.parts.dispatcher.settle_abandoned():
            self.parts.workers.deliver.wake()
        if REACT not in self.parts.legs:
            return fired
        fired += await self._tell_restocks()
        # Last, so that a fault in an offer delays nothing else.
        return fired + await self._run_campaigns()

    async def finish_sending(self) -> None:
        """Wait for what is being sent, and record it."""
        await self.parts.dispatcher.stop()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[OutboxHold | None]:
        """Run all loops; yields the hold of the outbox, if any. On leaving, finishes what is in hand.

        Raises StorageError or a database error if it cannot start.
        """
        parts = self.parts
        hold = await parts.restore_guard.check()
        rounds = self._rounds()
        work = await self._start_log()
        work += [asyncio.create_task(worker.run(round), name=worker.name) for worker, round in rounds]
        work += [
            asyncio.create_task(parts.group_commit.run(), name="group commit"),
            asyncio.create_task(parts.limits.watch(), name="connection limits"),
            *self._listen(),
        ]
        recording = asyncio.create_task(parts.dispatcher.record(), name="record")
        scheduler = self._schedule(worker for worker, _ in rounds)
        scheduler.start()
        try:
            with parts.time_limit.watching():
                yield hold
        finally:
            scheduler.stop()
            for task in work:
                task.cancel()
            await asyncio.gather(*work, return_exceptions=True)
            await self._leave(recording)

    async def _fire_deadlines(self) -> int:
        now = self.parts.clock()
        fired = await self.parts.database.write(lambda connection: fire_deadlines(connection, now))
        if fired:
            self.parts.workers.react.wake()
        return fired

    async def _tell_restocks(self) -> int:
        restocks, now = self.parts.restocks, self.parts.clock()
        examined = await self.parts.deliver_database.write(
            lambda connection: restocks.run_page(connection, now)
        )
        if examined:
            self.parts.workers.deliver.wake()
        return examined

    async def _run_campaigns(self) -> int:
        campaigns, now = self.parts.campaigns, self.parts.clock()

        def run(connection: Connection) -> tuple[Asked, int]:
            return campaigns.start_due(connection, now), campaigns.run_page(connection, now)

        asked, examined = await self.parts.deliver_database.write(run)
        campaigns.started(asked, now)
        if examined:
            self.parts.workers.deliver.wake()
        return examined

    async def nights(self) -> int:
        """Do a page of the nightly work on buyers' figures and tiers; returns how many were looked at."""
        return await self.parts.nights.run(self.parts.database, self.parts.clock())

    async def archive(self) -> int:
        """Go through everything once; then sleep until the scheduler wakes the loop."""
        shops = self.parts.config.shops
        for shop_id in shops.keys() & await self.parts.database.read(transfer_records.shops_with_any):
            before = self.parts.clock() - shops[shop_id].payment.keep_statements
            forget = partial(transfer_records.forget, shop=shop_id, before=before)
            await self.parts.database.write(forget)
        if self.parts.archiver is not None:
            await self.parts.archiver.sweep()
        await self.parts.forgetter.sweep()
        return 0

    async def erase(self) -> int:
        """Finish the erasures that have begun; then sleep until the scheduler or the API wakes the loop."""
        begun = await self.parts.database.read(erasures.shops_with_some_under_way)
        for shop_id in self.parts.config.shops.keys() & begun:
            for erasure in await asyncio.to_thread(self.parts.eraser.under_way, shop_id):
                await asyncio.to_thread(self.parts.eraser.finish, erasure)
        return 0

    def _rounds(self) -> list[tuple[Worker, Callable[[], Awaitable[int]]]]:
        """The loops of this program's legs."""
        parts, workers = self.parts, self.parts.workers
        rounds: list[tuple[Worker, Callable[[], Awaitable[int]]]] = [
            (workers.restore_guard, self.parts.restore_guard.heartbeat)
        ]
        if REACT in parts.legs:
            rounds.append((workers.react, self.react))
        if DELIVER in parts.legs:
            rounds.append((workers.deliver, self.deliver))
        if REACT in parts.legs or DELIVER in parts.legs:
            rounds.append((workers.calendar, self.calendar))
        if REACT in parts.legs:
            rounds.append((workers.erasure, self.erase))
            rounds.append((workers.archive, self.archive))
        if REACT in parts.legs and parts.nights.any:
            rounds.append((workers.nights, self.nights))
        return rounds

    def _schedule(self, running: Iterable[Worker]) -> Scheduler:
        """The scheduler, with what wakes each loop."""
        workers, scheduler = self.parts.workers, Scheduler()
        intervals = {
            workers.archive: EVERY,
            workers.restore_guard: INTERVAL,
            workers.nights: EVERY_NIGHT,
            workers.erasure: EVERY,
        }
        for worker in running:
            scheduler.every(intervals.get(worker, TICK), worker.wake)
        return scheduler

    def _listen(self) -> list[asyncio.Task[None]]:
        """Be woken by other programs on the same PostgreSQL."""
        database, legs, workers = self.parts.database, self.parts.legs, self.parts.workers
        wake = {leg.name: leg.wake for leg in (workers.react, workers.deliver) if leg.name in legs}
        if not wake or database.dialect != "postgresql":
            return []
        return [asyncio.create_task(notifications.listen(database.engine, wake), name="notifications")]

    async def _start_log(self) -> list[asyncio.Task[None]]:
        """Connect to the log in front, and take in from it where events are handled.

        Without its log a program starts all the same: it answers 503, and reacts to what is in the inbox.
        """
        log, consumer = self.parts.log, self.parts.consumer
        if log is None:
            return []
        started = [asyncio.create_task(log.run(), name="log")]
        if consumer is not None:
            started.append(asyncio.create_task(consumer.run(), name="log consumer"))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(log.ready.wait(), LOG_SECONDS)
        return started

    async def _leave(self, recording: asyncio.Task[None]) -> None:
        """Finish what is in hand, and end the leases of what no platform answers in time."""
        parts = self.parts
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(parts.dispatcher.stop(), parts.drain_seconds)
        recording.cancel()
        await asyncio.gather(recording, return_exceptions=True)
        await parts.dispatcher.release_leases()
        await asyncio.gather(*(channel.close() for channel in parts.connected))
        with contextlib.suppress(DBAPIError, StorageError):  # the database is away; the last heartbeat counts
            await parts.restore_guard.heartbeat()
