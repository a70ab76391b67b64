"""A seller's file is learned over ours, or left out with the reason; what was learned is read again."""

import random
from pathlib import Path

import pytest
import yaml

from bot.understanding import learning
from bot.understanding.examples import Example
from bot.understanding.learning import learn
from bot.understanding.training import train
from tests.understanding.sentences import SMALL

STARTER = tuple(Example(text, intent) for intent, texts in SMALL.items() for text in texts)


@pytest.fixture(autouse=True)
def _few_sentences(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learning, "starters", lambda: STARTER)


def test_without_a_file_the_starter_set_is_learned_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[str] = []
    first = learn(
        tmp_path, tmp_path / "none.yaml", with_vectors=False, on_learning=lambda: begun.append("first")
    )
    monkeypatch.setattr(learning, "train", None)
    again = learn(tmp_path, with_vectors=False, on_learning=lambda: begun.append("again"))

    assert begun == ["first"]
    assert first.left_out is None
    assert again.model.examples == first.model.examples == train(STARTER).examples


def test_a_file_is_learned_over_it(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text("repair:\n  - can you mend my kettle\n  - mend my kettle\n  - kettle mended?\n")

    learnt = learn(tmp_path, own, with_vectors=False)

    assert learnt.left_out is None
    assert "repair" in learnt.model.intents


def test_a_faulty_file_is_left_out_with_its_line(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text("price:\n  - how much\nprice too:\n  - x\n")

    learnt = learn(tmp_path, own, with_vectors=False)

    assert str(learnt.left_out) == "line 3: intent_name"
    assert learnt.model.examples == train(STARTER).examples


def test_a_file_that_confuses_is_left_out(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    words = ("order", "price", "person", "much", "where", "hello", "parcel", "cup")
    pairs = [f"{first} {second}" for first in words for second in words]
    random.Random(0).shuffle(pairs)  # so that nothing tells one intent from another
    parts = {intent: pairs[start::4] for start, intent in enumerate(("one", "two", "three", "four"))}
    own.write_text(yaml.safe_dump(parts))

    learnt = learn(tmp_path, own, with_vectors=False)

    assert learnt.left_out is not None
    assert learnt.left_out.code == "confuses"
    assert int(str(learnt.left_out.values["percent"])) > 5
    assert learnt.model.examples == train(STARTER).examples
