"""Whatever strangers do at the door: honest deliveries are kept in good time, and nothing fills up."""

import asyncio
import contextlib
import os
import random
import statistics
import time
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from sqlalchemy import select

from bot.channels import standard_webhooks
from bot.operations.audit.audit import audit
from storage import tables
from tests.faults.programs import STARTS_WITHIN, Plan, Program, free_port, migrated, processes, programs
from tests.faults.test_memory import MB, resident
from tests.faults.traffic_simulation import FAST_SHOP, KEY, DatabaseProbe, Receiver, placed
from tests.hostile.attackers import ATTACKS, HOOK, head, run_attack
from tests.world import config_of, served

pytestmark = pytest.mark.faults

SECONDS = float(os.environ.get("XIAOER_SIEGE", "1.5"))
PACE = 0.02  # seconds between honest deliveries
GROWTH = 150 * MB  # half of what the greediest of them bring
TIMEOUT = 30.0  # seconds for the slowest honest delivery, with attackers on the same few cores
PAUSE = 0.05  # seconds until who was thrown out comes again
THROWN_OUT = 0.2  # for each honest delivery, at most
DOOR = {"connections": 1000, "memory": 16 * MB, "request_within": "1s", "idle": "1s"}
SHOP = {**FAST_SHOP, "limits": {**FAST_SHOP["limits"], "deliveries_per_second": 5000}}


class Honest:
    """One platform that speaks well, each time over a connection of its own.

    It may be thrown out: a process that got no time to speak cannot be told from one that does not want to.
    Then it comes again with the same delivery, as platforms do.
    """

    def __init__(self, http: aiohttp.ClientSession, door: str) -> None:
        self.http = http
        self.door = door
        self.waits: list[float] = []
        self.answers: list[int] = []
        self.thrown_out = 0

    async def deliver(self) -> None:
        body, headers = delivery(f"o{len(self.answers)}")
        began = time.perf_counter()
        async with asyncio.timeout(TIMEOUT):
            while (status := await self._answer_to(body, headers)) is None:
                self.thrown_out += 1
                await asyncio.sleep(PAUSE)
        self.answers.append(status)
        self.waits.append(time.perf_counter() - began)

    async def _answer_to(self, body: bytes, headers: dict[str, str]) -> int | None:
        try:
            async with self.http.post(self.door + HOOK, data=body, headers=headers) as response:
                return response.status
        except aiohttp.ClientError:
            return None

    async def live(self, until: asyncio.Event) -> None:
        while not until.is_set():
            await self.deliver()
            await asyncio.sleep(PACE)

    async def metrics(self) -> str:
        async with self.http.get(f"{self.door}/metrics") as response:
            return await response.text()


def delivery(order: str) -> tuple[bytes, dict[str, str]]:
    data = placed(order, f"b-{order}")
    body = msgspec.json.encode({"type": "order.placed", "timestamp": datetime.now(UTC), "data": data})
    return body, standard_webhooks.sign(KEY, f"p-{order}", datetime.now(UTC), body)


def overheard() -> bytes:
    """A genuine delivery as it went over the wire."""
    body, headers = delivery("overheard")
    return head(content_length=len(body), **headers) + body


@contextlib.asynccontextmanager
async def honest_shop(
    folder: Path, door: Mapping[str, Any] = DOOR
) -> AsyncIterator[tuple[Program, Honest, DatabaseProbe]]:
    """A real program; when all is over, everything is done and the audit finds nothing."""
    url = f"sqlite:///{folder / 'shop.db'}"
    migrated(url)
    receiver = Receiver(random.Random(1))
    connector = aiohttp.TCPConnector(force_close=True)
    async with served(receiver.app()) as address, aiohttp.ClientSession(connector=connector) as http:
        log = str(folder / "program.log")
        plan = Plan(
            database=url, receiver=f"{address}/", port=free_port(), shop=SHOP, door=dict(door), log=log
        )
        with programs(plan) as (program,), contextlib.closing(DatabaseProbe(url)) as probe:
            program.start()
            await program.ready()
            yield program, Honest(http, program.url), probe
            await probe.rest(program.complaints)
            config = config_of(url, f"{address}/", **SHOP)
            found = await asyncio.to_thread(audit, probe.database, config.shops, datetime.now(UTC))
            assert [finding.sentence for finding in found] == []


async def attack(name: str, program: Program) -> tuple[dict[str, int], int]:
    """What the attackers heard, and the program's highest size meanwhile."""
    answers = processes.Queue()
    arguments = (name, program.plan.port, SECONDS, overheard(), answers)
    process = processes.Process(target=run_attack, args=arguments, daemon=True)
    process.start()
    highest = 0
    try:
        while answers.empty() and process.is_alive():
            highest = max(highest, resident(program.pid))
            await asyncio.sleep(0.1)
        return await asyncio.to_thread(answers.get, True, STARTS_WITHIN), highest
    finally:
        process.kill()
        process.join()


@pytest.mark.parametrize("kind", ATTACKS)
async def test_honest_deliveries_are_kept_and_memory_stays_bounded_under(kind: str, tmp_path: Path) -> None:
    async with honest_shop(tmp_path) as (program, honest, probe):
        for _ in range(50):
            await honest.deliver()
        print(f"calm: {milliseconds(honest.waits)}")
        for each in ATTACKS[kind]:
            await withstand(each.__name__, program, honest)

        assert len(program.logged()) < 8000, program.complaints()
        assert len(await honest.metrics()) < 30_000
        kept = {name.rpartition("#")[0] for (name,) in await probe.rows(select(tables.inbox.c.external_id))}
        assert kept - {"p-overheard"} == {f"p-o{number}" for number in range(len(honest.answers))}


async def test_where_room_is_short_whoever_waits_longest_goes_and_nobody_else(tmp_path: Path) -> None:
    patient = {"connections": 10, "request_within": "1h", "idle": "1h"}
    async with honest_shop(tmp_path, patient) as (program, honest, _):
        port = program.plan.port
        silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(10)]
        for number in range(5):
            await honest.deliver()
            with contextlib.suppress(ConnectionError):
                assert await silent[number][0].read() == b""
            silent.append(await asyncio.open_connection("127.0.0.1", port))  # where the honest one was
        left = [asyncio.create_task(reader.read()) for reader, _ in silent[5:]]
        await honest.deliver()
        closed, _ = await asyncio.wait(left, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.sleep(0.2)
        assert [one for one in left if one.done()] == left[:1] == list(closed)
        assert (set(honest.answers), honest.thrown_out) == ({200}, 0)
        for _, writer in silent:
            writer.transport.abort()
        await asyncio.gather(*left, return_exceptions=True)


async def withstand(name: str, program: Program, honest: Honest) -> None:
    before, over = resident(program.pid), asyncio.Event()
    honest.waits.clear()
    honest.thrown_out = 0
    living = asyncio.create_task(honest.live(over))
    heard, highest = await attack(name, program)
    over.set()
    await living
    sizes = ", ".join(f"{size / MB:.0f}" for size in (before, highest, resident(program.pid)))
    kept = f"{milliseconds(honest.waits)}, {honest.thrown_out} times thrown out"
    print(f"{name}: {sizes} MB before, at most, after; honest: {kept}; heard {heard}")

    assert heard
    assert set(honest.answers) == {200}
    assert honest.thrown_out <= 2 + THROWN_OUT * len(honest.waits)
    assert highest - before < GROWTH


def milliseconds(waits: list[float]) -> str:
    median, slowest = statistics.median(waits) * 1000, max(waits) * 1000
    return f"{len(waits)} within {median:.0f} ms, the slowest {slowest:.0f} ms"
