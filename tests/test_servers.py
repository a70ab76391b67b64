"""The servers that other tests lean on."""

import shutil
import subprocess
import sys
import time
from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from tests import servers


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
