"""When the log may be trusted: its settings, its majority, and what a position reaches."""

import asyncio
import contextlib
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs

from bot.domain.errors import LogAway
from bot.receive.log import jetstream as module
from bot.receive.log.entries import PARTITIONS, partition_of
from bot.receive.log.jetstream import Credentials, Log, Position, servers_of

SAFE = {"num_replicas": 3, "storage": "file", "discard": "new", "max_age": 0}
SECOND = 1_000_000_000


class MemoryServer:
    """Answers as JetStream does, over a connection that stays open. Its streams are made by hand."""

    is_connected, is_closed, max_payload = True, False, 5000

    def __init__(self) -> None:
        self.streams: dict[str, dict[str, Any]] = {}
        self.asked: list[tuple[str, bytes, Any]] = []

    async def connect(self, **options: Any) -> None:
        pass

    async def close(self) -> None:
        pass

    async def request(self, subject: str, body: bytes, headers: Any = None, **options: Any) -> Any:
        self.asked.append((subject, body, headers))
        return SimpleNamespace(data=msgspec.json.encode(self._answer(subject, body)))

    def _answer(self, subject: str, body: bytes) -> dict[str, Any]:
        name = subject.rpartition(".")[2]
        if ".STREAM.CREATE." in subject:
            self.streams[name] = {"created": "t", "config": msgspec.json.decode(body)}
        elif ".STREAM.INFO." in subject and name not in self.streams:
            return {"error": {"err_code": 10059, "description": "stream not found"}}
        return self.streams.get(name, {})


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[MemoryServer]:
    server = MemoryServer()
    monkeypatch.setattr(module, "Connection", lambda **options: server)
    with capture_logs():
        yield server


async def ready(log: Log, seconds: float = 0.05) -> bool:
    """Does it get ready within this time?"""
    running = asyncio.create_task(log.run())
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(log.ready.wait(), seconds)
    found = log.ready.is_set()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return found


async def test_missing_streams_are_created_so_that_no_acknowledged_entry_is_lost(
    server: MemoryServer,
) -> None:
    assert await ready(Log("nats://a"))

    assert set(server.streams) == {f"xiaoer-{partition}" for partition in range(PARTITIONS)}
    for stream in server.streams.values():
        assert {name: stream["config"][name] for name in SAFE} == SAFE


@pytest.mark.parametrize(
    "unsafe", [{"num_replicas": 1}, {"storage": "memory"}, {"discard": "old"}, {"max_age": SECOND}]
)
async def test_a_stream_that_could_lose_entries_is_not_used(
    server: MemoryServer, unsafe: dict[str, Any]
) -> None:
    for partition in range(PARTITIONS):
        server.streams[f"xiaoer-{partition}"] = {"created": "t", "config": SAFE}
    assert await ready(Log("nats://a"))

    server.streams["xiaoer-3"] = {"created": "t", "config": SAFE | unsafe}
    assert not await ready(Log("nats://a"))


@pytest.mark.parametrize(
    ("peers", "trusted"),
    [
        ([], True),
        ([{"active": SECOND}, {"active": 3 * SECOND}], True),
        ([{"active": 3 * SECOND}, {"active": 3 * SECOND}], False),
        ([{"active": SECOND, "offline": True}, {"active": 3 * SECOND}], False),
        ([{"active": SECOND}, {"active": 3 * SECOND}, {"active": 3 * SECOND}], False),  # half is no majority
    ],
)
async def test_the_end_of_a_partition_counts_only_while_its_leader_has_a_majority(
    server: MemoryServer, peers: list[dict[str, Any]], trusted: bool
) -> None:
    server.streams["xiaoer-1"] = {"created": "t", "state": {"last_seq": 7}, "cluster": {"replicas": peers}}
    log = Log("nats://a")
    await ready(log, 0)

    if trusted:
        assert await log.last(1) == Position("t", 7)
    else:
        with pytest.raises(LogAway):
            await log.last(1)


async def test_a_delivery_is_appended_to_its_shops_partition_under_its_id_once_the_log_is_ready(
    server: MemoryServer,
) -> None:
    log = Log("nats://a")
    with pytest.raises(LogAway):
        await log.append("mugs", "id", b"body")

    log.ready.set()
    await log.append("mugs", "id", b"body")

    assert server.asked == [(f"xiaoer.{partition_of('mugs')}.mugs", b"body", {"Nats-Msg-Id": "id"})]


async def test_entries_are_deleted_up_to_and_with_the_one_named(server: MemoryServer) -> None:
    await Log("nats://a").release(2, 7)

    assert server.asked == [("$JS.API.STREAM.PURGE.xiaoer-2", b'{"seq":8}', None)]


@pytest.mark.parametrize(
    ("position", "end", "reached"),
    [
        (Position("t", 5), Position("t", 5), True),
        (Position("t", 4), Position("t", 5), False),
        (Position("older", 100), Position("t", 5), False),
        (Position("", 0), Position("t", 0), True),  # an empty stream hides nothing
    ],
)
def test_a_position_reaches_an_end_of_its_own_stream_or_of_an_empty_one(
    position: Position, end: Position, reached: bool
) -> None:
    assert position.reaches(end) is reached


@pytest.mark.parametrize(
    ("addresses", "servers", "credentials"),
    [
        ("nats://a:4222", ["nats://a:4222"], Credentials()),
        ("nats://u:p%40@a, nats://b", ["nats://a", "nats://b"], Credentials(user="u", password="p@")),
        ("nats://a,nats://t%2F@b", ["nats://a", "nats://b"], Credentials(token="t/")),
        ("nats://u:p@a,tls://b", ["tls://a", "tls://b"], Credentials(user="u", password="p")),
    ],
)
def test_addresses_of_a_cluster_share_their_credentials_and_the_encryption(
    addresses: str, servers: list[str], credentials: Credentials
) -> None:
    assert servers_of(addresses) == (servers, credentials)
