"""What a shop's program writes can be read by its owner alone, whatever the umask."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.database import Database
from storage.private_files import create_private, make_private_folder, private
from storage.sqlite_copy import copy_to

pytestmark = pytest.mark.skipif(os.name != "posix", reason="modes of files are POSIX's")


@pytest.fixture(autouse=True)
def _generous() -> Iterator[None]:
    """The umask that takes nothing away."""
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_file_is_opened_for_its_owner_alone_also_where_a_looser_one_was_left(tmp_path: Path) -> None:
    left = tmp_path / "left"
    left.touch(0o666)

    for file in (left, tmp_path / "new"):
        with open(file, "wb", opener=private) as out:
            out.write(b"ann")

    assert [mode(file) for file in (left, tmp_path / "new")] == [0o600, 0o600]


def test_a_file_that_is_there_is_neither_emptied_nor_changed(tmp_path: Path) -> None:
    file = tmp_path / "shop.db"
    file.write_bytes(b"ann")
    file.chmod(0o640)

    create_private(file)

    assert (file.read_bytes(), mode(file)) == (b"ann", 0o640)


def test_every_folder_that_is_made_is_closed_and_those_above_stay(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)

    make_private_folder(tmp_path / "archive" / "mugs" / "2026-11")
    make_private_folder(tmp_path / "archive" / "mugs" / "2026-11")

    made = [tmp_path / part for part in ("archive", "archive/mugs", "archive/mugs/2026-11")]
    assert [mode(folder) for folder in made] == [0o700] * 3
    assert mode(tmp_path) == 0o755


def test_a_database_what_lies_beside_it_and_its_copies_are_closed(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'shop.db'}")
    try:
        database.write_now(lambda link: link.exec_driver_sql("CREATE TABLE buyers (name TEXT)"))
        copy_to(tmp_path / "shop.db", tmp_path / "copy.db")
        files = {file.name: mode(file) for file in tmp_path.iterdir()}
    finally:
        database.close()

    assert files == dict.fromkeys(("shop.db", "shop.db-wal", "shop.db-shm", "copy.db"), 0o600)


def test_a_further_connection_ends_no_lock_so_that_no_other_program_clears_our_log_away(
    tmp_path: Path,
) -> None:
    database = Database(f"sqlite:///{tmp_path / 'shop.db'}")
    with database.engine.connect() as first, database.engine.connect() as second:
        first.exec_driver_sql("CREATE TABLE teas (name TEXT)")
        first.commit()
        second.exec_driver_sql("SELECT * FROM teas")
        second.rollback()
        with database.engine.connect() as third:
            third.exec_driver_sql("SELECT * FROM teas")
        visit = (
            f"import sqlite3; there = sqlite3.connect({str(tmp_path / 'shop.db')!r});"
            " there.execute('SELECT * FROM teas'); there.close()"
        )
        subprocess.run([sys.executable, "-c", visit], check=True)

        assert (tmp_path / "shop.db-wal").exists()
    database.close()
