"""Limits for HTTP connections: how many, how many bytes, and how long each may take.

A connection is receiving (from the first byte of a request until the request is whole), being answered, or
idle. Where room is short, the connection that has kept us waiting longest is closed: an honest client has
sent its request within milliseconds. No HTTP here, only bookkeeping; `http_protocol` reports to it.
"""

import asyncio
import gc
from collections.abc import Callable
from datetime import timedelta
from time import monotonic
from typing import Protocol

from pydantic import Field

from bot.domain.shop import Duration, Settings
from bot.operations.logs import ThrottledLog
from bot.operations.metrics import Metrics

CHECK_SECONDS = 0.5  # between two checks for connections that take too long
HEAD = 512 * 1024  # bytes: more than the parser takes as one request's head


class DoorSettings(Settings):
    """What a slow, greedy or hostile client meets. The same behind a proxy: no address is trusted."""

    connections: int = Field(
        2000, ge=10, description="open at a time; of more, who keeps us waiting longest is closed"
    )
    memory: int = Field(
        64 * 1024 * 1024, ge=1024 * 1024, description="bytes of all requests that are not answered yet"
    )
    request_within: Duration = Field(timedelta(seconds=20), description="from its first byte to its last")
    idle: Duration = Field(
        timedelta(seconds=150), description="between two requests; keep it longer than your proxy's"
    )


class Connection(Protocol):
    """An open connection, as far as the limits know it."""

    def abort(self) -> None:
        """Close at once, without an answer."""


class ConnectionLimits:
    """Every open connection, by what we wait for. Oldest first, since a dict keeps its order."""

    def __init__(
        self,
        settings: DoorSettings,
        body_limit: int,
        metrics: Metrics,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.settings = settings
        self.body_limit = body_limit
        self._memory = max(settings.memory, 2 * (body_limit + HEAD))
        self._share = self._memory // settings.connections  # while nobody has more, there is enough for all
        self._metrics = metrics
        self._clock = clock
        self._held: dict[Connection, int] = {}  # bytes that came since the last answer
        self._receiving: dict[Connection, float] = {}  # since when
        self._large: dict[Connection, None] = {}  # receiving, with more than their share of the memory
        self._idle: dict[Connection, float] = {}
        self._bodies: dict[Connection, list[bytes]] = {}  # incomplete ones
        self._total = 0
        self._aborted = 0  # bytes of aborted requests since the last collection of reference cycles
        self._not_http = ThrottledLog()

    def opened(self, connection: Connection) -> None:
        """Count a new connection; if there are too many, close the one that keeps us waiting longest."""
        if len(self._held) >= self.settings.connections:
            oldest = self._longest_waiting()
            self._close(oldest or connection, "crowd")
            if oldest is None:
                return
        self._held[connection] = 0
        self._receiving[connection] = self._clock()
        self._metrics.connections.set(len(self._held))

    def received(self, connection: Connection, size: int) -> None:
        """Count `size` bytes that came in; close whoever holds too many."""
        if connection not in self._held:
            return
        if self._idle.pop(connection, None) is not None:
            self._receiving[connection] = self._clock()
        self._held[connection] += size
        self._total += size
        if self._held[connection] > self.body_limit + HEAD:
            self._close(connection, "greed")
            return
        if self._held[connection] > self._share and connection in self._receiving:
            self._large.setdefault(connection)
        while self._total > self._memory and self._large:
            self._close(next(iter(self._large)), "memory")

    def begin_body(self, connection: Connection) -> list[bytes]:
        """A list to put the pieces of a body into; it is emptied if the connection is closed meanwhile."""
        parts = self._bodies[connection] = []
        return parts

    def end_body(self, connection: Connection, parts: list[bytes]) -> bool:
        """True if the connection was still open all the while."""
        if self._bodies.get(connection) is not parts:
            return False
        del self._bodies[connection]
        return True

    def request_complete(self, connection: Connection) -> None:
        """Stop counting the time: from here on the connection waits for us."""
        self._receiving.pop(connection, None)
        self._large.pop(connection, None)

    def answered(self, connection: Connection) -> None:
        """Release the bytes of a request, and count the connection as idle."""
        if connection not in self._held:
            return
        self._total -= self._held[connection]
        self._held[connection] = 0
        self.request_complete(connection)
        self._idle[connection] = self._clock()

    def lost(self, connection: Connection) -> None:
        """Forget a connection that was closed, by them or by us."""
        held = self._held.pop(connection, 0)
        self._total -= held
        if connection in self._receiving:
            self.request_complete(connection)
            self._collect_aborted(held)
        self._idle.pop(connection, None)
        self._metrics.connections.set(len(self._held))

    def not_http(self) -> int | None:
        """How many malformed requests went unlogged since the last one logged; None: do not log this one."""
        return self._not_http.ask("noise", self._clock())

    async def watch(self) -> None:
        """Close connections that take too long, until cancelled."""
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            self._close_older(self._receiving, self.settings.request_within)
            self._close_older(self._idle, self.settings.idle)

    def _close_older(self, waiting: dict[Connection, float], limit: timedelta) -> None:
        latest = self._clock() - limit.total_seconds()
        while waiting:
            connection, since = next(iter(waiting.items()))
            if since > latest:
                return
            self._close(connection, "slow")

    def _collect_aborted(self, held: int) -> None:
        """An aborted request stays in a reference cycle (exception, traceback, frame) with its whole body
        until the collector runs."""
        self._aborted += held
        if self._aborted > self._memory // 2:
            self._aborted = 0
            gc.collect()

    def _longest_waiting(self) -> Connection | None:
        first = [next(iter(waiting.items())) for waiting in (self._receiving, self._idle) if waiting]
        return min(first, key=lambda waits: waits[1])[0] if first else None

    def _close(self, connection: Connection, why: str) -> None:
        self._metrics.closed.labels(why).inc()
        self._bodies.pop(connection, []).clear()
        self.lost(connection)
        connection.abort()
