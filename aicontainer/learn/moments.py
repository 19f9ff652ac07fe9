"""Squared error from sums over the rows: X'X and X'y once, then a step that does not grow with the rows.

The mean squared error is a parabola in the weights. A parabola is known from a few numbers: the means of X and y, and
their products about the means. With them a step costs d x d numbers, for a hundred rows or for a hundred million.
These are the sufficient statistics of the normal model. Cross-entropy has none: its curvature changes with the weights.
"""

import math
from dataclasses import dataclass

import numpy as np

from aicontainer.learn.descent import NEVER, Fit, Stop, start_at, walk
from aicontainer.learn.loss import table_with_targets
from aicontainer.learn.objective import SQUARED_ERROR, Objective, with_l2
from aicontainer.learn.passes import BLOCK_BYTES
from aicontainer.model import Array


@dataclass(frozen=True, eq=False, repr=False)
class Moments:
    """What squared error needs to know of n rows.

    About the means, because ``y'y`` and ``X'y`` about zero nearly cancel where the target lies far from it (education:
    428,283 points² about zero for a loss of 69). What still cancels is the target's variance against the loss: the loss
    has an error of about 1e-16 times that variance.

    Parameters
    ----------
    n
        How many rows.
    mean, target_mean
        The means of the columns, shape (d,), and of the target.
    products
        ``(X - mean)' (X - mean) / n`` of shape (d, d).
    with_target
        ``(X - mean)' (y - target_mean) / n`` of shape (d,).
    variance
        The mean of ``(y - target_mean)**2``.
    """

    n: int
    mean: Array
    target_mean: float
    products: Array
    with_target: Array
    variance: float

    def __repr__(self) -> str:
        return f"Moments({self.n} rows of {len(self.mean)} columns)"

    @classmethod
    def of(cls, X: Array, y: Array) -> "Moments":
        """The moments of rows of shape (n, d) and targets of shape (n,): two readings, in blocks of rows.

        Raises
        ------
        DataError
            When rows and targets cannot be used or do not fit together.
        """
        X, y = table_with_targets(X, y)
        n, height = len(X), max(1, BLOCK_BYTES // X[0].nbytes)
        mean, target_mean = X.mean(axis=0), math.fsum(y) / n
        products, with_target = np.zeros((X.shape[1], X.shape[1])), np.zeros(X.shape[1])
        for first in range(0, n, height):
            rows = X[first : first + height] - mean
            products += rows.T @ rows
            with_target += (y[first : first + height] - target_mean) @ rows
        return cls(n, mean, target_mean, products / n, with_target / n, math.fsum(np.square(y - target_mean)) / n)


def descend_on_moments(
    moments: Moments,
    rate: float,
    steps: int,
    *,
    l2: float = 0.0,
    start: tuple[Array, float] | None = None,
    stop: Stop = NEVER,
) -> Fit:
    """The steps that ``descend`` takes on the squared error of the rows, from their moments alone.

    Parameters
    ----------
    moments
        Of the standardised rows.
    l2
        The strength of the penalty, as in ``with_l2``, from 0.
    rate, steps, start, stop
        As for ``descend``.

    Raises
    ------
    DataError
        As ``descend``; and when the strength is below 0 or not finite.
    """
    parabola = _Parabola(moments, with_l2(SQUARED_ERROR, l2))
    return walk(parabola, start_at(len(moments.mean), start), rate, steps, stop)


class _Parabola:
    """The squared error as a function of the place; with e = bias + mean . w - target_mean, the error of the mean row,

    ``value = e**2 + w' products w - 2 with_target . w + variance + l2/2 |w|**2``.
    """

    def __init__(self, moments: Moments, objective: Objective) -> None:
        self.slope = np.zeros(len(moments.mean) + 1)
        self._moments, self._l2 = moments, objective.l2
        self._curved, self._spare = np.empty(len(moments.mean)), np.empty(len(moments.mean))

    def __call__(self, place: Array) -> float:
        """The objective at ``place``; its derivatives are in ``slope`` until the next call."""
        moments, weights, curved, spare = self._moments, place[:-1], self._curved, self._spare
        e = float(place[-1] + moments.mean.dot(weights) - moments.target_mean)
        np.dot(moments.products, weights, curved)
        np.subtract(curved, moments.with_target, curved)
        value = e * e + float(weights.dot(curved) - weights.dot(moments.with_target)) + moments.variance
        np.multiply(moments.mean, e, spare)
        np.add(curved, spare, curved)
        np.multiply(curved, 2.0, self.slope[:-1])
        self.slope[-1] = 2.0 * e
        if self._l2:
            np.multiply(weights, self._l2, spare)
            self.slope[:-1] += spare
            value += float(weights.dot(spare)) / 2
        return value

    def exact(self, place: Array) -> float:
        """The value again: the moments know no more."""
        return self(place)
