"""The loss of rows and its derivatives, added up block by block in places that are there from the beginning.

Two losses have their arithmetic here a second time: in ``loss`` and ``cross_entropy`` it is written to be read and
checked, here so that nothing is allocated. Tests hold one to the other. An objective of a learner's own is added up by
its own functions.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from aicontainer.learn import cross_entropy, loss
from aicontainer.learn.objective import Objective
from aicontainer.model import Array

SPARE = 3  # vectors beside the scores that an in-place loss may write to


@dataclass(frozen=True)
class _InPlace:
    """A loss for blocks of rows.

    ``rows(scores, y)`` are the losses of the rows, to check targets and to add up exactly; ``residuals(scores, y,
    spare)`` returns their sum and turns the scores into ``1 / factor`` of the derivatives by them.
    """

    rows: Callable[[Any, Any], Array]
    residuals: Callable[[Array, Array, Array], float]
    factor: float


class Sums:
    """The loss of the rows that were added since ``clear``, and its slope, summed.

    ``total`` has the shape (d + 2,): the sums for the weights, for the bias, and of the losses.

    Parameters
    ----------
    objective
        The loss, with its gradient and its penalty.
    height, width
        The most rows of one ``add``, and their d columns.
    """

    def __init__(self, objective: Objective, height: int, width: int) -> None:
        self.total = np.zeros(width + 2)
        self._by_weights, self._part = self.total[:-2], np.empty(width)
        self._scores, self._spare, self._ones = np.empty(height), np.empty((SPARE, height)), np.ones(height)
        self._objective, self._in_place = objective, _IN_PLACE.get(objective.loss)

    def clear(self) -> None:
        """Begin anew."""
        self.total.fill(0.0)

    def add(self, X: Array, y: Array, place: Array) -> None:
        """Add rows of shape (k, d) and their targets of shape (k,), at ``place`` of shape (d + 1,)."""
        if self._in_place is None:
            self._add_by_formula(X, y, place)
            return
        k, total = len(y), self.total
        scores, spare, ones = self._scores, self._spare, self._ones
        if k < len(scores):
            scores, spare, ones = scores[:k], spare[:, :k], ones[:k]
        np.dot(X, place[:-1], scores)
        np.add(scores, place[-1], scores)
        total[-1] += self._in_place.residuals(scores, y, spare)
        total[-2] += scores.dot(ones)
        np.dot(scores, X, self._part)
        np.add(self._by_weights, self._part, self._by_weights)

    def _add_by_formula(self, X: Array, y: Array, place: Array) -> None:
        weights, bias, k = place[:-1], float(place[-1]), len(y)
        scores = loss.linear(X, weights, bias)
        if not np.isfinite(scores).all():  # a loss may refuse them; the descent tells of its rate
            self.total[-1] = np.inf
            return
        by_weights, by_bias = self._objective.loss_gradient(X, y, weights, bias)
        self._by_weights += k * by_weights
        self.total[-2:] += k * by_bias, k * self._objective.loss(scores, y)

    def value(self, n: int, place: Array) -> float:
        """The objective of the ``n`` rows added: their mean loss, and the penalty of the weights at ``place``."""
        return float(self.total[-1]) / n + self._objective.penalty(place[:-1])

    def slope_into(self, out: Array, n: int, place: Array) -> None:
        """Write the derivatives of ``value`` into ``out`` of shape (d + 1,)."""
        factor = self._in_place.factor if self._in_place else 1.0
        np.multiply(self.total[:-1], factor / n, out)
        if self._objective.l2:
            out[:-1] += self._objective.l2 * place[:-1]


def in_place(objective: Objective) -> tuple[Callable[[Array, Array, Array], float], float]:
    """For squared error and cross-entropy ``residuals(scores, y, spare)``, and the factor that they want.

    They return the sum of the rows' losses and turn the scores of shape (k,) into ``1 / factor`` of the derivatives by
    them; ``spare`` has the shape (SPARE, k).
    """
    known = _IN_PLACE[objective.loss]
    return known.residuals, known.factor


def row_losses(objective: Objective) -> Callable[[Any, Any], Array] | None:
    """The loss of each row from scores and targets of shape (n,); None for an objective that only knows the mean."""
    in_place = _IN_PLACE.get(objective.loss)
    return in_place.rows if in_place else None


def _squared_error(scores: Array, y: Array, spare: Array) -> float:
    np.subtract(scores, y, scores)
    return scores.dot(scores)  # type: ignore[no-any-return]


def _cross_entropy(scores: Array, y: Array, spare: Array) -> float:
    # with s = 1 - 2 y and m = s z, a row's loss is log(1 + exp(m)), and its derivative by z is s / (1 + exp(-m))
    small, other, sign = spare
    np.multiply(y, -2.0, sign)
    np.add(sign, 1.0, sign)
    np.multiply(scores, sign, scores)
    np.copysign(scores, -1.0, small)
    np.exp(small, small)  # of minus the absolute value: it cannot overflow
    np.log1p(small, other)
    total = other.sum()
    np.maximum(scores, 0.0, out=other)
    total += other.sum()
    # t = exp(-|m|) / (1 + exp(-|m|)) is at most 1/2; 1 / (1 + exp(-m)) is t where m < 0, and 1 - t elsewhere
    np.add(small, 1.0, other)
    np.divide(small, other, small)
    np.copysign(small, scores, small)
    np.copysign(0.5, scores, other)
    np.add(other, 0.5, other)
    np.subtract(other, small, other)
    np.multiply(other, sign, scores)
    return total  # type: ignore[no-any-return]


_IN_PLACE: dict[Any, _InPlace] = {
    loss.mean_squared_error: _InPlace(loss.squared_error, _squared_error, 2.0),
    cross_entropy.mean_cross_entropy: _InPlace(cross_entropy.cross_entropy, _cross_entropy, 1.0),
}
