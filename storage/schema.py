"""The schema's version: migrated at start on SQLite after a copy, and by `xiaoer migrate` on PostgreSQL."""

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from bot.domain.errors import StorageError
from storage.sqlite_copy import copy_to

MIGRATIONS = Path(__file__).parent / "migrations"


@cache
def newest() -> str:
    head = ScriptDirectory(str(MIGRATIONS)).get_current_head()
    if head is None:
        raise StorageError("the migrations are missing from this installation; install Xiaoer again")
    return head


def current(engine: Engine) -> str | None:
    """The schema's version; None for an empty database. Raises StorageError if there is no database."""
    try:
        with engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()
    except DBAPIError as error:
        raise StorageError(f"database: cannot be opened: {error.orig}") from error


def version_on(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def migrate(engine: Engine) -> Path | None:
    """Migrate to the newest schema; returns the copy that was made of an SQLite file first, if any.

    Raises StorageError if the schema is newer than this program.
    """
    before = current(engine)
    if before == newest():
        return None
    _refuse_newer(before)
    copy = copy_beside(engine) if before is not None else None
    config = AlembicConfig()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return copy


def ready(engine: Engine) -> Path | None:
    """Prepare the schema for `serve`; returns the copy of an SQLite file, if one was made.

    SQLite is migrated. Raises StorageError for an old schema on PostgreSQL, because other programs may be
    running on it, and for a newer one on both.
    """
    if engine.dialect.name == "sqlite":
        return migrate(engine)
    before = current(engine)
    if before != newest():
        _refuse_newer(before)
        state = "empty" if before is None else "older than this program"
        raise StorageError(f"the database is {state}; run `xiaoer migrate` first")
    return None


def is_older(version: str | None) -> bool:
    """True if a migration is missing. A newer schema is fine, because each one only adds to the last."""
    return version is None or (version != newest() and version in _known())


@cache
def _known() -> frozenset[str]:
    return frozenset(script.revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions())


def _refuse_newer(version: str | None) -> None:
    if version is not None and version not in _known():
        raise StorageError("the database was made by a newer Xiaoer; install that one")


def copy_beside(engine: Engine) -> Path | None:
    """Copy an SQLite file before a migration, so that an older program can be used again."""
    file = engine.url.database
    if engine.dialect.name != "sqlite" or not file or file == ":memory:":
        return None
    path = Path(file)
    copy = path.with_name(f"{path.name}.before-{newest()}")
    copy_to(path, copy)
    return copy
