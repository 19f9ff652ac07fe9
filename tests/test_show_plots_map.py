"""The map of the loss: its text holds the numbers of an independent fit, its lines lie where they say."""

import numpy as np
import pytest

from aicontainer.errors import DataError
from aicontainer.show.plots_map import loss_map

X = np.array([1.0, 2.0, 4.0, 7.0])
Y = np.array([3.0, 4.5, 9.5, 13.0])
NAMES = {"weight": "w (points)", "bias": "b (points)"}


def test_the_text_tells_the_lowest_place_and_the_marked_one():
    w, b = np.polyfit(X, Y, 1)
    alt = loss_map(X, Y, (1.0, 2.0), **NAMES).alt
    assert f"w = {w:.3g} and b = {b:.4g}, where the loss is {np.mean((w * X + b - Y) ** 2):.4g}" in alt
    assert f"w = 1 and b = 2, the loss is {np.mean((X + 2.0 - Y) ** 2):.4g}" in alt


def test_a_line_of_equal_loss_goes_through_the_marked_place():
    axes = loss_map(X, Y, (1.0, 2.0), **NAMES).figure.axes[0]
    contours = axes.collections[0]
    here = np.mean((X + 2.0 - Y) ** 2)
    level = int(np.argmin(np.abs(np.asarray(contours.levels) - here)))
    assert contours.levels[level] == pytest.approx(here)
    points = contours.get_paths()[level].vertices
    losses = [np.mean((w * X + b - Y) ** 2) for w, b in points]
    assert np.allclose(losses, here, rtol=0.02)
    assert np.hypot(*(points - [1.0, 2.0]).T).min() < 0.1


def test_data_on_a_line_have_a_map_too():
    assert loss_map(X, 2 * X + 1, (1.0, 2.0), **NAMES)._repr_png_().startswith(b"\x89PNG")


def test_the_best_line_itself_cannot_be_marked():
    with pytest.raises(DataError, match="another weight"):
        loss_map(np.array([0.0, 1.0]), np.array([0.0, 2.0]), (2.0, 1.0), **NAMES)
