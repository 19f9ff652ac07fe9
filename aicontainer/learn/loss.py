"""The mean squared error of a linear model, its gradient, and a gradient by differences to check it with.

The loss is defined to the last bit: ``math.fsum`` of the rows' losses, divided by their number. ``fsum`` rounds once,
at the end, so the order of the rows does not matter; ``sum`` and ``np.mean`` round on the way.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from aicontainer.errors import DataError
from aicontainer.model import Array


def linear(X: Array, weights: Array, bias: float) -> Array:
    """The scores ``X . weights + bias`` of shape (n,); the same operations as in ``Model.score``, so the same bits."""
    scores: Array = np.einsum("ij,j->i", X, weights) + bias
    return scores


def squared_error(scores: Any, y: Array) -> Array:
    """The loss of each row, ``(score - y)**2``, of shape (n,), in the square of the target's unit.

    Raises
    ------
    DataError
        When the shapes differ (numpy would stretch (n, 1) against (n,) to n x n numbers), or with no rows.
    """
    given = np.asarray(scores, dtype=np.float64)
    if given.shape != y.shape or given.ndim != 1 or not len(y):
        raise DataError("scores and targets must be vectors of the same length", seen=f"{given.shape} and {y.shape}")
    return np.square(given - y)


def mean_squared_error(scores: Any, y: Array) -> float:
    """The mean of the rows' squared errors, the same to the last bit in whatever order the rows come.

    Raises
    ------
    DataError
        As ``squared_error``.
    """
    rows = squared_error(scores, y)
    try:
        return math.fsum(rows) / len(rows)
    except OverflowError:  # every row is finite, their sum is not
        return math.inf


def gradient(X: Array, y: Array, weights: Array, bias: float) -> tuple[Array, float]:
    """The derivatives of the mean squared error by the weights, shape (d,), and by the bias.

    With the residual r = score - y: ``2/n * sum(r_i x_i)`` and ``2/n * sum(r_i)``.
    """
    residual = linear(X, weights, bias) - y
    n = len(y)
    return 2.0 / n * np.einsum("ij,i->j", X, residual), 2.0 / n * float(np.sum(residual))


def numerical_gradient(function: Callable[[Array], float], at: Array, step: float) -> Array:
    """The derivatives of ``function`` by central differences ``(f(a + h) - f(a - h)) / 2h``, one for each entry.

    Parameters
    ----------
    function
        Takes a vector of shape (d,) and returns a number.
    at
        The point, shape (d,).
    step
        The h of each entry, above 0.
    """
    slopes = np.empty(len(at))
    for j in range(len(at)):
        shift = np.zeros(len(at))
        shift[j] = step
        slopes[j] = (function(at + shift) - function(at - shift)) / (2 * step)
    return slopes
