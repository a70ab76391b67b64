"""Fixtures for many tests: a database of their own, on SQLite and on PostgreSQL."""

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NoReturn

import pytest
import structlog
from hypothesis import HealthCheck, settings
from sqlalchemy import Connection
from xdist.scheduler import LoadScopeScheduling

from storage import schema
from storage.database import Database
from storage.private_files import create_private
from tests import servers
from tests.databases import Databases

# Which kinds of database the tests run on; `make mutants` names SQLite alone, to be fast.
KINDS = os.environ.get("XIAOER_TEST_DATABASES", "sqlite,postgresql").split(",")

# Programs that tests start would each learn for a minute; what uses sentence vectors asks for them itself.
os.environ["XIAOER_VECTORS"] = "off"

# Structlog's own way draws each exception with all its variables, for a second and longer.
PLAIN = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)

# An example that takes long on a busy machine is no fault of what it is an example of.
settings.register_profile(
    "unhurried", parent=settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("unhurried")


# Files in which one installation, set of servers or play serves every test: all of it goes to one worker.
TOGETHER = ("tests/test_wheel.py", "tests/faults/test_log_encrypted.py", "tests/demo/test_demo.py")


class Sharing(LoadScopeScheduling):  # type: ignore[misc]  # untyped
    """Gives each worker one test after the other, and a file of TOGETHER as a whole.

    The mark xdist_group, which is for that, finds nothing under pytest 9.
    """

    def _split_scope(self, nodeid: str) -> str:
        return nodeid.partition("::")[0] if nodeid.startswith(TOGETHER) else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> Sharing:
    return Sharing(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Spread the tests that wait for programs evenly among those that compute, so that no processor is idle.

    They come to their end a little earlier, since a long one that is the last has all others wait for it.
    """
    if not hasattr(config, "workerinput"):
        return
    waiting = [item for item in items if item.get_closest_marker("faults")]
    computing = [item for item in items if not item.get_closest_marker("faults")]
    place = {item: 0.9 * number / len(waiting) for number, item in enumerate(waiting)}
    place |= {item: number / len(computing) for number, item in enumerate(computing)}
    items.sort(key=place.__getitem__)


@pytest.fixture(autouse=True)
def logs_of_its_own() -> None:
    """A command that a test ran has set up the logs of the process; the next test must not inherit them."""
    structlog.reset_defaults()
    structlog.configure(processors=[*structlog.get_config()["processors"][:-1], PLAIN])


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a server that runs for the whole test session."""
    try:
        with servers.postgres() as url:
            yield url
    except servers.CannotStart as why:
        cannot_run(f"no PostgreSQL: {why}")


@pytest.fixture(scope="session")
def postgres_databases(postgres_server: str) -> Databases:
    return Databases(postgres_server)


@pytest.fixture
def postgres_url(postgres_databases: Databases) -> Iterator[str]:
    """The URL of a PostgreSQL database with the program's tables and nothing in them."""
    with postgres_databases.lent() as url:
        yield url


@pytest.fixture
def bare_postgres_url(postgres_databases: Databases) -> Iterator[str]:
    """The URL of a PostgreSQL database without any tables."""
    with postgres_databases.bare() as url:
        yield url


@pytest.fixture(scope="session")
def log_cluster() -> Iterator[servers.Cluster]:
    """Three NATS servers that run for the whole test session."""
    try:
        with servers.nats() as cluster:
            yield cluster
    except servers.CannotStart as why:
        cannot_run(f"no NATS: {why}")


@pytest.fixture(scope="session")
def sqlite_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """An empty SQLite database for all tests of this run that undo what they write."""
    file = tmp_path_factory.mktemp("empty") / "shop.db"
    file.write_bytes(empty_sqlite())
    database = Database(f"sqlite:///{file}")
    yield database
    database.close()


@cache
def empty_sqlite() -> bytes:
    """An empty SQLite database, made once in a process: those that it forks for mutants begin with it."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "shop.db"
        database = Database(f"sqlite:///{file}")
        schema.migrate(database.engine)
        database.close()
        with sqlite3.connect(file) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        return file.read_bytes()


@pytest.fixture
def connection(sqlite_database: Database) -> Iterator[Connection]:
    """A writing transaction on an empty SQLite database, undone at the end of the test."""
    with sqlite_database.engine.connect() as connection, connection.begin() as transaction:
        yield connection
        transaction.rollback()


@pytest.fixture(params=KINDS)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a fresh database with the program's tables; the test runs once on each kind."""
    if request.param == "sqlite":
        file = tmp_path / "shop.db"
        create_private(file)
        file.write_bytes(empty_sqlite())
        return f"sqlite:///{file}"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture(params=KINDS)
def bare_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database without any tables, once on each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'shop.db'}"
    url: str = request.getfixturevalue("bare_postgres_url")
    return url


def cannot_run(why: str) -> NoReturn:
    """Skip, but in CI fail: a test that never runs there proves nothing."""
    if os.environ.get("CI") == "true":
        pytest.fail(why)
    pytest.skip(why)
