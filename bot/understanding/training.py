"""Learns a model from example sentences: TF-IDF with logistic regression, calibrated by cross-validation.

It takes seconds, and imports scikit-learn and SciPy only when it is called: run it in a thread or a process
of its own, and let others read what it kept.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bot.domain.meanings import OTHER
from bot.understanding.examples import Example
from bot.understanding.model import KEPT, Encoder, Floats, Learned, Model
from bot.understanding.vocabulary import Values, Vocabulary, vocabulary_of

if TYPE_CHECKING:
    from bot.understanding.regression import Learner

FOLDS = 4
ENOUGH = 2000  # unseen examples that were judged; more folds would only take longer
VECTOR_SHARE = 1.0  # how much sentence vectors count beside the features
ALIKE = 12  # neighbours in order begin alike; a model that saw one of them would flatter itself on the others
SLIGHT = 0.05  # weights below it change no meaning, and leaving them out halves what is kept
TEMPERATURES = np.geomspace(0.2, 5.0, 60)


class TooFewExamples(ValueError):
    """There are fewer than two intents, so there is nothing to tell apart."""


def train(examples: Sequence[Example], encode: Encoder | None = None) -> Model:
    """Learn from examples, in any order with the same result. Raises TooFewExamples.

    encode: turns sentences into vectors, which then count beside the features.
    """
    examples = sorted(set(examples), key=lambda each: (each.intent, each.text))
    if len({each.intent for each in examples}) < 2:
        raise TooFewExamples("at least two intents are needed")
    texts = [each.text for each in examples]
    vocabulary = vocabulary_of(texts)
    features = _matrix(vocabulary, texts)
    vectors = encode(texts) if encode else np.zeros((len(texts), 0), np.float32)
    learned = _learned(features, vectors, [each.intent for each in examples])
    return Model(vocabulary, examples, learned, encode)


def cross_validated(examples: Sequence[Example], encode: Encoder | None = None) -> float:
    """The share of examples that are recognised by models which did not see them, 0 to 1."""
    return train(examples, encode).learned.accuracy


def _learned(features: Any, vectors: Floats, intents: Sequence[str]) -> Learned:
    from bot.understanding.regression import learner_of

    names, labels = np.unique(np.array(intents), return_inverse=True)
    learner = learner_of(features, vectors * np.float32(VECTOR_SHARE**0.5))
    weights, bias = learner.fit(labels, len(names))
    telling = weights[: features.shape[1]]
    scores, rows = _unseen_scores(learner, labels, len(names))
    temperature = _temperature(scores, labels[rows]) if len(rows) else 1.0
    sureness, right = _judged(scores / temperature, labels[rows], names)
    columns = features.tocsc()
    columns.sort_indices()
    return Learned(
        intents=tuple(str(name) for name in names),
        weights=_short(np.where(np.abs(telling) < SLIGHT, 0.0, telling)),
        bias=bias,
        temperature=temperature,
        rows=columns.indices.astype(np.int32),
        values=_short(columns.data),
        ends=columns.indptr.astype(np.int64),
        vectors=_short(vectors),
        vector_weights=_short(weights[features.shape[1] :]),
        vector_share=VECTOR_SHARE,
        accuracy=float((scores.argmax(axis=1) == labels[rows]).mean()) if len(rows) else 0.0,
        sureness=sureness,
        right=right,
    )


def _short(numbers: Any) -> Floats:
    """Round to what is kept, so that a kept model is the same as the one that was learned."""
    return np.ascontiguousarray(numbers).astype(KEPT).astype(np.float32)


def _matrix(vocabulary: Vocabulary, texts: Sequence[str]) -> Any:
    """The texts as rows of weighted features, a sparse matrix."""
    import scipy.sparse

    rows = [vocabulary.vector(text) for text in texts]
    ends = np.cumsum([0, *(len(places) for places, _ in rows)])
    places = np.concatenate([places for places, _ in rows])
    weights = np.concatenate([weights for _, weights in rows])
    return scipy.sparse.csr_matrix((weights, places, ends), shape=(len(rows), len(vocabulary)))


def _unseen_scores(learner: "Learner", labels: Any, number: int) -> tuple[Values, Any]:
    """The scores of examples by models that did not see them, and the rows of these examples: all, or ENOUGH.

    The folds take turns within an intent, block by block of neighbours.
    """
    fold = np.zeros(len(labels), np.intp)
    for label in range(number):
        rows_of = np.flatnonzero(labels == label)
        block = max(1, min(ALIKE, len(rows_of) // (2 * FOLDS)))
        fold[rows_of] = (np.arange(len(rows_of)) // block + label) % FOLDS
    scores, rows = [np.zeros((0, number))], [np.zeros(0, np.intp)]
    for each in range(FOLDS):
        unseen, seen = np.flatnonzero(fold == each), np.flatnonzero(fold != each)
        if len(unseen) and len(np.unique(labels[seen])) > 1 and sum(map(len, rows)) < ENOUGH:
            scores.append(learner.scores(unseen, seen, labels, number))
            rows.append(unseen)
    return np.concatenate(scores), np.concatenate(rows)


def _temperature(scores: Values, labels: Any) -> float:
    """What to divide scores by, so that the probabilities are most likely for examples that were not seen."""

    def surprise(temperature: float) -> float:
        powers = scores / temperature
        top = powers.max(axis=1, keepdims=True)
        total = np.log(np.exp(powers - top).sum(axis=1)) + top[:, 0]
        return float((total - powers[np.arange(len(labels)), labels]).mean())

    return float(min(TEMPERATURES, key=surprise))


def _judged(powers: Values, labels: Any, names: Any) -> tuple[Floats, Any]:
    """How sure the models were of what they had not seen, and whether they were right."""
    powers = np.exp(powers - powers.max(axis=1, keepdims=True))
    likeliest = powers.argmax(axis=1)
    answered = names[likeliest] != OTHER
    sureness = (powers.max(axis=1) / powers.sum(axis=1)).astype(np.float32)
    return sureness[answered], (likeliest == labels)[answered]
