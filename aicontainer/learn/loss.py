"""Linear scores, their mean squared error and its gradient, and a gradient by differences to check any other with.

Every mean loss of the course is defined to the last bit: ``math.fsum`` of the rows' losses, divided by their number.
``fsum`` rounds once, at the end, so the order of the rows does not matter; ``sum`` and ``np.mean`` round on the way.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from aicontainer.errors import DataError
from aicontainer.model import Array, as_rows


def table(X: Any) -> Array:
    """Raw or standardised rows as row-major float64 of shape (n, d), since the bits of a score depend on the layout.

    Raises
    ------
    DataError
        When ``X`` has another shape, holds no numbers, or holds NaN or infinity.
    """
    if np.ndim(X) != 2 or not np.size(X):
        raise DataError(
            "X must be a table of shape (n, d) with at least one row and one column",
            seen=f"X of shape {np.shape(X)}",
            next_step="make one column a table with X[:, None]",
        )
    return as_rows(X, np.shape(X)[1])


def linear(X: Array, weights: Array, bias: float) -> Array:
    """The scores ``X . weights + bias`` of shape (n,); the same operations as in ``Model.score``, so the same bits.

    Raises
    ------
    DataError
        When ``X`` is no table of shape (n, d) or ``weights`` no vector of shape (d,).
    """
    if np.ndim(X) != 2 or np.shape(weights) != np.shape(X)[1:]:
        raise DataError(
            "X must have the shape (n, d), and weights one number for each of its d columns",
            seen=f"X of shape {np.shape(X)}, weights of shape {np.shape(weights)}",
            next_step="make one column a table with X[:, None]; start with weights = np.zeros(X.shape[1])",
        )
    scores: Array = np.einsum("ij,j->i", X, weights) + bias
    return scores


def paired(scores: Any, y: Any) -> tuple[Array, Array]:
    """Scores and targets as float64 vectors of the same shape (n,), for the losses of this package.

    Raises
    ------
    DataError
        When the shapes differ (numpy would stretch (n, 1) against (n,) to n x n numbers), with no rows, or when a
        number is NaN or infinite.
    """
    given, truth = _vector("scores", scores), _vector("targets y", y)
    if given.shape != truth.shape or given.ndim != 1 or not len(truth):
        raise DataError(
            "scores and targets must be vectors of the same length, one number for each row",
            seen=f"scores of shape {given.shape}, targets y of shape {truth.shape}",
            next_step="of a table with one column, pass the column: scores[:, 0]",
        )
    return given, truth


def _vector(name: str, values: Any) -> Array:
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"{name} must be numbers", seen=str(error)) from error
    finite = np.isfinite(array)
    if not finite.all():
        raise DataError(
            f"{name} must be finite numbers",
            seen=f"{array.size - int(finite.sum())} of {array.size} are NaN or infinite",
            next_step="look for missing values in the rows; if weights ran away in a descent, take a smaller rate",
        )
    return array


def mean(rows: Array) -> float:
    """The mean of the rows' losses, shape (n,): their ``math.fsum`` over n, infinite when it is beyond float64."""
    try:
        return math.fsum(rows) / len(rows)
    except OverflowError:  # every row is finite, their sum is not
        return math.inf


def squared_error(scores: Any, y: Any) -> Array:
    """The loss of each row, ``(score - y)**2``, of shape (n,), in the square of the target's unit.

    Raises
    ------
    DataError
        As ``paired``.
    """
    given, truth = paired(scores, y)
    return np.square(given - truth)


def mean_squared_error(scores: Any, y: Any) -> float:
    """The mean of the rows' squared errors, the same to the last bit in whatever order the rows come.

    Raises
    ------
    DataError
        As ``squared_error``.
    """
    return mean(squared_error(scores, y))


def gradient(X: Array, y: Array, weights: Array, bias: float) -> tuple[Array, float]:
    """The derivatives of the mean squared error by the weights, shape (d,), and by the bias.

    With the residual r = score - y: ``2/n * sum(r_i x_i)`` and ``2/n * sum(r_i)``.

    Raises
    ------
    DataError
        As ``linear`` and ``paired``.
    """
    scores, truth = paired(linear(X, weights, bias), y)
    residual = scores - truth
    n = len(truth)
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

    Raises
    ------
    DataError
        When the step is not above 0, or too small to move an entry at all.
    """
    if not (math.isfinite(step) and step > 0) or (at + step == at).any():
        raise DataError(
            "the step must be above 0 and large enough to move each entry",
            seen=f"step {step}, largest entry {np.abs(at).max():g}",
            next_step="take 1e-5 for entries near 1",
        )
    slopes = np.empty(len(at))
    for j in range(len(at)):
        shift = np.zeros(len(at))
        shift[j] = step
        slopes[j] = (function(at + shift) - function(at - shift)) / (2 * step)
    return slopes
