"""aiohttp's connection handler and request bodies, counted and limited."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, cast

import aiohttp
import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Handler

from bot.receive.connection_limits import Connection, ConnectionLimits

if sys.platform != "win32":
    import resource

log = structlog.get_logger()

LINGER_SECONDS = 2.0  # to read what is still on its way, so that the client gets to read a refusal
HEADERS = 100  # lines of a head
OTHER_FILES = 1000  # the database, and the platforms that we send to
BACKLOG = 256  # connections accepted at a time; the others wait in the system, where it costs least

ReadBody = Callable[[web.Request], Awaitable[bytes]]  # RequestLimits.body


class RequestLimits:
    """Reports to the connection limits how far each request has come."""

    def __init__(self, limits: ConnectionLimits) -> None:
        self._limits = limits

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        connection = _connection(request)
        if request.content.is_eof():
            self._limits.request_complete(connection)
        try:
            return await handler(request)
        finally:
            self._limits.answered(connection)

    async def body(self, request: web.Request) -> bytes:
        """Read the whole body. Raises 413, 415 for a compressed one, 400 if it is cut short."""
        if request.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
            raise web.HTTPUnsupportedMediaType(headers={"Accept-Encoding": "identity"})
        limit = self._limits.body_limit
        if (request.content_length or 0) > limit:
            raise web.HTTPRequestEntityTooLarge(limit)
        connection = _connection(request)
        parts = self._limits.begin_body(connection)
        still_open = False
        try:
            fits = await _read(request.content, parts, limit)
        finally:
            still_open = self._limits.end_body(connection, parts)
        if not still_open:
            raise web.HTTPBadRequest
        if not fits:
            raise web.HTTPRequestEntityTooLarge(limit)
        self._limits.request_complete(connection)
        return b"".join(parts)


class LimitedConnection(web.RequestHandler):
    """One connection, as aiohttp serves it, counted."""

    __slots__ = ("_limits",)

    def __init__(self, limits: ConnectionLimits, server: web.Server, loop: asyncio.AbstractEventLoop) -> None:
        # A compressed body is refused unread, so nothing is ever unpacked.
        super().__init__(
            server,
            loop=loop,
            access_log=None,  # type: ignore[arg-type]  # a runner passes None as well
            auto_decompress=False,
            lingering_time=LINGER_SECONDS,
            max_headers=HEADERS,
            timeout_ceil_threshold=LINGER_SECONDS,
        )
        self._limits = limits

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._limits.opened(self)

    def data_received(self, data: bytes) -> None:
        if data:  # aiohttp itself calls with nothing, to resume parsing
            self._limits.received(self, len(data))
        if self.transport is None or self.transport.is_closing():
            return
        super().data_received(data)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._limits.lost(self)
        super().connection_lost(exc)

    def abort(self) -> None:
        """Close at once; what the client did not read of our answer is dropped."""
        if self.transport is not None:
            self.transport.abort()

    def log_exception(self, *args: Any, **more: Any) -> None:
        error = more.get("exc_info")
        if not isinstance(error, HttpProcessingError):
            super().log_exception(*args, **more)
            return
        error.__traceback__ = None  # it holds on to the bytes that were read
        unsaid = self._limits.not_http()
        if unsaid is not None:
            log.warning("a request that is no HTTP was refused", unsaid=unsaid)


@contextlib.asynccontextmanager
async def listening(
    runner: web.BaseRunner, limits: ConnectionLimits, host: str, port: int
) -> AsyncIterator[None]:
    """Accept connections, for a runner that is set up. Raises OSError if the address cannot be bound."""
    loop, server = asyncio.get_running_loop(), runner.server
    if server is None:
        raise RuntimeError("set the runner up first")
    _allow_files(limits.settings.connections + OTHER_FILES)
    socket = await loop.create_server(
        lambda: LimitedConnection(limits, server, loop), host, port, backlog=BACKLOG
    )
    try:
        yield
    finally:
        socket.close()


def _allow_files(wanted: int) -> None:
    """Raise the limit of open files, because a system's default is low."""
    if sys.platform == "win32":
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))


def _connection(request: web.Request) -> Connection:
    """The request's connection. The limits know it only if it came in by `listening`."""
    return cast(Connection, request.protocol)


async def _read(content: aiohttp.StreamReader, parts: list[bytes], limit: int) -> bool:
    """Read into `parts`; False if there is more than `limit`.

    `parts` is emptied before an error is raised, because its traceback would keep alive what was read.
    """
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
