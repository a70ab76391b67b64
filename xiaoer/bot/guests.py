"""Who stands at the HTTP door, and for how long: the bounds that a slow or greedy client meets.

A connection is asking (from its first byte until its request is whole), at work with us, or idle. Where room
is short, whoever has kept us waiting longest goes: an honest client is done asking within milliseconds.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Handler
from pydantic import Field

from xiaoer.bot.logs import Seldom
from xiaoer.bot.metrics import Metrics
from xiaoer.bot.shop import Duration, Settings

log = structlog.get_logger()

BodyOf = Callable[[web.Request], Awaitable[bytes]]  # Guests.body

LOOK = 0.5  # seconds between looks at the clock
HEAD = 512 * 1024  # bytes: more than the parser takes as one request's head
LINGER = 2.0  # seconds to read off what nobody asked for, so that a refusal is heard
HEADERS = 100  # lines of a head
BACKLOG = 1024  # connections that the system holds until we take them


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


class Guests:
    """Every open connection, by what we wait for. Oldest first, since a dict keeps its order."""

    def __init__(self, settings: DoorSettings, body_limit: int, metrics: Metrics) -> None:
        self._settings = settings
        self._body_limit = body_limit
        self._memory = max(settings.memory, 2 * (body_limit + HEAD))
        self._metrics = metrics
        self._held: dict[asyncio.BaseProtocol, int] = {}  # bytes that came since the last answer
        self._asking: dict[asyncio.BaseProtocol, float] = {}  # since when
        self._idle: dict[asyncio.BaseProtocol, float] = {}
        self._total = 0
        self._noise = Seldom()

    # What a connection tells

    def enter(self, guest: "Guest") -> None:
        if len(self._held) >= self._settings.connections:
            oldest = self._longest_waiting()
            self._close(oldest or guest, "crowd")
            if oldest is None:
                return
        self._held[guest] = 0
        self._asking[guest] = _now()
        self._metrics.connections.set(len(self._held))

    def hear(self, guest: "Guest", size: int) -> None:
        if guest not in self._held:
            return
        if self._idle.pop(guest, None) is not None:
            self._asking[guest] = _now()
        self._held[guest] += size
        self._total += size
        if self._held[guest] > self._body_limit + HEAD:
            self._close(guest, "greed")
        while self._total > self._memory and self._asking:
            self._close(next(iter(self._asking)), "memory")

    def leave(self, guest: asyncio.BaseProtocol) -> None:
        self._total -= self._held.pop(guest, 0)
        self._asking.pop(guest, None)
        self._idle.pop(guest, None)
        self._metrics.connections.set(len(self._held))

    def noise(self) -> int | None:
        """How many requests that were no HTTP went untold; None if this one shall too."""
        return self._noise.ask("noise", _now())

    # What a request tells

    @web.middleware
    async def attend(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        guest = request.protocol
        if request.content.is_eof():
            self._asking.pop(guest, None)
        try:
            return await handler(request)
        finally:
            if guest in self._held:
                self._total -= self._held[guest]
                self._held[guest] = 0
                self._asking.pop(guest, None)
                self._idle[guest] = _now()

    async def body(self, request: web.Request) -> bytes:
        """The whole body. Raises 413, 415 for a compressed one, 400 if it breaks off."""
        if request.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
            raise web.HTTPUnsupportedMediaType(headers={"Accept-Encoding": "identity"})
        if (request.content_length or 0) > self._body_limit:
            raise web.HTTPRequestEntityTooLarge(self._body_limit)
        try:
            body = await request.read()
        except (web.RequestPayloadError, ConnectionError):
            raise web.HTTPBadRequest from None
        self._asking.pop(request.protocol, None)
        return body

    # What the clock tells

    async def watch(self) -> None:
        """Close who takes too long, until cancelled."""
        while True:
            await asyncio.sleep(LOOK)
            self._close_older(self._asking, self._settings.request_within)
            self._close_older(self._idle, self._settings.idle)

    def _close_older(self, waiting: dict[asyncio.BaseProtocol, float], limit: timedelta) -> None:
        latest = _now() - limit.total_seconds()
        while waiting:
            guest, since = next(iter(waiting.items()))
            if since > latest:
                return
            self._close(guest, "slow")

    def _longest_waiting(self) -> asyncio.BaseProtocol | None:
        first = [next(iter(waiting.items())) for waiting in (self._asking, self._idle) if waiting]
        return min(first, key=lambda waits: waits[1])[0] if first else None

    def _close(self, guest: asyncio.BaseProtocol, why: str) -> None:
        self._metrics.closed.labels(why).inc()
        self.leave(guest)
        if isinstance(guest, Guest):
            guest.abort()


class Guest(web.RequestHandler):
    """One connection, as aiohttp serves it, counted."""

    __slots__ = ("_guests",)

    def __init__(self, guests: Guests, server: web.Server, loop: asyncio.AbstractEventLoop) -> None:
        # A compressed body is refused unread, so nothing is ever unpacked.
        super().__init__(
            server,
            loop=loop,
            access_log=None,  # type: ignore[arg-type]  # what a runner hands over too
            auto_decompress=False,
            lingering_time=LINGER,
            max_headers=HEADERS,
            timeout_ceil_threshold=LINGER,
        )
        self._guests = guests

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._guests.enter(self)

    def data_received(self, data: bytes) -> None:
        if data:  # aiohttp itself calls with nothing, to go on with what it has
            self._guests.hear(self, len(data))
        super().data_received(data)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._guests.leave(self)
        super().connection_lost(exc)

    def abort(self) -> None:
        """Closed at once; what it did not read of our answer is forgotten."""
        transport = self.transport
        self.force_close()
        if isinstance(transport, asyncio.WriteTransport):
            transport.abort()

    def log_exception(self, *args: Any, **more: Any) -> None:
        if not isinstance(more.get("exc_info"), HttpProcessingError):
            super().log_exception(*args, **more)
        elif (unsaid := self._guests.noise()) is not None:
            log.warning("a request that is no HTTP was refused", unsaid=unsaid)


@contextlib.asynccontextmanager
async def listening(runner: web.BaseRunner, guests: Guests, host: str, port: int) -> AsyncIterator[None]:
    """The door open, for a runner that is set up. Raises OSError if the address cannot be had."""
    loop, server = asyncio.get_running_loop(), runner.server
    if server is None:
        raise RuntimeError("set the runner up first")
    door = await loop.create_server(lambda: Guest(guests, server, loop), host, port, backlog=BACKLOG)
    try:
        yield
    finally:
        door.close()


def _now() -> float:
    return asyncio.get_running_loop().time()
