"""From the log into the inbox: with the position, in one transaction, and bad bytes stop nothing."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import Connection, select
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from bot.operations.metrics import Metrics
from bot.receive.log import consumer as module
from bot.receive.log.consumer import LOG_CHANNEL, LogConsumer
from bot.receive.log.entries import PARTITIONS, dump_entry, entry_of, partition_of
from bot.receive.log.jetstream import Log, Position
from bot.receive.log.reader import Reader, StoredEntry
from storage import log_offsets, tables
from storage.database import Database
from storage.inbox import InboxEvent
from tests.conftest import empty_sqlite
from tests.world import NOON

SHOP = "shop"
HERE = partition_of(SHOP)
IDLE = 0.01  # seconds


class MemoryReader(Reader):
    """Everything that lies behind a position, at once; then nothing."""

    def __init__(self, entries: list[StoredEntry], meanwhile: Callable[[], None]) -> None:
        self.entries = entries
        self.meanwhile = meanwhile

    async def next(self, seconds: float) -> list[StoredEntry]:
        found, self.entries = self.entries, []
        if not found:
            await asyncio.sleep(seconds)
        self.meanwhile()
        return found


class MemoryLog(Log):
    """Entries of one partition, under the sequences 1, 2, ... of a stream."""

    def __init__(self) -> None:
        self.ready = asyncio.Event()
        self.ready.set()
        self.stream = "born once"
        self.bodies: list[bytes] = []
        self.read_behind: list[int] = []
        self.meanwhile: Callable[[], None] = lambda: None  # what happens while it is read

    async def last(self, partition: int) -> Position:
        return Position(self.stream, len(self.bodies) if partition == HERE else 0)

    async def release(self, partition: int, through: int) -> None:
        pass

    @contextlib.asynccontextmanager
    async def reading(self, partition: int, after: int) -> AsyncIterator[Reader]:
        found = list[StoredEntry]()
        if partition == HERE:
            self.read_behind.append(after)
            numbered = enumerate(self.bodies, 1)
            found = [
                StoredEntry(number, f"xiaoer.{HERE}.{SHOP}", body)
                for number, body in numbered
                if number > after
            ]
        yield MemoryReader(found, self.meanwhile if partition == HERE else lambda: None)


class Scene:
    """A log, the inbox behind it, and the consumer of one program."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.log = MemoryLog()
        self.now = NOON
        self.metrics = Metrics()
        self.stored = asyncio.Event()
        self.consumer = LogConsumer(self.log, database, self.metrics, self.stored.set, lambda: self.now)

    def append(self, *ids: str) -> None:
        self.log.bodies += [dump_entry(entry_of([event(id)], None)) for id in ids]

    async def consume(self, until: Callable[[], bool]) -> None:
        """Let the program run until this holds."""
        running = asyncio.create_task(self.consumer.run())
        try:
            async with asyncio.timeout(5):
                while not until():  # noqa: ASYNC110  # a stored position has no event
                    await asyncio.sleep(0.005)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    def position(self) -> tuple[str, int] | None:
        return self.database.read_now(log_offsets.reached).get(HERE)

    def reached(self, sequence: int) -> Callable[[], bool]:
        return lambda: self.position() == (self.log.stream, sequence)

    def ids(self) -> list[str]:
        return self.database.read_now(lambda link: list(link.scalars(select(tables.inbox.c.external_id))))

    def unreadable(self) -> list[Any]:
        return list(self.database.read_now(lambda link: link.execute(select(tables.unreadable)).all()))

    def other_program(self, sequence: int, lease: timedelta) -> Callable[[], None]:
        """Another program moves the position to `sequence`, and claims the partition for `lease`."""

        def move(link: Connection) -> None:
            link.execute(
                tables.positions.update()
                .where(tables.positions.c.partition == HERE)
                .values(stream="born once", sequence=sequence, taker="other", taken_until=NOON + lease)
            )

        return lambda: self.database.write_now(move)


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    monkeypatch.setattr(module, "IDLE", IDLE)
    monkeypatch.setattr(module, "PAUSE", IDLE)
    (tmp_path / "shop.db").write_bytes(empty_sqlite())
    database = Database(f"sqlite:///{tmp_path / 'shop.db'}")
    try:
        with capture_logs():
            yield Scene(database)
    finally:
        database.close()


def for_a_while() -> Callable[[], bool]:
    """Long enough for several rounds."""
    polls = itertools.count()
    return lambda: next(polls) > 20


def event(id: str) -> InboxEvent:
    return InboxEvent(
        shop=SHOP, channel="webhook", external_id=id, thread="t", type="x", body=b"{}", received_at=NOON
    )


async def test_entries_come_into_the_inbox_in_order_and_are_announced(scene: Scene) -> None:
    scene.append("1", "2", "3")

    await scene.consume(scene.stored.is_set)

    assert scene.ids() == ["1", "2", "3"]
    assert scene.position() == ("born once", 3)
    assert scene.metrics.registry.get_sample_value("xiaoer_log_taken_total") == 3


async def test_entries_and_their_position_are_stored_together_or_not_at_all(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.append("1")
    add, seen = module.inbox.add_unreadable, []

    def away(*asked: Any) -> None:
        seen.append((scene.position(), scene.ids()))  # as others see it: before, and after a failed commit
        if len(seen) == 1:
            raise OperationalError("INSERT", {}, Exception("away"))
        add(*asked)

    monkeypatch.setattr(module.inbox, "add_unreadable", away)
    await scene.consume(scene.reached(1))

    assert seen == [(("", 0), []), (("", 0), [])]
    assert scene.ids() == ["1"]
    assert scene.unreadable() == []


async def test_bytes_that_are_no_entry_are_kept_whole_and_do_not_stop_what_is_behind_them(
    scene: Scene,
) -> None:
    scene.append("1")
    scene.log.bodies.append(b"?\xff")
    scene.append("3")

    await scene.consume(scene.reached(3))

    (kept,) = scene.unreadable()
    assert scene.ids() == ["1", "3"]
    assert (kept.shop, kept.channel, kept.body) == (SHOP, LOG_CHANNEL, b"?\xff")
    assert msgspec.json.decode(kept.headers)["sequence"] == "2"


async def test_an_entry_that_the_database_refuses_is_alone_unreadable(scene: Scene) -> None:
    scene.append("1", "2")
    impossible = msgspec.structs.replace(event("3"), body=b"\xff")  # a body is text
    scene.log.bodies.append(dump_entry(entry_of([impossible], None)))
    scene.append("4", "5")

    await scene.consume(scene.reached(5))

    assert scene.ids() == ["1", "2", "4", "5"]
    assert [kept.body for kept in scene.unreadable()] == [scene.log.bodies[2]]


async def test_a_partition_that_another_program_has_is_left_to_it_until_its_lease_ends(scene: Scene) -> None:
    await scene.consume(lambda: len(scene.log.read_behind) > 0)
    scene.append("1", "2")
    scene.log.read_behind.clear()
    scene.other_program(1, timedelta(seconds=6))()
    await scene.consume(for_a_while())
    assert (scene.log.read_behind, scene.ids()) == ([], [])

    scene.other_program(1, timedelta(seconds=-1))()
    await scene.consume(scene.reached(2))

    assert (scene.log.read_behind[0], scene.ids()) == (1, ["2"])


async def test_a_position_that_another_program_moved_meanwhile_is_not_overwritten(scene: Scene) -> None:
    scene.append("1", "2")
    taken = scene.other_program(1, timedelta(hours=1))

    def overtake() -> None:
        scene.log.meanwhile = lambda: None
        taken()

    scene.log.meanwhile = overtake
    overtaken, rounds_later = scene.reached(1), for_a_while()
    await scene.consume(lambda: overtaken() and rounds_later())

    assert (scene.position(), scene.ids()) == (("born once", 1), [])


async def test_a_log_that_was_created_anew_is_read_from_its_start(scene: Scene) -> None:
    scene.append("1", "2")
    await scene.consume(scene.reached(2))
    scene.now += timedelta(seconds=1)
    scene.log.stream, scene.log.bodies = "born again", []
    scene.append("3", "4", "5")

    await scene.consume(scene.reached(3))

    assert scene.log.read_behind[-1] == 0
    assert scene.ids() == ["1", "2", "3", "4", "5"]


async def test_a_program_that_ends_leaves_every_partition_to_the_others_at_once(scene: Scene) -> None:
    scene.append("1")
    await scene.consume(scene.reached(1))

    def claim(link: Connection) -> list[bool]:
        later = NOON + timedelta(seconds=1)
        claimed = (log_offsets.claim(link, each, "other", later, later) for each in range(PARTITIONS))
        return [each is not None for each in claimed]

    assert scene.database.write_now(claim) == [True] * PARTITIONS
