"""The export: whatever is stored about a buyer is in it, and nothing of anybody else."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from bot.operations.archive import Archiver
from bot.operations.buyer_export import Export, export
from storage import tables
from tests.engine import Buyer, Engine, many_shops
from tests.operations.test_erasure import PROMISES, WORD, Ann, everything, id_of, live
from tests.world import NOON

DAY = timedelta(days=1)


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[Engine]:
    async with many_shops(database_url) as shops:
        yield shops.engine(promises=PROMISES)


def exported(engine: Engine, archive: Path | None = None) -> Export:
    id = id_of(engine, f"webhook:{WORD}-id")
    found = export(engine.database, engine.shop, id, archive, "command:li", engine.clock.now)
    assert found is not None
    return found


async def test_every_row_that_has_a_word_of_theirs_is_exported(engine: Engine) -> None:
    await live(engine, Ann())
    lines = engine.database.read_now(everything).splitlines()
    held = {line.partition(":")[0] for line in lines if WORD in line}

    found = exported(engine)

    assert held - found.records.keys() == set()
    rows = sum(len(rows) for rows in found.records.values())
    assert rows >= sum(1 for line in lines if WORD in line)


async def test_nothing_of_others_is_exported_and_they_are_counted(engine: Engine) -> None:
    ann = Ann()
    await live(engine, ann)
    eve = Buyer("eve", "3003", NOON, name="Eve", email=ann.ref["email"])
    await engine.take(eve.placed(), eve.paid())
    await engine.settle()

    found = exported(engine)

    assert "Eve" not in msgspec.json.encode((found.records, found.archived)).decode()
    assert [each.name for each in found.said_elsewhere] == ["Eve"]
    assert {row["about"] for row in found.records["promises"]} == {"order:1001"}
    whats = [row[0] for row in await engine.rows(tables.trail, "what")]
    assert whats == ["buyer_exported"]


async def test_the_archive_is_exported_too(engine: Engine, tmp_path: Path) -> None:
    await live(engine, Ann())
    await engine.take(Buyer("bob", "2002", NOON, name="Bob").placed())
    await engine.settle()
    engine.clock.now = NOON + 500 * DAY
    await Archiver(engine.database, [engine.shop], tmp_path, 400 * DAY, engine.clock, pause=0.0).sweep()

    found = exported(engine, tmp_path)

    assert set(found.archived) == {"inbox", "outbox"}
    assert "Bob" not in msgspec.json.encode(found).decode()


async def test_nobody_is_exported_by_an_id_of_nobody(engine: Engine) -> None:
    assert export(engine.database, engine.shop, "nobody", None, "command:li", NOON) is None
