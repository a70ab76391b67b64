"""One program at a time works on an SQLite file."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bot.domain.errors import StorageError
from bot.operations.single_instance import exclusive


def test_a_second_program_is_refused_and_shown_who_works_there(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'shop.db'}"

    with exclusive(url):
        with pytest.raises(StorageError, match=rf"process {os.getpid()}\).*shop\.db"), exclusive(url):
            pass
        with exclusive(f"sqlite:///{tmp_path / 'other.db'}"):
            pass


def test_the_file_is_free_again_after_an_error_and_after_a_death(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    with pytest.raises(KeyError), exclusive(url):
        raise KeyError
    dies = (
        "import os\n"
        "from bot.operations.single_instance import exclusive\n"
        f"held = exclusive({url!r})\n"
        "held.__enter__()\n"
        "os._exit(7)\n"
    )
    assert subprocess.run([sys.executable, "-c", dies], check=False).returncode == 7

    with exclusive(url):
        assert (tmp_path / "shop.db-lock").read_text() == str(os.getpid())


def test_a_folder_that_is_not_there_is_an_error_for_the_seller(tmp_path: Path) -> None:
    with (
        pytest.raises(StorageError, match="cannot be written to"),
        exclusive(f"sqlite:///{tmp_path}/no/shop.db"),
    ):
        pass


@pytest.mark.parametrize("url", ["postgresql://shop@localhost/shop", "sqlite://"])
def test_what_several_programs_may_share_or_none_can_is_not_locked(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    with exclusive(url), exclusive(url):
        assert list(tmp_path.iterdir()) == []
