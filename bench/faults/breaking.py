"""What is broken while the town lives. Each returns with everything on its feet again."""

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
from bench.faults.environment import Ground
from bot.domain.events import ItemRestocked
from storage import inbox
from storage.inbox import own_inbox_event
from tests.faults.log_cluster import Watcher, quiet
from tests.faults.poison import HANGS, RAISES
from tests.faults.traffic_simulation import Town, chat, paid, placed, until
from tests.world import NOON

TIMES = 4  # of most things, in one run
KILLS = 12
DAY = timedelta(days=1)
JUMPS = (4 * DAY, -timedelta(hours=1), timedelta(minutes=20), -2 * DAY, 30 * DAY)
CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"


async def kill(ground: Ground) -> None:
    """SIGKILL of any, also of one that is just starting."""
    for _ in range(KILLS):
        await ground.pause(0, 0.4)
        victim = ground.luck.choice(ground.programs)
        victim.kill()
        ground.faults += 1
        await ground.pause(0, 0.2)
        victim.start()
        if ground.luck.random() < 0.8:
            await victim.ready()
    await ground.all_ready()


async def kill_while_sending(ground: Ground) -> None:
    """SIGKILL while the receiver has the message in hand, before it took it or after."""
    deaths = 0

    def kill_some() -> bool:
        nonlocal deaths
        if deaths >= KILLS or ground.luck.random() < 0.5:
            return False
        deaths += 1
        ground.luck.choice(ground.programs).kill()
        return True

    ground.receiver.on_request = kill_some
    ground.receiver.turn("deadly")
    while deaths < KILLS:
        await ground.pause(0, 0.2)
        for program in ground.programs:
            if not program.alive:  # it may fall again before it is ready
                program.start()
    ground.receiver.mend()
    ground.faults, ground.receiver.rude = deaths, 0
    await ground.all_ready()


async def stop_the_server(ground: Ground) -> None:
    """In good order, and by a crash that it has to repair."""
    server = ground.around.server
    assert server is not None
    for _ in range(TIMES):
        await ground.pause(0.3, 1)
        await asyncio.to_thread(ground.luck.choice((server.stop, server.crash)))
        ground.faults += 1
        await ground.pause(0.1, 1.5)
        await asyncio.to_thread(server.start)
    await ground.all_ready()


async def cut_connections(ground: Ground) -> None:
    url = make_url(ground.around.url)
    with psycopg.connect(host=str(url.query["host"]), user="postgres", autocommit=True) as admin:
        for _ in range(3 * TIMES):
            await ground.pause(0.05, 0.5)
            ground.faults += len(admin.execute(CUT, [url.database]).fetchall())
    await ground.all_ready()


async def fill_the_disk(ground: Ground) -> None:
    """No file of the program may grow any more: a write fails with whatever it has written by then."""
    path = Path(make_url(ground.around.url).database or "")
    (program,) = ground.programs
    for _ in range(TIMES):
        await ground.pause(0.2, 0.6)
        files = [path, path.with_name(f"{path.name}-wal")]
        size = max(each.stat().st_size for each in files if each.exists())
        _, hard = resource.prlimit(program.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(program.pid, resource.RLIMIT_FSIZE, (size + ground.luck.randrange(20_000), hard))
        ground.faults += 1
        await ground.pause(0.5, 1.5)
        resource.prlimit(program.pid, resource.RLIMIT_FSIZE, (hard, hard))


def receiver_in(*moods: str) -> Callable[[Ground], Awaitable[None]]:
    async def upset(ground: Ground) -> None:
        for turn in range(TIMES):
            before = ground.receiver.rude
            ground.receiver.turn(moods[turn % len(moods)])
            await ground.pause(0.4, 1)
            await until(partial(_was_rude, ground, before))
            ground.receiver.mend()
            await ground.pause(0.1, 0.4)

    return upset


async def _was_rude(ground: Ground, before: int) -> bool:
    return ground.receiver.rude > before


upset_tls = receiver_in(*HANDSHAKES)


async def jump(ground: Ground) -> None:
    """Days ahead, hours back, under way; in the end all is as it was."""
    for turn in range(2 * TIMES):
        ahead = ground.luck.choice(JUMPS) if turn % 2 == 0 else timedelta(0)
        for program in ground.programs:
            program.shift.value = ahead.total_seconds()
        ground.faults += 1
        await ground.pause(0.2, 0.8)


async def muddle(ground: Ground) -> None:
    """The town does it: see Muddle."""
    await asyncio.sleep(4)
    ground.faults = sum(ground.town.answers.values()) - len(ground.town.acknowledged)


async def poison(ground: Ground) -> None:
    """Words that break a rule, words it never gets over, and what no reader of events can read."""
    for turn, word in enumerate((RAISES, HANGS, RAISES)):
        id = f"x-{turn}"
        await ground.pause(0.1, 0.5)
        await ground.town.deliver(id, "message.received", chat(id, f"x{turn}", word))
        ground.poisoned.add(id)
        await _spoiled_event(ground, f"s-{turn}")
        ground.faults += 2


async def _spoiled_event(ground: Ground, id: str) -> None:
    event = ItemRestocked(channel="webhook", external_id=id, at=NOON, sku="MUG-1")
    body = ground.luck.choice((b'{"type": "once there was"}', b"{", b'{"type": "item.restocked", "at": 0}'))
    arrival = msgspec.structs.replace(own_inbox_event("shop", event, datetime.now(UTC)), body=body)
    await ground.books.database.write(lambda connection: inbox.add(connection, [arrival]))
    ground.town.acknowledged[id] = arrival.received_at
    ground.poisoned.add(id)


async def kill_the_logs_leader(ground: Ground) -> None:
    """Of the shop's partition; the others choose another, and the dead one comes back."""
    cluster = ground.around.cluster
    assert cluster is not None
    client = await nats.connect(servers=cluster.url.split(","), max_reconnect_attempts=-1, error_cb=quiet)
    watcher = Watcher(client, cluster)
    try:
        for _ in range(TIMES // 2):
            await until(watcher.healthy)
            leader = await watcher.leader()
            await asyncio.to_thread(leader.kill)
            ground.faults += 1
            await ground.pause(1, 2)
            leader.start()
        await until(watcher.healthy)
    finally:
        await client.close()


class Muddle(Town):
    """Deliveries in any order, days after the facts, more than once, and at once."""

    async def _buyer(self, number: int) -> None:
        order, buyer = f"o{number}", f"b{number // 2}"
        self.orders.append(order)
        late = self.luck.choice((timedelta(0), DAY * self.luck.uniform(0, 6)))
        facts = [(f"p-{order}", "order.placed", _ago(placed(order, buyer), "placed_at", late))]
        if self.luck.random() < 0.4:
            facts.append((f"m-{order}", "message.received", chat(order, buyer, "你好")))
        if self.luck.random() < 0.6:
            facts.append((f"$-{order}", "order.paid", _ago(paid(order), "paid_at", late)))
        facts += self.luck.choices(facts, k=2)
        self.luck.shuffle(facts)
        with contextlib.suppress(aiohttp.ClientError):
            await asyncio.gather(*(self._later(*fact) for fact in facts))

    async def _later(self, id: str, type: str, data: dict[str, object]) -> None:
        await asyncio.sleep(self.luck.choice((0, self.luck.uniform(0, 2))))
        await self.deliver(id, type, data)


def _ago(data: dict[str, dict[str, object]], field: str, late: timedelta) -> dict[str, object]:
    return {"order": {**data["order"], field: datetime.now(UTC) - late}}
