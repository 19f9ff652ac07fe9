"""The map of a loss with two parameters: its contours show the true loss, its text tells where each descent went."""

import numpy as np
import pytest

from aicontainer.errors import DataError
from aicontainer.show.plots_descent import paths_on_contours

X = np.array([0.0, 1.0, 2.0, 4.0])
Y = 3.0 * X - 1.0 + np.array([0.5, -0.5, -0.5, 0.5])
PATHS = {"slow": [(0.0, 0.0), (1.0, 0.5)], "wide": [(0.0, 0.0), (6.0, 2.0), (-4.0, -1.0)]}


def draw(paths=PATHS):
    return paths_on_contours(X, Y, paths, weight="weight (points)", bias="bias (points)")


def test_every_contour_is_a_line_of_equal_loss():
    (axes,) = draw().figure.axes
    (contours,) = axes.collections
    best = np.polyfit(X, Y, 1)
    smallest = np.mean((np.polyval(best, X) - Y) ** 2)
    rings = [(level, path.vertices) for level, path in zip(contours.levels, contours.get_paths(), strict=True)]
    assert len(rings) >= 5
    for level, places in rings[-4:]:  # the outer ones: the grid is too coarse for the innermost
        above = [np.mean((np.polyval(place, X) - Y) ** 2) - smallest for place in places]
        assert above == pytest.approx([level] * len(above), rel=0.02)


def test_it_is_readable_in_greyscale_and_its_text_tells_both_ends_of_each_path_and_the_loss_there():
    plot = draw()
    (axes,) = plot.figure.axes
    lines = axes.get_lines()
    assert len({(line.get_color(), line.get_linestyle(), line.get_marker()) for line in lines}) == len(lines) == 3
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["slow", "wide", "minimum"]
    assert plot._repr_png_().startswith(b"\x89PNG")
    best = np.polyfit(X, Y, 1)
    assert f"minimum at ({best[0]:.4g}, {best[1]:.4g})" in plot.alt
    ends = [np.mean((np.polyval(place, X) - Y) ** 2) for place in ((0.0, 0.0), (-4.0, -1.0))]
    assert f"wide goes in 2 steps from (0, 0) to (-4, -1), the loss from {ends[0]:.4g} to {ends[1]:.4g}" in plot.alt


@pytest.mark.parametrize("count", [0, 5])
def test_no_path_or_more_than_can_be_told_apart_are_refused(count):
    with pytest.raises(DataError, match="one to 4 paths can be told apart"):
        draw(paths={str(n): [(0.0, 0.0)] for n in range(count)})
