"""The schema's age: migrated after a copy on SQLite, asked for on PostgreSQL, equal to the tables in code."""

import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config as AlembicConfig
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Column, Engine, func, select, text
from sqlalchemy.schema import CreateIndex

from bot.domain.errors import StorageError
from storage import history, inbox, schema
from storage.asking import ask
from storage.database import make_engine
from storage.tables import metadata, outbox, sendable_at
from tests.one_shop import DAY, HOUR
from tests.world import NOON

SECOND = timedelta(seconds=1)


@pytest.mark.filterwarnings("ignore:.*expression-based index")  # the next test compares them
def test_the_migrations_make_the_tables_that_the_code_knows(bare_database_url: str) -> None:
    engine = make_engine(bare_database_url)
    schema.migrate(engine)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


def test_the_migrations_make_the_indexes_on_expressions_that_the_code_knows(tmp_path: Path) -> None:
    """Which the comparison leaves out on SQLite."""
    engine = make_engine(f"sqlite:///{tmp_path / 'shop.db'}")
    schema.migrate(engine)
    known = {
        str(index.name): str(CreateIndex(index).compile(engine))
        for table in metadata.tables.values()
        for index in table.indexes
        if not all(isinstance(each, Column) for each in index.expressions)
    }
    with engine.connect() as connection:
        made = dict(connection.execute(text("SELECT name, sql FROM sqlite_master")).all())
    engine.dispose()
    assert known
    assert {name: made[name] for name in known} == known


def test_a_database_in_use_gets_the_index_of_a_buyers_young_messages(bare_database_url: str) -> None:
    engine = make_engine(bare_database_url)
    migrate_to(engine, "0011")
    sent = {"state": "sent", "text": "Thanks", "settled_at": NOON, "attempts": 1}
    times = {"created_at": NOON, "due_at": NOON - HOUR, "try_at": NOON, "lateness": 7200}
    words = dict.fromkeys(("key", "buyer", "template", "version", "rule"), "a") | {"category": "service"}
    with engine.begin() as connection:
        values = {"shop": "mugs", "id": 1, "values": "{}", **words, **times, **sent}
        connection.execute(metadata.tables["outbox"].insert().values(values))

    schema.migrate(engine)

    with engine.connect() as connection:
        young = [
            bool(connection.scalar(select(func.count()).select_from(outbox).where(sendable_at(at))))
            for at in (NOON + HOUR + DAY - SECOND, NOON + HOUR + DAY)
        ]
        assert young == [True, False]
        assert ask(connection, "mugs", history.heard_of_us({"a"}, (), NOON + HOUR))["a"][None].in_day == 1
    engine.dispose()


def test_what_was_open_before_there_was_a_settle_time_is_handled_at_once(bare_database_url: str) -> None:
    engine = make_engine(bare_database_url)
    migrate_to(engine, "0014")
    same = {"shop": "mugs", "channel": "web", "thread": "t", "type": "x", "body": "{}", "received_at": NOON}
    with engine.begin() as connection:
        for number, state in enumerate(("open", "parked", "done")):
            values = {**same, "id": number, "external_id": state, "state": state}
            connection.execute(metadata.tables["inbox"].insert().values(values))

    schema.migrate(engine)

    with engine.begin() as connection:
        assert [row.id for row in ask(connection, "mugs", inbox.open_events(9, NOON))] == [0]
        assert inbox.reopen(connection, "mugs") == 1
        found = ask(connection, "mugs", inbox.open_events(9, NOON))
        assert [(row.id, row.ready_at) for row in found] == [(0, NOON), (1, NOON)]
        # a program of the version before may still store events
        values = {**same, "id": 3, "external_id": "late", "state": "open", "received_at": NOON + HOUR}
        connection.execute(metadata.tables["inbox"].insert().values(values))
        assert [row.id for row in ask(connection, "mugs", inbox.open_events(9, NOON))] == [3, 0, 1]
    engine.dispose()


def migrate_to(engine: Engine, version: str) -> None:
    settings = AlembicConfig()
    settings.set_main_option("script_location", str(schema.MIGRATIONS))
    with engine.begin() as connection:
        settings.attributes["connection"] = connection
        command.upgrade(settings, version)


def test_an_empty_sqlite_file_is_made_ready_without_a_copy(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'shop.db'}")
    assert schema.ready(engine) is None
    assert schema.current(engine) == schema.newest()
    engine.dispose()


def test_a_database_of_a_newer_program_is_left_alone(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'shop.db'}")
    schema.migrate(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StorageError, match="newer Xiaoer"):
        schema.ready(engine)
    engine.dispose()


def test_a_copy_holds_what_still_lies_in_the_log(tmp_path: Path) -> None:
    file = tmp_path / "shop.db"
    engine = make_engine(f"sqlite:///{file}")
    schema.migrate(engine)
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO counter (name, next) VALUES ('ids', 41)"))
    copy = schema.copy_beside(engine)
    assert copy is not None
    with sqlite3.connect(copy) as copied:
        assert copied.execute("SELECT next FROM counter").fetchall() == [(41,)]
    engine.dispose()


def test_postgresql_is_not_migrated_by_serving(bare_postgres_url: str) -> None:
    engine = make_engine(bare_postgres_url)
    with pytest.raises(StorageError, match="xiaoer migrate"):
        schema.ready(engine)
    schema.migrate(engine)
    assert schema.ready(engine) is None
    engine.dispose()


def test_a_database_of_a_kind_we_do_not_know_is_refused_in_plain_words() -> None:
    with pytest.raises(StorageError, match="mysql is not one we know"):
        make_engine("mysql://user@host/shop")


@pytest.mark.parametrize(("version", "older"), [(None, True), ("0001", True), ("9999", False)])
def test_a_running_program_waits_for_a_migration_and_works_on_after_one(
    version: str | None, older: bool
) -> None:
    assert schema.is_older(version) is older
    assert not schema.is_older(schema.newest())
