"""Finds what a seller wrote down about a question, by the features that all understanding goes by."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from functools import cache

import numpy as np

from bot.domain.knowledge import Entry, Known
from bot.understanding.examples import starters
from bot.understanding.folding import comparable
from bot.understanding.vocabulary import Vocabulary, vocabulary_of

LEAST = 0.25  # similarity below which an entry is not looked at
MOST = 5  # entries that may answer one message

Find = Callable[[str, date], tuple[Known, ...]]


class Knowledge:
    """The entries of one shop. Immutable, so that any thread may use it."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.entries = tuple(entries)
        questions = [(question, entry) for entry in self.entries for question in entry.questions]
        self._of = [entry for _, entry in questions]
        self._vocabulary = _vocabulary([question for question, _ in questions])
        self._vectors = np.zeros((len(questions), len(self._vocabulary)), np.float32)
        for row, (question, _) in enumerate(questions):
            places, weights = self._vocabulary.vector(question)
            self._vectors[row, places] = weights

    def find(self, text: str, day: date) -> tuple[Known, ...]:
        """The entries that may answer a text on this day, the nearest first. Takes bounded time."""
        places, weights = self._vocabulary.vector(text)
        if not len(places) or not self._of:
            return ()
        alike = self._vectors[:, places] @ weights.astype(np.float32)
        best: dict[str, Known] = {}
        for row in np.argsort(-alike, kind="stable"):
            similarity = min(1.0, float(alike[row]))
            if similarity < LEAST or len(best) == MOST:
                break
            entry = self._of[row]
            if entry.id not in best and entry.holds_on(day):
                best[entry.id] = Known(entry, similarity)
        return tuple(best.values())


def _vocabulary(questions: list[str]) -> Vocabulary:
    """The features of these questions, as rare as they are among all that buyers write."""
    whole = vocabulary_of([*_background(), *questions])
    own = set(vocabulary_of(questions).features)
    places = [place for place, feature in enumerate(whole.features) if feature in own]
    return Vocabulary([whole.features[place] for place in places], whole.rarity[places])


@cache
def _background() -> tuple[str, ...]:
    return tuple(example.text for example in starters())[::4]  # enough to know what is rare


def finder(of_shops: Mapping[str, Knowledge]) -> Callable[[str, str, date], tuple[Known, ...]]:
    """(shop, text, day) -> what the shop's seller wrote down about it; nothing for shops without any."""

    def find(shop: str, text: str, day: date) -> tuple[Known, ...]:
        known = of_shops.get(shop)
        return known.find(text, day) if known and comparable(text) else ()

    return find
