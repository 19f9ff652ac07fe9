"""Linear scores, their mean squared error, and its first and second derivatives.

The losses take complex scores too, for derivatives by the complex step (``derivatives.complex_step``): each is written
so that it is an analytic function of the score, and then returns complex numbers.

Every mean loss of the course is defined to the last bit: ``math.fsum`` of the rows' losses, divided by their number.
``fsum`` rounds once, at the end, so the order of the rows does not matter; ``sum`` and ``np.mean`` round on the way.
"""

import math
from typing import Any, overload

import numpy as np

from aicontainer.errors import DataError
from aicontainer.model import Array

ComplexArray = np.ndarray[Any, np.dtype[np.complex128]]


def table(X: Any) -> Array:
    """Raw or standardised rows as row-major float64 of shape (n, d), since the bits of a score depend on the layout.

    Raises
    ------
    DataError
        When ``X`` has another shape, holds no numbers, or holds NaN or infinity.
    """
    rows = _numbers("X", X)
    if rows.ndim != 2 or not rows.size:
        raise DataError(
            "X must be a table of shape (n, d) with at least one row and one column",
            seen=f"X of shape {rows.shape}",
            next_step="make one column a table with X[:, None], and one row with X[None, :]",
        )
    return np.ascontiguousarray(rows)


def table_with_targets(X: Any, y: Any) -> tuple[Array, Array]:
    """Rows as ``table`` gives them, shape (n, d), and their targets as a float64 vector of shape (n,).

    Raises
    ------
    DataError
        As ``table``; and when there is not one target for each row, or a target is no finite number.
    """
    rows, truth = table(X), _numbers("targets y", y)
    if truth.shape != (len(rows),):
        raise DataError(
            "the targets y must be a vector with one number for each row of X",
            seen=f"X of shape {rows.shape}, targets y of shape {truth.shape}",
            next_step="of a table with one column, pass the column: y[:, 0]",
        )
    return rows, truth


def with_ones(X: Array) -> Array:
    """The rows of ``X``, shape (n, d), with a last column of ones, by which the bias becomes one weight more."""
    return np.column_stack([X, np.ones(len(X))])


def linear(X: Array, weights: Array, bias: float) -> Array:
    """The scores ``X . weights + bias`` of shape (n,); the same operations as in ``Model.score``, so the same bits.

    Raises
    ------
    DataError
        When ``X`` is no table of shape (n, d), ``weights`` no vector of shape (d,), or ``bias`` more than one number.
    """
    if np.ndim(X) != 2 or np.shape(weights) != np.shape(X)[1:] or np.ndim(bias):
        raise DataError(
            "X must have the shape (n, d), weights one number for each of its d columns, and bias one number",
            seen=f"X of shape {np.shape(X)}, weights of shape {np.shape(weights)}, bias of shape {np.shape(bias)}",
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
    given, truth = _scores(scores), _numbers("targets y", y)
    if given.shape != truth.shape or given.ndim != 1 or not len(truth):
        raise DataError(
            "scores and targets must be vectors of the same length, one number for each row",
            seen=f"scores of shape {given.shape}, targets y of shape {truth.shape}",
            next_step="of a table with one column, pass the column: scores[:, 0]",
        )
    return given, truth


def _scores(values: Any) -> Array:
    # an array only: of a list, numpy's own question whether it is complex can fail
    if isinstance(values, np.ndarray) and values.dtype == np.complex128:
        return _finite("scores", values)
    return _numbers("scores", values)


def _numbers(name: str, values: Any) -> Array:
    try:
        given = np.asarray(values)
        if given.dtype.kind == "c":
            raise TypeError(f"{name} of shape {given.shape} is complex")
        array: Array = given.astype(np.float64, copy=False)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"{name} must be real numbers, as many in each row",
            seen=str(error),
            next_step="leave out columns of text, and rows in which a number is missing",
        ) from error
    return _finite(name, array)


def _finite(name: str, array: Array) -> Array:
    finite = np.isfinite(array)
    if not finite.all():
        first = ", ".join(map(str, np.argwhere(~finite)[0].tolist()))
        raise DataError(
            f"{name} must be finite numbers",
            seen=f"{array.size - int(finite.sum())} of {array.size} are NaN or infinite, the first is {name}[{first}]; "
            f"shape {array.shape}",
            next_step="look for missing values in the rows; if weights ran away in a descent, take a smaller rate",
        )
    return array


@overload
def mean(rows: Array) -> float: ...
@overload
def mean(rows: ComplexArray) -> complex: ...
def mean(rows: Array | ComplexArray) -> complex:
    """The mean of the rows' losses, shape (n,): their ``math.fsum`` over n, infinite when it is beyond float64."""
    if np.iscomplexobj(rows):
        return complex(mean(rows.real), mean(rows.imag))
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


def hessian(X: Array, y: Array, weights: Array, bias: float) -> Array:
    """The second derivatives of the mean squared error, shape (d + 1, d + 1), the bias in the last row and column.

    With A = [X, 1] of shape (n, d + 1): ``2/n * A'A``, the same at every point, since the loss is a parabola.

    Raises
    ------
    DataError
        As ``linear`` and ``paired``.
    """
    paired(linear(X, weights, bias), y)
    A = with_ones(X)
    return 2.0 / len(A) * (A.T @ A)
