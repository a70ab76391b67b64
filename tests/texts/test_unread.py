"""What a seller's folder has that nothing reads is named, with what to do about it."""

from pathlib import Path

import pytest

from bot.texts.catalogue import Catalogue
from bot.texts.check import Finding, check_folder

SHIPPED = "Parcel {{ order.number }} is on its way."


def found(folder: Path, **files: str) -> list[Finding]:
    """files: text by path, "/" written as "__"."""
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_txt", ".txt")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return check_folder(folder, Catalogue(folder))


def test_a_folder_as_it_should_be_has_nothing_to_name(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("notes")
    (tmp_path / ".DS_Store").write_bytes(b"\xff")

    assert found(tmp_path, en__shipped_txt=f"Subject: x\n{SHIPPED}") == []


@pytest.mark.parametrize(
    ("path", "code", "mend"),
    [
        ("english/shipped.txt", "language_near", "en"),
        ("中文/shipped.txt", "language_near", "zh-CN"),
        ("Taiwan/shipped.txt", "language_near", "zh-TW"),
        ("klingonese/shipped.md", "not_a_language", "zh-CN"),
        ("shipped.txt", "file_outside", "en/shipped.txt"),
        ("en/shipped.html", "not_txt", "shipped.txt"),
        ("en/shipped.txt.bak", "not_txt", "shipped.txt"),
        ("en/old/shipped.txt", "folder_inside", "move"),
        ("en/shipped.txt/shipped.txt", "folder_inside", "move"),
    ],
)
def test_what_nothing_reads_is_named_with_its_mend(tmp_path: Path, path: str, code: str, mend: str) -> None:
    (tmp_path / path).parent.mkdir(parents=True) if "/" in path else None
    (tmp_path / path).write_text(SHIPPED)

    (finding,) = found(tmp_path)

    assert finding.code == code
    assert path.startswith(finding.file)
    assert mend in finding.what


@pytest.mark.parametrize("word", ["主题：", "主旨：", "標題:", "Betreff:"])
def test_a_subject_in_other_words_is_named(tmp_path: Path, word: str) -> None:
    (finding,) = found(tmp_path, en__shipped_txt=f"\n{word} hello\n{SHIPPED}")

    assert (finding.code, finding.line) == ("subject_word", 2)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("Parcel {order.number}", "single_braces"),
        ("Hi { buyer.name }", "single_braces"),
        ("｛｛ order.number ｝｝", "wide_braces"),
        ("{％ if order ％}", "wide_braces"),
    ],
)
def test_braces_that_buyers_would_read_are_named(tmp_path: Path, line: str, code: str) -> None:
    (finding,) = found(tmp_path, en__shipped_txt=f"{SHIPPED}\n{line}")

    assert (finding.code, finding.line, finding.file) == (code, 2, "en/shipped.txt")


def test_braces_that_are_no_names_of_ours_may_stand(tmp_path: Path) -> None:
    assert (
        found(tmp_path, en__shipped_txt=SHIPPED + " {smile} {% if order %}{{ order.number }}{% endif %}")
        == []
    )


def test_a_name_of_any_bytes_is_shown_and_ends_nothing(tmp_path: Path) -> None:
    (tmp_path / "en").mkdir()
    (Path(str(tmp_path / "en").encode().decode()) / b"\xff.html".decode("utf-8", "surrogateescape")).touch()

    (finding,) = found(tmp_path)

    assert finding.code == "not_txt"
    finding.what.encode("utf-8")
    finding.file.encode("utf-8")
