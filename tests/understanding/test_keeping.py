"""A kept model is the same as the one that was learned, and whatever cannot be read is no model."""

import os
from pathlib import Path

import numpy as np
import pytest

from bot.understanding.examples import Example
from bot.understanding.keeping import MOST_KEPT, keep, kept, key_of
from bot.understanding.model import Model
from bot.understanding.training import train
from tests.understanding.test_vectors import by_letters

ONE, TWO = Example("hello", "hello"), Example("bye", "bye")


def test_a_kept_model_understands_the_same(small: Model, tmp_path: Path) -> None:
    keep(tmp_path / "models", "small", small)
    again = kept(tmp_path / "models", "small")

    assert again is not None
    assert again.examples == small.examples
    for text in ("where is my parcel", "多少钱", "🎈"):
        assert np.array_equal(again.scored(text).scores, small.scored(text).scores)
        assert again.reason(again.scored(text), "price") == small.reason(small.scored(text), "price")


def test_a_model_with_sentence_vectors_is_read_with_them_only(tmp_path: Path) -> None:
    model = train([ONE, TWO], by_letters)
    keep(tmp_path, "vectors", model)
    again = kept(tmp_path, "vectors", by_letters)

    assert again is not None
    assert np.array_equal(again.scored("hello").scores, model.scored("hello").scores)
    assert kept(tmp_path, "vectors") is None


def test_the_key_is_of_the_content() -> None:
    assert key_of([ONE, TWO]) == key_of([TWO, ONE, ONE])
    assert key_of([ONE, TWO]) != key_of([ONE])
    assert key_of([ONE, TWO]) != key_of([ONE, TWO], "1.0")
    assert key_of([Example("\ud800", "a")]) != key_of([ONE])


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 nothing", b"\x93NUMPY"])
def test_a_damaged_file_is_no_model(small: Model, tmp_path: Path, damage: bytes) -> None:
    keep(tmp_path, "small", small).write_bytes(damage)

    assert kept(tmp_path, "small") is None


def test_a_file_that_is_cut_off_is_no_model(small: Model, tmp_path: Path) -> None:
    path = keep(tmp_path, "small", small)
    path.write_bytes(path.read_bytes()[:-2000])

    assert kept(tmp_path, "small") is None


def test_pickled_objects_are_never_read(tmp_path: Path) -> None:
    np.savez(tmp_path / "bad.npz", texts=np.array([object()], dtype=object))

    assert kept(tmp_path, "bad") is None


def test_old_models_are_deleted(small: Model, tmp_path: Path) -> None:
    for number in range(MOST_KEPT + 3):
        path = keep(tmp_path, f"model{number}", small)
        os.utime(path, (number, number))

    names = {path.stem for path in tmp_path.iterdir()}
    assert names == {f"model{number}" for number in range(3, MOST_KEPT + 3)}
