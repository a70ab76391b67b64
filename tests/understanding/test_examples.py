"""Example sentences: ours are whole, and a seller's file is refused with the line at fault."""

from collections import Counter
from pathlib import Path

import pytest

from bot.domain.meanings import INTENTS
from bot.understanding.examples import Example, FaultyExamples, laid_over, read, sellers, starters
from bot.understanding.folding import comparable
from tests.understanding.judge import messages


def test_the_starter_set_has_sentences_of_every_intent() -> None:
    counts = Counter(each.intent for each in starters())

    assert set(counts) == set(INTENTS)
    assert min(counts.values()) >= 20


def test_no_sentence_stands_under_two_intents() -> None:
    intents: dict[str, set[str]] = {}
    for each in starters():
        intents.setdefault(comparable(each.text), set()).add(each.intent)

    assert {text: found for text, found in intents.items() if len(found) > 1} == {}


def test_what_judges_was_never_learned() -> None:
    learned = {comparable(each.text) for each in starters()}

    assert [each.text for each in messages() if comparable(each.text) in learned] == []


@pytest.mark.parametrize(
    ("text", "line", "code"),
    [
        ("price:\n  - how much\n  - [a, b]\n", 3, "no_sentence"),
        ("price:\n  - how much\n  - ''\n", 3, "no_sentence"),
        ("price: how much\n", 1, "no_list"),
        ("- how much\n", 1, "not_intents"),
        ("Price!:\n  - how much\n", 1, "intent_name"),
        ("price:\n  - how much\nstock:\n  - How  much\n", 4, "under_two"),
        ("price:\n  - 'how much\n", 3, "not_yaml"),
        (f"price:\n  - {'a' * 301}\n", 2, "sentence_long"),
        ("price:\n  - &a x\n  - *b\n", 3, "not_yaml"),
    ],
)
def test_a_fault_names_its_line(text: str, line: int, code: str) -> None:
    with pytest.raises(FaultyExamples) as found:
        read(text)

    assert (found.value.line, found.value.code) == (line, code)
    assert str(found.value) == f"line {line}: {code}"


def test_a_word_that_yaml_takes_for_a_truth_is_a_sentence() -> None:
    assert read("acknowledged:\n  - yes\n  - 1\n") == (
        Example("yes", "acknowledged"),
        Example("1", "acknowledged"),
    )


def test_an_empty_file_adds_nothing(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("# nothing yet\n")

    assert sellers(tmp_path / "own.yaml") == ()


def test_the_mark_that_editors_put_before_a_text_is_no_part_of_it(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("price:\n  - how much\n", "utf-8-sig")

    assert sellers(tmp_path / "own.yaml") == (Example("how much", "price"),)


def test_files_that_cannot_be_read_say_why(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes(b"price:\n  - caf\xe9\n")
    (tmp_path / "large.yaml").write_text("price:\n" + "  - a\n" * 200_000)

    for name, why in (("none.yaml", "unreadable"), ("latin.yaml", "not_text"), ("large.yaml", "large")):
        with pytest.raises(FaultyExamples, match=why):
            sellers(tmp_path / name)


def test_too_many_sentences_are_refused(tmp_path: Path) -> None:
    lines = "".join(f"  - how much is number {number}x\n" for number in range(5001))
    (tmp_path / "own.yaml").write_text("price:\n" + lines)

    with pytest.raises(FaultyExamples, match="too_many"):
        sellers(tmp_path / "own.yaml")


def test_the_seller_decides_what_a_sentence_means() -> None:
    ours = (Example("How much?", "price"), Example("hi", "hello"))

    assert laid_over(ours, (Example("how much?", "discount"),)) == (
        Example("hi", "hello"),
        Example("how much?", "discount"),
    )
