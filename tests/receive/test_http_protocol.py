"""What a client gets for a body that we do not take, and how a silent one is closed: a real server."""

import asyncio
import contextlib
import gzip
import re
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from aiohttp import web

from bot.operations.metrics import Metrics
from bot.receive import connection_limits
from bot.receive.connection_limits import ConnectionLimits, DoorSettings
from bot.receive.http_protocol import RequestLimits, listening
from tests.faults.programs import free_port

LIMIT = 1000  # bytes of a body
IDLE = 150  # seconds
HEAD = b"POST / HTTP/1.1\r\nHost: shop\r\n"


class Server:
    """Answers with the body that it read. Its clock is set by hand."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.port = free_port()
        self.refused = asyncio.Queue[int]()  # also those whose client is gone
        settings = DoorSettings(idle=timedelta(seconds=IDLE), request_within=timedelta(seconds=20))
        self.limits = ConnectionLimits(settings, LIMIT, Metrics(), lambda: self.seconds)
        self._requests = RequestLimits(self.limits)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Server"]:
        site = web.Application(middlewares=[self._requests.middleware])
        site.add_routes([web.post("/", self._answer)])
        runner = web.AppRunner(site, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        watching = asyncio.create_task(self.limits.watch())
        try:
            async with listening(runner, self.limits, "127.0.0.1", self.port):
                yield self
        finally:
            watching.cancel()
            await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        try:
            return web.Response(body=await self._requests.body(request))
        except web.HTTPException as error:
            self.refused.put_nowait(error.status)
            raise


class Client:
    """One connection, byte by byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def send(self, *parts: bytes) -> None:
        self.writer.write(b"".join(parts))

    async def answer(self) -> tuple[int, bytes]:
        """Status and body."""
        async with asyncio.timeout(2):
            head = await self.reader.readuntil(b"\r\n\r\n")
            (length,) = re.findall(rb"Content-Length: (\d+)", head)
            return int(head.split()[1]), await self.reader.readexactly(int(length))

    async def is_closed(self) -> bool:
        try:
            return await asyncio.wait_for(self.reader.read(1), 0.2) == b""
        except TimeoutError:
            return False
        except ConnectionError:
            return True


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    monkeypatch.setattr(connection_limits, "CHECK_SECONDS", 0.01)
    async with Server().running() as server:
        yield server


@pytest.fixture
async def client(server: Server) -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    yield Client(reader, writer)
    writer.close()


def sized(body: bytes, *headers: bytes) -> bytes:
    lines = (*headers, b"Content-Length: %d" % len(body))
    return HEAD + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body


async def test_a_body_is_read_whole_up_to_the_limit_and_however_it_is_cut(client: Client) -> None:
    client.send(sized(b"x" * LIMIT))
    assert await client.answer() == (200, b"x" * LIMIT)

    client.send(HEAD, b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
    await asyncio.sleep(0.01)
    client.send(b"2\r\nde\r\n0\r\n\r\n")
    assert await client.answer() == (200, b"abcde")


async def test_a_body_over_the_limit_is_refused_unread_where_its_length_says_so(client: Client) -> None:
    client.send(HEAD, b"Content-Length: %d\r\n\r\n" % (LIMIT + 1))

    assert (await client.answer())[0] == 413


async def test_a_body_over_the_limit_is_refused_also_if_it_does_not_say_how_long_it_is(
    client: Client,
) -> None:
    client.send(HEAD, b"Transfer-Encoding: chunked\r\n\r\n", b"%x\r\n" % (LIMIT + 1), b"x" * (LIMIT + 1))

    assert (await client.answer())[0] == 413


async def test_a_compressed_body_is_refused_and_never_unpacked(client: Client) -> None:
    client.send(sized(gzip.compress(b"x"), b"Content-Encoding: gzip"))
    assert (await client.answer())[0] == 415

    client.send(sized(b"x", b"Content-Encoding: Identity"))
    assert await client.answer() == (200, b"x")


async def test_a_body_that_is_cut_short_is_no_delivery(server: Server, client: Client) -> None:
    client.send(HEAD, b"Content-Length: 10\r\n\r\n", b"abc")
    await asyncio.sleep(0.05)
    client.writer.close()

    assert await asyncio.wait_for(server.refused.get(), 2) == 400


async def test_a_connection_is_closed_that_is_idle_for_too_long(server: Server, client: Client) -> None:
    client.send(sized(b"x"))
    await client.answer()
    server.seconds = IDLE - 1.0
    assert not await client.is_closed()

    server.seconds = IDLE + 1.0
    assert await client.is_closed()


async def test_a_request_that_takes_too_long_is_closed_though_bytes_keep_coming(
    server: Server, client: Client
) -> None:
    client.send(HEAD, b"Content-Length: 10\r\n\r\n", b"abc")
    await asyncio.sleep(0.05)
    server.seconds = 19.0
    client.send(b"d")
    assert not await client.is_closed()

    server.seconds = 21.0
    assert await client.is_closed()
    assert await asyncio.wait_for(server.refused.get(), 2) == 400
