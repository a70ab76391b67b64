"""Up to what time everything is known: as of when the log was asked, and once the inbox has caught up."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.domain.errors import LogAway
from bot.operations.metrics import Metrics
from bot.receive.log import watermark as module
from bot.receive.log.entries import PARTITIONS, partition_of
from bot.receive.log.jetstream import Log, Position
from bot.receive.log.watermark import Watermark
from storage import log_offsets, schema
from storage.database import Database
from tests.world import NOON

SHOP = "shop"
HERE = partition_of(SHOP)
SECOND = timedelta(seconds=1)


class MemoryLog(Log):
    """A log that may be away. It can only be asked for its ends."""

    def __init__(self) -> None:
        self.ends = {partition: Position("born once", 0) for partition in range(PARTITIONS)}
        self.away = False
        self.meanwhile: Callable[[int], None] = lambda partition: None  # what happens while it is asked

    async def last(self, partition: int) -> Position:
        self.meanwhile(partition)
        if self.away:
            raise LogAway("not connected")
        return self.ends[partition]


class Scene:
    """A log, the inbox behind it, and a watermark that reads a clock set by hand."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.log = MemoryLog()
        self.now = NOON
        self.metrics = Metrics()
        self.watermark = Watermark(self.log, self.metrics, lambda: self.now)

    def append(self, sequence: int, stream: str = "born once") -> None:
        self.log.ends[HERE] = Position(stream, sequence)

    def consume(self, sequence: int, stream: str = "born once") -> None:
        """Move the inbox to this position."""

        def write(connection: module.Connection) -> None:
            seen = log_offsets.claim(connection, HERE, "us", NOON, NOON + SECOND)
            assert seen is not None
            assert log_offsets.advance(connection, HERE, "us", seen, (stream, sequence), NOON + SECOND)

        self.database.write_now(write)

    def known_until(self) -> object:
        return self.database.read_now(lambda link: self.watermark.known_until(link)(SHOP))

    def waits(self) -> float | None:
        return self.metrics.registry.get_sample_value("xiaoer_log_holds", {"partition": str(HERE)})


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    database = Database(f"sqlite:///{tmp_path / 'shop.db'}")
    schema.migrate(database.engine)
    try:
        yield Scene(database)
    finally:
        database.close()


async def test_an_empty_log_hides_nothing(scene: Scene) -> None:
    await scene.watermark.refresh()

    assert scene.known_until() == NOON


async def test_nothing_is_known_until_the_inbox_has_passed_the_end_of_the_log(scene: Scene) -> None:
    scene.append(5)
    scene.consume(4)
    await scene.watermark.refresh()
    assert scene.known_until() is None

    scene.consume(5)
    assert scene.known_until() == NOON


async def test_what_is_known_dates_from_when_the_log_was_asked_and_not_from_when_it_was_reached(
    scene: Scene,
) -> None:
    scene.append(5)
    await scene.watermark.refresh()
    scene.now = NOON + SECOND
    scene.append(6)  # acknowledged after we asked
    scene.consume(5)
    await scene.watermark.refresh()

    assert scene.known_until() == NOON


async def test_while_the_log_takes_its_time_to_answer_nothing_more_gets_known(scene: Scene) -> None:
    def wait(partition: int) -> None:
        if partition == HERE:
            scene.now = NOON + SECOND

    scene.log.meanwhile = wait
    await scene.watermark.refresh()

    assert scene.known_until() == NOON


async def test_a_mark_serves_one_round(scene: Scene) -> None:
    await scene.watermark.refresh()

    assert scene.known_until() == NOON
    assert scene.known_until() is None


async def test_a_mark_that_is_not_reached_soon_is_replaced(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FRESH_SECONDS", -1.0)
    scene.append(5)
    await scene.watermark.refresh()
    scene.append(6)
    await scene.watermark.refresh()
    scene.consume(5)

    assert scene.known_until() is None
    assert scene.waits() == 1


async def test_while_the_log_is_away_nothing_is_known(scene: Scene) -> None:
    scene.log.away = True
    await scene.watermark.refresh()
    assert scene.known_until() is None
    assert scene.waits() == 1

    scene.log.away = False
    await scene.watermark.refresh()
    assert scene.known_until() == NOON
    assert scene.waits() == 0


async def test_a_position_in_an_earlier_stream_reaches_no_end_of_the_new_one(scene: Scene) -> None:
    scene.consume(100, stream="born once")
    scene.append(1, stream="born again")
    await scene.watermark.refresh()

    assert scene.known_until() is None


async def test_a_shop_of_another_partition_does_not_wait(scene: Scene) -> None:
    scene.append(5)
    other = next(name for name in map(str, range(100)) if partition_of(name) != HERE)
    await scene.watermark.refresh()

    assert scene.database.read_now(lambda link: scene.watermark.known_until(link)(other)) == NOON
