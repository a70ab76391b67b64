"""Old words are forgotten by the settings; what is counted, and what is young, stays."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.operations.audit.audit import audit
from bot.operations.forgetting import Forgetter, delete_months
from storage import tables
from storage.forgetting import KINDS
from tests.engine import Buyer, Engine, many_shops
from tests.operations.test_erasure import WORD, Ann, left, live
from tests.world import NOON

DAY = timedelta(days=1)


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[Engine]:
    async with many_shops(database_url) as shops:
        yield shops.engine(seller={"email": "li@shop.example"})


def forgetter(engine: Engine, days: int = 400, *kinds: str) -> Forgetter:
    keep = {kind: days * DAY if kind in (kinds or KINDS) else None for kind in KINDS}
    return Forgetter(engine.database, [engine.shop], keep, None, engine.clock, pause=0.0)


async def test_what_buyers_wrote_is_forgotten_and_what_is_counted_stays(engine: Engine) -> None:
    await live(engine, Ann())
    orders = await engine.rows(tables.orders, "id", "state", "paid_minor", "email")
    said = await engine.rows(tables.outbox, "template", "state")
    engine.clock.now = NOON + 401 * DAY

    assert await forgetter(engine).sweep() > 10

    texts = await engine.rows(tables.outbox, "text")
    assert {row[0] for row in texts} <= {"", None}
    bodies = [row[0] for row in await engine.rows(tables.inbox, "body") if "message.received" in row[0]]
    assert bodies
    assert [body for body in bodies if f"{WORD}?" in body or "where is" in body] == []
    assert [row for row in await engine.rows(tables.inbox, "body") if "ann.example" in row[0].lower()] == []
    assert await engine.rows(tables.orders, "id", "state", "paid_minor", "email") == orders
    assert await engine.rows(tables.outbox, "template", "state") == said
    assert audit(engine.database, {engine.shop: engine.settings}, engine.clock.now) == []


async def test_what_is_young_stays_and_nothing_is_gone_through_twice(engine: Engine) -> None:
    await live(engine, Ann())
    engine.clock.now = NOON + 399 * DAY
    assert await forgetter(engine).sweep() == 0

    engine.clock.now = NOON + 401 * DAY
    assert await forgetter(engine).sweep() > 0
    assert await forgetter(engine).sweep() == 0

    bob = Buyer("bob", "2002", engine.clock.now, name="Bob", email="bob@example.com")
    await engine.take(bob.placed(), bob.says("hello there", engine.clock.now))
    await engine.settle()
    await forgetter(engine).sweep()
    assert left(engine.database, "hello there")


async def test_a_kind_that_is_kept_for_good_is_not_touched(engine: Engine) -> None:
    await live(engine, Ann())
    engine.clock.now = NOON + 401 * DAY

    await forgetter(engine, 400, "messages").sweep()

    assert [row for row in await engine.rows(tables.inbox, "body") if "where is" in row[0]]


async def test_what_could_not_be_read_is_emptied_in_the_end(engine: Engine) -> None:
    row: dict[str, Any] = {
        "shop": engine.shop,
        "id": 7,
        "channel": "webhook",
        "external_id": "h",
        "headers": "h",
        "body": b"x",
    }
    engine.database.write_now(
        lambda link: link.execute(
            tables.unreadable.insert(), [{**row, "body": b"x", "error": "e", "received_at": NOON}]
        )
    )
    engine.clock.now = NOON + 401 * DAY

    await forgetter(engine).sweep()

    assert await engine.rows(tables.unreadable, "id", "body", "headers", "error") == [(7, b"", "", "")]


def test_old_months_of_the_archive_are_deleted(tmp_path: Path) -> None:
    for month in ("2025-01", "2025-02", "2025-03"):
        (tmp_path / month).mkdir()
        (tmp_path / month / "inbox-1-2.jsonl.gz").touch()
    (tmp_path / "2025-01" / "mine.txt").touch()

    delete_months(tmp_path, NOON.replace(year=2025, month=3))

    assert sorted(str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*.*")) == [
        "2025-01/mine.txt",
        "2025-03/inbox-1-2.jsonl.gz",
    ]
