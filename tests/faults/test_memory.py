"""A hundred thousand reminders wait, and the program needs no more memory for them."""

import asyncio
import contextlib
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from sqlalchemy import text

from bot.domain.context import Buyer
from bot.texts.catalogue import Catalogue
from storage import buyer_records, outbox, tables
from storage.asking import ask
from storage.database import Database
from tests.faults.programs import Plan, Program, free_port, migrated, programs
from tests.faults.traffic_simulation import FAST_SHOP, DatabaseProbe, Receiver, Traffic
from tests.world import served

pytestmark = pytest.mark.faults

WAITING = 100_000
PAGE = 10_000
MB = 1024 * 1024
GROWTH = 40 * MB
SOON = 20.0  # seconds for a confirmation, on a busy machine; the reminders are due in an hour and later
SECONDS = 4  # of rounds under load that are watched


def reminders_wait(url: str, count: int) -> None:
    """`count` reminders, due in the next days, of as many orders."""
    migrated(url)
    now = datetime.now(UTC)
    version = Catalogue(None).resolve("payment_reminder", "zh-CN")
    database = Database(url)
    for start in range(0, count, PAGE):
        numbers = range(start, start + PAGE)
        with database.engine.begin() as connection:
            ask(connection, "shop", outbox.keep_versions([version]))
            ask(connection, "shop", buyer_records.save([Buyer(id=f"w{n}", created_at=now) for n in numbers]))
            ask(connection, "shop", outbox.queue([reminder(n, version.id, now) for n in numbers], now))
    if database.dialect == "postgresql":  # which does so by itself, but may still know of other tests
        with database.engine.begin() as connection:
            connection.execute(text("ANALYZE"))
    database.close()


def reminder(number: int, version: str, now: datetime) -> outbox.Draft:
    return outbox.Draft(
        key=f"payment_reminder:w{number}:1",
        buyer=f"w{number}",
        order=f"w{number}",
        template="payment_reminder",
        version=version,
        category="payment",
        rule="journey.follow",
        due_at=now + timedelta(hours=1, seconds=number),
        lateness=timedelta(hours=12),
        values={"step": 1, "steps": 3, "last": False},
    )


def resident(pid: int) -> int:
    """Bytes of its own; what it shares with the server that forked it is not counted."""
    rolled = Path(f"/proc/{pid}/smaps_rollup").read_text()
    fields = dict(line.split(":", 1) for line in rolled.splitlines()[1:])
    return sum(int(fields[name].split()[0]) * 1024 for name in ("Private_Dirty", "Private_Clean"))


async def measured_under_traffic(url: str, folder: Path, first: int) -> tuple[int, int, float]:
    """Measure the size after the start, the peak under traffic, and the median wait for a confirmation."""
    receiver = Receiver(random.Random(3))
    async with served(receiver.app()) as address, aiohttp.ClientSession() as http:
        log = str(folder / "program.log")
        plan = Plan(database=url, receiver=f"{address}/", port=free_port(), shop=FAST_SHOP, log=log)
        with programs(plan) as (program,), contextlib.closing(DatabaseProbe(url)) as probe:
            program.start()
            await program.ready()
            traffic = Traffic(http, [program.url], random.Random(3), first=first)
            living = asyncio.create_task(traffic.live())
            await asyncio.sleep(2)  # until caches are warm
            first = resident(program.pid)
            highest = await watched(program)
            traffic.full.set()
            await living
            await probe.rest(program.complaints)
            assert set(await probe.counts(tables.inbox)) == {"done"}
            return first, highest, median_wait(traffic, receiver)


async def watched(program: Program) -> int:
    highest = 0
    for _ in range(SECONDS * 2):
        await asyncio.sleep(0.5)
        highest = max(highest, resident(program.pid))
    return highest


def median_wait(traffic: Traffic, receiver: Receiver) -> float:
    waits = sorted(
        (attempt.decided_at - traffic.acknowledged[f"p-{attempt.message['order']}"]).total_seconds()
        for attempt in receiver.attempts
        if attempt.message["template"] == "order_confirmation"
    )
    return waits[len(waits) // 2]


async def test_a_hundred_thousand_waiting_reminders_cost_no_memory(database_url: str, tmp_path: Path) -> None:
    """Neither while it runs, nor against a program for which nothing waits."""
    migrated(database_url)
    _, without, calm = await measured_under_traffic(database_url, tmp_path, first=0)
    await asyncio.to_thread(reminders_wait, database_url, WAITING)
    first, highest, wait = await measured_under_traffic(database_url, tmp_path, first=WAITING)
    sizes = f"{without / MB:.0f} MB without, {first / MB:.0f} to {highest / MB:.0f} MB with"
    print(f"{sizes}; {calm * 1000:.0f} ms without, {wait * 1000:.0f} ms with")
    assert highest - first < GROWTH
    assert highest - without < GROWTH
    assert wait < SOON
