"""The schema's age: migrated after a copy on SQLite, asked for on PostgreSQL, equal to the tables in code."""

import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text

from bot.domain.errors import StorageError
from storage import schema
from storage.database import make_engine
from storage.tables import metadata


def test_the_migrations_make_the_tables_that_the_code_knows(bare_database_url: str) -> None:
    engine = make_engine(bare_database_url)
    schema.migrate(engine)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


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
