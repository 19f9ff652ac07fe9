"""What a descent makes small: a loss with its derivatives, and the link that goes with it.

Squared error goes with the identity, cross-entropy with the logistic link. In both pairs the derivative of a row's loss
by its score is (but for a factor) what the model says minus what is true, so one descent serves both.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from aicontainer.errors import DataError
from aicontainer.learn import cross_entropy, loss
from aicontainer.model import Array


@dataclass(frozen=True)
class Objective:
    """A mean loss over the rows, and with ``with_l2`` a penalty on the weights; both together are its value.

    Parameters
    ----------
    name
        What a person calls it.
    link
        The link of a model that was trained with it, a key of ``model.LINKS``.
    loss
        ``loss(scores, y)``: the mean over the rows, from scores and targets of shape (n,), without the penalty.
    loss_gradient
        ``loss_gradient(X, y, weights, bias)``: its derivatives by the weights, shape (d,), and by the bias.
    loss_hessian
        ``loss_hessian(X, y, weights, bias)``: its second derivatives, shape (d + 1, d + 1), the bias last.
    steepest
        The largest second derivative of a row's loss by its score, at any score.
    l2
        The strength of the penalty ``l2/2 * (w_1**2 + ... + w_d**2)``, from 0. The bias is not penalised: it only says
        where the target lies, and a model should not pay for that.
    """

    name: str
    link: str
    loss: Callable[[Any, Any], float]
    loss_gradient: Callable[[Array, Array, Array, float], tuple[Array, float]]
    loss_hessian: Callable[[Array, Array, Array, float], Array]
    steepest: float
    l2: float = 0.0

    def __repr__(self) -> str:
        penalty = f" + L2 of strength {self.l2:g}" if self.l2 else ""
        return f"Objective({self.name}{penalty}, {self.link} link)"

    def value(self, X: Array, y: Array, weights: Array, bias: float) -> float:
        """What is made small: the mean loss plus the penalty; complex for complex weights (``complex_step``).

        Raises
        ------
        DataError
            When rows, weights and targets do not fit together, or are not finite.
        """
        return self.loss(loss.linear(X, weights, bias), y) + self.penalty(weights)

    def penalty(self, weights: Array) -> float:
        """``l2/2 * (w_1**2 + ... + w_d**2)`` of weights of shape (d,)."""
        return self.l2 / 2 * np.dot(weights, weights).item() if self.l2 else 0.0

    def gradient(self, X: Array, y: Array, weights: Array, bias: float) -> tuple[Array, float]:
        """The derivatives of the value by the weights, shape (d,), and by the bias; the penalty adds ``l2 * w``.

        Raises
        ------
        DataError
            As ``value``.
        """
        by_weights, by_bias = self.loss_gradient(X, y, weights, bias)
        return (by_weights + self.l2 * weights if self.l2 else by_weights), by_bias

    def hessian(self, X: Array, y: Array, weights: Array, bias: float) -> Array:
        """The second derivatives of the value, shape (d + 1, d + 1), the bias last; the penalty adds ``l2`` to d of
        the diagonal's entries.

        Raises
        ------
        DataError
            As ``value``.
        """
        return self.loss_hessian(X, y, weights, bias) + self._penalty_hessian(len(weights))

    def curvature_bound(self, X: Array) -> float:
        """The largest eigenvalue that the Hessian has anywhere, whatever weights and bias are, for rows (n, d).

        With A = [X, 1] that of ``steepest/n * A'A`` plus the penalty's: squared error has it everywhere, cross-entropy
        where all scores are 0.

        Raises
        ------
        DataError
            When ``X`` is no table of finite numbers.
        """
        A = loss.with_ones(loss.table(X))
        anywhere = self.steepest / len(A) * (A.T @ A) + self._penalty_hessian(A.shape[1] - 1)
        return float(np.linalg.eigvalsh(anywhere)[-1])

    def _penalty_hessian(self, d: int) -> Array:
        return np.diag(np.append(np.full(d, self.l2), 0.0))


SQUARED_ERROR = Objective("squared error", "identity", loss.mean_squared_error, loss.gradient, loss.hessian, 2.0)
CROSS_ENTROPY = Objective(
    "cross-entropy",
    "logistic",
    cross_entropy.mean_cross_entropy,
    cross_entropy.gradient,
    cross_entropy.hessian,
    0.25,  # p (1 - p) at p = 1/2
)


def with_l2(objective: Objective, strength: float) -> Objective:
    """The same loss with a penalty ``strength/2 * (w_1**2 + ... + w_d**2)`` on the weights, in place of any it had.

    Parameters
    ----------
    objective
        The loss.
    strength
        From 0. A penalty only means the same for each weight when the columns are standardised.

    Raises
    ------
    DataError
        When the strength is below 0 or not finite.
    """
    if not (math.isfinite(strength) and strength >= 0):
        raise DataError(
            "the strength of L2 must be a finite number from 0",
            seen=f"strength {strength}",
            next_step="begin with 0.001; a larger one holds the weights closer to 0",
        )
    return replace(objective, l2=float(strength))


def for_link(link: str) -> Objective:
    """The objective of a model with that link.

    Raises
    ------
    DataError
        When there is none.
    """
    known = {objective.link: objective for objective in (SQUARED_ERROR, CROSS_ENTROPY)}
    if link not in known:
        raise DataError(f"no loss goes with the link {link!r}", next_step=f"take one of {', '.join(known)}")
    return known[link]
