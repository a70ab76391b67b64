"""Learns a model from example sentences: TF-IDF with logistic regression, calibrated by cross-validation.

It takes seconds, and imports scikit-learn and SciPy only when it is called: run it in a thread or a process
of its own, and let others read what it kept.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from bot.understanding.meanings import OTHER
from bot.understanding.model import Encoder, Example, Floats, Learned, Model
from bot.understanding.vocabulary import Values, Vocabulary, vocabulary_of

INVERSE_STRENGTH = 30.0  # scikit-learn's C; did best on the messages of real shops
FOLDS = 4
DENSE_UP_TO = 4000  # examples whose products fit into memory, 64 MB
VECTOR_SHARE = 1.0  # how much sentence vectors count beside the features
TOLERANCE, STEPS = 1e-3, 300
JITTER = 1e-5  # keeps the products of repeated sentences solvable
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
    import scipy.sparse

    names, labels = np.unique(np.array(intents), return_inverse=True)
    scaled = vectors * np.float32(VECTOR_SHARE**0.5)
    whole = scipy.sparse.hstack([features, scipy.sparse.csr_matrix(scaled)], format="csr")
    learner = _Dense(whole) if len(intents) <= DENSE_UP_TO else _Sparse(whole)
    weights, bias = learner.fit(np.arange(len(labels)), labels, len(names))
    scores = _unseen_scores(learner, labels, len(names))
    temperature = _temperature(scores, labels)
    sureness, right = _judged(scores / temperature, labels, names)
    columns = features.tocsc()
    columns.sort_indices()
    return Learned(
        intents=tuple(str(name) for name in names),
        weights=np.ascontiguousarray(weights[: features.shape[1]], np.float32),
        bias=bias,
        temperature=temperature,
        rows=columns.indices.astype(np.int32),
        values=columns.data.astype(np.float32),
        ends=columns.indptr.astype(np.int64),
        vectors=vectors.astype(np.float32),
        vector_weights=np.ascontiguousarray(weights[features.shape[1] :], np.float32),
        vector_share=VECTOR_SHARE,
        accuracy=float((scores.argmax(axis=1) == labels).mean()),
        sureness=sureness,
        right=right,
    )


def _matrix(vocabulary: Vocabulary, texts: Sequence[str]) -> Any:
    """The texts as rows of weighted features, a sparse matrix."""
    import scipy.sparse

    rows = [vocabulary.vector(text) for text in texts]
    ends = np.cumsum([0, *(len(places) for places, _ in rows)])
    places = np.concatenate([places for places, _ in rows])
    weights = np.concatenate([weights for _, weights in rows])
    return scipy.sparse.csr_matrix((weights, places, ends), shape=(len(rows), len(vocabulary)))


class _Dense:
    """Learns in the space that the examples span, which has one dimension each: the same solution, sooner."""

    def __init__(self, matrix: Any) -> None:
        import scipy.linalg

        self._matrix = matrix
        products = (matrix @ matrix.T).toarray()
        products[np.diag_indices_from(products)] += JITTER
        self._root = scipy.linalg.cholesky(products, lower=True, overwrite_a=True, check_finite=False)
        self._small = self._root.astype(np.float32)

    def fit(self, rows: Any, labels: Any, number: int) -> tuple[Values, Values]:
        """Weights of the features (f, intents) and the bias of each intent."""
        import scipy.linalg

        weights, bias = _regression(self._small[rows], labels[rows], number)
        shares = scipy.linalg.solve_triangular(self._root, weights, lower=True, trans="T", check_finite=False)
        return self._matrix.T @ shares, bias

    def scores(self, rows: Any, seen: Any, labels: Any, number: int) -> Values:
        """The scores of rows by what is learned from the rows `seen`."""
        weights, bias = _regression(self._small[seen], labels[seen], number)
        return np.asarray(self._small[rows] @ weights + bias, np.float64)


class _Sparse:
    """Learns from the features as they are, for more examples than `_Dense` has memory for."""

    def __init__(self, matrix: Any) -> None:
        self._matrix = matrix

    def fit(self, rows: Any, labels: Any, number: int) -> tuple[Values, Values]:
        """Weights of the features (f, intents) and the bias of each intent."""
        return _regression(self._matrix[rows], labels[rows], number)

    def scores(self, rows: Any, seen: Any, labels: Any, number: int) -> Values:
        """The scores of rows by what is learned from the rows `seen`."""
        weights, bias = _regression(self._matrix[seen], labels[seen], number)
        return np.asarray(self._matrix[rows] @ weights + bias, np.float64)


def _regression(rows: Any, labels: Any, number: int) -> tuple[Values, Values]:
    """Multinomial logistic regression, every intent counting alike. An intent without rows scores lowest."""
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(C=INVERSE_STRENGTH, class_weight="balanced", tol=TOLERANCE, max_iter=STEPS)
    fitted.fit(rows, labels)
    found, bias = fitted.coef_, fitted.intercept_
    if len(fitted.classes_) == 2:  # one row of weights stands for both
        found, bias = np.vstack([-found[0] / 2, found[0] / 2]), np.array([-bias[0] / 2, bias[0] / 2])
    weights = np.zeros((rows.shape[1], number))
    base = np.full(number, bias.min() - 5.0)
    weights[:, fitted.classes_], base[fitted.classes_] = found.T, bias
    return weights, base


def _unseen_scores(learner: "_Dense | _Sparse", labels: Any, number: int) -> Values:
    """The scores of each example by a model that did not see it. The folds take turns within an intent."""
    turn: Counter[int] = Counter()
    fold = np.zeros(len(labels), np.intp)
    order = np.random.default_rng(0).permutation(len(labels))
    for row in order:
        label = int(labels[row])
        fold[row] = (turn[label] + label) % FOLDS
        turn[label] += 1
    scores = np.zeros((len(labels), number))
    for each in range(FOLDS):
        unseen, seen = np.flatnonzero(fold == each), np.flatnonzero(fold != each)
        if len(unseen) and len(np.unique(labels[seen])) > 1:
            scores[unseen] = learner.scores(unseen, seen, labels, number)
    return scores


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
