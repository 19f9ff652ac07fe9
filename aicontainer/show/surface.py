"""The loss of a model with one feature as a landscape over its weight and bias, and the rows beside it.

It is drawn in greys. What stays (lines of equal loss, the rows) is drawn once; what moves (point, path, line) is drawn
onto a copy, so that a picture takes a hundredth of a second, and a slider can be followed.
"""

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np

from aicontainer.errors import DataError
from aicontainer.learn.cross_entropy import cross_entropy
from aicontainer.learn.loss import paired, squared_error
from aicontainer.learn.objective import SQUARED_ERROR, Objective
from aicontainer.learn.reference import Optimum, closed_form, newton
from aicontainer.model import LINKS, Array
from aicontainer.show.plots import Plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Point = tuple[float, float]  # weight, bias
Units = tuple[str, str] | None  # of the feature, of the target

WIDTH, HEIGHT, DPI = 9.0, 3.9, 100
GRID = 81  # points along each axis at which the loss is worked out
LEVELS = np.geomspace(1e-3, 1.0, 10)[:-1]  # of the height of the landscape
FEW = 40  # rows, up to which each residual is drawn

ROW_LOSSES = {"identity": squared_error, "logistic": cross_entropy}
HEIGHTS = 4.0  # of the variance of y: without a start, the squared error is shown up to that far above its minimum
FAR = 1.4  # nats, the same for a cross-entropy
ROOM = 1.1


@dataclass(frozen=True, eq=False)
class Landscape:
    """The rows of one feature, the objective, and the part of the plane of weight and bias that is shown.

    ``x`` and ``y`` have the shape (n,); ``starts`` are points that must be in the picture besides the minimum;
    ``units`` are those of the feature and of the target.

    Raises
    ------
    DataError
        When ``x`` and ``y`` are not two vectors of one length, and when the objective has no minimum on them.
    """

    x: Array
    y: Array
    feature: str
    target: str
    objective: Objective = SQUARED_ERROR
    starts: tuple[Point, ...] = ()
    units: Units = None

    def __post_init__(self) -> None:
        if np.ndim(self.x) != 1:
            raise DataError(
                "x must be one feature, a vector of shape (n,)",
                seen=f"x of shape {np.shape(self.x)}",
                next_step="of a table with one column, pass the column: X[:, 0]",
            )
        x, y = paired(self.x, self.y)
        object.__setattr__(self, "x", x)
        object.__setattr__(self, "y", y)
        _ = self.best  # rows without a minimum are refused here, not while a picture is drawn

    @cached_property
    def best(self) -> Optimum:
        """The minimum."""
        if self.objective.link == "identity":
            return closed_form(self.x[:, None], self.y, self.objective.l2)
        return newton(self.x[:, None], self.y, self.objective)

    @cached_property
    def lowest(self) -> Point:
        """Weight and bias of the minimum."""
        return float(self.best.weights[0]), self.best.bias

    def value(self, at: Point) -> float:
        """The objective's value at a weight and a bias."""
        return self.objective.value(self.x[:, None], self.y, np.array([at[0]]), at[1])

    def gradient(self, at: Point) -> Point:
        """Its derivatives by the weight and by the bias there."""
        by_weights, by_bias = self.objective.gradient(self.x[:, None], self.y, np.array([at[0]]), at[1])
        return float(by_weights[0]), by_bias

    def hessian(self, at: Point) -> Array:
        """Its second derivatives there, shape (2, 2)."""
        return self.objective.hessian(self.x[:, None], self.y, np.array([at[0]]), at[1])

    @cached_property
    def frame(self) -> tuple[Point, Point]:
        """The smallest and largest weight, and the smallest and largest bias, that are shown.

        That is the box around the line of equal loss through the highest start (of the parabola at the minimum): a
        descent whose loss falls never leaves it.
        """
        plain = HEIGHTS * float(self.y.var()) if self.objective.link == "identity" else FAR
        height = max((self.value(start) - self.best.value for start in self.starts), default=0.0) or plain
        wide, high = np.sqrt(2 * height * np.diag(np.linalg.inv(self.hessian(self.lowest))))
        weight, bias = self.lowest
        starts = np.array(self.starts).reshape(-1, 2)
        wide = ROOM * max([float(wide), 1.25 * abs(weight), *np.abs(starts[:, 0] - weight)])
        high = ROOM * max([float(high), *np.abs(starts[:, 1] - bias)])
        return (weight - wide, weight + wide), (bias - high, bias + high)

    @property
    def of_weight(self) -> str:
        """What a weight is of, with its unit where the units are known; a score of the logistic function has none."""
        if not self.units:
            return self.feature
        per = f"for each {self.units[0]}"
        return f"{self.feature} ({per if self.objective.link == 'logistic' else f'{self.units[1]} {per}'})"

    @property
    def of_loss(self) -> str:
        """The objective's name, with its unit where the units are known."""
        if not self.units:
            return self.objective.name
        return f"{self.objective.name} in {'nats' if self.objective.link == 'logistic' else f'{self.units[1]}²'}"

    def seen(self, at: Point) -> Point:
        """A point to the millionth of the picture's width and height: what is smaller is rounding, and reads badly."""
        weight, bias = (
            round(entry, 6 - math.ceil(math.log10(high - low))) + 0.0  # no minus before a zero
            for entry, (low, high) in zip(at, self.frame, strict=True)
        )
        return weight, bias

    def over(self, weights: Array, biases: Array) -> Array:
        """The values at each bias (down) and weight (across), shape (len(biases), len(weights))."""
        rows = ROW_LOSSES[self.objective.link]
        values = np.empty((len(biases), len(weights)))
        for i, bias in enumerate(biases):
            scores = np.multiply.outer(weights, self.x) + bias
            losses = rows(scores.ravel(), np.tile(self.y, len(weights)))
            values[i] = losses.reshape(scores.shape).mean(axis=1) + self.objective.l2 / 2 * weights**2
        return values


class Picture:
    """A landscape on the left with a path on it, and on the right the rows with the line of the path's last point."""

    def __init__(self, landscape: Landscape) -> None:
        # the first import may say on stderr that it builds its list of fonts; stored notebooks compare stderr
        logging.getLogger("matplotlib").setLevel(logging.ERROR)
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.collections import LineCollection
        from matplotlib.figure import Figure

        self.landscape = landscape
        self.figure = Figure(figsize=(WIDTH, HEIGHT), dpi=DPI, layout="constrained")
        self._canvas: Any = FigureCanvasAgg(self.figure)  # its methods carry no types
        left, right = self.figure.subplots(1, 2)
        _draw_landscape(left, landscape)
        _draw_rows(right, landscape)
        self._path = left.plot([], [], color="black", linewidth=1, marker=".", markersize=5, animated=True)[0]
        self._point = left.plot(
            [], [], linestyle="none", marker="o", markersize=10, color="black", markeredgecolor="white", animated=True
        )[0]
        self._gaps = LineCollection([], colors="0.45", linewidths=1, animated=True)
        right.add_collection(self._gaps)
        self._line = right.plot([], [], color="black", linewidth=2, animated=True)[0]
        self._moving = ((left, self._path), (left, self._point), (right, self._gaps), (right, self._line))
        self._still: Any = None

    def png(self, path: Sequence[Point]) -> bytes:
        """The picture with this path, its last point marked, as PNG."""
        from PIL import Image

        self.move(path)
        if self._still is None:
            self._canvas.draw()
            self._still = self._canvas.copy_from_bbox(self.figure.bbox)
        self._canvas.restore_region(self._still)
        for axes, artist in self._moving:
            axes.draw_artist(artist)
        buffer = BytesIO()
        # one grey byte a dot: a quarter of the work that colours would be
        Image.fromarray(np.asarray(self._canvas.buffer_rgba())).convert("L").save(buffer, "png", compress_level=1)
        return buffer.getvalue()

    def move(self, path: Sequence[Point]) -> None:
        """Put path, point, line and residuals where they belong, without drawing them."""
        weight, bias = path[-1]
        x, y, link = self.landscape.x, self.landscape.y, LINKS[self.landscape.objective.link]
        self._path.set_data(*zip(*path, strict=True))
        self._point.set_data([weight], [bias])
        along = np.linspace(x.min(), x.max(), 121)
        self._line.set_data(along, link(weight * along + bias))
        if len(x) <= FEW:
            said = link(weight * x + bias)
            self._gaps.set_segments([[(a, b), (a, c)] for a, b, c in zip(x, y, said, strict=True)])


def _draw_landscape(axes: "Axes", landscape: Landscape) -> None:
    across, up = (np.linspace(*limits, GRID) for limits in landscape.frame)
    values = landscape.over(across, up)
    levels = landscape.best.value + LEVELS * (values.max() - landscape.best.value)
    greys = [str(shade) for shade in np.linspace(1.0, 0.72, len(levels) + 1)]
    axes.contourf(across, up, values, levels=[-math.inf, *levels, math.inf], colors=greys)
    lines = axes.contour(across, up, values, levels=levels, colors="0.4", linewidths=0.7)
    axes.clabel(lines, levels=levels[3:], fmt=_short, fontsize=7)  # the innermost have no room
    axes.plot(*landscape.lowest, marker="+", markersize=11, color="black", linestyle="none")
    axes.set_xlim(landscape.frame[0])
    axes.set_ylim(landscape.frame[1])
    axes.set_title(f"{landscape.of_loss} (+ marks the smallest)", loc="left", fontsize="medium")
    logistic = landscape.objective.link == "logistic"
    axes.set_xlabel(f"weight w of {landscape.of_weight}")
    axes.set_ylabel("bias b" + (f" ({landscape.units[1]})" if landscape.units and not logistic else ""))


def _short(value: float) -> str:
    return f"{float(f'{value:.3g}'):,.0f}" if value >= 1000 else f"{value:.3g}"


def _draw_rows(axes: "Axes", landscape: Landscape) -> None:
    x, y = landscape.x, landscape.y
    axes.plot(x, y, linestyle="none", marker="o", markersize=4, markerfacecolor="white", color="0.35")
    logistic = landscape.objective.link == "logistic"
    low, high = (0.0, 1.0) if logistic else (float(y.min()), float(y.max()))
    axes.set_ylim(low - 0.15 * (high - low), high + 0.15 * (high - low))
    axes.set_title("the rows, and what the model says", loc="left", fontsize="medium")
    of_feature, of_target = (f" ({unit})" for unit in landscape.units) if landscape.units else ("", "")
    axes.set_xlabel(landscape.feature + of_feature)
    axes.set_ylabel(landscape.target + (" (0 or 1), probability" if logistic else of_target))
    axes.spines[["top", "right"]].set_visible(False)


def describe(landscape: Landscape, path: Sequence[Point]) -> str:
    """What the picture with that path shows, in words and numbers."""
    (left, right), (low, high) = landscape.frame
    weight, bias = landscape.seen(path[-1])
    smallest = f"{landscape.best.value:.6g} at w {landscape.lowest[0]:.4g}, b {landscape.lowest[1]:.4g}"
    walked = f"A path of {len(path) - 1} steps leads from w {path[0][0]:.4g}, b {path[0][1]:.4g} to the point. "
    return (
        f"Left: lines of equal {landscape.of_loss} over the weight w of {landscape.of_weight} from {left:.3g} to "
        f"{right:.3g} and the bias b from {low:.4g} to {high:.4g}, around its smallest value {smallest}. "
        f"{walked if len(path) > 1 else ''}The point is at w {weight:.4g}, b {bias:.4g}, where it is "
        f"{landscape.value(path[-1]):.6g}. Right: {len(landscape.x)} rows of {landscape.target} against "
        f"{landscape.feature}, and what the model says with that w and b."
    )


def surface(
    x: Array,
    y: Array,
    feature: str,
    target: str,
    path: Sequence[Point],
    *,
    objective: Objective = SQUARED_ERROR,
    units: Units = None,
) -> Plot:
    """The landscape of a loss with a path on it, and the rows with the path's last line: the still form of `explore`.

    Parameters
    ----------
    x, y
        One feature and the targets, shape (n,) each.
    feature, target
        Their names, for the axes.
    path
        Points of weight and bias, at least one; the last is marked.
    objective
        What the height of the landscape is.
    units
        Those of the feature and of the target, such as ``("1000 dollars", "points")``, for the axes.

    Raises
    ------
    DataError
        As ``Landscape``, and when the path is empty.
    """
    if not len(path):
        raise DataError("the path needs at least one point", next_step="pass [(0.0, 0.0)]")
    landscape = Landscape(x, y, feature, target, objective, (path[0],), units)
    picture = Picture(landscape)
    picture.move(path)
    return Plot(f"the {objective.name} over weight and bias", describe(landscape, path), picture.figure)
