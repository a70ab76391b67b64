"""Scores a text for every intent by what was learned, and tells what a score is made of, with numpy alone."""

from collections.abc import Callable, Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from bot.domain.meanings import BASE, SENTENCE_VECTOR, Part, Reason
from bot.understanding.examples import Example
from bot.understanding.features import shown
from bot.understanding.vocabulary import Indices, Values, Vocabulary

Floats = npt.NDArray[np.float32]
Encoder = Callable[[Sequence[str]], Floats]  # texts -> (texts, dimensions), each row of length 1

KEPT = np.float16  # the form in which learned numbers are kept
PARTS = 5  # parts of a score that are shown


class Learned(msgspec.Struct, frozen=True):
    """The numbers of a model. f: features, i: intents, e: examples, d: dimensions of a sentence vector.

    weights: (f, i). bias: (i,). temperature: what scores are divided by before they become probabilities.
    rows, values, ends: the examples that have a feature, one feature after the other, and their weights.
    vectors: (e, d) and vector_weights: (d, i), both empty without sentence vectors. vector_share: how much a
    product of sentence vectors counts beside one of features. accuracy: cross-validated, 0 to 1.
    sureness, right: how sure models were of examples that they had not seen, and whether they were right;
    only where they named an intent and not `other`.
    """

    intents: tuple[str, ...]
    weights: Floats
    bias: Values
    temperature: float
    rows: npt.NDArray[np.int32]
    values: Floats
    ends: npt.NDArray[np.int64]
    vectors: Floats
    vector_weights: Floats
    vector_share: float
    accuracy: float
    sureness: Floats
    right: npt.NDArray[np.bool_]


class Scored(msgspec.Struct, frozen=True):
    """One text: its features and their weights, its sentence vector if any, and the scores by intent."""

    places: Indices
    weights: Values
    vector: Floats | None
    scores: Values


class Model:
    """What was learned from examples. Immutable, so that any thread may use it."""

    def __init__(
        self,
        vocabulary: Vocabulary,
        examples: Sequence[Example],
        learned: Learned,
        encode: Encoder | None = None,
    ) -> None:
        """encode: needed if the model was learned with sentence vectors; ValueError without it."""
        if learned.vectors.size and encode is None:
            raise ValueError("learned with sentence vectors, which are not installed")
        self.vocabulary = vocabulary
        self.examples = tuple(examples)
        self.learned = learned
        self._encode = encode if learned.vectors.size else None
        self._place = {intent: place for place, intent in enumerate(learned.intents)}
        self._intent_of_row = np.array([self._place[each.intent] for each in self.examples], np.intp)

    @property
    def intents(self) -> tuple[str, ...]:
        return self.learned.intents

    def scored(self, text: str) -> Scored:
        """Score a text for every intent."""
        places, weights = self.vocabulary.vector(text)
        scores = weights @ self.learned.weights[places].astype(np.float64) + self.learned.bias
        if self._encode is None:
            return Scored(places, weights, None, scores)
        vector = self._encode([text])[0]
        return Scored(places, weights, vector, scores + self._of_vector(vector))

    def probabilities(self, scores: Values) -> Values:
        """The calibrated probability of each intent; they sum to 1."""
        powers = np.exp((scores - scores.max()) / self.learned.temperature)
        return np.asarray(powers / powers.sum(), np.float64)

    def parts(self, scored: Scored, intent: str) -> list[Part]:
        """All parts of the score of an intent. They add up to it."""
        pulls, others = self._pulls(scored, intent)
        return [*(self._part(scored, row, pulls) for row in range(len(pulls))), *others]

    def reason(
        self, scored: Scored, intent: str, extra: Sequence[Part] = (), alike: Values | None = None
    ) -> Reason:
        """The strongest parts of a score, what the others add, and the nearest example of the intent.

        extra: parts of the score that do not come from the text. alike: `similarities`, if they are known.
        """
        pulls, others = self._pulls(scored, intent)
        strongest = np.argsort(-np.abs(pulls))[:PARTS]
        parts = [*(self._part(scored, int(row), pulls) for row in strongest), *others, *extra]
        parts.sort(key=lambda part: -abs(part.weight))
        total = float(pulls.sum()) + sum(part.weight for part in (*others, *extra))
        shown_parts = tuple(parts[:PARTS])
        alike = self.similarities(scored) if alike is None else alike
        own = np.where(self._intent_of_row == self._place[intent], alike, -1.0)
        nearest = int(own.argmax())
        return Reason(
            parts=shown_parts,
            rest=total - sum(part.weight for part in shown_parts),
            nearest=self.examples[nearest].text,
            similarity=max(0.0, float(own[nearest])),
        )

    def _pulls(self, scored: Scored, intent: str) -> tuple[Values, list[Part]]:
        """What each feature of the text adds to the score of an intent, and the parts beside these."""
        place = self._place[intent]
        pulls = scored.weights * self.learned.weights[scored.places, place].astype(np.float64)
        others = [Part(BASE, float(self.learned.bias[place]))]
        if scored.vector is not None:
            others.append(Part(SENTENCE_VECTOR, float(self._of_vector(scored.vector)[place])))
        return pulls, others

    def _part(self, scored: Scored, row: int, pulls: Values) -> Part:
        return Part(shown(self.vocabulary.features[scored.places[row]]), float(pulls[row]))

    def _of_vector(self, vector: Floats) -> Values:
        scale = self.learned.vector_share**0.5
        return np.asarray(scale * vector.astype(np.float64) @ self.learned.vector_weights, np.float64)

    def similarities(self, scored: Scored) -> Values:
        """How near each example is, -1 to 1: the cosine of features, and of sentence vectors if any."""
        learned = self.learned
        alike: Values = np.zeros(len(self.examples))
        slices = [slice(learned.ends[place], learned.ends[place + 1]) for place in scored.places]
        if slices:  # the lists of examples that have its features, one after the other
            rows = np.concatenate([learned.rows[each] for each in slices])
            lengths = [each.stop - each.start for each in slices]
            values = np.concatenate([learned.values[each] for each in slices])
            alike += np.bincount(rows, values * np.repeat(scored.weights, lengths), len(self.examples))
        alike = np.minimum(alike, 1.0)  # they are kept in short numbers
        if scored.vector is None:
            return alike
        share = learned.vector_share
        return np.asarray((alike + share * (learned.vectors @ scored.vector)) / (1 + share), np.float64)
