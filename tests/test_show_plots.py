"""Figures: axes with units, and a text that says what is drawn."""

import math

from aicontainer.show import plots


def test_quantities_over_time_end_at_now_and_tell_their_numbers() -> None:
    lines = {"median": ([100.0, 101.0, 102.0], [0.5, math.nan, 0.25]), "empty": ([], [])}
    plot = plots.over_time(lines, label="time of an answer (s)", title="latency")
    (axes,) = plot.figure.axes
    assert [line.get_xdata().tolist() for line in axes.lines] == [[-2.0, -1.0, 0.0], []]
    assert "(s)" in axes.get_xlabel()
    assert axes.get_ylabel() == "time of an answer (s)"
    assert axes.get_ylim()[0] == 0
    assert len({line.get_linestyle() for line in axes.lines}) == 2  # told apart without colours
    assert "median goes from 0.5 to 0.25" in plot.alt
    assert "empty has no values" in plot.alt
    assert plot._repr_png_().startswith(b"\x89PNG")


def test_a_logarithmic_axis_leaves_out_what_has_no_logarithm() -> None:
    plot = plots.over_time({"a": ([1.0, 2.0], [0.0, 10.0])}, label="x (1)", title="t", logarithmic=True)
    (axes,) = plot.figure.axes
    assert axes.get_yscale() == "log"
    assert math.isnan(axes.lines[0].get_ydata()[0])
    assert "a goes from 10 to 10" in plot.alt
