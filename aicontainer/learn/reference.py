"""The minimum by other ways than descent, which a descent must reach: in closed form, and by Newton's method.

Squared error is a parabola, so its minimum is the solution of linear equations. Cross-entropy has no such formula;
Newton's method solves the equations of its local parabola again and again, and doubles the right digits at each step.
"""

import math
from dataclasses import dataclass

import numpy as np

from aicontainer.errors import DataError
from aicontainer.learn.loss import table_with_targets, with_ones
from aicontainer.learn.objective import SQUARED_ERROR, Objective, with_l2
from aicontainer.model import LINKS, Array

# where the rows' certainty leaves less than this of the curvature in some direction, there is no minimum along it
CERTAIN = 1e-8
ENOUGH = 1e-4  # of the fall that the slope promises: less means that the step was too long
SHORTEST = 1e-10


@dataclass(frozen=True, eq=False, repr=False)
class Optimum:
    """Where an objective is smallest: weights of shape (d,), the bias, and its value there (with the penalty)."""

    weights: Array
    bias: float
    value: float

    def __repr__(self) -> str:
        return f"Optimum(value {self.value:#.9g}, {len(self.weights)} weights)"


def closed_form(X: Array, y: Array, l2: float = 0.0) -> Optimum:
    """The minimum of the mean squared error plus ``l2/2 * |w|**2``, the bias not penalised.

    The derivative by the bias is 0 where the residuals' mean is 0, so on centred rows and targets only the weights are
    left: least squares of ``[X - mean; sqrt(n l2 / 2) I] w = [y - mean; 0]``, solved by orthogonal transformations.
    The normal equations ``A'A w = A'y`` would lose twice as many digits.

    Parameters
    ----------
    X, y
        Rows of shape (n, d), and their targets of shape (n,).
    l2
        Strength of the penalty, from 0.

    Raises
    ------
    DataError
        When rows and targets cannot be used, and when many weights are equally good (without L2: constant columns,
        columns that follow from others, no more rows than columns).
    """
    objective = with_l2(SQUARED_ERROR, l2)
    rows, truth = table_with_targets(X, y)
    if not l2:
        _refuse_dependent(rows)
    mean, level = rows.mean(axis=0), float(truth.mean())
    n, d = rows.shape
    left = np.vstack([rows - mean, math.sqrt(n * l2 / 2) * np.eye(d)])
    weights, *_ = np.linalg.lstsq(left, np.append(truth - level, np.zeros(d)), rcond=None)
    return _optimum(objective, rows, truth, weights, level - float(mean @ weights))


def newton(X: Array, y: Array, objective: Objective, tolerance: float = 1e-12, limit: int = 100) -> Optimum:
    """The minimum of an objective by Newton's method: ``point - H^-1 gradient``, from weights 0 and bias 0.

    A step that would not lower the value is halved until it does. It ends when the value could fall by no more than
    ``tolerance`` of itself, or than rounding of the first value (half the Newton decrement: Boyd and Vandenberghe,
    Convex Optimization, 2004, 9.5), and takes that last step too.

    Parameters
    ----------
    X, y
        Rows of shape (n, d), and their targets of shape (n,), 0 or 1 for the cross-entropy.
    objective
        What to make small.
    tolerance
        Relative to the value.
    limit
        The largest number of steps.

    Raises
    ------
    DataError
        When rows and targets cannot be used, when there is no single minimum (separable rows, rows of one class,
        columns that depend on each other), and when the limit passes.
    """
    rows, truth = table_with_targets(X, y)
    if objective.link == "logistic":
        _refuse_one_class(truth)
    if not objective.l2:
        _refuse_dependent(rows)
    point = np.zeros(rows.shape[1] + 1)
    rounding = float(np.finfo(np.float64).eps) * _value(objective, rows, truth, point)
    for done in range(limit):
        if objective.link == "logistic" and not objective.l2:
            _refuse_separable(objective, rows, truth, point, done)
        step, decrement = _full_step(objective, rows, truth, point)
        enough = tolerance * _value(objective, rows, truth, point) + rounding
        point = _shortened(objective, rows, truth, point, step, decrement)
        if decrement / 2 <= enough:
            return _optimum(objective, rows, truth, point[:-1], float(point[-1]))
    raise DataError(
        f"Newton's method found no minimum within {limit} steps",
        seen=f"X of shape {rows.shape}, value {_value(objective, rows, truth, point):.6g}, "
        f"largest weight {np.abs(point[:-1]).max():.3g}",
        next_step="standardise X; if the weights grow with the limit there is no minimum: with_l2(objective, 0.001)",
    )


def _value(objective: Objective, rows: Array, truth: Array, point: Array) -> float:
    return objective.value(rows, truth, point[:-1], float(point[-1]))


def _optimum(objective: Objective, rows: Array, truth: Array, weights: Array, bias: float) -> Optimum:
    value = objective.value(rows, truth, weights, bias)
    weights = weights.copy()
    weights.setflags(write=False)
    return Optimum(weights, bias, value)


def _full_step(objective: Objective, rows: Array, truth: Array, point: Array) -> tuple[Array, float]:
    """Newton's step from ``point``, to be taken off it, and its decrement ``g' H^-1 g``."""
    weights, bias = point[:-1], float(point[-1])
    gradient = np.append(*objective.gradient(rows, truth, weights, bias))
    try:
        step = np.linalg.solve(objective.hessian(rows, truth, weights, bias), gradient)
    except np.linalg.LinAlgError as error:
        raise DataError(
            "Newton's method stands where the value is flat, and no step can be worked out",
            seen=f"{error}; X of shape {rows.shape}, largest weight {np.abs(weights).max():.3g}, bias {bias:.3g}",
            next_step="standardise X, or take a stronger L2",
        ) from error
    return step, float(gradient @ step)


def _shortened(objective: Objective, rows: Array, truth: Array, point: Array, step: Array, decrement: float) -> Array:
    before = _value(objective, rows, truth, point)
    length = 1.0
    while length > SHORTEST:
        after = point - length * step
        if _value(objective, rows, truth, after) <= before - ENOUGH * length * decrement:
            return after
        length /= 2
    return point - step  # the value moves in its last digits only: the minimum is within one step


def _refuse_dependent(rows: Array) -> None:
    n, d = rows.shape
    if n <= d:
        raise DataError(
            "more rows than columns are needed: else many weights fit them equally well",
            seen=f"X of shape {rows.shape}",
            next_step="take more rows or fewer columns, or add L2",
        )
    constant = np.flatnonzero(rows.max(axis=0) == rows.min(axis=0)).tolist()
    if constant:
        raise DataError(
            "a column of X is constant: the bias does its work already",
            seen=f"column {', '.join(map(str, constant))} of X of shape {rows.shape}",
            next_step="leave it out, or add L2",
        )
    centred = rows - rows.mean(axis=0)
    rank = int(np.linalg.matrix_rank(centred / np.abs(centred).max(axis=0)))
    if rank < d:
        raise DataError(
            "columns of X follow from others, so many weights fit equally well",
            seen=f"X of shape {rows.shape}, only {rank} of its {d} columns are independent",
            next_step="leave out copies, sums and differences of other columns, or add L2",
        )


def _refuse_one_class(truth: Array) -> None:
    if truth.min() == truth.max():
        raise DataError(
            f"all targets y are {truth[0]:g}: the cross-entropy has no minimum, the bias grows for ever",
            seen=f"targets y of shape {truth.shape}",
            next_step="take rows of both classes; L2 does not help, since it leaves the bias free",
        )


def _refuse_separable(objective: Objective, rows: Array, truth: Array, point: Array, done: int) -> None:
    """No minimum: a plane has all ones on one side, or some direction in which each row is all but certain."""
    sides = (2.0 * truth - 1.0) * (rows @ point[:-1] + point[-1])
    if (sides > 0).all():
        seen = f"after {done} steps all {len(truth)} rows are on the right side"
    elif _share_left(rows, point) < CERTAIN:
        seen = f"after {done} steps, in some direction every row is certain"
    else:
        return
    raise DataError(
        "the rows are linearly separable, so the cross-entropy has no minimum: larger weights are always better",
        seen=f"{seen}; X of shape {rows.shape}, value {_value(objective, rows, truth, point):.3g}, "
        f"largest weight {np.abs(point[:-1]).max():.3g}",
        next_step="hold the weights with L2: with_l2(objective, 0.001)",
    )


def _share_left(rows: Array, point: Array) -> float:
    """The smallest share of the curvature at weights 0 that is left at ``point``, over all directions."""
    A = with_ones((rows - rows.mean(axis=0)) / rows.std(axis=0))
    directions, _ = np.linalg.qr(A)
    p = LINKS["logistic"](rows @ point[:-1] + point[-1])
    return float(np.linalg.eigvalsh((directions * (4 * p * (1 - p))[:, None]).T @ directions)[0])
