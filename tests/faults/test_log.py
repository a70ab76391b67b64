"""The log in front: whatever is killed, what was answered 200 is in the inbox once, in its order."""

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from nats.js.api import DiscardPolicy, StorageType
from sqlalchemy import select, text

from bench import deliveries
from bench.load import drive
from bench.servers import Server
from tests import servers
from tests.faults.rush import STREAM, Watcher, a_moment, kept_ids, rush, settled_in, watching
from tests.faults.test_database_away import closed_server
from tests.faults.town import chat, until
from tests.world import World, world
from xiaoer.bot.events import ItemRestocked
from xiaoer.bot.ingest.entries import Entry, dump_entry, partition_of
from xiaoer.bot.ingest.taking import Taker
from xiaoer.bot.logs import configure_logs
from xiaoer.bot.receive import written
from xiaoer.storage import tables
from xiaoer.storage.inbox import Arrival

KILLS = int(os.environ.get("XIAOER_KILLS", "1"))

WORDS = 20 * KILLS
BURST = 600 * KILLS

pytestmark = pytest.mark.faults


@contextlib.asynccontextmanager
async def shop_behind_a_log(url: str, cluster: servers.Cluster) -> AsyncIterator[tuple[World, Watcher]]:
    configure_logs(
        "warning", json=False
    )  # as the program tells of faults: structlog's own way takes a second each
    async with (
        watching(cluster) as log,
        world(url, ingest=cluster.url) as shop,
        shop.program.running(),
    ):
        yield shop, log


@contextlib.asynccontextmanager
async def shop_by_hand(url: str, cluster: servers.Cluster) -> AsyncIterator[tuple[World, Watcher]]:
    """Deliveries go into the log; they are taken in only where a test says so, and so with the legs."""
    async with watching(cluster) as log, world(url, ingest=cluster.url) as shop:
        assert shop.program.log is not None
        connected = asyncio.create_task(shop.program.log.run())
        try:
            await asyncio.wait_for(shop.program.log.ready.wait(), 30)
            yield shop, log
        finally:
            connected.cancel()
            await asyncio.gather(connected, return_exceptions=True)


@contextlib.asynccontextmanager
async def taking_in(shop: World) -> AsyncIterator[None]:
    """Ends as a stopped program does."""
    program = shop.program
    assert program.log is not None
    taker = Taker(program.log, program.database, program.metrics, lambda: None, program.clock)
    hand = asyncio.create_task(taker.run())
    try:
        yield
    finally:
        hand.cancel()
        await asyncio.gather(hand, return_exceptions=True)


async def unreadable(shop: World) -> list[tuple[str, bytes]]:
    """(channel, body) of what was kept whole, in the order in which it came."""
    kept = select(tables.unreadable.c.channel, tables.unreadable.c.body).order_by(tables.unreadable.c.id)
    rows = await shop.program.database.read(lambda connection: connection.execute(kept).all())
    return [(row.channel, bytes(row.body)) for row in rows]


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


async def test_a_delivery_that_nobody_can_read_comes_through_the_log_byte_for_byte(
    postgres_url: str, log_cluster: servers.Cluster
) -> None:
    async with shop_by_hand(postgres_url, log_cluster) as (shop, log):
        body = b'{"type": \xff'
        assert [await shop.deliver(body, "d1"), await shop.deliver(body, "d2")] == [200, 200]
        assert await log.length() == 1
        async with taking_in(shop):

            async def there() -> bool:
                return await unreadable(shop) == [("webhook", body)]

            await until(there)


def restocked(sku: str) -> Arrival:
    at = datetime.now(UTC)
    return written("shop", ItemRestocked(channel="webhook", external_id=sku, at=at, sku=sku), at)


async def test_of_two_deliveries_that_begin_alike_the_log_takes_neither_for_the_other(
    postgres_url: str, log_cluster: servers.Cluster
) -> None:
    async with shop_by_hand(postgres_url, log_cluster) as (shop, log):
        for second in ("b", "c", "b"):
            await shop.program.keeper.keep([restocked("a"), restocked(second)])
        assert await log.length() == 2
        async with taking_in(shop):
            await settled_in(shop.program.database, 3)
        assert await kept_ids(shop.program.database) == ["a", "b", "c"]


async def test_what_is_too_long_for_the_log_is_kept_all_the_same(
    postgres_url: str, log_cluster: servers.Cluster
) -> None:
    async with shop_by_hand(postgres_url, log_cluster) as (shop, log):
        body = b"x" * (1024 * 1024 - 100)
        assert await shop.deliver(body, "long") == 200
        assert await log.length() == 0
        assert await unreadable(shop) == [("webhook", body)]


async def test_foreign_bytes_in_the_log_are_kept_and_stop_nobody(
    postgres_url: str, log_cluster: servers.Cluster
) -> None:
    async with shop_by_hand(postgres_url, log_cluster) as (shop, log):
        good = restocked("x")
        # Bytes that are no entry; entries whose texts or moments no database takes.
        foreign = [
            b"",
            b"\xff" * 100,
            dump_entry(Entry(arrivals=(Arrival(**fields_of(good) | {"body": b"\xff"}),))),
            dump_entry(Entry(arrivals=(Arrival(**fields_of(good) | {"shop": "\x00"}),))),
            dump_entry(Entry(arrivals=(Arrival(**fields_of(good) | {"received_at": datetime(2026, 1, 1)}),))),  # noqa: DTZ001  # naive on purpose
        ]
        for number, body in enumerate(foreign):
            assert await say(shop, f"m{number}") == 200
            await log.js.publish(f"xiaoer.{partition_of('shop')}.shop", body)
        assert await say(shop, "last") == 200
        async with taking_in(shop):
            await settled_in(shop.program.database, len(foreign) + 1)
        told = [id.split("#")[0] for id in await kept_ids(shop.program.database)]
        assert told == [*(f"m{number}" for number in range(len(foreign))), "last"]
        assert await unreadable(shop) == [("log", body) for body in foreign]


def fields_of(arrival: Arrival) -> dict[str, Any]:
    return msgspec.structs.asdict(arrival)


async def test_another_hand_goes_on_where_the_first_one_stopped_and_reads_a_new_log_from_its_beginning(
    postgres_url: str, log_cluster: servers.Cluster
) -> None:
    async with shop_by_hand(postgres_url, log_cluster) as (shop, log):
        for part in (range(3), range(3, 6)):
            for number in part:
                assert await say(shop, f"m{number}") == 200
            async with taking_in(shop):
                await settled_in(shop.program.database, part.stop)
        await log.clear()
    async with shop_by_hand(postgres_url, log_cluster) as (shop, log):
        assert [await say(shop, "m5"), await say(shop, "m6")] == [200, 200]
        assert await log.length() == 2
        async with taking_in(shop):
            await settled_in(shop.program.database, 7)
        told = [id.split("#")[0] for id in await kept_ids(shop.program.database)]
        assert told == [f"m{number}" for number in range(7)]


async def test_a_payment_that_still_lies_in_the_log_keeps_its_reminder_from_going_out(
    postgres_url: str, log_cluster: servers.Cluster
) -> None:
    async with shop_by_hand(postgres_url, log_cluster) as (shop, _):
        assert [await shop.place("1"), await shop.place("2", "bob")] == [200, 200]
        async with taking_in(shop):
            await settled_in(shop.program.database, 2)
        await shop.settle()
        shop.clock.now += timedelta(minutes=21)  # past the first reminder of both
        assert await shop.fact("paid", "1", amount="128.00", currency="CNY") == 200
        for _ in range(3):
            assert await shop.program.courier.deliver_due() == 0
            await a_moment()
        async with taking_in(shop):
            await settled_in(shop.program.database, 3)
        await shop.settle()
        reminded = [m["order"] for m in shop.receiver.messages if m["template"] == "payment_reminder"]
        assert reminded == ["2"]


async def test_without_a_majority_of_the_log_nothing_is_acknowledged_and_nothing_sent(
    postgres_url: str, log_cluster: servers.Cluster
) -> None:
    async with shop_behind_a_log(postgres_url, log_cluster) as (shop, log):
        assert await shop.place("1") == 200
        await heard(shop, 1)
        leader = await log.leader()
        for node in log.cluster.nodes:
            if node is not leader:
                node.kill()
        body = b'{"type": "nothing"'
        status, headers = await shop.answer_to(body, "d1")
        assert (status, headers["Retry-After"]) == (503, "5")
        # Only now: before it misses the others, the leader may truly say that nothing has come since.
        shop.clock.now += timedelta(minutes=21)
        await asyncio.sleep(2)
        assert len(shop.receiver.messages) == 1
        async with shop.http.get(f"{shop.door}/readyz") as response:
            assert response.status == 503
        for node in log.cluster.nodes:
            if node is not leader:
                node.start()
        await heard(shop, 2)
        assert await shop.deliver(body, "d1") == 200


async def test_with_all_of_the_log_away_a_delivery_is_answered_503_and_comes_again(
    postgres_url: str, log_cluster: servers.Cluster
) -> None:
    async with shop_behind_a_log(postgres_url, log_cluster) as (shop, log):
        assert await shop.place("1") == 200
        await heard(shop, 1)
        log.cluster.kill()
        assert [await shop.place("2", "bob") for _ in range(3)] == [503, 503, 503]
        async with shop.http.get(f"{shop.door}/readyz") as response:
            assert (response.status, "log" in await response.json()) == (503, True)
        log.cluster.start()

        async def taken() -> bool:
            return await shop.place("2", "bob") == 200

        await until(taken, 60)
        await heard(shop, 2)
        async with shop.http.get(f"{shop.door}/readyz") as response:
            assert (response.status, (await response.json())["log_behind"]) == (200, 0)


SAFE = {"num_replicas": 3, "storage": StorageType.FILE, "discard": DiscardPolicy.NEW}


@pytest.mark.parametrize(
    "unsafe",
    [
        {"num_replicas": 1},
        {"storage": StorageType.MEMORY},
        {"discard": DiscardPolicy.OLD},
        {"max_age": 3600},
    ],
    ids=str,
)
async def test_a_stream_that_could_lose_what_it_took_is_not_used(
    postgres_url: str, log_cluster: servers.Cluster, unsafe: dict[str, Any]
) -> None:
    async with watching(log_cluster) as log:
        await log.js.add_stream(name="xiaoer-0", subjects=["xiaoer.0.>"], **SAFE | unsafe)
        async with world(postgres_url, ingest=log_cluster.url) as shop:
            assert shop.program.log is not None
            connected = asyncio.create_task(shop.program.log.run())
            await asyncio.sleep(1)
            assert await shop.place("1") == 503
            connected.cancel()
            await asyncio.gather(connected, return_exceptions=True)


async def test_nothing_is_lost_or_doubled_when_the_leader_of_the_log_is_killed(
    postgres_url: str, log_cluster: servers.Cluster, tmp_path: Path
) -> None:
    async with rush(postgres_url, log_cluster, tmp_path, seed=1) as town:
        await town.start()
        async with town.living():
            for _ in range(KILLS):
                await asyncio.sleep(2)
                leader = await town.log.leader()
                leader.kill()
                await asyncio.sleep(4)
                leader.start()
                await until(town.log.healthy, 60)
        await town.rest()
        await town.judge()
        print(f"{len(town.town.orders)} orders, answers {dict(town.town.answers)}")


async def test_nothing_is_lost_or_doubled_when_programs_are_killed_between_commit_and_anything_else(
    postgres_url: str, log_cluster: servers.Cluster, tmp_path: Path
) -> None:
    async with rush(postgres_url, log_cluster, tmp_path, seed=2) as town:
        await town.start()
        async with town.living():
            for number in range(2 * KILLS):
                await asyncio.sleep(town.luck.uniform(0.5, 2))
                program = town.programs[number % 2]
                program.kill()
                program.start()
                await program.ready()
        await town.rest()
        await town.judge()
        print(f"{len(town.town.orders)} orders, answers {dict(town.town.answers)}")


async def test_each_buyers_words_come_in_their_order_through_all_doors_and_kills(
    postgres_url: str, log_cluster: servers.Cluster, tmp_path: Path
) -> None:
    async with rush(postgres_url, log_cluster, tmp_path, seed=3) as town:
        await town.start()

        async def talk(buyer: str) -> None:
            for number in range(WORDS):
                id = f"{buyer}-{number:03}"
                await town.town.deliver(id, "message.received", chat(id, buyer, "你好"))

        talks = asyncio.gather(*(talk(f"b{number}") for number in range(8)))
        for program in town.programs:
            await asyncio.sleep(0.5)
            program.kill()
            program.start()
            await program.ready()
        await talks
        await settled_in(town.books.database, 8 * WORDS)
        told = [id.split("#")[0] for id in await kept_ids(town.books.database)]
        for buyer in range(8):
            hers = [id for id in told if id.startswith(f"b{buyer}-")]
            assert hers == [f"b{buyer}-{number:03}" for number in range(WORDS)]


SLOW = """
CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_sleep(0.04); RETURN NEW; END $$;
CREATE TRIGGER slow BEFORE INSERT ON inbox FOR EACH ROW EXECUTE FUNCTION slow()
"""


async def test_a_burst_of_twenty_times_what_the_database_takes_is_absorbed_and_worked_off(
    postgres_url: str, log_cluster: servers.Cluster, tmp_path: Path
) -> None:
    async with rush(postgres_url, log_cluster, tmp_path, seed=4, count=1) as town:
        with town.books.database.engine.begin() as connection:
            connection.execute(text(SLOW))
        await town.start()
        server = Server("the program", town.programs[0].plan.port)
        burst = await drive(server, deliveries.chats(range(BURST)), connections=64)  # each answered 200
        in_time = len(await kept_ids(town.books.database))
        began = time.monotonic()
        await settled_in(town.books.database, BURST, patience=120)
        worked_off = time.monotonic() - began
        rate, pace = BURST / burst.seconds, (BURST - in_time) / worked_off
        print(f"burst {rate:.0f}/s for {burst.seconds:.1f} s, database {pace:.0f}/s for {worked_off:.1f} s")
        assert rate >= 20 * pace
        told = [id.split("#")[0] for id in await kept_ids(town.books.database)]
        assert sorted(told) == sorted(f"chat-{number}" for number in range(BURST))


async def test_without_a_database_deliveries_are_acknowledged_and_come_in_later(
    postgres_url: str, log_cluster: servers.Cluster
) -> None:
    async with shop_behind_a_log(postgres_url, log_cluster) as (shop, _):
        assert await shop.place("1") == 200
        await heard(shop, 1)
        with closed_server(postgres_url):
            assert [await shop.place(f"{number}", f"b{number}") for number in range(2, 22)] == [200] * 20
            async with shop.http.get(f"{shop.door}/readyz") as response:
                assert response.status == 200
        await heard(shop, 21)
        assert sorted(int(m["order"]) for m in shop.receiver.messages) == list(range(1, 22))


@pytest.mark.parametrize(("count", "size"), [(2500, 10), (40, 600_000)], ids=["many", "long"])
async def test_more_than_one_pull_of_entries_is_read_to_its_end_without_a_pause(
    postgres_url: str, log_cluster: servers.Cluster, count: int, size: int
) -> None:
    async with shop_by_hand(postgres_url, log_cluster) as (shop, _):
        log = shop.program.log
        assert log is not None
        for some in range(0, count, 20):  # no more at a time than a connection may buffer
            few = range(some, some + 20)
            await asyncio.gather(*(log.append("shop", str(number), b"x" * size) for number in few))
        read: list[int] = []
        async with log.reading(partition_of("shop"), 0) as reader:
            while len(read) < count:
                found = await reader.next(5)
                assert found
                read += [stored.sequence for stored in found]
            assert await reader.next(0.1) == []
        assert read == list(range(1, count + 1))


async def test_the_metrics_tell_how_far_the_inbox_is_behind(
    postgres_url: str, log_cluster: servers.Cluster
) -> None:
    async with shop_by_hand(postgres_url, log_cluster) as (shop, log):
        assert [await say(shop, id) for id in "abc"] == [200] * 3
        assert "\nxiaoer_log_lag 3.0" in await metrics(shop)
        async with taking_in(shop):
            await settled_in(shop.program.database, 3)
        told = await metrics(shop)
        assert "\nxiaoer_log_lag 0.0" in told
        assert "\nxiaoer_log_taken_total 3.0" in told
        log.cluster.kill()
        assert await say(shop, "d") == 503
        assert "\nxiaoer_log_errors_total 1.0" in await metrics(shop)


async def metrics(shop: World) -> str:
    async with shop.http.get(f"{shop.door}/metrics") as response:
        return await response.text()
