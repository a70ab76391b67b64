"""Multinomial logistic regression over features and sentence vectors, in the form that suits their number.

Imports scikit-learn and SciPy, so it is itself imported only where something is learned.
"""

from typing import Any, Protocol

import numpy as np
import scipy.linalg
import scipy.sparse
from sklearn.linear_model import LogisticRegression

from bot.understanding.model import Floats
from bot.understanding.vocabulary import Values

INVERSE_STRENGTH = 30.0  # scikit-learn's C; did best on the messages of real shops
TOLERANCE, STEPS = 1e-3, 300
DENSE_UP_TO, WITH_VECTORS_UP_TO = 2000, 8000  # examples; the products of 8000 take 256 MB
JITTER = 1e-4  # keeps the products of sentences that are alike solvable
BLOCK = 500  # rows whose products are made at once
NEVER_SEEN = 5.0  # how far an intent without examples in a fold lies below the others


class Learner(Protocol):
    """Learns from some rows of the examples. Labels are numbers below `number`."""

    def fit(self, labels: Any, number: int) -> tuple[Values, Values]:
        """Learn from all: the weights (features and dimensions, intents), and the base of each intent."""

    def scores(self, rows: Any, seen: Any, labels: Any, number: int) -> Values:
        """The scores (rows, intents) by what is learned from the rows `seen`."""


def learner_of(features: Any, vectors: Floats) -> Learner:
    """features: (examples, features), sparse. vectors: (examples, dimensions), scaled; may have none."""
    most = WITH_VECTORS_UP_TO if vectors.size else DENSE_UP_TO
    if features.shape[0] <= most:
        return Dense(features, vectors)
    return Sparse(scipy.sparse.hstack([features, scipy.sparse.csr_matrix(vectors)], format="csr"))


class Dense:
    """Learns in the space that the examples span, which has one dimension each: the same solution, sooner."""

    def __init__(self, features: Any, vectors: Floats) -> None:
        self._features, self._vectors = features, vectors
        number = features.shape[0]
        products = np.empty((number, number), np.float32)
        for start in range(0, number, BLOCK):
            rows = slice(start, start + BLOCK)
            products[rows] = (features[rows] @ features.T).toarray() + vectors[rows] @ vectors.T
        products[np.diag_indices(number)] += np.float32(JITTER)
        self._root = scipy.linalg.cholesky(products.T, lower=True, overwrite_a=True, check_finite=False)

    def fit(self, labels: Any, number: int) -> tuple[Values, Values]:
        """As Learner."""
        weights, base = _regression(self._root, labels, number)
        shares = scipy.linalg.solve_triangular(
            self._root, weights.astype(np.float32), lower=True, trans="T", check_finite=False
        )
        return np.vstack([self._features.T @ shares, self._vectors.T @ shares]).astype(np.float64), base

    def scores(self, rows: Any, seen: Any, labels: Any, number: int) -> Values:
        """As Learner."""
        weights, base = _regression(self._root[seen], labels[seen], number)
        return np.asarray(self._root[rows] @ weights + base, np.float64)


class Sparse:
    """Learns from the features as they are, for more examples than there is memory for their products."""

    def __init__(self, matrix: Any) -> None:
        self._matrix = matrix

    def fit(self, labels: Any, number: int) -> tuple[Values, Values]:
        """As Learner."""
        return _regression(self._matrix, labels, number)

    def scores(self, rows: Any, seen: Any, labels: Any, number: int) -> Values:
        """As Learner."""
        weights, base = _regression(self._matrix[seen], labels[seen], number)
        return np.asarray(self._matrix[rows] @ weights + base, np.float64)


def _regression(rows: Any, labels: Any, number: int) -> tuple[Values, Values]:
    """Learn with every intent counting alike. An intent without rows scores lowest."""
    fitted = LogisticRegression(C=INVERSE_STRENGTH, class_weight="balanced", tol=TOLERANCE, max_iter=STEPS)
    fitted.fit(rows, labels)
    found, bias = fitted.coef_, fitted.intercept_
    if len(fitted.classes_) == 2:  # one row of weights stands for both
        found, bias = np.vstack([-found[0] / 2, found[0] / 2]), np.array([-bias[0] / 2, bias[0] / 2])
    weights = np.zeros((rows.shape[1], number))
    base = np.full(number, bias.min() - NEVER_SEEN)
    weights[:, fitted.classes_], base[fitted.classes_] = found.T, bias
    return weights, base
