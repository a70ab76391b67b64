"""Around the log in front: the real program on a real cluster, and what the log itself says."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import nats
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from sqlalchemy import select

from tests import servers
from tests.faults.town import until
from xiaoer.bot.ingest.entries import PARTITIONS, partition_of
from xiaoer.storage import tables
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
