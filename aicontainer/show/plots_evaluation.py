"""Figures that judge a model on rows that it never saw: what was said beside what happened, and the ROC curve."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from aicontainer.learn import evaluation, loss
from aicontainer.learn.evaluation import Calibration
from aicontainer.show.plots import STYLES, Plot, _canvas

SMALLEST, LARGEST = 20.0, 260.0  # areas of the dots, in square points
NAMED = (0.01, 0.1, 0.2)  # shares of false alarms that the text names


def calibration_plot(found: Calibration) -> Plot:
    """The share of rows whose target is 1 over the mean probability that was said, a dot for each bin.

    A dot's area tells how many rows are in it. On the dashed diagonal, what was said is what happened.
    """
    figure, axes = _canvas()
    axes.plot([0, 1], [0, 1], color="0.6", linestyle="--", label="what was said is what happened")
    areas = SMALLEST + (LARGEST - SMALLEST) * found.counts / found.counts.max()
    axes.scatter(found.said, found.happened, s=areas, color="0.75", edgecolor="black", zorder=3, label="rows, by area")
    axes.set_xlabel("mean predicted probability (no unit)")
    axes.set_ylabel("share of rows with target 1 (no unit)")
    axes.set_xlim(-0.03, 1.03)
    axes.set_ylim(-0.03, 1.03)
    axes.legend(frameon=False, loc="upper left")
    bins = zip(found.said, found.happened, found.counts, strict=True)
    told = ", ".join(f"{happened:.2f} where {said:.2f} was said ({count:.0f} rows)" for said, happened, count in bins)
    alt = f"Dots of what happened against what was said, beside the diagonal where both are equal: {told}."
    return Plot("what was said, and what happened", alt, figure)


def roc_plot(scores: Any, y: Any) -> Plot:
    """The share of 1s that are found against the share of 0s that raise a false alarm, for every threshold.

    Raises
    ------
    DataError
        As ``evaluation.roc_curve``.
    """
    false, true = evaluation.roc_curve(scores, y)
    figure, axes = _canvas()
    axes.plot(false, true, color=STYLES[0][0], linestyle=STYLES[0][1], label="the model")
    axes.plot([0, 1], [0, 1], color="0.6", linestyle="--", label="a coin")
    axes.set_xlabel("share of the 0s above the threshold (false alarms)")
    axes.set_ylabel("share of the 1s above it (found)")
    axes.legend(frameon=False, loc="lower right")
    told = ", ".join(f"{_found_at(false, true, share):.2f} at {share:g}" for share in NAMED)
    alt = (
        f"A curve from 0, 0 to 1, 1, above the diagonal of a coin, with an area of {evaluation.roc_auc(scores, y):.3f} "
        f"below it. Share of the 1s that are found, for a share of false alarms: {told}."
    )
    return Plot("found, against false alarms", alt, figure)


def rows_plot(said: Sequence[float], happened: Sequence[float], *, label: str, unit: str) -> Plot:
    """What a model said of rows in the order of time, and what happened.

    Parameters
    ----------
    said, happened
        The predictions and the targets, in the order of the rows.
    label
        What a row is, for the axis: ``month``.
    unit
        What is predicted, with its unit.

    Raises
    ------
    DataError
        When there is not one prediction for each target.
    """
    given, truth = loss.paired(said, happened)
    figure, axes = _canvas()
    number = np.arange(1, len(truth) + 1)
    axes.plot(number, truth, color=STYLES[0][0], linestyle=STYLES[0][1], marker="o", markersize=3, label="happened")
    axes.plot(number, given, color=STYLES[2][0], linestyle=STYLES[1][1], label="was said")
    axes.set_xlabel(label)
    axes.set_ylabel(unit)
    axes.legend(frameon=False)
    worst = int(np.argmax(np.abs(given - truth)))
    alt = (
        f"Two lines over {len(truth)} rows: {unit} goes from {truth.min():.4g} to {truth.max():.4g}, and what was said "
        f"from {given.min():.4g} to {given.max():.4g}. They are farthest apart at row {worst + 1}: {given[worst]:.4g} "
        f"was said, {truth[worst]:.4g} happened."
    )
    return Plot("what was said of each row, and what happened", alt, figure)


def _found_at(false: Any, true: Any, share: float) -> float:
    """The most that is found with at most that share of false alarms."""
    return float(true[np.searchsorted(false, share, side="right") - 1])
