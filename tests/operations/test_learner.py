"""A running program understands by what comes with it, then by the seller's sentences once learned."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from bot.operations.learner import learned_aside, learning
from bot.understanding import vectors
from bot.understanding.examples import Example, FaultyExamples, laid_over, sellers, starters
from bot.understanding.keeping import keep, key_of
from bot.understanding.learning import SHIPPED, shipped
from bot.understanding.model import Model
from bot.understanding.training import train
from bot.understanding.understander import Understander
from tests.understanding.sentences import SMALL

SECONDS = 30.0


async def understood_after(folder: Path, own: Path) -> tuple[Understander, list[FaultyExamples]]:
    """The understander once it has learned, and why the seller's file was left out."""
    understander, left_out = Understander(), list[FaultyExamples]()
    before = shipped()
    async with asyncio.timeout(SECONDS), learning(understander, folder, own, left_out.append):
        while (model := understander.model) is None or (before and model.examples == before.examples):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    return understander, left_out


@pytest.fixture(scope="module")
def small() -> Model:
    return train([Example(text, intent) for intent, texts in SMALL.items() for text in texts])


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.understanding.vectors.encoder", lambda: None)


async def test_what_was_learned_is_swapped_in(small: Model, tmp_path: Path) -> None:
    own = tmp_path / "understanding.yaml"
    own.write_text("gift_wrap:\n- can you wrap it up nicely\n", "utf-8")
    both = laid_over(starters(), sellers(own))
    keep(tmp_path / "learned", key_of(starters()), small)
    keep(tmp_path / "learned", key_of(both), small)

    understander, left_out = await understood_after(tmp_path / "learned", own)
    assert understander.understand("where is my parcel", "en").meanings[0].intent == "where_is_order"
    assert left_out == []


async def test_a_faulty_file_is_told_and_the_rest_is_used(small: Model, tmp_path: Path) -> None:
    own = tmp_path / "understanding.yaml"
    own.write_text("gift_wrap: wrap it\n", "utf-8")
    keep(tmp_path / "learned", key_of(starters()), small)

    understander, [fault] = await understood_after(tmp_path / "learned", own)
    assert understander.ready
    assert (fault.code, fault.line) == ("no_list", 1)


async def test_another_process_learns_and_says_if_it_cannot(small: Model, tmp_path: Path) -> None:
    for encoder in (None, vectors.installed()):
        keep(tmp_path / "learned", key_of(starters(), encoder), small)
    assert await learned_aside(tmp_path / "learned", tmp_path / "none.yaml")
    (tmp_path / "file").write_text("", "utf-8")
    assert not await learned_aside(tmp_path / "file" / "learned", tmp_path / "none.yaml")


def test_what_learns_aside_ends_with_the_program_that_started_it(tmp_path: Path) -> None:
    own = tmp_path / "understanding.yaml"
    own.write_text("gift_wrap:\n- can you wrap it up nicely\n", "utf-8")
    command = [sys.executable, "-m", "bot.understanding.learning", str(tmp_path / "learned"), str(own)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.close()  # as the system does for one that was killed
        assert process.wait(SECONDS) == 1


def test_the_starter_sentences_model_comes_with_the_program() -> None:
    """`make learned` renews it after a sentence has changed."""
    assert [path.stem for path in SHIPPED.glob("*.npz")] == [key_of(starters())]
    model = shipped()
    assert model is not None
    assert len(model.examples) == len(set(starters()))
