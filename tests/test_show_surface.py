"""The landscape of a loss: the numbers that it draws, what its text tells, and that a redraw shows what it should."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from aicontainer.errors import DataError
from aicontainer.learn import data
from aicontainer.learn.cross_entropy import mean_cross_entropy
from aicontainer.learn.curvature import largest_stable_rate
from aicontainer.learn.objective import CROSS_ENTROPY, SQUARED_ERROR, with_l2
from aicontainer.show.surface import Landscape, Picture, describe, surface

EDUCATION = data.load("education", features=["income"])
FINANCE = data.load("finance", features=["income"])


def landscape(objective=SQUARED_ERROR, starts=()):
    dataset = FINANCE if objective.link == "logistic" else EDUCATION
    return Landscape(dataset.X[:, 0], dataset.y, "income", dataset.target, objective, starts)


@pytest.mark.parametrize("objective", [SQUARED_ERROR, CROSS_ENTROPY, with_l2(CROSS_ENTROPY, 0.5)], ids=repr)
def test_the_height_at_each_point_of_the_grid_is_the_objectives_value(objective):
    land = landscape(objective)
    weights, biases = np.linspace(-1.0, 1.0, 3), np.array([0.5, 2.0])
    values = land.over(weights, biases)
    assert values.shape == (2, 3)
    for i, bias in enumerate(biases):
        for j, weight in enumerate(weights):
            assert values[i, j] == pytest.approx(land.value((weight, bias)), rel=1e-12)
    (left, right), (low, high) = land.frame
    assert left < land.lowest[0] < right
    assert low < land.lowest[1] < high


@pytest.mark.parametrize("share", [0.1, 0.97])
def test_a_descent_whose_loss_falls_never_leaves_the_picture(share):
    start = (-1.0, 600.0)
    land = landscape(starts=(start,))
    rate, at = share * largest_stable_rate(land.hessian(land.lowest)), start
    (left, right), (low, high) = land.frame
    for _ in range(60):
        assert left <= at[0] <= right
        assert low <= at[1] <= high
        slope = land.gradient(at)
        at = (at[0] - rate * slope[0], at[1] - rate * slope[1])


def dark(png, box):
    """How many dots of a part of the picture (left, top, right, bottom; shares of its size) are nearly black."""
    grey = np.asarray(Image.open(BytesIO(png)).convert("L"))
    height, width = grey.shape
    left, top, right, bottom = box
    return int((grey[int(top * height) : int(bottom * height), int(left * width) : int(right * width)] < 40).sum())


def test_a_redraw_moves_the_point_and_the_line_and_leaves_no_trace_of_the_last_place():
    picture = Picture(landscape())
    first, path = (2.0, 625.0), [(0.0, 654.0), (1.0, 640.0), (2.0, 625.0)]
    one, walked, other = picture.png([first]), picture.png(path), picture.png([(0.0, 700.0)])
    assert len({one, walked, other}) == 3
    assert picture.png([first]) == one
    rows = (0.58, 0.12, 0.97, 0.85)
    assert dark(one, rows) > dark(picture.png([(0.0, 10_000.0)]), rows) + 300  # the line is out of sight there


def test_the_picture_has_no_colour_and_its_text_has_the_numbers():
    land = Landscape(np.array([1.0, 2.0, 4.0]), np.array([3.0, 5.0, 9.0]), "income", "score")
    image = np.asarray(Image.open(BytesIO(surface(land.x, land.y, "income", "score", [(0.0, 5.0)])._repr_png_())))
    assert np.ptp(image[..., :3].astype(int), axis=2).max() == 0
    told = describe(land, [(0.0, 5.0), (1.0, 5.0)])
    assert "A path of 1 steps leads from w 0, b 5" in told
    assert "at w 2, b 1" in told  # y = 2 x + 1
    assert "The point is at w 1, b 5, where it is 4.33333." in told  # (3² + 2² + 0²) / 3
    assert "Right: 3 rows of score against income" in told


def test_the_still_form_tells_and_shows_the_last_point_of_its_path():
    plot = surface(FINANCE.X[:, 0], FINANCE.y, "income", "card", [(0.0, 0.0)], objective=CROSS_ENTROPY)
    assert repr(plot) == "Plot(the cross-entropy over weight and bias)"
    assert f"{mean_cross_entropy(np.zeros(len(FINANCE.y)), FINANCE.y):.6g}" in plot.alt
    left, right = plot.figure.axes
    assert "income" in left.get_xlabel()
    assert "probability" in right.get_ylabel()
    assert plot._repr_png_().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("objective", "loss", "weight", "bias", "target"),
    [
        (SQUARED_ERROR, "error in points² (", "(points for each 1000 $)", "bias b (points)", "card (points)"),
        (CROSS_ENTROPY, "cross-entropy in nats (", "(for each 1000 $)", "bias b", "card (0 or 1), probability"),
    ],
    ids=repr,
)
def test_units_that_the_caller_knows_stand_at_the_axes(objective, loss, weight, bias, target):
    """A weight is in units of the target for each of the feature's; a score has no unit."""
    units = "1000 $", "points"
    plot = surface(FINANCE.X[:, 0], FINANCE.y, "income", "card", [(0.0, 0.0)], objective=objective, units=units)
    left, right = plot.figure.axes
    assert loss in left.get_title(loc="left")
    assert left.get_xlabel() == f"weight w of income {weight}"
    assert left.get_ylabel() == bias
    assert (right.get_xlabel(), right.get_ylabel()) == ("income (1000 $)", target)
    assert f"weight w of income {weight} from" in plot.alt


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(DataError, match="x must be one feature") as caught:
        surface(EDUCATION.X, EDUCATION.y, "income", "score", [(0.0, 0.0)])
    assert "(420, 1)" in caught.value.seen
    assert "X[:, 0]" in caught.value.next_step
    with pytest.raises(DataError, match="at least one point"):
        surface(EDUCATION.X[:, 0], EDUCATION.y, "income", "score", [])
    with pytest.raises(DataError, match="constant"):
        surface(np.ones(5), np.arange(5.0), "income", "score", [(0.0, 0.0)])
    with pytest.raises(DataError, match="separable"):
        surface(np.arange(4.0), [0, 0, 1, 1], "income", "card", [(0.0, 0.0)], objective=CROSS_ENTROPY)
