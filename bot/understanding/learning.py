"""Brings a model up to date: the starter set with the seller's file over it, kept or learned anew."""

import os
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from bot.understanding import vectors
from bot.understanding.examples import Example, FaultyExamples, laid_over, sellers, starters
from bot.understanding.keeping import keep, kept, key_of
from bot.understanding.model import Encoder, Model
from bot.understanding.training import train

SHIPPED = Path(__file__).parent / "learned"  # the starter set's model, which comes with the program
MOST_LOST = 0.05  # of the cross-validated accuracy, by what a seller's file adds


class Learnt(msgspec.Struct, frozen=True):
    """A model, and why the seller's file is not in it: None if it is, or if there is none."""

    model: Model
    left_out: FaultyExamples | None = None


def learn(
    folder: Path,
    own: Path | None = None,
    *,
    with_vectors: bool = True,
    on_learning: Callable[[], None] = lambda: None,
) -> Learnt:
    """The model of the starter set and the seller's file `own`, from `folder` if it is kept there.

    Takes milliseconds if it is, and seconds of one processor if not: run it off the event loop, or in a
    process of its own, and call it again to read what that kept. Sentence vectors are used where they are
    installed. on_learning: called before each model that is not kept yet. Raises OSError if nothing can be
    kept.
    """
    encode = vectors.encoder() if with_vectors and vectors.wanted() else None
    starter = starters()
    if own is None or not own.exists():
        return Learnt(_learned(folder, starter, encode, on_learning))
    try:
        examples = laid_over(starter, sellers(own))
    except FaultyExamples as faulty:
        return Learnt(_learned(folder, starter, encode, on_learning), faulty)
    before = _learned(folder, starter, encode, on_learning)
    after = _learned(folder, examples, encode, on_learning)
    lost = before.learned.accuracy - after.learned.accuracy
    if lost > MOST_LOST:
        return Learnt(before, FaultyExamples("confuses", percent=round(lost * 100)))
    return Learnt(after)


def _learned(
    folder: Path, examples: Sequence[Example], encode: Encoder | None, on_learning: Callable[[], None]
) -> Model:
    key = key_of(examples, vectors.installed() if encode else None)
    model = kept(folder, key, encode) or kept(SHIPPED, key, encode)
    if model is None:
        on_learning()
        model = train(examples, encode)
        keep(folder, key, model)
    return model


def shipped() -> Model | None:
    """The starter set's model as it comes with the program, in some tenths of a second."""
    return kept(SHIPPED, key_of(starters()))


def _end_with_parent() -> None:
    """Leave when the program that started this one is gone, which closes our input."""
    sys.stdin.read()
    os._exit(1)


def main() -> None:
    """Learn what is not kept yet: `python -m bot.understanding.learning FOLDER [EXAMPLES]`."""
    folder, *own = sys.argv[1:]
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if hasattr(os, "nice"):
        os.nice(10)  # buyers are served meanwhile
    Path(folder).mkdir(parents=True, exist_ok=True)  # before a minute of learning is lost
    learn(Path(folder), Path(own[0]) if own else None)


if __name__ == "__main__":
    main()
