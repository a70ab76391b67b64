"""Runs one part of one rival: `door`, `work` or `load`; ready when it says so, ends with its input."""

import importlib
import signal
import subprocess
import sys
from collections.abc import Callable, Coroutine
from types import ModuleType
from typing import Any

from bench import lifetime
from bench.rivals.place import PORT
from bench.rivals.work import reminder

GRACE = 10  # seconds


async def door(rival: ModuleType) -> None:
    async with rival.site() as site:
        await lifetime.answer(site, PORT)


async def load(rival: ModuleType, first: str, count: str) -> None:
    await rival.load(reminder(number) for number in range(int(first), int(first) + int(count)))


async def workers(rival: ModuleType) -> None:
    """All of its working processes, as it wants them called."""
    running = [subprocess.Popen([sys.executable, *each]) for each in rival.WORKERS]  # noqa: ASYNC220  # at the start
    lifetime.ready()
    await lifetime.input_closed().wait()
    for each in running:
        each.send_signal(signal.SIGTERM)
    for each in running:
        try:
            each.wait(GRACE)
        except subprocess.TimeoutExpired:
            each.kill()


async def work(rival: ModuleType) -> None:
    await rival.work()


PARTS: dict[str, Callable[..., Coroutine[Any, Any, None]]] = {
    "door": door,
    "load": load,
    "workers": workers,
    "work": work,
}

if __name__ == "__main__":
    name, part, *counts = sys.argv[1:]
    lifetime.live(PARTS[part](importlib.import_module(f"bench.rivals.{name}"), *counts))
