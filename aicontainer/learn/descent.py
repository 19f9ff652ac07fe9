"""Gradient descent on the loss of a linear score: over all rows a step, or over a few of them a step."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from aicontainer.errors import DataError
from aicontainer.learn.loss import table_with_targets
from aicontainer.learn.objective import SQUARED_ERROR, Objective
from aicontainer.learn.passes import Rows, over
from aicontainer.learn.sums import Sums
from aicontainer.model import Array

# at a fixed point the loss may still move in its last digits; only growth beyond them is divergence
ROUNDING = 1e-9

BUDGET = "budget"


@dataclass(frozen=True)
class Stop:
    """When a descent may end before its budget of steps is spent; what is None is not looked at.

    Parameters
    ----------
    gradient_norm
        End where the length of the gradient, by the weights and the bias together, is at most this.
    loss
        End where the loss is at most this.

    Raises
    ------
    DataError
        When a limit is negative or no number.
    """

    gradient_norm: float | None = None
    loss: float | None = None

    def __post_init__(self) -> None:
        for name, limit in (("gradient_norm", self.gradient_norm), ("loss", self.loss)):
            if limit is not None and not limit >= 0:
                raise DataError(
                    f"the {name} to stop at must be a number from 0",
                    seen=f"{name} {limit}",
                    next_step="leave it out, and the descent spends its budget",
                )

    def reached(self, loss: float, gradient_norm: float) -> str:
        """The name of the limit that is reached, ``gradient norm`` or ``loss``; empty when none is."""
        if self.gradient_norm is not None and gradient_norm <= self.gradient_norm:
            return "gradient norm"
        if self.loss is not None and loss <= self.loss:
            return "loss"
        return ""


NEVER = Stop()


@dataclass(frozen=True, eq=False, repr=False)
class Fit:
    """Where a descent ended, and its history.

    Parameters
    ----------
    weights, bias
        Shape (d,), and one number.
    losses
        The objective before each step and after the last; in batches before each pass over the rows and after the last.
        The last one is exact (``math.fsum``, as ``loss.mean``), those before it come from the pass that
        also gives the gradient: they are rounded as sums in float64 are, about 1e-15 of their size.
    gradient_norms
        The length of the gradient over all rows, by the weights and the bias together, at the same places.
    rate
        The learning rate.
    steps
        How many steps were taken.
    stopped_by
        ``budget``, ``gradient norm`` or ``loss``.
    every
        How many steps lie between two of the losses: 1, or as many as there are batches.
    """

    weights: Array
    bias: float
    losses: tuple[float, ...]
    gradient_norms: tuple[float, ...]
    rate: float
    steps: int
    stopped_by: str = BUDGET
    every: int = 1

    def __repr__(self) -> str:
        return f"Fit({self.steps} steps at rate {self.rate:g}: loss {self.losses[0]:#.9g} -> {self.losses[-1]:#.9g})"


def descend(
    X: Array,
    y: Array,
    rate: float,
    steps: int,
    objective: Objective = SQUARED_ERROR,
    *,
    start: tuple[Array, float] | None = None,
    stop: Stop = NEVER,
) -> Fit:
    """Walk against the gradient over all rows, ``steps`` times by ``rate`` times the gradient.

    Parameters
    ----------
    X, y
        Standardised rows of shape (n, d), and their targets of shape (n,).
    rate
        The learning rate, above 0. Above 2 / (largest eigenvalue of the second derivative) the squared error grows;
        a cross-entropy, whose second derivative depends on where you are, may swing to and fro instead.
    steps
        The budget: how many steps at most; 0 returns the start.
    objective
        The loss to make small, with its gradient.
    start
        Weights of shape (d,) and the bias to start from; without it zeros.
    stop
        When to end before the budget is spent.

    Raises
    ------
    DataError
        When the rate or the steps make no sense, when the rows cannot be used, and when the loss grows instead of
        falling.
    """
    X, y = table_with_targets(X, y)
    with over(X, y, objective) as rows:
        return walk(rows, start_at(X.shape[1], start), rate, steps, stop)


def descend_in_batches(
    X: Array,
    y: Array,
    rate: float,
    passes: int,
    batch: int,
    objective: Objective = SQUARED_ERROR,
    *,
    seed: int = 0,
    start: tuple[Array, float] | None = None,
    stop: Stop = NEVER,
) -> Fit:
    """Walk against the gradient over ``batch`` rows at a time, ``passes`` times through all rows in a new order.

    With a batch of 1 this is stochastic descent. The same seed gives the same orders, and so the same bits.

    Parameters
    ----------
    X, y, rate, objective, start
        As for ``descend``.
    passes
        The budget: how many times all rows go by; each time is ceil(n / batch) steps.
    batch
        How many rows a step sees, from 1 to n; the last batch of a pass holds what remains.
    seed
        Of the orders of the rows: ``numpy.random.default_rng(seed)``.
    stop
        When to end before the budget is spent; looked at between two passes, on all rows.

    Raises
    ------
    DataError
        As ``descend``; and when there is no such batch.
    """
    X, y = table_with_targets(X, y)
    if not 1 <= batch <= len(X) or batch % 1:
        raise DataError(
            "a batch is a whole number of rows, from 1 to all",
            seen=f"batch {batch} of {len(X)} rows",
            next_step="begin with 32, or with all rows if there are fewer",
        )
    place, batch = start_at(X.shape[1], start), int(batch)
    order, every = np.random.default_rng(seed), -(-len(X) // batch)
    sums, slope = Sums(objective, batch, X.shape[1]), np.empty_like(place)

    def once_through(place: Array) -> None:
        shuffled = order.permutation(len(X))
        for first in range(0, len(X), batch):
            drawn = shuffled[first : first + batch]
            sums.clear()
            sums.add(X[drawn], y[drawn], place)
            sums.slope_into(slope, len(drawn), place)
            np.subtract(place, rate * slope, out=place)

    with over(X, y, objective) as rows:
        # from a good start the noise of the batches may lead up again, but not above zero weights
        allowed = rows(np.zeros_like(place))
        return _walk(rows, place, once_through, rate, passes, stop, every=every, allowed=allowed)


def start_at(width: int, start: tuple[Array, float] | None) -> Array:
    """The place of shape (width + 1,) to start from: weights and bias, or zeros.

    Raises
    ------
    DataError
        When the weights have another shape, or when a number is not finite.
    """
    if start is None:
        return np.zeros(width + 1)
    weights, bias = start if len(start) == 2 else (start, math.nan)  # one vector instead of two things has no bias
    if np.shape(weights) != (width,) or np.ndim(bias) or not np.isfinite([*weights, bias]).all():
        raise DataError(
            f"a start is weights of shape ({width},) and a bias, finite numbers",
            seen=f"weights of shape {np.shape(weights)}, bias {bias}",
            next_step="leave it out to begin at zeros, or pass (fit.weights, fit.bias) of an earlier descent",
        )
    return np.append(np.asarray(weights, dtype=np.float64), float(bias))


def walk(rows: Rows, place: Array, rate: float, steps: int, stop: Stop = NEVER) -> Fit:
    """The steps of a descent over all rows, whatever holds them: a table, a file, or their moments.

    Parameters
    ----------
    rows
        Gives the loss at a place, and its slope there.
    place
        Where to start, shape (d + 1,), the bias last; it is moved.
    rate, steps, stop
        As for ``descend``.

    Raises
    ------
    DataError
        When the rate or the steps make no sense, and when the loss grows instead of falling.
    """
    step = np.empty_like(place)

    def one_step(place: Array) -> None:
        np.multiply(rows.slope, rate, out=step)
        np.subtract(place, step, out=place)

    return _walk(rows, place, one_step, rate, steps, stop, every=1)


def _walk(
    rows: Rows,
    place: Array,
    move: Callable[[Array], None],
    rate: float,
    budget: int,
    stop: Stop,
    *,
    every: int,
    allowed: float = 0.0,
) -> Fit:
    if not (math.isfinite(rate) and rate > 0) or not budget >= 0 or budget % 1:
        raise DataError(
            "the rate must be above 0, the steps (or passes) a whole number from 0",
            seen=f"rate {rate}, steps (or passes) {budget}",
            next_step="begin with the rate 0.1 and 100 steps on standardised rows",
        )
    losses: list[float] = []
    norms: list[float] = []
    with np.errstate(over="ignore", invalid="ignore"):  # told below, as an error with the numbers that matter
        for moved in range(int(budget) + 1):
            losses.append(rows(place))
            norms.append(math.sqrt(rows.slope.dot(rows.slope)))
            if not math.isfinite(losses[-1]) or not math.isfinite(norms[-1]):
                raise _too_large(rate, losses[:-1], every) if moved else _nowhere(losses[0])
            stopped_by = stop.reached(losses[-1], norms[-1])
            if stopped_by or moved == budget:
                break
            move(place)
    if losses[-1] > max(losses[0], allowed) * (1 + ROUNDING):
        raise _too_large(rate, losses, every)
    losses[-1] = rows.exact(place)
    weights = place[:-1].copy()
    weights.setflags(write=False)
    return Fit(weights, float(place[-1]), tuple(losses), tuple(norms), rate, every * moved, stopped_by or BUDGET, every)


def _too_large(rate: float, losses: list[float], every: int) -> DataError:
    return DataError(
        f"the rate {rate:g} is too large: the loss grows instead of falling",
        seen=f"loss {losses[0]:.9g} before the first step, {losses[-1]:.9g} after step {every * (len(losses) - 1)}",
        next_step="take a smaller rate, and standardised rows",
    )


def _nowhere(loss: float) -> DataError:
    return DataError(
        "the loss at the start is no finite number, so there is nothing to descend on",
        seen=f"loss {loss}",
        next_step="look for NaN, infinity and huge numbers in the rows and in the start",
    )
