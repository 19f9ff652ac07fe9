"""Figures of the notebooks on learning: what a score costs under each loss, and how a loss falls in a descent.

Where this module is imported in a notebook, a ``Fit`` that ends a cell is shown with its learning curve.
"""

import math
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from aicontainer.errors import DataError
from aicontainer.learn.cross_entropy import cross_entropy
from aicontainer.learn.descent import Fit
from aicontainer.model import LINKS
from aicontainer.show.plots import LARGEST_DRAWN, STYLES, Plot, _canvas

HIGHEST = 6.0  # the squared error of a far score would press the other two curves onto the axis


def probability_over_score(reach: float = 6.0) -> Plot:
    """The logistic function: the probability that belongs to each score from ``-reach`` to ``reach``."""
    scores = np.linspace(-reach, reach, 241)
    figure, axes = _canvas()
    axes.plot(scores, LINKS["logistic"](scores), color=STYLES[0][0], linestyle=STYLES[0][1])
    axes.axhline(0.5, color="0.75", linewidth=0.8)
    axes.axvline(0.0, color="0.75", linewidth=0.8)
    axes.set_xlabel("score z (no unit)")
    axes.set_ylabel("probability p (no unit)")
    at = (-4.0, -2.0, 0.0, 2.0, 4.0)
    told = ", ".join(f"{p:.3f} at {z:g}" for z, p in zip(at, LINKS["logistic"](np.array(at)), strict=True))
    alt = f"An S-shaped curve of the probability against the score, always between 0 and 1: {told}."
    return Plot("the probability over the score", alt, figure)


def losses_over_score(reach: float = 6.0) -> Plot:
    """The loss of one row whose truth is 1, over its score: cross-entropy, and the squared error of p and of z."""
    scores = np.linspace(-reach, reach, 241)
    curves = {
        "cross-entropy": cross_entropy(scores, np.ones(len(scores))),
        "(p − 1)², squared error of the probability": np.square(LINKS["logistic"](scores) - 1),
        "(z − 1)², squared error of the score": np.square(scores - 1),
    }
    figure, axes = _canvas()
    for (label, curve), (colour, style) in zip(curves.items(), STYLES, strict=False):
        axes.plot(scores, curve, color=colour, linestyle=style, label=label)
    axes.set_ylim(-0.1, HIGHEST)
    axes.set_xlabel("score z of a row whose truth is 1 (no unit)")
    axes.set_ylabel("loss of the row (nats, or no unit)")
    axes.legend(frameon=False, loc="lower left", bbox_to_anchor=(0.0, 1.0), fontsize="small")  # beside no curve
    steep = cross_entropy([-reach, reach], [1, 1])
    flat = np.square(LINKS["logistic"](np.array([-reach, -2.0])) - 1)
    alt = (
        f"Three losses of a row whose truth is 1, against its score from {-reach:g} to {reach:g}. Cross-entropy falls "
        f"all the way, from {steep[0]:.3g} to {steep[1]:.3g}, steeply on the left. The squared error of the "
        f"probability is almost level on the left: {flat[0]:.3f} at {-reach:g}, {flat[1]:.3f} at -2. The squared error "
        f"of the score is a parabola with its lowest point at 1: at {reach:g} it has risen to {(reach - 1) ** 2:g}."
    )
    return Plot("the loss of one row over its score", alt, figure)


def loss_on_both(steps: Sequence[int], trained: Sequence[float], held_out: Sequence[float], *, unit: str) -> Plot:
    """The loss on the rows that a model learned from and on those that it never saw, over the steps (logarithmic).

    Parameters
    ----------
    steps
        After how many steps of one descent it was measured, above 0, increasing.
    trained, held_out
        The loss on either part after each of them.
    unit
        The unit of the loss.

    Raises
    ------
    DataError
        When there is not one loss on each part for each count of steps.
    """
    if not len(steps) == len(trained) == len(held_out) or not len(steps):
        raise DataError(
            "each count of steps needs a loss on both parts",
            seen=f"{len(steps)} counts, {len(trained)} and {len(held_out)} losses",
            next_step="measure both losses after each of these counts, and at least once",
        )
    figure, axes = _canvas()
    told = []
    parts = (("rows it learned from", trained, "o"), ("rows held out", held_out, "s"))
    for (label, losses, marker), (colour, style) in zip(parts, STYLES, strict=False):
        axes.plot(steps, losses, color=colour, linestyle=style, marker=marker, markersize=4, label=label)
        least = int(np.argmin(losses))
        told.append(
            f"on the {label} it goes from {losses[0]:.3g} to {losses[-1]:.3g}, least after {steps[least]} steps with "
            f"{losses[least]:.3g}"
        )
    axes.set_xscale("log")
    axes.set_ylim(bottom=0.0)
    axes.set_xlabel("step")
    axes.set_ylabel(f"loss ({unit})")
    axes.legend(frameon=False)
    alt = f"Two lines of the loss against the step, on a logarithmic axis of steps: {'; '.join(told)}."
    return Plot("the loss on both parts", alt, figure)


def learning_curve(fits: Mapping[str, Fit], *, unit: str, floor: float = 0.0) -> Plot:
    """The loss of up to four descents over their passes through the rows, on a logarithmic axis.

    A step over all rows is one pass, and so is one round of batches: on this axis both cost the same.

    Parameters
    ----------
    fits
        For each label, a descent.
    unit
        The unit of the loss: nats, or the square of the target's.
    floor
        The smallest possible loss, if it is known: drawn is how far the losses are above it.

    Raises
    ------
    DataError
        When there is no descent, or more than can be told apart.
    """
    label = f"loss above the smallest ({unit})" if floor else f"loss ({unit})"
    curves = {name: np.array(fit.losses) - floor for name, fit in fits.items()}
    return _over_passes("the learning curve", label, curves, fits)


def gradient_curve(fits: Mapping[str, Fit], *, unit: str) -> Plot:
    """The length of the gradient over the passes through the rows: what ``Stop(gradient_norm=...)`` looks at.

    Parameters
    ----------
    fits
        For each label, a descent; up to four.
    unit
        The unit of the loss, which the gradient on standardised rows has too.

    Raises
    ------
    DataError
        As ``learning_curve``.
    """
    curves = {name: np.array(fit.gradient_norms) for name, fit in fits.items()}
    return _over_passes("the length of the gradient", f"length of the gradient ({unit})", curves, fits)


def _over_passes(title: str, label: str, curves: "dict[str, np.ndarray[Any, Any]]", fits: Mapping[str, Fit]) -> Plot:
    if not 1 <= len(fits) <= len(STYLES):
        raise DataError(
            f"the lines of one to {len(STYLES)} descents can be told apart in print",
            seen=f"{len(fits)} descents",
            next_step="draw a second figure for the others",
        )
    figure, axes = _canvas()
    told = []
    for (name, values), (colour, style) in zip(curves.items(), STYLES, strict=False):
        drawn = np.where((values > 0) & (values < LARGEST_DRAWN), values, math.nan)
        axes.plot(drawn, color=colour, linestyle=style, label=name, marker="." if len(drawn) < 3 else "")
        told.append(
            f"{name} goes from {values[0]:.3g} to {values[-1]:.3g} in {len(values) - 1} passes "
            f"({fits[name].steps} steps), stopped by its {fits[name].stopped_by}"
        )
    axes.set_yscale("log")
    axes.set_xlabel("passes over the rows")
    axes.set_ylabel(label)
    axes.legend(frameon=False)
    return Plot(title, f"Lines of the {label} against the passes, on a logarithmic axis: {'; '.join(told)}.", figure)


def _drawn(fit: Fit) -> tuple[bytes, dict[str, str]]:
    plot = learning_curve({f"rate {fit.rate:g}": fit}, unit="nats, or the square of the target's unit")
    return plot._repr_png_(), {"alt": plot.alt}


def _let_fits_draw_themselves() -> None:
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is not None:
        shell.display_formatter.formatters["image/png"].for_type(Fit, _drawn)


_let_fits_draw_themselves()
