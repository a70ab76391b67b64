"""What a load balancer and an operator are answered, and why."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from bot.domain.errors import LogAway
from bot.operations.health import FAR_BEHIND, LAG, Health
from bot.operations.metrics import Metrics
from storage import instance, schema
from storage.database import Database
from tests.conftest import empty_sqlite
from tests.one_shop import placed, queue, take
from tests.world import NOON

REQUEST = make_mocked_request("GET", "/")
SECOND = timedelta(seconds=1)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    file = tmp_path / "shop.db"
    file.write_bytes(empty_sqlite())
    made = Database(f"sqlite:///{file}")
    yield made
    made.close()


def health(database: Database, **fields: Any) -> Health:
    return Health(database, Metrics(), lambda: NOON, **fields)


async def ready(health: Health) -> tuple[int, dict[str, Any]]:
    return read(await health.ready(REQUEST))


def read(answer: web.Response) -> tuple[int, dict[str, Any]]:
    return answer.status, msgspec.json.decode(answer.text or "")


def take_late(database: Database, late: timedelta) -> None:
    database.write_now(lambda link: take(link, placed("1"), now=NOON - late))


async def test_an_empty_shop_is_ready(database: Database) -> None:
    assert await ready(health(database)) == (
        200,
        {
            "status": "ready",
            "database": "answers",
            "schema": "fits",
            "inbox_open": 0,
            "lag_seconds": 0,
            "outbox": "open",
        },
    )


@pytest.mark.parametrize(
    ("late", "reacts", "status"),
    [(LAG, True, 200), (LAG + SECOND, True, 503), (LAG + SECOND, False, 200), (-SECOND, True, 200)],
)
async def test_a_program_that_reacts_is_not_ready_while_an_event_waits_too_long(
    late: timedelta, reacts: bool, status: int, database: Database
) -> None:
    take_late(database, late)

    answer, body = await ready(health(database, reacts=reacts))

    assert (answer, body["inbox_open"]) == (status, 1)
    assert body["lag_seconds"] == max(late.total_seconds(), 0)


async def test_a_held_outbox_is_shown_and_does_not_stop_deliveries(database: Database) -> None:
    database.write_now(lambda link: instance.hold(link, instance.ASKED, NOON))

    status, body = await ready(health(database))

    assert status == 200
    assert "held (asked)" in body["outbox"]


async def test_who_leaves_or_has_no_schema_that_fits_is_not_ready_but_alive(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = health(database)
    monkeypatch.setattr(schema, "version_on", lambda connection: None)
    status, body = await ready(program)
    assert (status, body["schema"]) == (503, "run xiaoer migrate")

    program.leave()

    assert await ready(program) == (503, {"status": "stopping"})
    assert read(await program.alive(REQUEST)) == (200, {"status": "alive"})


async def test_a_database_that_does_not_answer_is_not_ready(tmp_path: Path) -> None:
    gone = Database(f"sqlite:///{tmp_path / 'no' / 'shop.db'}")

    assert await ready(health(gone)) == (503, {"status": "not ready", "database": "OperationalError"})
    gone.close()


async def test_with_a_log_in_front_the_log_alone_decides(database: Database, tmp_path: Path) -> None:
    take_late(database, 2 * LAG)
    gone = Database(f"sqlite:///{tmp_path / 'no' / 'shop.db'}")

    async def near() -> int:
        return FAR_BEHIND - 1

    async def far() -> int:
        return FAR_BEHIND

    async def away() -> int:
        raise LogAway("no answer")

    async def without_database() -> int:
        raise OSError

    answers = {
        behind.__name__: await ready(health(at, behind=behind))
        for at, behind in ((database, near), (database, far), (database, away), (gone, without_database))
    }

    assert {name: (status, body["log"]) for name, (status, body) in answers.items()} == {
        "near": (200, "answers"),
        "far": (200, "far behind"),
        "away": (503, "no answer"),
        "without_database": (200, "answers"),
    }
    gone.close()


async def test_a_scrape_shows_how_late_we_are_what_waits_and_whether_it_is_held(database: Database) -> None:
    take_late(database, 3 * SECOND)
    database.write_now(lambda link: queue(link, "a", "b"))
    database.write_now(lambda link: instance.hold(link, instance.ASKED, NOON))

    page = (await health(database).measured(REQUEST)).text or ""

    for line in (
        "xiaoer_inbox_lag_seconds 3.0",
        "xiaoer_inbox_open 1.0",
        'xiaoer_outbox{shop="mugs",state="queued"} 2.0',
        "xiaoer_outbox_held 1.0",
    ):
        assert line in page.splitlines()


async def test_scrapes_at_once_wait_for_one_count(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = list[object]()
    monkeypatch.setattr("storage.outbox.open_counts", lambda connection: counted.append(connection) or {})
    program = health(database)

    await asyncio.gather(*(program.measured(REQUEST) for _ in range(5)))

    assert len(counted) == 1
