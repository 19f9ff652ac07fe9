"""How good a model is, on rows that it did not learn from, in numbers that its user understands; and what to beat.

Scores and predictions are two things where the link is logistic: a score is any number, a prediction is a probability.
Each function says which of the two it takes, and refuses probabilities outside 0 to 1.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from aicontainer.errors import DataError
from aicontainer.learn import loss
from aicontainer.learn.objective import for_link
from aicontainer.model import LINKS, Array


@dataclass(frozen=True)
class Baseline:
    """The best answer that looks at no feature: the same one for every row.

    ``prediction`` is the mean of the targets (a number, or the share of 1), ``score`` what the link turns into it, and
    ``loss`` the mean loss of that score on the rows that it was made from.
    """

    prediction: float
    score: float
    loss: float

    def scores(self, count: int) -> Array:
        """The score for each of ``count`` rows, shape (count,)."""
        return np.full(count, self.score)


@dataclass(frozen=True, eq=False, repr=False)
class Calibration:
    """What was said and what happened, bin by bin, for the bins that hold a row.

    ``said`` is the mean predicted probability of a bin, ``happened`` the share of its rows whose target is 1, and
    ``counts`` how many rows it holds; each of shape (number of bins with rows,).
    """

    said: Array
    happened: Array
    counts: Array

    def __repr__(self) -> str:
        return f"Calibration({len(self.counts)} bins, {self.gap:.3f} between what was said and what happened)"

    @property
    def gap(self) -> float:
        """The mean distance of what was said from what happened, each bin weighted by its rows (0 is perfect).

        Known as the expected calibration error: Naeini, Cooper and Hauskrecht, AAAI 2015.
        """
        return float(np.sum(self.counts * np.abs(self.said - self.happened)) / np.sum(self.counts))


def rmse(predictions: Any, y: Any) -> float:
    """The root of the mean squared error: a typical error, in the unit of the target.

    Raises
    ------
    DataError
        As ``loss.paired``.
    """
    return math.sqrt(loss.mean_squared_error(predictions, y))


def r2(predictions: Any, y: Any) -> float:
    """The part of the targets' variance that the predictions explain: 1 is perfect, 0 no better than the mean of ``y``.

    Below 0 on rows where the mean of these rows would have been the better answer.

    Raises
    ------
    DataError
        As ``loss.paired``, and when all targets are equal: there is no variance to explain.
    """
    given, truth = loss.paired(predictions, y)
    if truth.max() == truth.min():
        raise DataError(
            "R² needs targets that differ: there is no variance to explain",
            seen=f"{len(truth)} targets, each {truth[0]:g}",
            next_step="take more rows, or look at rmse",
        )
    unexplained = loss.mean_squared_error(given, truth)
    return 1.0 - unexplained / loss.mean_squared_error(np.full(len(truth), truth.mean()), truth)


def accuracy(scores: Any, y: Any) -> float:
    """The share of rows whose score lies on the side of their target: above 0 (p above 1/2) where it is 1.

    Raises
    ------
    DataError
        As ``loss.paired``, and when a target is neither 0 nor 1.
    """
    given, truth = _answers("scores", scores, y)
    return float(np.mean((given > 0) == (truth == 1)))


def roc_auc(scores: Any, y: Any) -> float:
    """The share of pairs of one row with target 1 and one with 0 in which the first has the higher score.

    A tie counts as half a pair. 1 is a perfect order, 1/2 that of a coin; no threshold is needed. It is the statistic
    of Mann and Whitney (1947), and the area under the curve of ``roc_curve``: Hanley and McNeil, Radiology 143, 1982.

    Raises
    ------
    DataError
        As ``accuracy``, and when one of the two classes is missing.
    """
    given, truth = _both_classes(scores, y)
    _, where, counts = np.unique(given, return_inverse=True, return_counts=True)
    middle_ranks = np.cumsum(counts) - (counts - 1) / 2.0  # rows with the same score share the mean of their ranks
    positive = truth == 1
    ones, zeros = int(positive.sum()), int((~positive).sum())
    won = float(middle_ranks[where][positive].sum()) - ones * (ones + 1) / 2.0
    return won / (ones * zeros)


def roc_curve(scores: Any, y: Any) -> tuple[Array, Array]:
    """For each threshold from high to low: the share of 0s and the share of 1s at or above it, both of shape (k + 1,).

    k is the number of different scores; both shares begin at 0 and end at 1.

    Raises
    ------
    DataError
        As ``roc_auc``.
    """
    given, truth = _both_classes(scores, y)
    values = np.unique(given)[::-1]
    alarms = (np.sort(given[truth == kind]) for kind in (0, 1))
    false, true = (np.r_[0.0, 1.0 - np.searchsorted(part, values, side="left") / len(part)] for part in alarms)
    return false, true


def calibration(probabilities: Any, y: Any, bins: int = 10) -> Calibration:
    """Put rows with like probabilities together and set what was said beside what happened.

    Parameters
    ----------
    probabilities
        The predictions of a logistic model, shape (n,), each from 0 to 1. Not its scores.
    y
        The targets, 0 or 1, shape (n,).
    bins
        How many bins of equal width there are from 0 to 1, at least 1. A probability on a border belongs to the upper.

    Raises
    ------
    DataError
        As ``accuracy``, when a number is no probability (perhaps it is a score), and when there is no bin.
    """
    given, truth = _answers("probabilities", probabilities, y)
    outside = (given < 0) | (given > 1)
    if outside.any():
        raise DataError(
            "probabilities must lie between 0 and 1",
            seen=f"{int(outside.sum())} of {len(given)} lie outside, the first is {given[outside][0]:g}",
            next_step="if these are scores, pass Model.predict(rows) instead of Model.score(rows)",
        )
    if not bins >= 1 or bins % 1:
        raise DataError(
            "the number of bins must be a whole number from 1", seen=f"bins {bins}", next_step="begin with 10"
        )
    number = np.minimum((given * bins).astype(int), int(bins) - 1)
    counts = np.bincount(number, minlength=int(bins)).astype(np.float64)
    held = counts > 0
    said = np.bincount(number, weights=given, minlength=int(bins))[held] / counts[held]
    happened = np.bincount(number, weights=truth, minlength=int(bins))[held] / counts[held]
    return Calibration(said, happened, counts[held])


def baseline(y: Any, link: str) -> Baseline:
    """The best constant answer for these targets: their mean under squared error, their share of 1 under cross-entropy.

    Parameters
    ----------
    y
        The targets of the rows to learn from, shape (n,). To judge on held-out rows, take ``scores`` for those.
    link
        ``identity`` or ``logistic``, as in ``Dataset.link``.

    Raises
    ------
    DataError
        As ``objective.for_link``; for the logistic link also when the targets are not 0 and 1, or all of one kind
        (the best score would be infinite).
    """
    objective = for_link(link)
    _, truth = loss.paired(y, y)
    if link == "logistic":
        _both_classes(truth, truth)
    prediction = loss.mean(truth)
    score = prediction if link == "identity" else math.log(prediction / (1.0 - prediction))
    return Baseline(float(LINKS[link](np.array([score]))[0]), score, objective.loss(np.full(len(truth), score), truth))


def _answers(name: str, values: Any, y: Any) -> tuple[Array, Array]:
    given, truth = loss.paired(values, y)
    neither = (truth != 0) & (truth != 1)
    if neither.any():
        raise DataError(
            f"the targets y that belong to these {name} must be 0 or 1",
            seen=f"{int(neither.sum())} of {len(truth)} are neither, the first is {truth[neither][0]:g}",
            next_step="for a target that is a number take r2 or rmse; write two classes as 0 and 1",
        )
    return given, truth


def _both_classes(scores: Any, y: Any) -> tuple[Array, Array]:
    given, truth = _answers("scores", scores, y)
    if truth.max() == truth.min():
        raise DataError(
            "the targets y must hold both classes, 0 and 1",
            seen=f"{len(truth)} targets, each {truth[0]:g}",
            next_step="take more rows, or another split",
        )
    return given, truth
