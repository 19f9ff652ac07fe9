"""The figure of what a container costs: a bar for each way, and a text that gives the numbers."""

from aicontainer.show import plots

PANELS = {"start": {"a process": 0.0084, "docker run": 0.23}, "one request": {"a process": 0.0005}}


def test_each_panel_has_its_bars_in_milliseconds() -> None:
    plot = plots.durations(PANELS)
    titles = [axes.get_title(loc="left") for axes in plot.figure.axes]
    widths = [[round(bar.get_width(), 6) for bar in axes.patches] for axes in plot.figure.axes]
    assert titles == list(PANELS)
    assert widths == [[8.4, 230.0], [0.5]]
    assert {axes.get_xlabel() for axes in plot.figure.axes} == {"milliseconds"}


def test_the_text_tells_the_numbers_and_the_name_does_not() -> None:
    plot = plots.durations(PANELS)
    assert "docker run 230 ms" in plot.alt
    assert "a process 0.5 ms" in plot.alt
    assert repr(plot) == "Plot(what takes how long)"
    assert plot._repr_png_().startswith(b"\x89PNG")
