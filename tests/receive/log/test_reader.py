"""Reading a partition: each entry once and in order; a gap or a strange end is an error."""

from typing import Any

import msgspec
import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import ConnectionClosedError

from bot.domain.errors import LogAway
from bot.receive.log import reader as module
from bot.receive.log.reader import PULL, Reader, StoredEntry

SOON = 0.02  # seconds


class MemoryClient(Client):
    """Remembers the pulls that are asked of it; each is answered by what is scripted for it."""

    def __init__(self) -> None:
        super().__init__()
        self.pulls: list[tuple[str, dict[str, Any]]] = []
        self.scripts: list[list[tuple[str, int, int]]] = []  # (status or "", sequence, count) of each pull
        self.closed = False
        self.reader: Reader

    def new_inbox(self) -> str:
        return "inbox"

    async def publish(self, subject: str, payload: bytes = b"", reply: str = "", **more: Any) -> None:
        if self.closed:
            raise ConnectionClosedError
        assert subject == "next"
        self.pulls.append((reply, msgspec.json.decode(payload)))
        for status, sequence, count in self.scripts.pop(0) if self.scripts else []:
            await (self.end(reply, status) if status else self.bring(sequence, count))

    async def bring(self, sequence: int, count: int) -> None:
        """An entry, the `count`th that this consumer was given."""
        metadata = f"$JS.ACK.xiaoer-1.c.1.{sequence}.{count}.1700000000000000000.0"
        data = f"entry {sequence}".encode()
        await self.reader.on_message(Msg(self, "xiaoer.1.shop", metadata, data, None))

    async def end(self, pull: str, status: str) -> None:
        """A pull's end, with its status and perhaps a description: "409 Batch Completed"."""
        code, _, description = status.partition(" ")
        headers = {"Status": code, "Description": description}
        await self.reader.on_message(Msg(self, pull, "", b"", headers))


@pytest.fixture
def client() -> MemoryClient:
    client = MemoryClient()
    client.reader = Reader(client, "next")
    return client


def entry(sequence: int) -> StoredEntry:
    return StoredEntry(sequence, "xiaoer.1.shop", f"entry {sequence}".encode())


async def test_entries_come_as_they_are_stored_and_nothing_comes_when_there_is_none(
    client: MemoryClient,
) -> None:
    client.scripts = [[("", 7, 1), ("", 9, 2)]]

    assert await client.reader.next(SOON) == [entry(7), entry(9)]  # 8 was deleted: no gap of the consumer
    assert await client.reader.next(SOON) == []
    assert len(client.pulls) == 1


async def test_an_entry_that_was_lost_on_its_way_is_not_skipped(client: MemoryClient) -> None:
    client.scripts = [[("", 7, 1), ("", 9, 3)]]

    with pytest.raises(LogAway):
        await client.reader.next(SOON)


async def test_a_repeated_entry_is_not_read_twice(client: MemoryClient) -> None:
    client.scripts = [[("", 7, 1), ("", 7, 1)]]

    with pytest.raises(LogAway):
        await client.reader.next(SOON)


@pytest.mark.parametrize("end", ["404 No Messages", "408 Request Timeout", "409 Batch Completed"])
async def test_a_pull_that_is_over_is_followed_by_the_next(client: MemoryClient, end: str) -> None:
    client.scripts = [[("", 1, 1), (end, 0, 0)], [("", 2, 2)]]

    assert await client.reader.next(SOON) == [entry(1)]
    assert await client.reader.next(SOON) == [entry(2)]
    assert [reply for reply, _ in client.pulls] == ["inbox.1", "inbox.2"]


async def test_the_end_of_an_earlier_pull_is_not_taken_for_that_of_the_last(client: MemoryClient) -> None:
    client.scripts = [[("404", 0, 0)], []]
    assert await client.reader.next(SOON) == []

    await client.end("inbox.1", "408")
    assert await client.reader.next(SOON) == []
    assert len(client.pulls) == 2


@pytest.mark.parametrize("end", ["409 Consumer Deleted", "503", "409 Leadership Change"])
async def test_an_end_that_may_hide_entries_is_an_error(client: MemoryClient, end: str) -> None:
    client.scripts = [[(end, 0, 0)]]

    with pytest.raises(LogAway):
        await client.reader.next(SOON)


async def test_no_more_is_returned_at_once_than_one_pull_asks_for(
    client: MemoryClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await client.reader.next(SOON), client.pulls[0][1]["batch"]) == ([], PULL)
    monkeypatch.setattr(module, "PULL", 2)
    for number in (1, 2, 3):
        await client.bring(number, number)

    assert await client.reader.next(SOON) == [entry(1), entry(2)]
    assert await client.reader.next(SOON) == [entry(3)]


async def test_a_lost_connection_is_the_log_being_away(client: MemoryClient) -> None:
    client.closed = True

    with pytest.raises(LogAway):
        await client.reader.next(SOON)
