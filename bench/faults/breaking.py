"""Faults injected while traffic runs. Each function returns when everything is running again."""

import asyncio
import contextlib
import resource
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import aiohttp
import msgspec
import nats
import psycopg
from sqlalchemy import make_url

from bench.faults.bad_receivers import HANDSHAKES
from bench.faults.environment import Run
from bot.domain.events import ItemRestocked
from storage import inbox
from storage.inbox import own_inbox_event
from tests.faults.log_cluster import LogProbe, quiet
from tests.faults.poison import HANGS, RAISES
from tests.faults.traffic_simulation import Traffic, chat, paid, placed, until
from tests.world import NOON

TIMES = 4  # of most things, in one run
KILLS = 12
DAY = timedelta(days=1)
JUMPS = (4 * DAY, -timedelta(hours=1), timedelta(minutes=20), -2 * DAY, 30 * DAY)
CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"


async def kill(run: Run) -> None:
    """SIGKILL any program, also one that is just starting."""
    for _ in range(KILLS):
        await run.pause(0, 0.4)
        victim = run.rng.choice(run.programs)
        victim.kill()
        run.faults += 1
        await run.pause(0, 0.2)
        victim.start()
        if run.rng.random() < 0.8:
            await victim.ready()
    await run.all_ready()


async def kill_while_sending(run: Run) -> None:
    """SIGKILL a program while the receiver handles its message, before it was taken or after."""
    deaths = 0

    def kill_some() -> bool:
        nonlocal deaths
        if deaths >= KILLS or run.rng.random() < 0.5:
            return False
        deaths += 1
        run.rng.choice(run.programs).kill()
        return True

    run.receiver.on_request = kill_some
    run.receiver.misbehave("deadly")
    while deaths < KILLS:
        await run.pause(0, 0.2)
        for program in run.programs:
            if not program.alive:  # it may be killed again before it is ready
                program.start()
    run.receiver.behave()
    run.faults, run.receiver.misbehaved = deaths, 0
    await run.all_ready()


async def stop_the_server(run: Run) -> None:
    """Stop the database server in good order, or by a crash after which it has to recover."""
    server = run.environment.server
    assert server is not None
    for _ in range(TIMES):
        await run.pause(0.3, 1)
        await asyncio.to_thread(run.rng.choice((server.stop, server.crash)))
        run.faults += 1
        await run.pause(0.1, 1.5)
        await asyncio.to_thread(server.start)
    await run.all_ready()


async def cut_connections(run: Run) -> None:
    url = make_url(run.environment.url)
    with psycopg.connect(host=str(url.query["host"]), user="postgres", autocommit=True) as admin:
        for _ in range(3 * TIMES):
            await run.pause(0.05, 0.5)
            run.faults += len(admin.execute(CUT, [url.database]).fetchall())
    await run.all_ready()


async def fill_the_disk(run: Run) -> None:
    """Let no file of the program grow, so that writes fail in the middle."""
    path = Path(make_url(run.environment.url).database or "")
    (program,) = run.programs
    for _ in range(TIMES):
        await run.pause(0.2, 0.6)
        files = [path, path.with_name(f"{path.name}-wal")]
        size = max(each.stat().st_size for each in files if each.exists())
        _, hard = resource.prlimit(program.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(program.pid, resource.RLIMIT_FSIZE, (size + run.rng.randrange(20_000), hard))
        run.faults += 1
        await run.pause(0.5, 1.5)
        resource.prlimit(program.pid, resource.RLIMIT_FSIZE, (hard, hard))


def receiver_in(*faults: str) -> Callable[[Run], Awaitable[None]]:
    async def upset(run: Run) -> None:
        for turn in range(TIMES):
            before = run.receiver.misbehaved
            run.receiver.misbehave(faults[turn % len(faults)])
            await run.pause(0.4, 1)
            await until(partial(_has_misbehaved, run, before))
            run.receiver.behave()
            await run.pause(0.1, 0.4)

    return upset


async def _has_misbehaved(run: Run, before: int) -> bool:
    return run.receiver.misbehaved > before


upset_tls = receiver_in(*HANDSHAKES)


async def jump(run: Run) -> None:
    """Set the clocks of running programs days ahead and hours back; at the end they are right."""
    for turn in range(2 * TIMES):
        ahead = run.rng.choice(JUMPS) if turn % 2 == 0 else timedelta(0)
        for program in run.programs:
            program.shift.value = ahead.total_seconds()
        run.faults += 1
        await run.pause(0.2, 0.8)


async def reorder(run: Run) -> None:
    """Wait while ReorderedTraffic does it."""
    await asyncio.sleep(4)
    run.faults = sum(run.traffic.answers.values()) - len(run.traffic.acknowledged)


async def poison(run: Run) -> None:
    """Send texts at which a handler raises or hangs, and store events that cannot be decoded."""
    for turn, text in enumerate((RAISES, HANGS, RAISES)):
        order = f"x{turn}"
        id = f"m-{order}"
        await run.pause(0.1, 0.5)
        await run.traffic.deliver(id, "message.received", chat(order, f"x{turn}", text))
        run.poisoned.add(id)
        await _spoiled_event(run, f"s-{turn}")
        run.faults += 2


async def _spoiled_event(run: Run, id: str) -> None:
    event = ItemRestocked(channel="webhook", external_id=id, at=NOON, sku="MUG-1")
    body = run.rng.choice((b'{"type": "once there was"}', b"{", b'{"type": "item.restocked", "at": 0}'))
    arrival = msgspec.structs.replace(own_inbox_event("shop", event, datetime.now(UTC)), body=body)
    await run.probe.database.write(lambda connection: inbox.add(connection, [arrival]))
    run.traffic.acknowledged[id] = arrival.received_at
    run.poisoned.add(id)


async def kill_the_logs_leader(run: Run) -> None:
    """SIGKILL the leader of the shop's partition; the others elect another, and it starts again."""
    cluster = run.environment.cluster
    assert cluster is not None
    client = await nats.connect(servers=cluster.url.split(","), max_reconnect_attempts=-1, error_cb=quiet)
    probe = LogProbe(client, cluster)
    try:
        for _ in range(TIMES // 2):
            await until(probe.healthy)
            leader = await probe.leader()
            await asyncio.to_thread(leader.kill)
            run.faults += 1
            await run.pause(1, 2)
            leader.start()
        await until(probe.healthy)
    finally:
        await client.close()


class ReorderedTraffic(Traffic):
    """Deliveries in any order, days late, repeated, and in parallel."""

    async def _buyer(self, number: int) -> None:
        order, buyer = f"o{number}", f"b{number // 2}"
        self.orders.append(order)
        late = self.rng.choice((timedelta(0), DAY * self.rng.uniform(0, 6)))
        facts = [(f"p-{order}", "order.placed", _ago(placed(order, buyer), "placed_at", late))]
        if self.rng.random() < 0.4:
            facts.append((f"m-{order}", "message.received", chat(order, buyer, "你好")))
        if self.rng.random() < 0.6:
            facts.append((f"$-{order}", "order.paid", _ago(paid(order), "paid_at", late)))
        facts += self.rng.choices(facts, k=2)
        self.rng.shuffle(facts)
        with contextlib.suppress(aiohttp.ClientError):
            await asyncio.gather(*(self._later(*fact) for fact in facts))

    async def _later(self, id: str, type: str, data: dict[str, object]) -> None:
        await asyncio.sleep(self.rng.choice((0, self.rng.uniform(0, 2))))
        await self.deliver(id, type, data)


def _ago(data: dict[str, dict[str, object]], field: str, late: timedelta) -> dict[str, object]:
    return {"order": {**data["order"], field: datetime.now(UTC) - late}}
