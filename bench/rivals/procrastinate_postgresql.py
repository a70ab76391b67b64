"""procrastinate on PostgreSQL: a job for each message; an event loop to a processor, many jobs at once."""

import contextlib
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime, timedelta
from itertools import islice

import aiohttp
import procrastinate
from aiohttp import web

from bench.rivals.place import AT_ONCE, PROCESSORS, STORE
from bench.rivals.work import Facts, client, door, send

app = procrastinate.App(
    connector=procrastinate.PsycopgConnector(conninfo=STORE, min_size=4, max_size=20 // PROCESSORS)
)
http: aiohttp.ClientSession
PAGE = 1000

WORKERS = tuple(("-m", "bench.rivals", "procrastinate_postgresql", "work") for _ in range(PROCESSORS))


@app.task
async def say(id: str, facts: Facts) -> None:
    await send(http, id, facts)


async def work() -> None:
    global http
    async with app.open_async(), client() as http:
        await app.run_worker_async(concurrency=AT_ONCE // PROCESSORS)


@contextlib.asynccontextmanager
async def site() -> AsyncIterator[web.Application]:
    async with app.open_async():
        await app.schema_manager.apply_schema_async()

        async def keep(id: str, facts: Facts) -> None:
            await say.defer_async(id=id, facts=facts)

        yield door(keep)


async def load(given: Iterable[tuple[str, Facts]]) -> None:
    due = datetime.now(UTC) - timedelta(minutes=5)
    jobs = ({"id": id, "facts": facts} for id, facts in given)
    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        while page := list(islice(jobs, PAGE)):
            await say.configure(schedule_at=due).batch_defer_async(*page)
