"""A measured server's life: says when it is ready, ends with its input."""

import asyncio
import sys
from collections.abc import Coroutine
from typing import Any

import uvloop
from aiohttp import web


def live(work: Coroutine[Any, Any, None]) -> None:
    """The whole process of one server."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work)


def ready() -> None:
    print("ready", flush=True)


def input_closed() -> asyncio.Event:
    """Set when whoever started us wants no more, or is no more."""
    closed = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), closed.set)
    return closed


async def answer(site: web.Application, port: int) -> None:
    runner = web.AppRunner(site, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=1024).start()
    ready()
    await input_closed().wait()
    await runner.cleanup()
