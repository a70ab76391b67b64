"""Celery with Redis: a task for each message, in its usual pool of processes, two to a processor."""

import contextlib
from collections.abc import AsyncIterator, Iterable
from functools import cache

from aiohttp import web
from celery import Celery

from bench.rivals.place import PROCESSORS, STORE
from bench.rivals.work import Facts, Line, door

app = Celery("bench", broker=f"{STORE}/0", backend=f"{STORE}/1")
app.conf.update(
    worker_prefetch_multiplier=64,  # short tasks: its guide says 50 to 150 at a time
    broker_pool_limit=10,
    result_expires=None,
    worker_hijack_root_logger=False,
)

WORKERS = (
    (
        "-m",
        "celery",
        "--app=bench.rivals.celery_redis",
        "--quiet",
        "worker",
        "--pool=prefork",
        f"--concurrency={2 * PROCESSORS}",
        "--optimization=fair",
        "--without-gossip",
        "--without-mingle",
        "--without-heartbeat",
        "--loglevel=ERROR",
    ),
)


@cache
def line() -> Line:
    return Line()


@app.task
def say(id: str, facts: Facts) -> None:
    line().send(id, facts)


@contextlib.asynccontextmanager
async def site() -> AsyncIterator[web.Application]:
    async def keep(id: str, facts: Facts) -> None:
        say.delay(id, facts)  # it has no other way to be asked; Redis beside us answers at once

    yield door(keep)


async def load(given: Iterable[tuple[str, Facts]]) -> None:
    with app.producer_pool.acquire() as producer:
        for id, facts in given:
            say.apply_async((id, facts), producer=producer)
