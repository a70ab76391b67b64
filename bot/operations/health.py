"""The HTTP endpoints for monitoring: liveness, readiness and metrics."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import Connection

from bot.domain.errors import LogAway
from bot.operations.metrics import Metrics
from storage import inbox, instance, outbox, schema
from storage.database import Database
from storage.instance import OutboxHold

LAG = timedelta(minutes=1)  # an event that waits longer means that react is not keeping up
TIMEOUT_SECONDS = 5.0  # for the database or the log to answer
COUNT_LIMIT = 10_000  # open events that a readiness check counts at most
COUNT_SHARE = 0.01  # of the time that counting for metrics may take at most
COUNT_SECONDS = 0.5  # that a scrape waits for a count; after that it shows the last one
FAR_BEHIND = 10_000  # deliveries in the log that are not in the inbox yet; sending waits for them


class Health:
    """Answers monitoring.

    reacts: True if this program handles events, so that a backlog makes it not ready.
    behind: the number of deliveries in the log in front, if there is one. Then the log alone decides about
    readiness, because it stores what the database cannot take.
    """

    def __init__(
        self,
        database: Database,
        metrics: Metrics,
        clock: Callable[[], datetime],
        reacts: bool = True,
        behind: Callable[[], Awaitable[int]] | None = None,
    ) -> None:
        self._database = database
        self._metrics = metrics
        self._clock = clock
        self._reacts = reacts
        self._behind = behind
        self._leaving = False
        self._counting: asyncio.Task[None] | None = None
        self._count_again = 0.0  # by the monotonic clock

    def leave(self) -> None:
        """Answer "not ready" from now on, so that a load balancer sends no more deliveries."""
        self._leaving = True

    async def alive(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "alive"})

    async def ready(self, _: web.Request) -> web.Response:
        """200 if the database answers, its schema fits and the inbox lag is at most LAG; else 503.

        With a log in front: 200 if the log answers, whatever the database does.
        """
        if self._leaving:
            return web.json_response({"status": "stopping"}, status=503)
        answer = await self._database_state()
        if self._behind:
            answer |= await self._log_state(self._behind)
        return web.json_response(answer, status=200 if answer["status"] == "ready" else 503)

    async def _database_state(self) -> dict[str, Any]:
        try:
            state = await asyncio.wait_for(self._database.read(self._read_state), TIMEOUT_SECONDS)
        except Exception as error:  # unreachable, locked, or too slow: all of it is "not ready"
            return {"status": "not ready", "database": type(error).__name__}
        backlog, lag, version, hold = state
        fits = not schema.is_older(version)
        return {
            "status": "ready" if fits and (lag <= LAG or not self._reacts) else "not ready",
            "database": "answers",
            "schema": "fits" if fits else "run xiaoer migrate",
            "inbox_open": backlog,
            "lag_seconds": round(lag.total_seconds(), 1),
            "outbox": f"held ({hold.why}), see xiaoer release" if hold else "open",
        }

    async def _log_state(self, behind: Callable[[], Awaitable[int]]) -> dict[str, Any]:
        try:
            count = await asyncio.wait_for(behind(), TIMEOUT_SECONDS)
        except (LogAway, TimeoutError) as error:
            return {"status": "not ready", "log": str(error) or "too slow"}
        except Exception:  # the database is away; the log stores deliveries all the same
            return {"status": "ready", "log": "answers"}
        return {
            "status": "ready",
            "log": "answers" if count < FAR_BEHIND else "far behind",
            "log_behind": count,
        }

    async def measured(self, _: web.Request) -> web.Response:
        if self._behind:
            with contextlib.suppress(LogAway):  # the gauge keeps its last value
                self._metrics.log_lag.set(await self._behind())
        lag, hold = await self._database.read(lambda link: (self._lag(link), instance.held(link)))
        self._metrics.lag.set(lag.total_seconds())
        self._metrics.held.set(1 if hold else 0)
        await self._count_in_background()
        body = generate_latest(self._metrics.registry)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

    def _read_state(self, connection: Connection) -> tuple[int, timedelta, Any, OutboxHold | None]:
        backlog, lag = inbox.open_count(connection, COUNT_LIMIT), self._lag(connection)
        return backlog, lag, schema.version_on(connection), instance.held(connection)

    def _lag(self, connection: Connection) -> timedelta:
        since = inbox.open_since(connection)
        return max(self._clock() - since, timedelta(0)) if since else timedelta(0)

    async def _count_in_background(self) -> None:
        """Count in the background, within COUNT_SHARE of the time, and wait for it COUNT_SECONDS at most."""
        if self._counting is None or (self._counting.done() and time.monotonic() >= self._count_again):
            self._counting = asyncio.create_task(self._database.read(self._count))
        done, _ = await asyncio.wait({self._counting}, timeout=COUNT_SECONDS)
        for counting in done:
            counting.result()

    def _count(self, connection: Connection) -> None:
        began = time.monotonic()
        self._metrics.backlog.set(inbox.open_count(connection))
        counts = outbox.open_counts(connection)
        self._metrics.outbox.clear()  # a shop where nothing waits any more is not in them
        for (shop, state), number in counts.items():
            self._metrics.outbox.labels(shop, state).set(number)
        ended = time.monotonic()
        self._count_again = ended + (ended - began) / COUNT_SHARE
