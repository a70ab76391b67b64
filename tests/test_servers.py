"""The servers that other tests lean on."""

import contextlib
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, func, insert, select, text
from sqlalchemy.engine import make_url

from storage import instance, tables
from storage.database import Database, take_ids
from tests import servers
from tests.databases import Databases


def test_a_test_gets_an_empty_database_of_its_own(database_url: str) -> None:
    engine = create_engine(database_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE guest (name TEXT)"))
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM guest")).scalar_one() == 0
    engine.dispose()


def test_two_tests_do_not_share_a_postgresql_database(bare_postgres_url: str) -> None:
    engine = create_engine(bare_postgres_url)
    with engine.connect() as connection:
        tables = connection.execute(
            text("SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'")
        )
        assert tables.scalar_one() == 0
        assert connection.execute(text("SHOW server_version_num")).scalar_one() >= "180000"
    engine.dispose()
    assert make_url(bare_postgres_url).database != "postgres"


def test_what_a_test_wrote_is_gone_before_the_next_one(postgres_databases: Databases) -> None:
    def lived(link: Connection) -> tuple[list[int], int, Any]:
        """The next id, what was counted before, and the instance, which is then another."""
        was = (
            take_ids(link, 1),
            link.scalar(select(func.count()).select_from(tables.counter)),
            instance.read(link),
        )
        link.execute(insert(tables.counter).values(name="visits", next=7))
        instance.save(link, instance.Instance("elsewhere", 9))
        return was

    def used() -> tuple[str, Any]:
        with postgres_databases.lent() as url, contextlib.closing(Database(url)) as database:
            return url, database.write_now(lived)

    assert used() == used()


@pytest.mark.parametrize(
    "change",
    [
        "CREATE TABLE guest (name TEXT)",
        "DROP TABLE notes",
        "ALTER TABLE notes ALTER COLUMN shop SET DEFAULT 'tea'",
        "ALTER DATABASE {name} SET timezone = 'Asia/Shanghai'",
        "INSERT INTO counter SELECT repeat(md5(n::text), 9), n FROM generate_series(1, 1000) n",
    ],
)
def test_a_database_that_a_test_rebuilt_or_swelled_is_no_other_tests(
    postgres_databases: Databases, change: str
) -> None:
    with postgres_databases.lent() as rebuilt, contextlib.closing(Database(rebuilt)) as database:
        name = make_url(rebuilt).database
        database.write_now(lambda link: link.exec_driver_sql(change.format(name=name)))

    with postgres_databases.lent() as url:
        assert url != rebuilt


def test_postgresql_ends_with_the_process_that_started_it() -> None:
    program = (
        "import os, signal\n"
        "from tests import servers\n"
        "with servers.postgres() as url:\n"
        "    print(url.split('host=')[1], flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    started = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=servers.STARTS_WITHIN
    )
    home = Path(started.stdout.strip())
    pid_file = home / "data" / "postmaster.pid"
    deadline = time.monotonic() + servers.STARTS_WITHIN
    while pid_file.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not pid_file.exists(), "PostgreSQL removes this file when it has ended"
    shutil.rmtree(home)
