"""The bench of understanding judges by rows that were not learned, the same ones each time."""

from pathlib import Path

import pytest

from bench.understanding import MOST_LEARNED, auroc, read, split
from bot.understanding.examples import Example

ROWS = [Example(f"sentence {number} of {intent}", intent) for intent in "abcde" for number in range(40)]


def test_no_judged_row_was_learned() -> None:
    parts = split(ROWS, 10, seed=1)

    assert len(parts.learned) == 50
    assert len(parts.judged) == 50
    assert not set(parts.learned) & set(parts.judged)
    assert parts.unknown == []


def test_a_seed_always_splits_alike() -> None:
    assert split(ROWS, 5, seed=1) == split(ROWS, 5, seed=1) != split(ROWS, 5, seed=2)


def test_unknown_rows_are_of_intents_that_were_not_learned() -> None:
    parts = split(ROWS, None, seed=0, unknown=0.2)

    assert len({row.intent for row in parts.unknown}) == 1
    assert not {row.intent for row in parts.unknown} & {row.intent for row in parts.learned}
    assert len(parts.learned) <= MOST_LEARNED


@pytest.mark.parametrize(
    ("known", "unknown", "area"), [([3, 4], [1, 2], 1.0), ([1, 2], [3, 4], 0.0), ([1, 1], [1, 1], 0.5)]
)
def test_area_under_the_curve(known: list[float], unknown: list[float], area: float) -> None:
    assert auroc(known, unknown) == area


def test_a_set_is_read_without_its_header(tmp_path: Path) -> None:
    (tmp_path / "x_train.tsv").write_text("text\tlabel\nhow much\tprice\n")

    assert read(tmp_path / "x_train.tsv") == [Example("how much", "price")]
