"""The log in front: whatever is killed, what was answered 200 is in the inbox once, in its order."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from tests import servers
from tests.faults.rush import STREAM, Watcher, a_moment, kept_ids, settled_in, watching
from tests.faults.town import until
from tests.world import World, world

pytestmark = pytest.mark.faults


@contextlib.asynccontextmanager
async def shop_behind_a_log(url: str, cluster: servers.Cluster) -> AsyncIterator[tuple[World, Watcher]]:
    async with (
        watching(cluster) as log,
        world(url, ingest=cluster.url) as shop,
        shop.program.running(),
    ):
        yield shop, log


async def heard(shop: World, count: int, patience: float = 30.0) -> None:
    async def enough() -> bool:
        return len(shop.receiver.messages) >= count

    await until(enough, patience)


async def test_an_order_goes_its_whole_way_through_the_log(
    database_url: str, log_cluster: servers.Cluster
) -> None:
    async with shop_behind_a_log(database_url, log_cluster) as (shop, log):
        assert await shop.place("1") == 200
        await heard(shop, 1)
        assert await log.length() == 1
        assert shop.receiver.templates == ["order_confirmation"]


async def say(shop: World, id: str, buyer: str = "ann") -> int:
    message = {"id": id, "buyer": {"id": buyer}, "text": "你好"}
    return await shop.post("message.received", {"message": message}, id=id)


async def test_a_repeat_changes_nothing_as_long_as_the_log_remembers_it_and_afterwards(
    postgres_url: str, log_cluster: servers.Cluster
) -> None:
    async with shop_behind_a_log(postgres_url, log_cluster) as (shop, log):
        assert [await say(shop, "m1") for _ in range(3)] == [200, 200, 200]
        assert await log.length() == 1
        config = (await log.js.stream_info(STREAM)).config
        config.duplicate_window = 0.1
        await log.js.update_stream(config)
        await a_moment()
        assert await say(shop, "m1") == 200
        assert await log.length() == 2
        await settled_in(shop.program.database, 1)
        await asyncio.sleep(1)
        assert len(await kept_ids(shop.program.database)) == 1
