"""The log in front: whatever is killed, what was answered 200 is in the inbox once, in its order."""

import asyncio
import contextlib
import os
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from nats.js.api import DiscardPolicy, StorageType, StreamConfig
from sqlalchemy import select, text
from structlog.testing import capture_logs

from bot.domain.errors import LogAway
from bot.domain.events import ItemRestocked
from bot.receive.log.consumer import LogConsumer
from bot.receive.log.entries import Entry, dump_entry, partition_of
from bot.receive.log.reader import PULL_LASTS
from storage import log_offsets, tables
from storage.inbox import InboxEvent, own_inbox_event
from tests import servers
from tests.faults.log_cluster import (
    STREAM,
    LogProbe,
    a_moment,
    answered,
    kept_ids,
    log_probe,
    log_run,
    settled_in,
)
from tests.faults.test_database_away import closed_server
from tests.faults.traffic_simulation import EVENT_TIMEOUT, chat, delivery_of, until
from tests.world import World, world

KILLS = int(os.environ.get("XIAOER_KILLS", "1"))

WORDS = 20 * KILLS
BURST = 600 * KILLS

pytestmark = pytest.mark.faults


# On a slow machine a quorum may need longer than the program waits for it. Then 503 is a true answer, and the
# platform of these shops comes again; where a 503 itself is what a test is about, it does not.


@contextlib.asynccontextmanager
async def shop_behind_a_log(url: str, cluster: servers.Cluster) -> AsyncIterator[tuple[World, LogProbe]]:
    async with (
        log_probe(cluster) as log,
        world(url, ingest=cluster.url) as shop,
        shop.program.running(),
    ):
        await reached(shop, log)
        yield shop, log


@contextlib.asynccontextmanager
async def shop_by_hand(url: str, cluster: servers.Cluster) -> AsyncIterator[tuple[World, LogProbe]]:
    """Deliveries go into the log; they are taken in only where a test says so, and so with the legs."""
    async with log_probe(cluster) as log, world(url, ingest=cluster.url) as shop:
        assert shop.program.parts.log is not None
        connected = asyncio.create_task(shop.program.parts.log.run())
        try:
            await reached(shop, log)
            yield shop, log
        finally:
            connected.cancel()
            await asyncio.gather(connected, return_exceptions=True)


async def reached(shop: World, log: LogProbe) -> None:
    """Until the program has its log, and each of its streams all copies."""
    assert shop.program.parts.log is not None
    await asyncio.wait_for(shop.program.parts.log.ready.wait(), EVENT_TIMEOUT)
    await until(log.healthy)
    shop.redelivers = True


@contextlib.asynccontextmanager
async def taking_in(shop: World) -> AsyncIterator[None]:
    """Ends as a stopped program does."""
    program = shop.program
    assert program.parts.log is not None
    taker = LogConsumer(
        program.parts.log, program.parts.database, program.parts.metrics, lambda: None, program.parts.clock
    )
    hand = asyncio.create_task(taker.run())
    try:
        yield
    finally:
        hand.cancel()
        await asyncio.gather(hand, return_exceptions=True)


async def unreadable(shop: World) -> list[tuple[str, bytes]]:
    """(channel, body) of what was kept whole, in the order in which it came."""
    kept = select(tables.unreadable.c.channel, tables.unreadable.c.body).order_by(tables.unreadable.c.id)
    rows = await shop.program.parts.database.read(lambda connection: connection.execute(kept).all())
    return [(row.channel, bytes(row.body)) for row in rows]


async def heard(shop: World, count: int) -> None:
    async def enough() -> bool:
        return len(shop.receiver.messages) >= count

    await until(enough)


async def all_taken_in(shop: World, log: LogProbe) -> None:
    async def behind() -> bool:
        taken = await shop.program.parts.database.read(log_offsets.reached)
        return taken.get(partition_of("shop"), ("", 0))[1] >= await log.length()

    await until(behind)


async def is_ready(shop: World) -> bool:
    async with shop.http.get(f"{shop.url}/readyz") as response:
        return response.status == 200


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
        config = (await answered(lambda: log.js.stream_info(STREAM))).config
        config.duplicate_window = 0.1
        await answered(lambda: log.js.update_stream(config))

        async def forgotten() -> bool:
            assert await say(shop, "m1") == 200
            return await log.length() > 1

        await until(forgotten)
        await all_taken_in(shop, log)
        assert len(await kept_ids(shop.program.parts.database)) == 1


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


def restocked(sku: str) -> InboxEvent:
    at = datetime.now(UTC)
    return own_inbox_event("shop", ItemRestocked(channel="webhook", external_id=sku, at=at, sku=sku), at)


async def test_of_two_deliveries_that_begin_alike_the_log_takes_neither_for_the_other(
    postgres_url: str, log_cluster: servers.Cluster
) -> None:
    async with shop_by_hand(postgres_url, log_cluster) as (shop, log):
        for second in ("b", "c", "b"):
            await shop.program.parts.store.keep([restocked("a"), restocked(second)])
        assert await log.length() == 2
        async with taking_in(shop):
            await settled_in(shop.program.parts.database, 3)
        assert await kept_ids(shop.program.parts.database) == ["a", "b", "c"]


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
        naive = datetime(2026, 1, 1)  # noqa: DTZ001  # on purpose
        # Bytes that are no entry; entries whose texts or moments no database takes.
        foreign = [
            b"",
            b"\xff" * 100,
            dump_entry(Entry(events=(InboxEvent(**fields_of(good) | {"body": b"\xff"}),))),
            dump_entry(Entry(events=(InboxEvent(**fields_of(good) | {"shop": "\x00"}),))),
            dump_entry(Entry(events=(InboxEvent(**fields_of(good) | {"received_at": naive}),))),
        ]
        for number, body in enumerate(foreign):
            assert await say(shop, f"m{number}") == 200
            await log.put(body, id=f"foreign-{number}")
        assert await say(shop, "last") == 200
        async with taking_in(shop):
            await settled_in(shop.program.parts.database, len(foreign) + 1)
        told = [id.split("#")[0] for id in await kept_ids(shop.program.parts.database)]
        assert told == [
            f"message:ann:{id}" for id in (*(f"m{number}" for number in range(len(foreign))), "last")
        ]
        assert await unreadable(shop) == [("log", body) for body in foreign]


def fields_of(arrival: InboxEvent) -> dict[str, Any]:
    return msgspec.structs.asdict(arrival)


async def test_another_hand_goes_on_where_the_first_one_stopped_and_reads_a_new_log_from_its_beginning(
    postgres_url: str, log_cluster: servers.Cluster
) -> None:
    async with shop_by_hand(postgres_url, log_cluster) as (shop, log):
        for part in (range(3), range(3, 6)):
            for number in part:
                assert await say(shop, f"m{number}") == 200
            async with taking_in(shop):
                await settled_in(shop.program.parts.database, part.stop)
        await log.clear()
    async with shop_by_hand(postgres_url, log_cluster) as (shop, log):
        assert [await say(shop, "m5"), await say(shop, "m6")] == [200, 200]
        assert await log.length() == 2
        async with taking_in(shop):
            await settled_in(shop.program.parts.database, 7)
        told = [id.split("#")[0] for id in await kept_ids(shop.program.parts.database)]
        assert told == [f"message:ann:m{number}" for number in range(7)]


async def test_a_payment_that_still_lies_in_the_log_keeps_its_reminder_from_going_out(
    postgres_url: str, log_cluster: servers.Cluster
) -> None:
    async with shop_by_hand(postgres_url, log_cluster) as (shop, _):
        assert [await shop.place("1"), await shop.place("2", "bob")] == [200, 200]
        async with taking_in(shop):
            await settled_in(shop.program.parts.database, 2)
        await shop.settle()
        shop.clock.now += timedelta(minutes=21)  # past the first reminder of both
        assert await shop.fact("paid", "1", amount="128.00", currency="CNY") == 200
        for _ in range(3):
            assert await shop.program.parts.dispatcher.deliver_due() == 0
            await a_moment()
        async with taking_in(shop):
            await settled_in(shop.program.parts.database, 3)

        def reminded() -> list[str]:
            return [m["order"] for m in shop.receiver.messages if m["template"] == "payment_reminder"]

        async def somebody_is_reminded() -> bool:
            await shop.settle()
            return bool(reminded())

        await until(somebody_is_reminded)
        await shop.settle()
        assert reminded() == ["2"]


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
        shop.redelivers = False
        status, headers = await shop.answer_to(body, "d1")
        assert (status, headers["Retry-After"]) == (503, "5")
        await until(log.alone)
        assert shop.program.parts.log is not None
        with pytest.raises(LogAway):  # whether it knows its end it cannot know
            await shop.program.parts.log.last(partition_of("shop"))
        # Only now: before it misses the others, the leader may truly say that nothing has come since.
        shop.clock.now += timedelta(minutes=21)
        await asyncio.sleep(2)
        assert len(shop.receiver.messages) == 1
        assert not await is_ready(shop)
        shop.redelivers = True
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
        shop.redelivers = False
        assert [await shop.place("2", "bob") for _ in range(3)] == [503, 503, 503]
        async with shop.http.get(f"{shop.url}/readyz") as response:
            assert (response.status, "log" in await response.json()) == (503, True)
        log.cluster.start()
        shop.redelivers = True
        assert await shop.place("2", "bob") == 200
        await heard(shop, 2)

        async def ready_with_nothing_behind() -> bool:
            async with shop.http.get(f"{shop.url}/readyz") as response:
                return response.status == 200 and (await response.json())["log_behind"] == 0

        await until(ready_with_nothing_behind)


SAFE: dict[str, Any] = {"num_replicas": 3, "storage": StorageType.FILE, "discard": DiscardPolicy.NEW}


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
    async with log_probe(log_cluster) as log:
        await log.make(StreamConfig(name="xiaoer-0", subjects=["xiaoer.0.>"], **SAFE | unsafe))
        async with world(postgres_url, ingest=log_cluster.url) as shop:
            assert shop.program.parts.log is not None
            with capture_logs() as told:
                connected = asyncio.create_task(shop.program.parts.log.run())

                async def refused() -> bool:
                    assert not shop.program.parts.log.ready.is_set()
                    return any("stream xiaoer-0 " in line.get("why", "") for line in told)

                await until(refused)
            assert await shop.place("1") == 503
            connected.cancel()
            await asyncio.gather(connected, return_exceptions=True)


async def test_nothing_is_lost_or_doubled_when_the_leader_of_the_log_is_killed(
    postgres_url: str, log_cluster: servers.Cluster, tmp_path: Path
) -> None:
    async with log_run(postgres_url, log_cluster, tmp_path, seed=1) as traffic:
        await traffic.start()
        async with traffic.living():
            for _ in range(KILLS):
                await asyncio.sleep(2)
                leader = await traffic.log.leader()
                leader.kill()
                await asyncio.sleep(4)
                leader.start()
                await until(traffic.log.healthy)
        await traffic.rest()
        await traffic.judge()
        print(f"{len(traffic.traffic.orders)} orders, answers {dict(traffic.traffic.answers)}")


async def test_nothing_is_lost_or_doubled_when_programs_are_killed_between_commit_and_anything_else(
    postgres_url: str, log_cluster: servers.Cluster, tmp_path: Path
) -> None:
    async with log_run(postgres_url, log_cluster, tmp_path, seed=2) as traffic:
        await traffic.start()
        async with traffic.living():
            for number in range(2 * KILLS):
                await asyncio.sleep(traffic.rng.uniform(0.5, 2))
                program = traffic.programs[number % 2]
                program.kill()
                program.start()
                await program.ready()
        await traffic.rest()
        await traffic.judge()
        print(f"{len(traffic.traffic.orders)} orders, answers {dict(traffic.traffic.answers)}")


async def test_each_buyers_words_come_in_their_order_through_all_doors_and_kills(
    postgres_url: str, log_cluster: servers.Cluster, tmp_path: Path
) -> None:
    async with log_run(postgres_url, log_cluster, tmp_path, seed=3) as traffic:
        await traffic.start()

        async def talk(buyer: str) -> None:
            for number in range(WORDS):
                id = f"{buyer}-{number:03}"
                await traffic.traffic.deliver(id, "message.received", chat(id, buyer, "你好"))

        talks = asyncio.gather(*(talk(f"b{number}") for number in range(8)))
        for program in traffic.programs:
            await asyncio.sleep(0.5)
            program.kill()
            program.start()
            await program.ready()
        await talks
        await settled_in(traffic.probe.database, 8 * WORDS)
        told = [delivery_of(id) for id in await kept_ids(traffic.probe.database)]
        for buyer in range(8):
            theirs = [id for id in told if id.startswith(f"m-b{buyer}-")]
            assert theirs == [f"m-b{buyer}-{number:03}" for number in range(WORDS)]


EACH = 1.0  # seconds that the database needs for a delivery: what is twenty times as fast, any machine can do
SLOW = f"""
CREATE TABLE slowness AS SELECT {EACH} AS each;
CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_sleep(each) FROM slowness; RETURN NEW; END $$;
CREATE TRIGGER slow BEFORE INSERT ON inbox FOR EACH ROW EXECUTE FUNCTION slow()
"""
AS_USUAL = "UPDATE slowness SET each = 0"


async def test_a_burst_of_twenty_times_what_the_database_takes_is_absorbed_and_worked_off(
    postgres_url: str, log_cluster: servers.Cluster, tmp_path: Path
) -> None:
    async with log_run(postgres_url, log_cluster, tmp_path, seed=4, count=1) as traffic:
        with traffic.probe.database.engine.begin() as connection:
            connection.execute(text(SLOW))
        await traffic.start()
        await until(traffic.log.healthy)
        ids, at_a_time = [f"chat-{number}" for number in range(BURST)], asyncio.Semaphore(64)

        async def bring(id: str) -> None:
            async with at_a_time:
                await traffic.traffic.deliver(id, "message.received", chat(id, id, "你好"))

        async with asyncio.timeout(BURST / 20 * EACH):  # in which the database takes a twentieth of them
            await asyncio.gather(*map(bring, ids))
        in_time = len(await kept_ids(traffic.probe.database))
        with traffic.probe.database.engine.begin() as connection:
            connection.execute(text(AS_USUAL))
        await settled_in(traffic.probe.database, BURST)
        print(
            f"{in_time} of {BURST} taken in at the end of the burst; answers {dict(traffic.traffic.answers)}"
        )
        assert in_time <= BURST / 20
        assert traffic.traffic.answers[200] >= 0.95 * sum(traffic.traffic.answers.values())
        told = [delivery_of(id) for id in await kept_ids(traffic.probe.database)]
        assert sorted(told) == sorted(f"m-{id}" for id in ids)


async def test_without_a_database_deliveries_are_acknowledged_and_come_in_later(
    postgres_url: str, log_cluster: servers.Cluster
) -> None:
    async with shop_behind_a_log(postgres_url, log_cluster) as (shop, _):
        assert await shop.place("1") == 200
        await heard(shop, 1)
        with closed_server(postgres_url):
            for number in range(2, 22):
                assert await shop.place(f"{number}", f"b{number}") == 200
            await until(lambda: is_ready(shop))
        await heard(shop, 21)
        assert sorted(int(m["order"]) for m in shop.receiver.messages) == list(range(1, 22))


@pytest.mark.parametrize(("count", "size"), [(2500, 10), (40, 600_000)], ids=["many", "long"])
async def test_more_than_one_pull_of_entries_is_read_to_its_end_without_a_pause(
    postgres_url: str, log_cluster: servers.Cluster, count: int, size: int
) -> None:
    async with shop_by_hand(postgres_url, log_cluster) as (shop, _):
        log = shop.program.parts.log
        assert log is not None
        for some in range(0, count, 20):  # no more at a time than a connection may buffer
            few = range(some, some + 20)
            await asyncio.gather(
                *(answered(partial(log.append, "shop", str(number), b"x" * size)) for number in few)
            )

        async def read_all() -> list[int]:
            read: list[int] = []
            async with log.reading(partition_of("shop"), 0) as reader:
                while len(read) < count:
                    found = await reader.next(PULL_LASTS * 2 / 3)
                    assert found
                    read += [stored.sequence for stored in found]
                assert await reader.next(0.1) == []
            return read

        # From the beginning again if the log drops its reader, as it may when it has only just made it.
        assert await answered(read_all) == list(range(1, count + 1))


async def test_the_metrics_tell_how_far_the_inbox_is_behind(
    postgres_url: str, log_cluster: servers.Cluster
) -> None:
    async with shop_by_hand(postgres_url, log_cluster) as (shop, log):
        assert [await say(shop, id) for id in "abc"] == [200] * 3
        await until(lambda: tells(shop, log_lag=3))
        async with taking_in(shop):
            await until(lambda: tells(shop, log_lag=0, log_taken_total=3))
        refused = (await measured(shop))["log_errors_total"]
        log.cluster.kill()
        shop.redelivers = False
        assert await say(shop, "d") == 503
        assert await tells(shop, log_errors_total=refused + 1)


async def measured(shop: World) -> dict[str, float]:
    """What the program counts of the log. While the log cannot be asked, it tells what it heard last."""
    async with shop.http.get(f"{shop.url}/metrics") as response:
        text = await response.text()
    return {name: float(number) for name, number in re.findall(r"^xiaoer_(log_\w+) (\S+)$", text, re.M)}


async def tells(shop: World, **numbers: float) -> bool:
    return numbers.items() <= (await measured(shop)).items()
