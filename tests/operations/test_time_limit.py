"""What never returns is interrupted, its event parked or its message failed; all beside it are served."""

import asyncio
import contextlib
import itertools
import subprocess
import sys
import threading
import time
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import func, select

from bot.app import rules_of
from bot.domain.actions import Action
from bot.domain.context import Context
from bot.domain.events import PaymentReceived
from bot.domain.messages import DueMessage, Facts, MessagePolicy, Reason
from bot.domain.routes import Route
from bot.operations.time_limit import TimeLimit, TookTooLong
from storage import tables
from tests.faults.traffic_simulation import until
from tests.world import World, config_of, world


def never_returns(event: PaymentReceived, context: Context) -> list[Action]:
    for _ in itertools.count():
        with contextlib.suppress(Exception):  # nor can it be talked out of it
            sum(range(100))
    return []


def of_ann(event: PaymentReceived, context: Context) -> bool:
    return event.order == "1001"


def never_decides(event: PaymentReceived, context: Context) -> bool:
    while event.order == "1001":
        pass
    return False


RULES = rules_of(config_of("", "http://127.0.0.1:9/"))


def world_with(database_url: str, **changed: Any) -> AbstractAsyncContextManager[World]:
    """A shop whose rules are changed in part, and whose handlers have one second."""
    rules = msgspec.structs.replace(RULES, **changed)
    return world(database_url, options={"rules": rules, "time_limit": TimeLimit(ticks=5, tick_seconds=0.2)})


async def left_open(shop: World) -> int:
    opened = select(func.count()).where(tables.inbox.c.state == "open")
    return int(await shop.program.parts.database.read(lambda link: link.execute(opened).scalar_one()))


@pytest.mark.parametrize(
    "route",
    [
        Route(PaymentReceived, never_returns, when=of_ann),
        Route(PaymentReceived, never_returns, never_decides),
    ],
    ids=["the handler", "the question whether it takes the event"],
)
async def test_what_never_returns_parks_its_event_and_all_others_are_handled(
    database_url: str, route: Route
) -> None:
    async with world_with(database_url, routes=(route, *RULES.routes)) as shop:
        for order in ("1001", "1002"):
            await shop.place(order, f"b{order}")
            await shop.fact("paid", order, amount="128.00", currency="CNY")
        async with shop.program.running():
            await until(lambda: nothing_open(shop))
            assert await shop.place("1003", "bob") == 200
            await until(lambda: nothing_open(shop))
            await until(lambda: all_heard(shop, {"1001", "1002", "1003"}))
        database = shop.program.parts.database
        parked = select(tables.inbox.c.thread, tables.inbox.c.error).where(tables.inbox.c.state == "parked")
        rows = await database.read(lambda link: link.execute(parked).all())
        assert [tuple(row) for row in rows] == [("order:1001", "TookTooLong: no end after 1 s")]
        told = await database.read(lambda link: link.execute(select(tables.cases.c.reason)).all())
        assert ("handler_failed",) in [tuple(row) for row in told]


def never_true(due: DueMessage, facts: Facts, now: datetime) -> Reason | None:
    while due.order == "1001":
        pass
    return None


async def test_a_message_that_cannot_be_judged_in_time_fails_alone(database_url: str) -> None:
    policy = MessagePolicy(category="service", lateness=timedelta(days=1), why_outdated=never_true)
    policies = {**RULES.policies, "order_confirmation": policy}
    async with world_with(database_url, policies=policies) as shop:
        for order in ("1001", "1002"):
            await shop.place(order, f"b{order}")
        async with shop.program.running():
            await until(lambda: all_heard(shop, {"1002"}))
            await until(lambda: failed(shop, "order_confirmation:1001"))
        assert (await shop.outbox())["order_confirmation:1002"] == "sent"


async def failed(shop: World, key: str) -> bool:
    return (await shop.outbox())[key] == "failed"


async def nothing_open(shop: World) -> bool:
    return await left_open(shop) == 0


async def all_heard(shop: World, orders: set[str]) -> bool:
    return orders <= {message["order"] for message in shop.receiver.messages}


def test_whoever_returns_in_time_is_left_alone_however_often_it_is_asked() -> None:
    patience = TimeLimit(ticks=1, tick_seconds=0.001)  # so short that some are interrupted at their very end
    ends = {True: 0, False: 0}
    with patience.watching():
        over = time.monotonic() + 1
        while time.monotonic() < over or not all(ends.values()):
            assert time.monotonic() < over + 60, ends
            try:
                patience.bounded(lambda: sum(range(60_000)))
            except TookTooLong:
                ends[False] += 1
            else:
                ends[True] += 1
            sum(range(10))  # nothing of it may arrive here


async def test_a_thread_beside_the_one_that_hangs_is_not_interrupted() -> None:
    patience = TimeLimit(ticks=5, tick_seconds=0.2)
    hangs = threading.Event()

    def forever() -> None:
        hangs.set()
        while True:
            pass

    with patience.watching(), contextlib.suppress(TookTooLong):
        ended = asyncio.get_running_loop().run_in_executor(None, patience.bounded, forever)
        await asyncio.to_thread(hangs.wait)
        sums = [patience.bounded(lambda: sum(range(1000))) for _ in range(1000)]
        await ended
    assert len(set(sums)) == 1


def test_a_trace_function_works_after_an_interruption() -> None:
    """In a process of its own: where it does not, the interpreter spins for good."""
    code = """
import sys
from bot.operations.time_limit import TimeLimit, TookTooLong
limit = TimeLimit(2, 0.05)
with limit.watching():
    try:
        limit.bounded(lambda: [0 for _ in iter(int, 1)])
    except TookTooLong:
        pass
def called():
    return "done"
sys.settrace(lambda *_: None)
print(called())
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert run.stdout.strip() == "done"
