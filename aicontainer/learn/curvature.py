"""What the Hessian foretells of a descent, before its first step: how large a rate may be, and how fast it will be.

Near a minimum a loss is a bowl. Along each eigenvector of its Hessian, of curvature lambda, a step at the rate r leaves
``1 - r * lambda`` of the distance: less than all of it only where ``r < 2 / lambda``.
"""

import math
from typing import Any

import numpy as np

from aicontainer.errors import DataError
from aicontainer.learn.loss import table, with_ones
from aicontainer.learn.objective import Objective
from aicontainer.model import Array

FLAT = 1e-12  # an eigenvalue that much smaller than the largest is 0 but for rounding
ASYMMETRY = 1e-9


def largest_stable_rate(hessian: Array) -> float:
    """``2 / lambda_max``: below it each step comes closer to the minimum, above it the steepest direction runs away.

    Parameters
    ----------
    hessian
        Second derivatives, shape (d + 1, d + 1). Those of a squared error are the same everywhere; those of a
        cross-entropy hold near the point where they were taken.

    Raises
    ------
    DataError
        When it is no symmetric matrix of finite numbers, or not curved upwards anywhere.
    """
    return 2.0 / _largest(_curvatures(hessian))


def safe_rate(objective: Objective, X: Array) -> float:
    """``2 / lambda_max`` of the largest Hessian anywhere: below it the value falls at each step, from any start.

    Raises
    ------
    DataError
        When ``X`` is no table of finite numbers.
    """
    return 2.0 / objective.curvature_bound(X)


def condition_number(X: Array) -> float:
    """The largest eigenvalue of A'A over its smallest, with A = [X, 1]: how much slower the slowest direction is.

    Parameters
    ----------
    X
        Rows of shape (n, d); standardise them first, or the units of the columns are what you measure.

    Raises
    ------
    DataError
        When ``X`` is no table of finite numbers, and when columns depend on each other (or on the bias, as a constant
        column does): then a direction is flat, and the number has no bound.
    """
    rows = table(X)
    A = with_ones(rows)
    curvatures = np.linalg.eigvalsh(A.T @ A / len(A))
    if curvatures[0] <= FLAT * curvatures[-1]:
        raise DataError(
            "a direction is flat, so the condition number has no bound: the columns of X and the bias depend on each "
            "other",
            seen=f"X of shape {rows.shape}, eigenvalues of A'A/n from {curvatures[0]:.3g} to {curvatures[-1]:.3g}",
            next_step="leave out constant columns and those that follow from others, or take more rows; standardise X",
        )
    return float(curvatures[-1] / curvatures[0])


def contraction(rate: float, hessian: Array) -> float:
    """The largest ``|1 - rate * lambda|``: what one step leaves of the distance to the minimum, in the worst direction.

    Below 1 the descent arrives; above 1 it runs away.

    Raises
    ------
    DataError
        When the rate is not above 0, and as ``largest_stable_rate``.
    """
    if not (math.isfinite(rate) and rate > 0):
        raise DataError("the rate must be above 0", seen=f"rate {rate}", next_step="take half of largest_stable_rate")
    return float(np.abs(1.0 - rate * _curvatures(hessian)).max())


def steps_to_halve(rate: float, hessian: Array) -> float:
    """How many steps halve the distance to the minimum in the worst direction: ``log(1/2) / log(contraction)``.

    The loss above its minimum is a square of that distance, so half as many steps halve it. A number with a fraction;
    0 where one step arrives.

    Raises
    ------
    DataError
        When the distance never shrinks at this rate, and as ``contraction``.
    """
    left = contraction(rate, hessian)
    if left >= 1.0:
        raise DataError(
            f"at the rate {rate:g} the distance to the minimum never halves",
            seen=f"a step leaves {left:.9g} of it in the worst direction",
            next_step=f"take a rate below {largest_stable_rate(hessian):.6g}; if a direction is flat, leave out the "
            "column that follows from others, or add L2",
        )
    return math.log(0.5) / math.log(left) if left > 0 else 0.0


def _curvatures(hessian: Any) -> Array:
    matrix = np.asarray(hessian, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not matrix.size or not np.isfinite(matrix).all():
        raise DataError(
            "a Hessian must be a square matrix of finite numbers",
            seen=f"hessian of shape {matrix.shape}",
            next_step="take objective.hessian(X, y, weights, bias)",
        )
    if np.abs(matrix - matrix.T).max() > ASYMMETRY * np.abs(matrix).max():
        raise DataError(
            "a Hessian must be symmetric: the order of two derivatives does not matter",
            seen=f"hessian of shape {matrix.shape}, apart by {np.abs(matrix - matrix.T).max():.3g}",
            next_step="take objective.hessian(X, y, weights, bias)",
        )
    return np.linalg.eigvalsh(matrix).astype(np.float64)


def _largest(curvatures: Array) -> float:
    if not curvatures[-1] > 0:
        raise DataError(
            "the loss is flat in every direction, so any rate is stable",
            seen=f"largest eigenvalue {curvatures[-1]:g}",
            next_step="look at the rows: are all scores far on the right side?",
        )
    return float(curvatures[-1])
