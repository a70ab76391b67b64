"""A copy of a database of either kind has all its rows, and keeps nothing back."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select

from bot.domain.context import Buyer
from storage import instance, schema
from storage.database import Database
from storage.tables import metadata
from storage.whole_copy import NOT_COPIED, copy_whole
from tests.one_shop import NOON, ann, queue, save


@pytest.fixture(params=["sqlite", "postgres"])
def original(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    url = (
        f"sqlite:///{tmp_path / 'shop.db'}"
        if request.param == "sqlite"
        else request.getfixturevalue("postgres_url")
    )
    database = Database(url)
    schema.migrate(database.engine)
    yield database
    database.close()


def rows(connection: Connection) -> dict[str, list[str]]:
    return {
        table.name: sorted(map(repr, connection.execute(select(table)).all()))
        for table in metadata.sorted_tables
        if table not in NOT_COPIED
    }


def test_all_rows_are_copied_and_may_be_sent(original: Database, tmp_path: Path) -> None:
    def fill(connection: Connection) -> None:
        save(
            connection,
            ann(name="Ann\u3000Lee", told_at={}),
            *(Buyer(id=f"b{n}", created_at=NOON) for n in range(40)),
        )
        queue(connection, *(f"thanks:{number}" for number in range(40)))
        instance.hold(connection, instance.ASKED, NOON)

    original.write_now(fill)
    copy_whole(original, tmp_path / "copy.db", NOON)
    copy = Database(f"sqlite:///{tmp_path / 'copy.db'}")
    try:
        assert copy.read_now(rows) == original.read_now(rows)
        assert copy.read_now(instance.held) is None
        assert original.read_now(instance.held) is not None
        assert (tmp_path / "copy.db").stat().st_mode & 0o077 == 0
        copy.write_now(lambda connection: queue(connection, "thanks:later", now=NOON + timedelta(days=1)))
    finally:
        copy.close()
