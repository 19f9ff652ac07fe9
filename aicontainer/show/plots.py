"""The course's figures: labelled with units, readable in greyscale, each with a text that says what it shows."""

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# black and greys that stay apart in print; lines differ by style too
STYLES = (("black", "-"), ("black", "--"), ("0.45", "-."), ("0.45", ":"))
WIDTH, HEIGHT = 6.4, 3.6  # inches
LARGEST_DRAWN = 1e12  # a loss that runs away would press all others onto the axis


@dataclass(frozen=True, repr=False)
class Plot:
    """A figure that Jupyter shows, and ``alt``: its text for those who do not see it, with the numbers."""

    title: str
    alt: str
    figure: "Figure"

    def __repr__(self) -> str:
        return f"Plot({self.title})"

    def _repr_png_(self) -> bytes:
        buffer = BytesIO()
        self.figure.savefig(buffer, format="png", dpi=100, metadata={"Software": None})
        return buffer.getvalue()


def loss_and_tangent(
    loss_at: Callable[[float], float], at: float, slope: float, *, reach: float, weight: str, unit: str
) -> Plot:
    """The loss along one weight as a curve, and the line through ``at`` with the given slope.

    Parameters
    ----------
    loss_at
        The loss as a function of that weight, everything else held still.
    at, slope
        The weight where the line touches, and the derivative that is drawn there.
    reach
        How far to draw on either side of ``at``.
    weight, unit
        The name of the axis, and the unit of the target (the loss is in its square).
    """
    across = np.linspace(at - reach, at + reach, 61)
    curve = [loss_at(float(w)) for w in across]
    here = loss_at(at)
    figure, axes = _canvas()
    axes.plot(across, curve, color=STYLES[0][0], linestyle=STYLES[0][1], label="loss")
    near = np.array([at - reach / 2, at + reach / 2])
    axes.plot(near, here + slope * (near - at), color=STYLES[1][0], linestyle=STYLES[1][1], label="tangent")
    axes.plot([at], [here], color="black", marker="o", linestyle="none")
    axes.set_xlabel(weight)
    axes.set_ylabel(f"mean squared error ({unit}²)")
    axes.legend(frameon=False)
    alt = (
        f"A curve of the loss against {weight}, from {across[0]:.4g} to {across[-1]:.4g}, with its lowest point near "
        f"{across[int(np.argmin(curve))]:.3g}. A dashed line touches it at {at:.4g}, where the loss is {here:.6g}, "
        f"and {_direction(slope)} by {abs(slope):.6g} for each unit to the right."
    )
    return Plot("the loss along one weight, and its tangent", alt, figure)


def loss_over_steps(losses: Mapping[str, Sequence[float]], *, floor: float, unit: str) -> Plot:
    """How far each descent's loss is above the smallest possible one, over its steps, on a logarithmic axis.

    Parameters
    ----------
    losses
        For each label, the loss before each step and after the last.
    floor
        The smallest possible loss.
    unit
        The unit of the target (the loss is in its square).
    """
    figure, axes = _canvas()
    told = []
    for (label, values), (colour, style) in zip(losses.items(), STYLES, strict=False):
        above = np.asarray(values, dtype=np.float64) - floor
        drawn = np.where((above > 0) & (above < LARGEST_DRAWN), above, math.nan)
        axes.plot(drawn, color=colour, linestyle=style, label=label)
        told.append(f"{label} goes from {above[0]:.3g} to {above[-1]:.3g} in {len(above) - 1} steps")
    axes.set_yscale("log")
    axes.set_xlabel("step")
    axes.set_ylabel(f"loss above the smallest ({unit}²)")
    axes.legend(frameon=False)
    alt = f"Lines of the loss above its smallest value against the step, on a logarithmic axis: {'; '.join(told)}."
    return Plot("the loss over the steps", alt, figure)


def over_time(
    lines: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    *,
    label: str,
    title: str,
    logarithmic: bool = False,
) -> Plot:
    """Quantities over the last seconds, as a monitor has recorded them.

    Parameters
    ----------
    lines
        For each name, its times (Unix, seconds) and its values; NaN leaves a gap.
    label
        What the values are, with their unit.
    logarithmic
        Draw the values on a logarithmic axis; those that are not above 0 are left out.
    """
    figure, axes = _canvas()
    latest = max((float(times[-1]) for times, _ in lines.values() if len(times)), default=0.0)
    told = []
    for (name, (times, values)), (colour, style) in zip(lines.items(), STYLES, strict=False):
        drawn = np.asarray(values, dtype=np.float64)
        if logarithmic:
            drawn = np.where(drawn > 0, drawn, math.nan)
        axes.plot(np.asarray(times, dtype=np.float64) - latest, drawn, color=colour, linestyle=style, label=name)
        finite = drawn[np.isfinite(drawn)]
        told.append(f"{name} {_extent(finite)}")
    if logarithmic:
        axes.set_yscale("log")
    else:
        axes.set_ylim(bottom=0)
    axes.set_xlabel("time (s), 0 is now")
    axes.set_ylabel(label)
    axes.legend(frameon=False)
    return Plot(title, f"Lines of {label} over the last seconds: {'; '.join(told)}.", figure)


def _extent(values: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]") -> str:
    if not len(values):
        return "has no values"
    return f"goes from {values[0]:.3g} to {values[-1]:.3g}, between {values.min():.3g} and {values.max():.3g}"


def durations(panels: Mapping[str, Mapping[str, float]]) -> Plot:
    """Times as bars, a panel for each thing that takes time and in it a bar for each way to do it.

    Parameters
    ----------
    panels
        For each panel's title, seconds for each bar's name.
    """
    figure, first = _canvas()
    first.remove()
    told = []
    for panel, (title, seconds) in zip(figure.subplots(len(panels), squeeze=False)[:, 0], panels.items(), strict=True):
        panel.spines[["top", "right"]].set_visible(False)
        bars = panel.barh(list(seconds), [1e3 * value for value in seconds.values()], color="0.6", edgecolor="black")
        panel.bar_label(bars, fmt="%.3g", padding=3)
        panel.margins(x=0.1)  # room for the numbers
        panel.invert_yaxis()
        panel.set_title(title, loc="left", fontsize="medium")
        panel.set_xlabel("milliseconds")
        told.append(f"{title}: " + ", ".join(f"{name} {1e3 * value:.3g} ms" for name, value in seconds.items()))
    return Plot("what takes how long", f"Bars of times. {'. '.join(told)}.", figure)


def _direction(slope: float) -> str:
    return "rises" if slope > 0 else "falls"


def _canvas() -> "tuple[Figure, Axes]":
    # the first import may say on stderr that it builds its list of fonts; stored notebooks compare stderr
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes
