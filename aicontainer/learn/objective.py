"""What a descent makes small: a loss with its gradient, and the link that goes with it.

Squared error goes with the identity, cross-entropy with the logistic link. In both pairs the derivative of a row's loss
by its score is (but for a factor) what the model says minus what is true, so one descent serves both.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aicontainer.errors import DataError
from aicontainer.learn import cross_entropy, loss
from aicontainer.model import Array


@dataclass(frozen=True)
class Objective:
    """A loss to descend on.

    Parameters
    ----------
    name
        What a person calls it.
    link
        The link of a model that was trained with it, a key of ``model.LINKS``.
    loss
        ``loss(scores, y)``: the mean over the rows, from scores and targets of shape (n,).
    gradient
        ``gradient(X, y, weights, bias)``: its derivatives by the weights, shape (d,), and by the bias.
    """

    name: str
    link: str
    loss: Callable[[Any, Any], float]
    gradient: Callable[[Array, Array, Array, float], tuple[Array, float]]

    def __repr__(self) -> str:
        return f"Objective({self.name}, {self.link} link)"


SQUARED_ERROR = Objective("squared error", "identity", loss.mean_squared_error, loss.gradient)
CROSS_ENTROPY = Objective("cross-entropy", "logistic", cross_entropy.mean_cross_entropy, cross_entropy.gradient)


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
