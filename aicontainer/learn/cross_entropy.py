"""The cross-entropy of a logistic model, on scores, and its derivatives: the loss of a yes-or-no target.

A score z stands for the probability ``p = 1 / (1 + exp(-z))`` that the target is 1. The loss of a row is its surprise:
minus the natural logarithm of the probability that the model gave to what then happened (in nats; ln 2 for a coin).
It is computed from z and never from p: a score of 40 is a probability of exactly 1 in float64, and log(1 - p) is then
minus infinity, where the surprise is 40.
"""

from typing import Any

import numpy as np

from aicontainer.errors import DataError
from aicontainer.learn.loss import linear, mean, paired, with_ones
from aicontainer.model import LINKS, Array


def cross_entropy(scores: Any, y: Any) -> Array:
    """The loss of each row, ``-(y log p + (1 - y) log(1 - p))``, of shape (n,), in nats; for scores of any size.

    With m = -z where y is 1 and m = z where y is 0 (how far the score is on the wrong side), both cases are
    ``log(1 + exp(m)) = max(m, 0) + log1p(exp(-|m|))``, and nothing in that can overflow or lose a small loss.

    Raises
    ------
    DataError
        As ``paired``, and when a target is neither 0 nor 1.
    """
    given, truth = _binary(scores, y)
    wrong_by = (1.0 - 2.0 * truth) * given
    wrong = wrong_by.real > 0  # of complex scores the real part decides, and either branch is analytic
    rows: Array = np.where(wrong, wrong_by, 0.0) + np.log1p(np.exp(np.where(wrong, -wrong_by, wrong_by)))
    return rows


def mean_cross_entropy(scores: Any, y: Any) -> float:
    """The mean of the rows' cross-entropies, the same to the last bit in whatever order the rows come.

    Raises
    ------
    DataError
        As ``cross_entropy``.
    """
    return mean(cross_entropy(scores, y))


def gradient(X: Array, y: Array, weights: Array, bias: float) -> tuple[Array, float]:
    """The derivatives of the mean cross-entropy by the weights, shape (d,), and by the bias.

    With the residual r = p - y: ``1/n * sum(r_i x_i)`` and ``1/n * sum(r_i)``, the form of the squared error.

    Raises
    ------
    DataError
        As ``linear`` and ``cross_entropy``.
    """
    scores, truth = _binary(linear(X, weights, bias), y)
    residual = LINKS["logistic"](scores) - truth
    n = len(truth)
    return 1.0 / n * np.einsum("ij,i->j", X, residual), 1.0 / n * float(np.sum(residual))


def hessian(X: Array, y: Array, weights: Array, bias: float) -> Array:
    """The second derivatives of the mean cross-entropy, shape (d + 1, d + 1), the bias in the last row and column.

    With A = [X, 1] of shape (n, d + 1): ``1/n * A' diag(p (1 - p)) A``. It depends on the point: a row counts 1/4 where
    the model is undecided (p = 1/2), and almost nothing where it is certain. No row counts less than nothing, so the
    loss is convex.

    Raises
    ------
    DataError
        As ``linear`` and ``cross_entropy``.
    """
    scores, _ = _binary(linear(X, weights, bias), y)
    small = np.exp(-np.abs(scores))
    A = with_ones(X)
    return (A * (small / (1.0 + small) ** 2)[:, None]).T @ A / len(A)


def _binary(scores: Any, y: Any) -> tuple[Array, Array]:
    given, truth = paired(scores, y)
    neither = (truth != 0) & (truth != 1)
    if neither.any():
        raise DataError(
            "the targets y of a cross-entropy must be 0 or 1",
            seen=f"{int(neither.sum())} of {len(truth)} are neither, the first is {truth[neither][0]:g}; "
            f"targets y of shape {truth.shape}",
            next_step="for a target that is a number take the squared error; write two classes as 0 and 1",
        )
    return given, truth
