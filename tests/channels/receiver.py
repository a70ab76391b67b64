"""A receiver that behaves: a real HTTP server that keeps what it hears and answers as it was told."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import msgspec
from aiohttp import web

Answering = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Heard(msgspec.Struct):
    path: str
    headers: dict[str, str]
    body: bytes


class Receiver:
    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self.answering: Answering = answer(200)
        self.url = ""

    async def _hear(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.heard.append(Heard(request.path, headers, await request.read()))
        return await self.answering(request)


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", receiver._hear)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield receiver
    finally:
        await runner.cleanup()


def answer(status: int, body: bytes = b"", **headers: str) -> Answering:
    async def answering(_: web.Request) -> web.Response:
        spelled = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=status, body=body, headers=spelled)

    return answering


async def hang_up(request: web.Request) -> web.Response:
    """Close the line after hearing, without a word."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def break_off(request: web.Request) -> web.StreamResponse:
    """Answer 200, and close the line in the middle of the words behind it."""
    response = web.StreamResponse(status=200, headers={"content-length": "1000"})
    await response.prepare(request)
    await response.write(b"{")
    assert request.transport is not None
    request.transport.abort()
    return response


async def never(_: web.Request) -> web.Response:
    await asyncio.sleep(60)
    return web.Response()
