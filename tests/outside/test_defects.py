"""The defects that `make defects` puts back can still be put back."""

from pathlib import Path

import pytest

from tests.outside.defects import DEFECTS, ROOT, Defect, put_back


@pytest.mark.parametrize("name", DEFECTS)
def test_every_defect_finds_the_place_where_it_was(name: str, tmp_path: Path) -> None:
    defect = DEFECTS[name]
    sound = (ROOT / defect.file).read_text()
    copy = tmp_path / defect.file
    copy.parent.mkdir(parents=True)
    copy.write_text(sound)

    put_back(defect, tmp_path)

    compile(copy.read_text(), defect.file, "exec")
    assert copy.read_text() != sound


def test_a_place_that_was_changed_since_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("sound\nsound\n")

    with pytest.raises(ValueError, match="say anew"):
        put_back(Defect("a.py", "sound", "broken"), tmp_path)
