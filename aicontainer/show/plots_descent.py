"""Figures of descents: their paths across the valley of a loss that has two parameters, one weight and the bias."""

from collections.abc import Mapping, Sequence

import numpy as np

from aicontainer.errors import DataError
from aicontainer.model import Array
from aicontainer.show.plots import STYLES, Plot, _canvas
from aicontainer.show.surface import Landscape, Point

MARKERS = "osD^"
FINENESS = 81  # points of the grid along each axis
MARGIN = 0.08  # of the paths' extent, left free around them
RINGS = 9  # contours, each a third of the loss above the minimum of the one outside it


def paths_on_contours(x: Array, y: Array, paths: Mapping[str, Sequence[Point]], *, weight: str, bias: str) -> Plot:
    """The places (weight, bias) that descents have been at, drawn over the contours of the mean squared error.

    Parameters
    ----------
    x, y
        One feature and the targets, shape (n,) each.
    paths
        For each label the places in their order, at most four descents.
    weight, bias
        The names of the two axes, with their units.

    Raises
    ------
    DataError
        As ``Landscape``, and when there is no path or one too many to tell apart.
    """
    if not 0 < len(paths) <= len(STYLES):
        raise DataError(f"one to {len(STYLES)} paths can be told apart", seen=f"{len(paths)} paths")
    landscape = Landscape(x, y, weight, bias)
    minimum = landscape.lowest
    figure, axes = _canvas()
    across, up = (_extent([place[axis] for path in [*paths.values(), [minimum]] for place in path]) for axis in (0, 1))
    above = landscape.over(across, up) - landscape.best.value
    levels = above.max() / 3.0 ** np.arange(RINGS, 0, -1)
    axes.contour(across, up, above, levels=levels, colors="0.75", linewidths=0.8)
    told = []
    for (label, path), (colour, style), marker in zip(paths.items(), STYLES, MARKERS, strict=False):
        places = np.array(path, dtype=np.float64)
        axes.plot(*places.T, color=colour, linestyle=style, marker=marker, markersize=4, linewidth=1.0, label=label)
        first, last = (landscape.value(path[end]) for end in (0, -1))
        told.append(
            f"{label} goes in {len(places) - 1} steps from ({places[0, 0]:.4g}, {places[0, 1]:.4g}) to "
            f"({places[-1, 0]:.4g}, {places[-1, 1]:.4g}), the loss from {first:.4g} to {last:.4g}"
        )
    axes.plot(*minimum, color="black", marker="x", markersize=8, markeredgewidth=2, linestyle="none", label="minimum")
    axes.set_xlabel(weight)
    axes.set_ylabel(bias)
    axes.legend(frameon=True, edgecolor="none", framealpha=0.9, fontsize="small")
    alt = (
        f"Contours of the loss over {weight} and {bias}, with its minimum at ({minimum[0]:.4g}, {minimum[1]:.4g}), and "
        f"the paths of descents on them: {'; '.join(told)}."
    )
    return Plot("the paths of descents on the contours of the loss", alt, figure)


def _extent(values: Sequence[float]) -> Array:
    low, high = min(values), max(values)
    margin = MARGIN * (high - low) or 1.0
    return np.linspace(low - margin, high + margin, FINENESS)
