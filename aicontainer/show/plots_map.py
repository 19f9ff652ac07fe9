"""The loss of a straight line as a map: one loss over each pair of weight and bias, drawn as lines of equal loss."""

import math

import numpy as np

from aicontainer.errors import DataError
from aicontainer.learn.loss import mean_squared_error
from aicontainer.learn.reference import closed_form
from aicontainer.model import Array
from aicontainer.show.plots import Plot, _canvas

GRID = 81
LEVELS = (0.1, 0.3, 1.0, 3.0, 9.0)  # above the smallest loss, in parts of what the marked line is above it
REACH = 2.0  # how far the map goes beyond the marked line, seen from the lowest place
SAME = 1e-9  # the best line is known to rounding only


def loss_map(x: Array, y: Array, marked: tuple[float, float], *, weight: str, bias: str) -> Plot:
    """The mean squared error of the line ``w x + b`` over w and b; a marked line and the lowest place are on the map.

    Parameters
    ----------
    x, y
        One feature and the target, shape (n,).
    marked
        Weight and bias of the line to mark; one of the drawn lines of equal loss goes through it.
    weight, bias
        The names of the axes, with their units.

    Raises
    ------
    DataError
        When the marked line has the weight of the best one (the map would have no width), and as ``closed_form``.
    """
    best = closed_form(x[:, None], y)
    lowest = float(best.weights[0]), best.bias
    if math.isclose(marked[0], lowest[0], rel_tol=SAME, abs_tol=SAME):
        raise DataError(
            "the marked line must have another weight than the best one",
            seen=f"w = {marked[0]:g} is marked",
            next_step="mark a guess",
        )
    width = REACH * abs(marked[0] - lowest[0])
    height = max(width * float(np.abs(x).mean()), REACH * abs(marked[1] - lowest[1]))
    w = np.linspace(lowest[0] - width, lowest[0] + width, GRID)
    b = np.linspace(lowest[1] - height, lowest[1] + height, GRID)
    heights = np.array([[mean_squared_error(at_w * x + at_b, y) for at_w in w] for at_b in b])
    here = mean_squared_error(marked[0] * x + marked[1], y)

    figure, axes = _canvas()
    lines = axes.contour(w, b, heights, [best.value + part * (here - best.value) for part in LEVELS], colors="0.45")
    axes.clabel(lines, fmt="%.0f", fontsize="small", colors="black")
    axes.plot(*marked, color="black", marker="o", linestyle="none", label="the marked line")
    axes.plot(*lowest, color="black", marker="x", markersize=9, linestyle="none", label="the lowest place")
    axes.set_xlabel(weight)
    axes.set_ylabel(bias)
    axes.legend(frameon=False, loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2, fontsize="small")
    floor = y.mean() - w[[0, -1]] * x.mean()  # the best bias for a weight
    alt = (
        f"A map of the loss over {weight} from {w[0]:.3g} to {w[-1]:.3g} and {bias} from {b[0]:.4g} to {b[-1]:.4g}. "
        f"The lines of equal loss are ellipses around the lowest place, w = {lowest[0]:.3g} and b = {lowest[1]:.4g}, "
        f"where the loss is {best.value:.4g}. The bottom of the valley goes from b = {floor[0]:.4g} at the left edge "
        f"to b = {floor[1]:.4g} at the right. At the marked line, w = {marked[0]:.3g} and b = {marked[1]:.4g}, the "
        f"loss is {here:.4g}."
    )
    return Plot("the loss as a map", alt, figure)
