"""One pass over the rows: the loss at a place and its derivatives there, from a single reading of X.

The usual loop reads X twice a step, once for the scores ``X w`` and once for the derivatives ``X' r``. When X is larger
than the processor's cache, that reading is all the time there is. Here X goes by in blocks of rows that stay in the
cache for both products, and everything that is written has its place from the beginning: a pass allocates nothing.

The sums of the blocks are added in the order of the blocks, so the same rows give the same bits.
A place is a vector of shape (d + 1,): the weights, and the bias last. So is the slope, the derivatives by them.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from aicontainer.learn import cross_entropy, loss
from aicontainer.learn.objective import Objective
from aicontainer.model import Array

BLOCK_BYTES = 1 << 18  # half of a usual second-level cache: beside the block go its scores and its targets

# the sum of the rows' losses; the scores are turned in place into the derivatives of the losses by them
Residuals = Callable[[Array, Array, Array], float]


class Sums:
    """The loss and the slope, summed over the rows that were added since ``clear``, for up to ``height`` rows at once.

    Parameters
    ----------
    objective
        The loss, with its gradient.
    height, width
        The most rows of one ``add``, and their d columns.
    """

    def __init__(self, objective: Objective, height: int, width: int) -> None:
        self.loss, self.count, self.slope = 0.0, 0, np.zeros(width + 1)
        self._scores, self._spare, self._part = np.empty(height), np.empty(height), np.empty(width)
        self._objective = objective
        self._residuals = _RESIDUALS.get(objective.loss)

    def clear(self) -> None:
        """Begin anew."""
        self.loss, self.count = 0.0, 0
        self.slope.fill(0.0)

    def value(self, place: Array) -> float:
        """The objective of the rows added: their mean loss, and the penalty of the weights at ``place``."""
        return self.loss / self.count + self._objective.penalty(place[:-1])

    def slope_into(self, out: Array, place: Array) -> None:
        """Write the derivatives of ``value`` into ``out`` of shape (d + 1,)."""
        np.divide(self.slope, self.count, out=out)
        if self._objective.l2:
            out[:-1] += self._objective.l2 * place[:-1]

    def add(self, X: Array, y: Array, place: Array) -> None:
        """Add the rows ``X`` of shape (k, d) with targets of shape (k,), their loss and slope taken at ``place``."""
        self.count += len(y)
        if self._residuals is None:
            self._add_by_formula(X, y, place)
            return
        scores = self._scores[: len(y)]
        np.dot(X, place[:-1], out=scores)
        scores += place[-1]
        self.loss += self._residuals(scores, y, self._spare[: len(y)])
        np.dot(scores, X, out=self._part)
        self.slope[:-1] += self._part
        self.slope[-1] += scores.sum()

    def _add_by_formula(self, X: Array, y: Array, place: Array) -> None:
        # an objective of a learner's own: any mean over rows will do
        weights, bias = place[:-1], float(place[-1])
        dw, db = self._objective.loss_gradient(X, y, weights, bias)
        self.loss += len(y) * self._objective.loss(loss.linear(X, weights, bias), y)
        self.slope[:-1] += len(y) * dw
        self.slope[-1] += len(y) * db


class Pass:
    """The objective over all rows at a place, ``rows(place)``, and then its slope there, ``rows.slope``.

    Parameters
    ----------
    X, y
        Rows of shape (n, d), and their targets of shape (n,), row-major float64 without NaN.
    objective
        The loss, with its gradient.

    Raises
    ------
    DataError
        When rows and targets do not fit together, or the targets do not fit the objective.
    """

    def __init__(self, X: Array, y: Array, objective: Objective) -> None:
        objective.loss(np.zeros(len(X)), y)  # refuses targets that do not fit, once instead of in each pass
        self.slope = np.zeros(X.shape[1] + 1)
        self._X, self._y = X, np.asarray(y, dtype=np.float64)
        self._rows = min(len(X), max(1, BLOCK_BYTES // X[0].nbytes))
        self._sums = Sums(objective, self._rows, X.shape[1])

    def __call__(self, place: Array) -> float:
        """The objective over the rows at ``place``; its derivatives are in ``slope`` until the next call."""
        sums = self._sums
        sums.clear()
        for first in range(0, len(self._y), self._rows):
            sums.add(self._X[first : first + self._rows], self._y[first : first + self._rows], place)
        sums.slope_into(self.slope, place)
        return sums.value(place)


def _squared_error(scores: Array, y: Array, spare: Array) -> float:
    scores -= y
    total = float(scores.dot(scores))
    scores *= 2.0
    return total


def _cross_entropy(scores: Array, y: Array, spare: Array) -> float:
    # with s = 1 - 2 y and m = s z, a row's loss is log(1 + exp(m)), and its derivative by z is s / (1 + exp(-m))
    sign = 1.0 - 2.0 * y
    scores *= sign
    np.abs(scores, out=spare)
    np.negative(spare, out=spare)
    np.exp(spare, out=spare)
    total = float(np.maximum(scores, 0.0).sum() + np.log1p(spare).sum())
    wrong = scores >= 0
    np.divide(spare, 1.0 + spare, out=spare)
    np.subtract(1.0, spare, out=spare, where=wrong)
    np.multiply(spare, sign, out=scores)
    return total


_RESIDUALS: dict[Any, Residuals] = {
    loss.mean_squared_error: _squared_error,
    cross_entropy.mean_cross_entropy: _cross_entropy,
}
