"""Who stands at the HTTP door, and for how long: the bounds that a slow or greedy client meets.

A connection is asking (from its first byte until its request is whole), at work with us, or idle. Where room
is short, whoever has kept us waiting longest goes: an honest client is done asking within milliseconds.
"""

import asyncio
import contextlib
import gc
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from time import monotonic
from typing import Any

import aiohttp
import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Handler
from pydantic import Field

from xiaoer.bot.logs import Seldom
from xiaoer.bot.metrics import Metrics
from xiaoer.bot.shop import Duration, Settings

if sys.platform != "win32":
    import resource

log = structlog.get_logger()

BodyOf = Callable[[web.Request], Awaitable[bytes]]  # Guests.body

LOOK = 0.5  # seconds between looks at the clock
HEAD = 512 * 1024  # bytes: more than the parser takes as one request's head
LINGER = 2.0  # seconds to read off what nobody asked for, so that a refusal is heard
HEADERS = 100  # lines of a head
OTHER_FILES = 1000  # the database, and the platforms that we speak to
BACKLOG = 256  # connections taken at a time; a rush waits in the system, where it costs least


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
        self._share = self._memory // settings.connections  # while nobody has more, there is enough for all
        self._metrics = metrics
        self._held: dict[asyncio.BaseProtocol, int] = {}  # bytes that came since the last answer
        self._asking: dict[asyncio.BaseProtocol, float] = {}  # since when
        self._large: dict[asyncio.BaseProtocol, None] = {}  # asking, with more than their share of the memory
        self._idle: dict[asyncio.BaseProtocol, float] = {}
        self._parts: dict[asyncio.BaseProtocol, list[bytes]] = {}  # of bodies that are on their way in
        self._total = 0
        self._broken = 0  # bytes of requests that broke off since we last looked for circles
        self._noise = Seldom()

    def allow_files(self) -> None:
        """Every connection is a file to the system, which by custom allows few, and more to who asks."""
        if sys.platform == "win32":
            return
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = self._settings.connections + OTHER_FILES
        if soft != resource.RLIM_INFINITY and soft < wanted:
            allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
            resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))

    # What a connection tells

    def enter(self, guest: "Guest") -> None:
        if len(self._held) >= self._settings.connections:
            oldest = self._longest_waiting()
            self._close(oldest or guest, "crowd")
            if oldest is None:
                return
        self._held[guest] = 0
        self._asking[guest] = monotonic()
        self._metrics.connections.set(len(self._held))

    def hear(self, guest: "Guest", size: int) -> None:
        if guest not in self._held:
            return
        if self._idle.pop(guest, None) is not None:
            self._asking[guest] = monotonic()
        self._held[guest] += size
        self._total += size
        if self._held[guest] > self._body_limit + HEAD:
            self._close(guest, "greed")
            return
        if self._held[guest] > self._share and guest in self._asking:
            self._large.setdefault(guest)
        while self._total > self._memory and self._large:
            self._close(next(iter(self._large)), "memory")

    def leave(self, guest: asyncio.BaseProtocol) -> None:
        held = self._held.pop(guest, 0)
        self._total -= held
        if guest in self._asking:
            self._asked(guest)
            self._broke_off(held)
        self._idle.pop(guest, None)
        self._metrics.connections.set(len(self._held))

    def _asked(self, guest: asyncio.BaseProtocol) -> None:
        self._asking.pop(guest, None)
        self._large.pop(guest, None)

    def noise(self) -> int | None:
        """How many requests that were no HTTP went untold; None if this one shall too."""
        return self._noise.ask("noise", monotonic())

    # What a request tells

    @web.middleware
    async def attend(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        guest = request.protocol
        if request.content.is_eof():
            self._asked(guest)
        try:
            return await handler(request)
        finally:
            if guest in self._held:
                self._total -= self._held[guest]
                self._held[guest] = 0
                self._asked(guest)
                self._idle[guest] = monotonic()

    async def body(self, request: web.Request) -> bytes:
        """The whole body. Raises 413, 415 for a compressed one, 400 if it breaks off."""
        if request.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
            raise web.HTTPUnsupportedMediaType(headers={"Accept-Encoding": "identity"})
        if (request.content_length or 0) > self._body_limit:
            raise web.HTTPRequestEntityTooLarge(self._body_limit)
        guest = request.protocol
        parts = self._parts[guest] = []
        try:
            whole = await _read(request.content, parts, self._body_limit)
            if self._parts.get(guest) is not parts:  # closed meanwhile
                raise web.HTTPBadRequest
        finally:
            self._parts.pop(guest, None)
        if not whole:
            raise web.HTTPRequestEntityTooLarge(self._body_limit)
        self._asked(guest)
        return b"".join(parts)

    # What the clock tells

    async def watch(self) -> None:
        """Close who takes too long, until cancelled."""
        while True:
            await asyncio.sleep(LOOK)
            self._close_older(self._asking, self._settings.request_within)
            self._close_older(self._idle, self._settings.idle)

    def _close_older(self, waiting: dict[asyncio.BaseProtocol, float], limit: timedelta) -> None:
        latest = monotonic() - limit.total_seconds()
        while waiting:
            guest, since = next(iter(waiting.items()))
            if since > latest:
                return
            self._close(guest, "slow")

    def _broke_off(self, held: int) -> None:
        """Such a request lies in a circle of errors and frames with all its bytes, until somebody looks."""
        self._broken += held
        if self._broken > self._memory // 2:
            self._broken = 0
            gc.collect()

    def _longest_waiting(self) -> asyncio.BaseProtocol | None:
        first = [next(iter(waiting.items())) for waiting in (self._asking, self._idle) if waiting]
        return min(first, key=lambda waits: waits[1])[0] if first else None

    def _close(self, guest: asyncio.BaseProtocol, why: str) -> None:
        self._metrics.closed.labels(why).inc()
        self._parts.pop(guest, []).clear()
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
        if self.transport is None or self.transport.is_closing():
            return
        super().data_received(data)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._guests.leave(self)
        super().connection_lost(exc)

    def abort(self) -> None:
        """Closed at once; what it did not read of our answer is forgotten."""
        if self.transport is not None:
            self.transport.abort()

    def log_exception(self, *args: Any, **more: Any) -> None:
        error = more.get("exc_info")
        if not isinstance(error, HttpProcessingError):
            super().log_exception(*args, **more)
            return
        error.__traceback__ = None  # it holds on to the bytes that were read
        unsaid = self._guests.noise()
        if unsaid is not None:
            log.warning("a request that is no HTTP was refused", unsaid=unsaid)


async def _read(content: aiohttp.StreamReader, parts: list[bytes], limit: int) -> bool:
    """Into `parts`; False if there is more. An error raised here would keep alive what was read."""
    size = 0
    try:
        while part := await content.readany():
            parts.append(part)
            size += len(part)
            if size > limit:
                parts.clear()
                return False
    except (web.RequestPayloadError, ConnectionError, RuntimeError):  # aiohttp has each for a lost connection
        parts.clear()
        raise web.HTTPBadRequest from None
    return True


@contextlib.asynccontextmanager
async def listening(runner: web.BaseRunner, guests: Guests, host: str, port: int) -> AsyncIterator[None]:
    """The door open, for a runner that is set up. Raises OSError if the address cannot be had."""
    loop, server = asyncio.get_running_loop(), runner.server
    if server is None:
        raise RuntimeError("set the runner up first")
    guests.allow_files()
    door = await loop.create_server(lambda: Guest(guests, server, loop), host, port, backlog=BACKLOG)
    try:
        yield
    finally:
        door.close()
