"""A loss to play with: sliders for weight and bias on its landscape, and a descent that walks there while you watch.

Plain ipywidgets and pictures: nothing to compile, no extension besides that of ipywidgets. Both are worked by keyboard
(Tab to a slider, then arrows; Tab to a button, then space), and a line of text tells what the picture shows.
"""

import asyncio
import base64
import html
import math
from collections.abc import Sequence
from typing import Any

import ipywidgets

from aicontainer.learn.curvature import largest_stable_rate
from aicontainer.learn.objective import SQUARED_ERROR, Objective
from aicontainer.model import Array
from aicontainer.show.surface import DPI, WIDTH, Landscape, Picture, Point, Units, describe

FINEST = 100  # at least so many steps of a slider from one end to the other
STEPS_A_RUN = 100
PAUSE = 0.08  # seconds between two steps of a run, slow enough for the eye
BEYOND = 1e6  # times the first loss: from there on only its growth is left to see
SETTLED = 1e-9  # of the loss above its minimum at the start
WIDE = ipywidgets.Layout(width="28em", max_width="100%")


def loss_surface(
    x: Array, y: Array, feature: str, target: str, *, objective: Objective = SQUARED_ERROR, units: Units = None
) -> "LossSurface":
    """Sliders for weight and bias, the point on the landscape of the loss, and the rows with the line beside it.

    Parameters
    ----------
    x, y
        One feature and the targets, shape (n,) each. A standardised feature makes a round valley, a raw one a long one.
    feature, target
        Their names, for the axes.
    objective
        What the height of the landscape is.
    units
        Those of the feature and of the target, such as ``("1000 dollars", "points")``, for the axes.

    Raises
    ------
    DataError
        When ``x`` and ``y`` are not two vectors of one length, and when the objective has no minimum on them.
    """
    return LossSurface(Landscape(x, y, feature, target, objective, units=units))


def walk(
    x: Array,
    y: Array,
    feature: str,
    target: str,
    *,
    objective: Objective = SQUARED_ERROR,
    start: Point = (0.0, 0.0),
    units: Units = None,
) -> "Walk":
    """A slider for the rate and buttons to step, run and begin anew: the path of descent is drawn while it runs.

    Parameters
    ----------
    x, y, feature, target, objective, units
        As for ``loss_surface``.
    start
        The weight and the bias from which the descent begins.

    Raises
    ------
    DataError
        As ``loss_surface``.
    """
    return Walk(Landscape(x, y, feature, target, objective, (start,), units))


class LossSurface(ipywidgets.VBox):  # type: ignore[misc]
    """The widget of ``loss_surface``; ``weight`` and ``bias`` are its sliders, ``told`` its line of text."""

    def __init__(self, landscape: Landscape) -> None:
        self._view = _View(landscape)
        across, up = landscape.frame
        level = 0.0 if landscape.objective.link == "logistic" else float(landscape.y.mean())
        self.weight = _slider("weight w", across, 0.0)
        self.bias = _slider("bias b", up, level)
        self.told = self._view.told
        super().__init__([self.weight, self.bias, self.told, self._view.image])
        for slider in (self.weight, self.bias):
            slider.observe(self._moved, names="value")
        self._moved()

    def __repr__(self) -> str:
        return f"LossSurface({self._view.landscape.target} by {self._view.landscape.feature})"

    def _moved(self, _change: Any = None) -> None:
        self._view.show([(_chosen(self.weight), _chosen(self.bias))], "")


class Walk(ipywidgets.VBox):  # type: ignore[misc]
    """The widget of ``walk``; ``path`` holds the points so far, ``told`` is its line of text."""

    def __init__(self, landscape: Landscape) -> None:
        self._landscape = landscape
        self._view = _View(landscape)
        border = largest_stable_rate(landscape.hessian(landscape.lowest))
        self.rate = _slider("rate", (0.0, 1.2 * border), 0.2 * border)
        self.step = ipywidgets.Button(description="Step", tooltip="one step against the gradient")
        self.run = ipywidgets.Button(description="Run", tooltip=f"up to {STEPS_A_RUN} steps; press again to stop")
        self.reset = ipywidgets.Button(description="Reset", tooltip="back to the start")
        self.told = self._view.told
        self.path: list[Point] = [landscape.starts[0]]
        self._running: asyncio.Task[None] | None = None
        buttons = ipywidgets.HBox([self.step, self.run, self.reset])
        super().__init__([self.rate, buttons, self.told, self._view.image])
        self.step.on_click(lambda _: self.take())
        self.run.on_click(lambda _: self._run_or_stop())
        self.reset.on_click(lambda _: self._begin())
        self._begin()

    def __repr__(self) -> str:
        return f"Walk({self._landscape.target} by {self._landscape.feature})"

    def take(self) -> bool:
        """Take one step at the slider's rate and show it; whether another one makes sense."""
        values = [self._landscape.value(at) for at in (self.path[0], self.path[-1])]
        if values[1] > BEYOND * values[0]:
            return False
        weight, bias = self.path[-1]
        by_weight, by_bias = self._landscape.gradient((weight, bias))
        rate = _chosen(self.rate)
        self.path.append((weight - rate * by_weight, bias - rate * by_bias))
        after = self._landscape.value(self.path[-1])
        left, lowest = after - self._landscape.best.value, self._landscape.best.value
        grows = after > values[1] + SETTLED * abs(values[1])
        self._tell("the loss grows: the rate is too large here" if grows else "")
        return left > SETTLED * (values[0] - lowest)

    async def walk(self) -> None:
        """Take up to STEPS_A_RUN steps, with a pause after each in which Jupyter draws and hears the buttons."""
        self.run.description = "Stop"
        try:
            for _ in range(STEPS_A_RUN):
                if not self.take():
                    break
                await asyncio.sleep(PAUSE)
        finally:
            self.run.description = "Run"
            self._running = None

    def _run_or_stop(self) -> None:
        if self._running is None:
            self._running = asyncio.ensure_future(self.walk())
        else:
            self._running.cancel()

    def _begin(self) -> None:
        if self._running is not None:
            self._running.cancel()
        del self.path[1:]
        self._tell("")

    def _tell(self, remark: str) -> None:
        self._view.show(self.path, remark)


class _View:
    """The picture of a landscape and the line that tells what it shows."""

    def __init__(self, landscape: Landscape) -> None:
        self.landscape = landscape
        self.image, self.told = ipywidgets.HTML(), ipywidgets.HTML()
        self._picture = Picture(landscape)

    def show(self, path: Sequence[Point], remark: str) -> None:
        """Show the path's last point, and say where it is."""
        data = base64.b64encode(self._picture.png(path)).decode()
        alt = html.escape(describe(self.landscape, path), quote=True)
        # decoded before it is shown, else it would flicker; ipywidgets.Image has no text for those who do not see it
        self.image.value = (
            f'<img alt="{alt}" decoding="sync" style="width:{WIDTH * DPI:.0f}px;max-width:100%" '
            f'src="data:image/png;base64,{data}">'
        )
        steps = f"after {len(path) - 1} step{'s' if len(path) != 2 else ''}: " if len(path) > 1 else ""
        weight, bias = self.landscape.seen(path[-1])
        words = (
            f"{steps}w = {weight:.5g}, b = {bias:.5g}, loss = {self.landscape.value(path[-1]):.6g} "
            f"(smallest: {self.landscape.best.value:.6g})"
        )
        limits = zip(path[-1], self.landscape.frame, strict=True)
        outside = any(not low <= entry <= high for entry, (low, high) in limits)
        told = "; ".join(part for part in (words, remark, "outside the picture" if outside else "") if part)
        self.told.value = f'<div role="status" aria-live="polite">{told}</div>'


def _chosen(slider: Any) -> float:
    """The value of a slider without the rounding errors that JavaScript sends back: 0.3, not 0.30000000000000004."""
    step = float(slider.step)
    return round(float(slider.value) / step) * step


def _slider(name: str, limits: Point, value: float) -> Any:
    """A slider whose steps are a round number, and which begins at the step nearest to ``value``."""
    low, high = limits
    digits = -math.floor(math.log10((high - low) / FINEST))
    step = 10.0**-digits
    first, last = math.ceil(low / step), math.floor(high / step)
    return ipywidgets.FloatSlider(
        value=min(max(round(value / step), first), last) * step,
        min=first * step,
        max=last * step,
        step=step,
        description=name,
        readout_format=f".{max(digits, 0)}f",
        layout=WIDE,
    )
