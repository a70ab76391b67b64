"""The Chinese rows: each is well formed, finds a sentence, and is written as normalised text is."""

import re

import pytest

from handlers.meaning import MEANINGS, THRESHOLD
from handlers.normalise import FOLD, normalise
from handlers.phrases_zh import NOT_ABOUT, ROWS
from tests.handlers.test_meaning import EXAMPLES

Row = tuple[str, float, str, str]
each_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]}: {row[2]}")


@each_row
def test_a_row_finds_a_sentence_of_its_meaning(row: Row) -> None:
    meaning, _, _, pattern = row

    assert [text for text in EXAMPLES[meaning] if re.search(pattern, normalise(text))]


@each_row
def test_a_row_has_a_known_meaning_a_name_and_a_score_that_counts(row: Row) -> None:
    meaning, score, name, _ = row

    assert meaning in MEANINGS
    assert name
    assert THRESHOLD <= score <= 1


@each_row
def test_a_pattern_needs_at_least_a_word_and_no_sign_that_normalising_removes(row: Row) -> None:
    pattern = row[3]

    assert re.search(pattern, "") is None
    assert [sign for sign in pattern if sign.translate(FOLD) != sign] == []


def test_no_two_rows_of_one_meaning_have_one_pattern() -> None:
    assert len({(meaning, pattern) for meaning, _, _, pattern in ROWS}) == len(ROWS)


def test_every_meaning_of_a_row_says_what_it_is_not_about() -> None:
    assert set(NOT_ABOUT) == {meaning for meaning, *_ in ROWS}
    assert [meaning for meaning, pattern in NOT_ABOUT.items() if re.search(pattern, "")] == []
