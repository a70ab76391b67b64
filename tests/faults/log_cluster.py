"""The real program behind a real JetStream cluster, and a probe that reads the log itself."""

import asyncio
import contextlib
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import nats
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import Header, StreamConfig
from nats.js.errors import NotFoundError
from sqlalchemy import select

from bot.domain.errors import LogAway
from bot.operations.audit.audit import audit
from bot.receive.log.entries import PARTITIONS, partition_of
from storage import log_offsets, tables
from storage.database import Database
from tests import servers
from tests.faults.programs import Plan, Program, free_port, migrated, programs
from tests.faults.test_kills import everything_was_done
from tests.faults.traffic_simulation import (
    EVENT_TIMEOUT,
    FAST_SHOP,
    LAST_REMINDER,
    SETTLE_TIMEOUT,
    DatabaseProbe,
    Receiver,
    Traffic,
    until,
)
from tests.world import config_of, served

STREAM = f"xiaoer-{partition_of('shop')}"  # where the tests' shop lies
PROBE = "probe"  # a stream of our own, to see whether the cluster is whole
ANSWERS_WITHIN = 3.0  # seconds; then it is asked again, as long as it may take
SILENT = 2_000_000_000  # nanoseconds without its followers after which a leader must not answer

Answer = TypeVar("Answer")


async def answered(ask: Callable[[], Awaitable[Answer]]) -> Answer:
    """Repeat a request while the cluster cannot answer: it may be starting, or electing a leader."""
    over = asyncio.get_running_loop().time() + EVENT_TIMEOUT
    while True:
        try:
            return await ask()
        except NotFoundError:
            raise
        except (NatsError, LogAway, TimeoutError, KeyError):
            if asyncio.get_running_loop().time() > over:
                raise
            await asyncio.sleep(0.1)


class LogProbe:
    """Reads and writes the log past the program, as an operator would."""

    def __init__(self, client: nats.NATS, cluster: servers.Cluster) -> None:
        self.client = client
        self.js: JetStreamContext = client.jetstream(timeout=ANSWERS_WITHIN)
        self.cluster = cluster

    async def info(self, stream: str = STREAM, within: float = ANSWERS_WITHIN) -> dict[str, Any]:
        """Raises KeyError if it has no leader, or is not there."""
        told = await self.client.request(f"$JS.API.STREAM.INFO.{stream}", timeout=within)
        found: dict[str, Any] = json.loads(told.data)
        if not found["cluster"].get("leader"):
            raise KeyError("leader")
        return found

    async def length(self) -> int:
        """Count the entries that were ever written to the shop's partition."""
        return int((await answered(self.info))["state"]["last_seq"])

    async def leader(self) -> servers.Node:
        return self.cluster.named((await answered(self.info))["cluster"]["leader"])

    async def put(self, body: bytes, id: str) -> None:
        """Write to the shop's partition, past the program."""
        subject, headers = f"xiaoer.{partition_of('shop')}.shop", {Header.MSG_ID: id}
        await answered(lambda: self.js.publish(subject, body, headers=headers))

    async def make(self, config: StreamConfig) -> None:
        """Also if an earlier try was not answered and made it all the same."""
        await answered(lambda: self.js.add_stream(config))

    async def remove(self, stream: str) -> None:
        with contextlib.suppress(NotFoundError):
            await answered(lambda: self.js.delete_stream(stream))

    async def clear(self) -> None:
        """Delete all streams; the next program creates them again."""
        for partition in range(PARTITIONS):
            await self.remove(f"xiaoer-{partition}")

    async def whole(self) -> None:
        """Wait until a stream with three replicas can be created, written, replicated and deleted."""
        await self.make(StreamConfig(name=PROBE, subjects=[PROBE], num_replicas=3))
        await answered(lambda: self.js.publish(PROBE, b"", headers={Header.MSG_ID: PROBE}))
        await until(lambda: self.complete(PROBE))
        await self.remove(PROBE)

    async def healthy(self) -> bool:
        """Whether every stream has a leader and two current followers."""
        return all([await self.complete(f"xiaoer-{partition}") for partition in range(PARTITIONS)])

    async def complete(self, stream: str) -> bool:
        try:
            peers = (await self.info(stream))["cluster"]["replicas"]
            return len(peers) == 2 and all(peer["current"] for peer in peers)
        except (NatsError, KeyError):
            return False

    async def alone(self) -> bool:
        """Whether the leader was without its followers for too long to answer, or is deposed."""
        try:
            peers = (await self.info(within=SILENT / 1e9))["cluster"]["replicas"]
            return all(peer["active"] > SILENT for peer in peers)
        except (NatsError, KeyError):
            return True


@contextlib.asynccontextmanager
async def log_probe(cluster: servers.Cluster) -> AsyncIterator[LogProbe]:
    """Open a probe on a cluster that is complete and empty; nodes that a test killed are started again."""
    for node in cluster.nodes:
        if not node.alive:
            node.start()
    client = await nats.connect(
        servers=cluster.url.split(","),
        connect_timeout=int(ANSWERS_WITHIN),
        max_reconnect_attempts=-1,
        reconnect_time_wait=0.2,  # type: ignore[arg-type]  # seconds, whole ones by its hints only
        error_cb=quiet,
    )
    try:
        probe = LogProbe(client, cluster)
        await probe.whole()
        await probe.clear()
        yield probe
    finally:
        await client.close()


async def quiet(_: Exception) -> None:
    pass


async def kept_ids(database: Database) -> list[str]:
    """The delivery ids in the inbox, in the order of their arrival."""
    statement = select(tables.inbox.c.external_id).order_by(tables.inbox.c.id)
    rows = await database.read(lambda connection: connection.execute(statement).all())
    return [row.external_id for row in rows]


async def settled_in(database: Database, count: int, within: float = EVENT_TIMEOUT) -> None:
    async def all_there() -> bool:
        return len(await kept_ids(database)) >= count

    await until(all_there, within)


async def a_moment() -> None:
    await asyncio.sleep(0.3)


class LogRun:
    """Programs behind one log, their database, and their receiver."""

    def __init__(
        self,
        log: LogProbe,
        programs: list[Program],
        probe: DatabaseProbe,
        receiver: Receiver,
        http: aiohttp.ClientSession,
        rng: random.Random,
    ) -> None:
        self.log = log
        self.programs = programs
        self.probe = probe
        self.receiver = receiver
        self.rng = rng
        self.traffic = Traffic(http, [program.url for program in programs], rng)

    async def start(self) -> None:
        for program in self.programs:
            program.start()
        for program in self.programs:
            await program.ready()

    @contextlib.asynccontextmanager
    async def living(self) -> AsyncIterator[None]:
        """Run traffic meanwhile; afterwards all of its deliveries were acknowledged."""
        life = asyncio.create_task(self.traffic.live())
        try:
            yield
        finally:
            self.traffic.full.set()
            await life

    async def rest(self) -> None:
        """Wait until the log was read into the inbox, and everything in the inbox is handled."""

        async def taken_in() -> bool:
            taken = await self.probe.database.read(log_offsets.reached)
            return taken.get(partition_of("shop"), ("", 0))[1] >= await self.log.length()

        await until(taken_in, SETTLE_TIMEOUT)
        await self.probe.rest(self.complaints, LAST_REMINDER)

    async def judge(self) -> None:
        """Check against the acknowledged traffic, the receiver, and the audit."""
        await everything_was_done(self.probe, self.traffic, self.receiver)
        ids = await kept_ids(self.probe.database)
        assert len(ids) == len(set(ids))
        config = config_of("postgresql://", "http://127.0.0.1/", **FAST_SHOP)
        found = await asyncio.to_thread(audit, self.probe.database, config.shops, datetime.now(UTC))
        assert [finding.sentence for finding in found] == []

    def complaints(self) -> str:
        return "\n".join(program.complaints() for program in self.programs)


@contextlib.asynccontextmanager
async def log_run(
    url: str, cluster: servers.Cluster, folder: Path, seed: int, count: int = 2, **shop: Any
) -> AsyncIterator[LogRun]:
    migrated(url)
    rng = random.Random(seed)
    receiver = Receiver(rng)
    async with (
        log_probe(cluster) as log,
        served(receiver.app()) as address,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http,
    ):
        plans = [
            Plan(
                database=url,
                receiver=f"{address}/",
                port=free_port(),
                shop={**FAST_SHOP, **shop},
                lease=20.0,
                log=str(folder / f"program{number}.log"),
                ingest=cluster.url,
            )
            for number in range(count)
        ]
        with programs(*plans) as made, contextlib.closing(DatabaseProbe(url)) as probe:
            yield LogRun(log, made, probe, receiver, http, rng)
