"""Weighs the features of a text: TF-IDF over the example sentences, each text as a vector of length 1."""

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from bot.understanding.features import features_of

Indices = npt.NDArray[np.intp]
Values = npt.NDArray[np.float64]


class Vocabulary:
    """The features that the examples have, each with its place and how rare it is."""

    def __init__(self, features: Sequence[str], rarity: Values) -> None:
        """rarity: one value for each feature, the logarithm of how few examples have it, plus 1."""
        self.features = tuple(features)
        self.rarity = rarity
        self._rarest = float(rarity.max(initial=1.0))
        self._places: Mapping[str, int] = {feature: place for place, feature in enumerate(self.features)}

    def __len__(self) -> int:
        return len(self.features)

    def vector(self, text: str) -> tuple[Indices, Values]:
        """The places and weights of the known features of a text; both empty if there is none.

        The squares of the weights sum to 1, less the share of features that no example has: who uses words
        that were never learned is less surely understood. They weigh as if one example had them.
        """
        found = features_of(text)
        known = [
            (place, count)
            for feature, count in found.items()
            if (place := self._places.get(feature)) is not None
        ]
        places = np.fromiter((place for place, _ in known), np.intp, len(known))
        counts = np.fromiter((count for _, count in known), np.float64, len(known))
        weights = (1 + np.log(counts)) * self.rarity[places]
        unknown = (len(found) - len(known)) * self._rarest**2
        return places, weights / (math.sqrt(float(weights @ weights) + unknown) or 1.0)


def vocabulary_of(texts: Iterable[str]) -> Vocabulary:
    """Collect the features of all texts."""
    having: dict[str, int] = {}
    number = 0
    for text in texts:
        number += 1
        for feature in features_of(text):
            having[feature] = having.get(feature, 0) + 1
    counts = np.fromiter(having.values(), np.float64, len(having))
    return Vocabulary(tuple(having), np.log((1 + number) / (1 + counts)) + 1)
