"""Plain gradient descent on the loss of a linear score: all rows, one rate, a fixed number of steps."""

import math
from dataclasses import dataclass

import numpy as np

from aicontainer.errors import DataError
from aicontainer.learn.loss import linear, table
from aicontainer.learn.objective import SQUARED_ERROR, Objective
from aicontainer.model import Array

# at a fixed point the loss may still move in its last digits; only growth beyond them is divergence
ROUNDING = 1e-9


@dataclass(frozen=True, eq=False, repr=False)
class Fit:
    """Where a descent ended: weights of shape (d,), the bias, and the loss before each step and after the last."""

    weights: Array
    bias: float
    losses: tuple[float, ...]
    rate: float
    steps: int

    def __repr__(self) -> str:
        return f"Fit({self.steps} steps at rate {self.rate:g}: loss {self.losses[0]:#.9g} -> {self.losses[-1]:#.9g})"


def descend(X: Array, y: Array, rate: float, steps: int, objective: Objective = SQUARED_ERROR) -> Fit:
    """Walk from weights 0 and bias 0 against the gradient, ``steps`` times by ``rate`` times the gradient.

    Parameters
    ----------
    X, y
        Standardised rows of shape (n, d), and their targets of shape (n,).
    rate
        The learning rate, above 0. Above 2 / (largest eigenvalue of the second derivative) the squared error grows;
        a cross-entropy, whose second derivative depends on where you are, may swing to and fro instead.
    steps
        How many steps; 0 returns the start.
    objective
        The loss to make small, with its gradient.

    Raises
    ------
    DataError
        When the rate or the steps make no sense, when the rows cannot be used, and when the loss grows instead of
        falling.
    """
    if not (math.isfinite(rate) and rate > 0) or not steps >= 0 or steps % 1:
        raise DataError("the rate must be above 0, the steps a whole number from 0", seen=f"rate {rate}, steps {steps}")
    X = table(X)
    weights, bias = np.zeros(X.shape[1]), 0.0
    losses = [objective.loss(linear(X, weights, bias), y)]
    with np.errstate(over="ignore", invalid="ignore"):  # told below, as an error with the numbers that matter
        for _ in range(int(steps)):
            dw, db = objective.gradient(X, y, weights, bias)
            weights, bias = weights - rate * dw, bias - rate * db
            scores = linear(X, weights, bias)
            losses.append(objective.loss(scores, y) if np.isfinite(scores).all() else math.inf)
            if not math.isfinite(losses[-1]):
                raise _too_large(rate, losses[:-1])
    if losses[-1] > losses[0] * (1 + ROUNDING):
        raise _too_large(rate, losses)
    weights.setflags(write=False)
    return Fit(weights, bias, tuple(losses), rate, steps)


def _too_large(rate: float, losses: list[float]) -> DataError:
    return DataError(
        f"the rate {rate:g} is too large: the loss grows instead of falling",
        seen=f"loss {losses[0]:.9g} before the first step, {losses[-1]:.9g} after step {len(losses) - 1}",
        next_step="take a smaller rate, and standardised rows",
    )
