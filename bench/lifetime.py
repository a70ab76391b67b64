"""A measured server's life: says when it is ready, ends with its input, tells how much memory it took."""

import asyncio
import contextlib
import resource
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import uvloop
from aiohttp import web


def live(work: Coroutine[Any, Any, None]) -> None:
    """The whole process of one server."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work)
    with contextlib.suppress(BrokenPipeError):  # whoever started us may be gone
        print(f"{_peak_megabytes():.1f}", flush=True)


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


def _peak_megabytes() -> float:
    status = Path("/proc/self/status")
    if status.exists():  # on Linux getrusage begins with the peak of whoever started us
        lines = status.read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
