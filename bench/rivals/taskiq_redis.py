"""taskiq with Redis: a task for each message. Its workers are one event loop to a processor.

A stream and not a list, as its documentation advises: what a worker had in hand when it died comes again.
"""

import contextlib
from collections.abc import AsyncIterator, Iterable

import aiohttp
from aiohttp import web
from taskiq import TaskiqEvents, TaskiqState
from taskiq_redis import RedisAsyncResultBackend, RedisStreamBroker

from bench.rivals.place import AT_ONCE, PROCESSORS, STORE
from bench.rivals.work import Facts, client, door, send

results = RedisAsyncResultBackend[None](f"{STORE}/1")
broker = RedisStreamBroker(f"{STORE}/0", consumer_id="0").with_result_backend(results)
http: aiohttp.ClientSession

WORKERS = (
    (
        "-m",
        "taskiq",
        "worker",
        "bench.rivals.taskiq_redis:broker",
        f"--workers={PROCESSORS}",
        f"--max-async-tasks={AT_ONCE // PROCESSORS}",
        f"--max-prefetch={AT_ONCE // PROCESSORS}",
        "--no-parse",
        "--log-level=ERROR",
    ),
)


@broker.on_event(TaskiqEvents.WORKER_STARTUP)
async def start(_: TaskiqState) -> None:
    global http
    http = client()


@broker.task
async def say(id: str, facts: Facts) -> None:
    await send(http, id, facts)


@contextlib.asynccontextmanager
async def site() -> AsyncIterator[web.Application]:
    await broker.startup()

    async def keep(id: str, facts: Facts) -> None:
        await say.kiq(id, facts)

    yield door(keep)
    await broker.shutdown()


async def load(given: Iterable[tuple[str, Facts]]) -> None:
    await broker.startup()
    for id, facts in given:
        await say.kiq(id, facts)
    await broker.shutdown()
