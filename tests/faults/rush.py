"""Around the log in front: the real program on a real cluster, and what the log itself says."""

import asyncio
import contextlib
import json
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import nats
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from sqlalchemy import select

from tests import servers
from tests.faults.programs import Plan, Program, free_port, migrated, programs
from tests.faults.test_kills import everything_was_done
from tests.faults.town import HASTY, Books, Receiver, Town, until
from tests.world import config_of, served
from xiaoer.bot.audit.audit import audit
from xiaoer.bot.ingest.entries import PARTITIONS, partition_of
from xiaoer.storage import positions, tables
from xiaoer.storage.database import Database

STREAM = f"xiaoer-{partition_of('shop')}"  # where the tests' shop lies


class Watcher:
    """Looks at the log past the program, as an operator would."""

    def __init__(self, client: nats.NATS, cluster: servers.Cluster) -> None:
        self.client = client
        self.js: JetStreamContext = client.jetstream(timeout=2)
        self.cluster = cluster

    async def info(self) -> dict[str, Any]:
        told = await self.client.request(f"$JS.API.STREAM.INFO.{STREAM}", timeout=2)
        found: dict[str, Any] = json.loads(told.data)
        return found

    async def length(self) -> int:
        """How many entries were ever put into the shop's partition."""
        return int((await self.info())["state"]["last_seq"])

    async def leader(self) -> servers.Node:
        return self.cluster.named((await self.info())["cluster"]["leader"])

    async def clear(self) -> None:
        """No streams; whoever comes next makes them anew."""
        for partition in range(PARTITIONS):
            with contextlib.suppress(nats.js.errors.NotFoundError):
                await self.js.delete_stream(f"xiaoer-{partition}")

    async def healthy(self) -> bool:
        """Every stream has a leader that hears of both others."""
        try:
            for partition in range(PARTITIONS):
                told = await self.client.request(f"$JS.API.STREAM.INFO.xiaoer-{partition}", timeout=1)
                peers = json.loads(told.data)["cluster"]["replicas"]
                if len(peers) != 2 or not all(peer["current"] for peer in peers):
                    return False
            return True
        except (NatsError, KeyError):
            return False


@contextlib.asynccontextmanager
async def watching(cluster: servers.Cluster) -> AsyncIterator[Watcher]:
    """On a cluster that is up and empty; what a test killed is started again."""
    for node in cluster.nodes:
        if not node.alive:
            node.start()
    client = await nats.connect(
        servers=cluster.url.split(","), max_reconnect_attempts=-1, reconnect_time_wait=0.2, error_cb=quiet
    )
    try:
        watcher = Watcher(client, cluster)

        async def answers() -> bool:
            try:
                await watcher.js.account_info()
                return True
            except (NatsError, TimeoutError):
                return False

        await until(answers)
        await watcher.clear()
        yield watcher
    finally:
        await client.close()


async def quiet(_: Exception) -> None:
    pass


async def kept_ids(database: Database) -> list[str]:
    """What the inbox has, in the order in which it came there."""
    statement = select(tables.inbox.c.external_id).order_by(tables.inbox.c.id)
    rows = await database.read(lambda connection: connection.execute(statement).all())
    return [row.external_id for row in rows]


async def settled_in(database: Database, count: int, patience: float = 30.0) -> None:
    async def all_there() -> bool:
        return len(await kept_ids(database)) >= count

    await until(all_there, patience)


async def a_moment() -> None:
    await asyncio.sleep(0.3)


class Rush:
    """Programs behind one log, the database behind them, and the receiver of all."""

    def __init__(
        self,
        log: Watcher,
        programs: list[Program],
        books: Books,
        receiver: Receiver,
        http: aiohttp.ClientSession,
        luck: random.Random,
    ) -> None:
        self.log = log
        self.programs = programs
        self.books = books
        self.receiver = receiver
        self.luck = luck
        self.town = Town(http, [program.door for program in programs], luck)

    async def start(self) -> None:
        for program in self.programs:
            program.start()
        for program in self.programs:
            await program.ready()

    @contextlib.asynccontextmanager
    async def living(self) -> AsyncIterator[None]:
        """The town lives meanwhile; afterwards all that it brought was acknowledged."""
        life = asyncio.create_task(self.town.live())
        try:
            yield
        finally:
            self.town.full.set()
            await life

    async def rest(self) -> None:
        """Until the log is taken in, and everything in the inbox is handled."""

        async def taken_in() -> bool:
            taken = await self.books.database.read(positions.reached)
            return taken.get(partition_of("shop"), ("", 0))[1] >= await self.log.length()

        await until(taken_in, 60)
        await asyncio.sleep(5)  # the last reminders become due
        await self.books.rest(self.complaints)

    async def judge(self) -> None:
        """By what the town was told, what the receiver heard, and the audit."""
        await everything_was_done(self.books, self.town, self.receiver)
        ids = await kept_ids(self.books.database)
        assert len(ids) == len(set(ids))
        config = config_of("postgresql://", "http://127.0.0.1/", **HASTY)
        found = await asyncio.to_thread(audit, self.books.database, config.shops, datetime.now(UTC))
        assert [finding.sentence for finding in found] == []

    def complaints(self) -> str:
        return "\n".join(program.complaints() for program in self.programs)


@contextlib.asynccontextmanager
async def rush(
    url: str, cluster: servers.Cluster, folder: Path, seed: int, count: int = 2, **shop: Any
) -> AsyncIterator[Rush]:
    migrated(url)
    luck = random.Random(seed)
    receiver = Receiver(luck)
    async with (
        watching(cluster) as log,
        served(receiver.app()) as address,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http,
    ):
        plans = [
            Plan(
                database=url,
                receiver=f"{address}/",
                port=free_port(),
                shop={**HASTY, **shop},
                lease=20.0,
                log=str(folder / f"program{number}.log"),
                ingest=cluster.url,
            )
            for number in range(count)
        ]
        with programs(*plans) as made, contextlib.closing(Books(url)) as books:
            yield Rush(log, made, books, receiver, http, luck)
