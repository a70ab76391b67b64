"""The database is closed or full: 503 with Retry-After, nothing half kept, and all goes on afterwards.

A full disk is a limit on SQLite's pages; PostgreSQL cuts every connection and lets none in.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, event, make_url, select

from storage import tables
from storage.database import Database
from tests.faults.traffic_simulation import EVENT_TIMEOUT, until
from tests.world import World, world

pytestmark = pytest.mark.faults

PLENTY = 2**30  # pages
Cut = Callable[[], contextlib.AbstractContextManager[None]]


@contextlib.contextmanager
def full_disk(engine: Engine) -> Iterator[None]:
    """The file may not grow by a single page."""

    def limit(link: Any, *_: Any) -> None:
        pages = link.execute("PRAGMA page_count").fetchone()[0] if full else PLENTY
        link.execute(f"PRAGMA max_page_count = {pages}")

    full = True
    event.listen(engine, "checkout", limit)
    try:
        yield
    finally:
        full = False  # the listener lifts the limit from every connection that is used again


@contextlib.contextmanager
def closed_server(url: str) -> Iterator[None]:
    """Every connection is cut, and none is let in."""
    parsed = make_url(url)
    here = {"host": str(parsed.query["host"]), "user": "postgres", "dbname": "postgres", "autocommit": True}
    with psycopg.connect(**here) as admin:
        admin.execute(f'ALTER DATABASE "{parsed.database}" ALLOW_CONNECTIONS false'.encode())
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [parsed.database]
        )
        try:
            yield
        finally:
            admin.execute(f'ALTER DATABASE "{parsed.database}" ALLOW_CONNECTIONS true'.encode())


@contextlib.asynccontextmanager
async def shop_and_cut(url: str) -> AsyncIterator[tuple[World, Cut]]:
    async with world(url) as shop:
        database = shop.program.parts.database
        if database.dialect == "sqlite":
            yield shop, lambda: full_disk(database.engine)
        else:
            yield shop, lambda: closed_server(url)


async def post_many(shop: World, first: int, count: int) -> list[int]:
    return await asyncio.gather(
        *(shop.place(str(first + number), f"b{first + number}") for number in range(count))
    )


async def test_without_a_database_a_delivery_is_answered_503_and_comes_again(database_url: str) -> None:
    async with shop_and_cut(database_url) as (shop, cut):
        assert await shop.place("1") == 200
        with cut():
            answers = await post_many(shop, 100, 60)
            assert 503 in answers
            waits = await retry_after(shop)
            assert waits == "5"
        refused = [100 + number for number, status in enumerate(answers) if status == 503]
        kept = {1, *(100 + number for number, status in enumerate(answers) if status == 200)}
        assert await kept_orders(shop.program.parts.database) == {str(order) for order in kept}
        for order in refused:
            assert await shop.place(str(order), f"b{order}") == 200
        await shop.settle()
        assert {m["order"] for m in shop.receiver.messages} == {
            "1",
            *(str(100 + number) for number in range(60)),
        }
        assert len(shop.receiver.messages) == 61


async def retry_after(shop: World) -> str | None:
    """What one more refused delivery is told. A full disk may have room for a small one left, a few times."""
    for number in range(200):
        body = b'{"type": "order.placed", "data": {' + b" " * 5000 + str(number).encode() + b"}}"
        status, told = await shop.answer_to(body, f"w{number}")
        if status == 503:
            return told.get("Retry-After")
    raise AssertionError("never refused")


async def kept_orders(database: Database) -> set[str]:
    statement = select(tables.inbox.c.thread).where(tables.inbox.c.type == "order.placed")
    rows = await database.read(lambda connection: connection.execute(statement).all())
    return {thread.removeprefix("order:") for (thread,) in rows}


async def test_the_legs_outlive_a_database_that_was_away(database_url: str) -> None:
    async with shop_and_cut(database_url) as (shop, cut), shop.program.running():
        assert await shop.place("1") == 200
        await heard(shop, "1")
        with cut():
            await post_many(shop, 100, 30)
            await asyncio.sleep(2.5)
        assert await shop.place("2", "bob") == 200
        await heard(shop, "2")
        orders = [m["order"] for m in shop.receiver.messages if m["template"] == "order_confirmation"]
        assert len(orders) == len(set(orders))
        assert {"1", "2"} <= set(orders)


async def test_what_was_sent_while_the_database_was_away_is_not_sent_again(database_url: str) -> None:
    async with shop_and_cut(database_url) as (shop, cut), shop.program.running():
        arrived, go_on = asyncio.Event(), asyncio.Event()
        shop.receiver.wait = wait_for(arrived, go_on)
        assert await shop.place("1") == 200
        await asyncio.wait_for(arrived.wait(), EVENT_TIMEOUT)
        with cut():
            go_on.set()
            await asyncio.sleep(2)
        await settled(shop)
        assert shop.receiver.attempts == [shop.receiver.messages[0]["id"]]
        assert (await shop.outbox())["order_confirmation:1"] == "sent"


def wait_for(arrived: asyncio.Event, go_on: asyncio.Event) -> Callable[[], Any]:
    async def wait() -> None:
        arrived.set()
        await go_on.wait()

    return wait


async def heard(shop: World, order: str) -> None:
    async def told() -> bool:
        return order in {message["order"] for message in shop.receiver.messages}

    await until(told)


async def settled(shop: World) -> None:
    async def nothing_in_hand() -> bool:
        return "sending" not in (await shop.outbox()).values()

    await until(nothing_in_hand)


async def test_nothing_is_ready_while_the_database_is_away(postgres_url: str) -> None:
    async with shop_and_cut(postgres_url) as (shop, cut):
        with cut():
            async with shop.http.get(f"{shop.url}/readyz") as response:
                assert response.status == 503
            async with shop.http.get(f"{shop.url}/healthz") as response:
                assert response.status == 200
        async with shop.http.get(f"{shop.url}/readyz") as response:
            assert response.status == 200
