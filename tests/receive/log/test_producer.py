"""A delivery is kept by the log, or by the database where the log cannot hold it; away is said at once."""

import asyncio
from collections.abc import Sequence

import pytest
from structlog.testing import capture_logs

from bot.domain.errors import LogAway
from bot.operations.metrics import Metrics
from bot.receive.log import producer as module
from bot.receive.log.entries import entry_of, id_of, load_entry
from bot.receive.log.jetstream import Log
from bot.receive.log.producer import LogProducer
from storage.inbox import InboxEvent, UnreadableDelivery
from tests.world import NOON


class MemoryLog(Log):
    """Keeps entries in memory, drops repeats of an id, and may be away."""

    def __init__(self) -> None:
        self.entries: dict[str, tuple[str, bytes]] = {}
        self.away = False
        self.longest = 10_000

    @property
    def max_entry_bytes(self) -> int:
        return self.longest

    async def append(self, shop: str, id: str, body: bytes) -> None:
        if self.away:
            raise LogAway("not connected")
        self.entries.setdefault(id, (shop, body))


class MemoryStore:
    def __init__(self) -> None:
        self.kept: list[tuple[Sequence[InboxEvent], UnreadableDelivery | None]] = []

    async def keep(self, events: Sequence[InboxEvent], unreadable: UnreadableDelivery | None = None) -> None:
        self.kept.append((events, unreadable))


class Scene:
    def __init__(self) -> None:
        self.log, self.database, self.metrics = MemoryLog(), MemoryStore(), Metrics()
        self.producer = LogProducer(self.log, self.database, self.metrics)

    def refused(self) -> float | None:
        return self.metrics.registry.get_sample_value("xiaoer_log_errors_total")


@pytest.fixture
def scene() -> Scene:
    return Scene()


def event(id: str) -> InboxEvent:
    return InboxEvent(
        shop="mugs", channel="webhook", external_id=id, thread="t", type="x", body=b"{}", received_at=NOON
    )


BAD = UnreadableDelivery(
    shop="tea", channel="webhook", external_id="x", headers="{}", body=b"?", error="?", received_at=NOON
)


@pytest.mark.parametrize(
    ("events", "unreadable", "shop"), [([event("1"), event("2")], None, "mugs"), ([], BAD, "tea")]
)
async def test_what_the_log_acknowledged_is_kept_there_once_and_nowhere_else(
    scene: Scene, events: list[InboxEvent], unreadable: UnreadableDelivery | None, shop: str
) -> None:
    for _ in range(2):
        await scene.producer.keep(events, unreadable)

    entry = entry_of(events, unreadable)
    ((id, (of, body)),) = scene.log.entries.items()
    assert (id, of, load_entry(body)) == (id_of(entry), shop, entry)
    assert scene.database.kept == []


async def test_while_the_log_is_away_a_delivery_is_refused_and_not_kept_out_of_order(scene: Scene) -> None:
    scene.log.away = True

    with pytest.raises(LogAway):
        await scene.producer.keep([event("1")])

    assert scene.database.kept == []
    assert scene.refused() == 1


async def test_what_is_too_long_for_the_log_goes_to_the_database_also_while_the_log_is_away(
    scene: Scene,
) -> None:
    await scene.producer.keep([event("1")])
    ((_, body),) = scene.log.entries.values()
    scene.log.longest, scene.log.away = len(body) - 1, True

    await scene.producer.keep([event("2")])
    scene.log.longest, scene.log.away = len(body), False
    await scene.producer.keep([event("3")])

    assert scene.database.kept == [([event("2")], None)]
    assert len(scene.log.entries) == 2


async def test_a_rush_of_refusals_is_one_line_with_their_number(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REPORT_EVERY", 0.0)
    scene.log.away = True
    with capture_logs() as lines:
        for number in range(3):
            with pytest.raises(LogAway):
                await scene.producer.keep([event(str(number))])
        await asyncio.sleep(0.01)
        with pytest.raises(LogAway):
            await scene.producer.keep([event("later")])
        await asyncio.sleep(0.01)

    assert [line["count"] for line in lines] == [3, 1]
