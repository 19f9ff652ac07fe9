"""Gradient descent, against the closed solution and against the theory of its rate."""

import itertools

import numpy as np
import pytest

from aicontainer.errors import DataError
from aicontainer.learn import data, fit
from aicontainer.learn.descent import descend
from aicontainer.learn.loss import linear, mean_squared_error


@pytest.fixture(scope="module")
def rows():
    dataset = data.load("education")
    return fit.standardise(dataset.X)(dataset.X), dataset.y


def largest_curvature(X):
    A = np.column_stack([X, np.ones(len(X))])
    return float(np.linalg.eigvalsh(2 / len(X) * A.T @ A)[-1])


def test_it_arrives_at_least_squares(rows):
    X, y = rows
    A = np.column_stack([X, np.ones(len(X))])
    best, *_ = np.linalg.lstsq(A, y, rcond=None)
    found = descend(X, y, fit.RATE, fit.STEPS)
    np.testing.assert_allclose(np.append(found.weights, found.bias), best, rtol=1e-10)
    assert found.losses[-1] == pytest.approx(float(np.mean((A @ best - y) ** 2)), rel=1e-12)


def test_the_default_steps_reach_the_point_where_only_rounding_moves(rows):
    losses = descend(*rows, fit.RATE, fit.STEPS).losses
    assert losses[-1] == pytest.approx(losses[-fit.STEPS // 3], rel=1e-14)


def test_each_loss_is_that_of_the_weights_after_that_many_steps(rows):
    X, y = rows
    long = descend(X, y, 0.3, 5)
    assert len(long.losses) == 6
    assert long.losses[0] == mean_squared_error(np.zeros(len(y)), y)
    for steps in range(6):
        short = descend(X, y, 0.3, steps)
        assert short.losses == long.losses[: steps + 1]
        assert mean_squared_error(linear(X, short.weights, short.bias), y) == short.losses[-1]


def test_twice_the_same_descent_gives_the_same_bits(rows):
    one, two = (descend(*rows, 0.3, 50) for _ in range(2))
    assert one.weights.tobytes() == two.weights.tobytes()
    assert one.losses == two.losses


@pytest.mark.parametrize("share", [0.5, 0.99])
def test_below_two_over_the_largest_curvature_the_loss_never_rises(rows, share):
    losses = descend(*rows, share * 2 / largest_curvature(rows[0]), 60).losses
    assert all(after < before for before, after in itertools.pairwise(losses))


@pytest.mark.parametrize(("share", "steps"), [(1.01, 2000), (1.5, 100), (100.0, 5000)])
def test_above_it_the_rate_is_refused_with_the_last_finite_loss(rows, share, steps):
    X, y = rows
    with pytest.raises(DataError, match="is too large") as caught:
        descend(X, y, share * 2 / largest_curvature(X), steps)
    last = float(caught.value.seen.split(",")[1].split()[0])
    assert np.isfinite(last)
    assert last > mean_squared_error(np.zeros(len(y)), y)


def test_at_the_minimum_from_the_start_it_stays_there():
    X = np.array([[-1.0], [1.0]])
    assert descend(X, np.zeros(2), 0.3, 10).losses == (0.0,) * 11


@pytest.mark.parametrize(("rate", "steps"), [(0.0, 5), (-0.1, 5), (float("nan"), 5), (float("inf"), 5), (0.1, -1)])
def test_rates_and_steps_without_a_meaning_are_refused(rows, rate, steps):
    with pytest.raises(DataError, match="above 0"):
        descend(*rows, rate, steps)
