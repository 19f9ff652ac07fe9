"""What the Hessian foretells, against descents that are counted."""

import itertools
import math

import numpy as np
import pytest

from aicontainer.errors import DataError
from aicontainer.learn import data, fit
from aicontainer.learn.curvature import condition_number, contraction, largest_stable_rate, safe_rate, steps_to_halve
from aicontainer.learn.descent import descend
from aicontainer.learn.objective import CROSS_ENTROPY, SQUARED_ERROR, with_l2
from aicontainer.learn.reference import closed_form, newton


def standardised(name):
    dataset = data.load(name)
    return fit.standardise(dataset.X)(dataset.X), dataset.y


def walked(X, y, objective, rate, steps, start):
    """The points of a plain descent, shape (steps + 1, d + 1), made here."""
    points = [np.array(start, dtype=float)]
    for _ in range(steps):
        at = points[-1]
        points.append(at - rate * np.append(*objective.gradient(X, y, at[:-1], float(at[-1]))))
    return np.array(points)


@pytest.mark.parametrize(("name", "condition"), [("education", 25), ("traffic", 40)])
def test_the_condition_number_is_that_of_the_singular_values(name, condition):
    X, _ = standardised(name)
    singular = np.linalg.svd(np.column_stack([X, np.ones(len(X))]), compute_uv=False)
    assert condition_number(X) == pytest.approx((singular[0] / singular[-1]) ** 2, rel=1e-9)
    assert round(condition_number(X)) == condition


@pytest.mark.parametrize("name", ["education", "traffic"])
def test_below_the_largest_stable_rate_the_loss_falls_and_above_it_explodes(name):
    X, y = standardised(name)
    border = largest_stable_rate(SQUARED_ERROR.hessian(X, y, np.zeros(X.shape[1]), 0.0))
    assert border == pytest.approx(safe_rate(SQUARED_ERROR, X), rel=1e-12)
    losses = descend(X, y, 0.99 * border, 300).losses
    assert all(after < before for before, after in itertools.pairwise(losses))
    with pytest.raises(DataError, match="too large"):
        descend(X, y, 1.01 * border, 3000)


@pytest.mark.parametrize("name", ["education", "traffic"])
@pytest.mark.parametrize("share", [0.99, 0.5, 0.1])
def test_the_steps_that_halve_the_distance_are_as_many_as_foretold(name, share):
    X, y = standardised(name)
    hessian = SQUARED_ERROR.hessian(X, y, np.zeros(X.shape[1]), 0.0)
    rate = share * largest_stable_rate(hessian)
    best = closed_form(X, y)
    curvatures, directions = np.linalg.eigh(hessian)
    worst = directions[:, np.argmax(np.abs(1 - rate * curvatures))]
    optimum = np.append(best.weights, best.bias)
    steps = 3 * math.ceil(steps_to_halve(rate, hessian))
    points = walked(X, y, SQUARED_ERROR, rate, steps, optimum + 1000 * worst)
    distances = np.linalg.norm(points - optimum, axis=1)
    counted = np.count_nonzero(distances > 500)
    assert counted == math.ceil(steps_to_halve(rate, hessian))
    np.testing.assert_allclose(distances[1:] / distances[:-1], contraction(rate, hessian), rtol=1e-6)


def test_below_the_safe_rate_a_cross_entropy_falls_from_any_start():
    X, y = standardised("finance")
    rate, random = 0.99 * safe_rate(CROSS_ENTROPY, X), np.random.default_rng(0)
    for size in (0.0, 1.0, 20.0):
        points = walked(X, y, CROSS_ENTROPY, rate, 60, size * random.normal(size=X.shape[1] + 1))
        values = [CROSS_ENTROPY.value(X, y, at[:-1], float(at[-1])) for at in points]
        assert np.all(np.diff(values) < 0)


def test_just_above_the_border_at_its_minimum_a_cross_entropy_swings_and_does_not_explode():
    X, y = standardised("finance")
    best = newton(X, y, CROSS_ENTROPY)
    border = largest_stable_rate(CROSS_ENTROPY.hessian(X, y, best.weights, best.bias))
    assert border > 2 * safe_rate(CROSS_ENTROPY, X)
    settled = walked(X, y, CROSS_ENTROPY, 0.95 * border, 2000, np.zeros(X.shape[1] + 1))[-1]
    np.testing.assert_allclose(settled, np.append(best.weights, best.bias), atol=1e-6)
    late = walked(X, y, CROSS_ENTROPY, 1.1 * border, 2000, np.zeros(X.shape[1] + 1))[-4:]
    assert np.linalg.norm(late[3] - late[2]) > 0.1  # it never settles
    np.testing.assert_allclose(late[2:], late[:2], atol=1e-6)  # and comes back to the same two points for ever


def test_a_penalty_makes_the_bowl_rounder():
    X, y = standardised("medicine")
    plain, held = (
        np.linalg.eigvalsh(o.hessian(X, y, np.zeros(30), 0.0)) for o in (CROSS_ENTROPY, with_l2(CROSS_ENTROPY, 0.1))
    )
    assert held[-1] / held[0] < plain[-1] / plain[0] / 100


def test_where_one_step_arrives_no_steps_halve_the_distance():
    assert contraction(0.5, 2.0 * np.eye(3)) == 0.0
    assert steps_to_halve(0.5, 2.0 * np.eye(3)) == 0.0
    assert steps_to_halve(0.25, 2.0 * np.eye(3)) == 1.0


@pytest.mark.parametrize(
    ("hessian", "seen"),
    [
        (np.ones(3), "shape (3,)"),
        (np.ones((2, 3)), "shape (2, 3)"),
        (np.array([[math.nan]]), "shape (1, 1)"),
        (np.array([[1.0, 2.0], [0.0, 1.0]]), "apart by 2"),
    ],
)
def test_what_is_no_hessian_is_refused_with_its_shape(hessian, seen):
    for ask in (
        largest_stable_rate,
        lambda matrix: contraction(0.1, matrix),
        lambda matrix: steps_to_halve(0.1, matrix),
    ):
        with pytest.raises(DataError, match="a Hessian must be") as caught:
            ask(hessian)
        assert seen in caught.value.seen


def test_a_rate_that_never_arrives_is_refused_with_one_that_does():
    with pytest.raises(DataError, match="never halves") as caught:
        steps_to_halve(1.0, np.diag([1.0, 3.0]))
    assert "below 0.666667" in caught.value.next_step
    with pytest.raises(DataError, match="never halves"):
        steps_to_halve(0.1, np.diag([0.0, 3.0]))
    with pytest.raises(DataError, match="flat in every direction"):
        largest_stable_rate(np.zeros((2, 2)))
    for rate in (0.0, -1.0, math.nan):
        with pytest.raises(DataError, match="rate must be above 0"):
            contraction(rate, np.eye(2))


@pytest.mark.parametrize("columns", ["constant", "copy", "one row"])
def test_columns_that_depend_on_each_other_have_no_condition_number(columns):
    X = np.random.default_rng(1).normal(size=(20, 2))
    X = {"constant": np.column_stack([X, np.full(20, 3.0)]), "copy": np.column_stack([X, X[:, 0]]), "one row": X[:1]}[
        columns
    ]
    with pytest.raises(DataError, match="depend on each other") as caught:
        condition_number(X)
    assert f"X of shape {X.shape}" in caught.value.seen
