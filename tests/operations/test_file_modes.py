"""Which of a shop's files others can read."""

import os
from pathlib import Path

import pytest

from bot.operations.file_modes import LooseFile, loose_files

pytestmark = pytest.mark.skipif(os.name != "posix", reason="modes of files are POSIX's")


def made(path: Path, mode: int) -> Path:
    path.touch()
    path.chmod(mode)
    return path


@pytest.mark.parametrize(("mode", "loose"), [(0o600, False), (0o640, False), (0o644, True), (0o602, True)])
def test_secrets_are_loose_once_they_are_everybodys(tmp_path: Path, mode: int, loose: bool) -> None:
    env = made(tmp_path / ".env", mode)

    assert loose_files(env, None, None) == ([LooseFile(env, 0o600)] if loose else [])


def test_the_database_all_that_has_its_name_and_backups_beside_it_are_for_the_owner_alone(
    tmp_path: Path,
) -> None:
    database = made(tmp_path / "xiaoer.db", 0o600)
    loose = [
        made(tmp_path / name, 0o640)
        for name in ("monday.db", "xiaoer.db-home", "xiaoer.db-wal", "xiaoer.db.before-0005")
    ]
    made(tmp_path / "xiaoer.db-shm", 0o600)
    made(tmp_path / "xiaoer.db-lock", 0o644)  # a process's number
    made(tmp_path / "config.yaml", 0o644)  # has no secrets in it

    assert loose_files(tmp_path / ".env", database, None) == [LooseFile(file, 0o600) for file in loose]


def test_the_archives_folder_closes_what_is_in_it(tmp_path: Path) -> None:
    archive = tmp_path / "archive"
    archive.mkdir(0o700)
    made(archive / "inbox.jsonl.gz", 0o644)
    assert loose_files(tmp_path / ".env", None, archive) == []

    archive.chmod(0o750)
    assert loose_files(tmp_path / ".env", None, archive) == [LooseFile(archive, 0o700)]


def test_what_is_not_there_is_not_loose(tmp_path: Path) -> None:
    assert loose_files(tmp_path / "a/.env", tmp_path / "a/xiaoer.db", tmp_path / "a/archive") == []
