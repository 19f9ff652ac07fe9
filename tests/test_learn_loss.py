"""The mean squared error and its gradient, against exact fractions and against differences."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aicontainer.errors import DataError
from aicontainer.learn.derivatives import central
from aicontainer.learn.loss import gradient, linear, mean_squared_error, squared_error, table
from aicontainer.model import Model, Scaling

points = st.floats(-1e6, 1e6, allow_nan=False)
pairs = st.lists(st.tuples(points, points), min_size=1, max_size=60)


@given(pairs, st.randoms())
def test_the_loss_does_not_depend_on_the_order_of_the_rows(rows, random):
    shuffled = random.sample(rows, len(rows))
    losses = [
        mean_squared_error(*(np.array(column) for column in zip(*order, strict=True))) for order in (rows, shuffled)
    ]
    assert losses[0].hex() == losses[1].hex()


@given(pairs)
def test_the_sum_over_the_rows_is_rounded_once(rows):
    scores, y = (np.array(column) for column in zip(*rows, strict=True))
    exact = sum((Fraction(value) for value in squared_error(scores, y).tolist()), Fraction(0))
    assert mean_squared_error(scores, y) == float(exact) / len(rows)


def test_the_loss_of_a_small_example_by_hand():
    assert mean_squared_error([1.0, 2.0, 6.0], np.array([1.0, 4.0, 3.0])) == (0 + 4 + 9) / 3


def test_a_column_of_scores_is_refused_instead_of_stretched():
    y = np.arange(3.0)
    for scores in (y[:, None], y[:2], 1.0):
        with pytest.raises(DataError, match="same length"):
            mean_squared_error(scores, y)
    with pytest.raises(DataError):
        mean_squared_error([], np.array([]))


def test_a_loss_too_large_for_a_number_is_infinite():
    assert mean_squared_error([1.3e154] * 2, np.zeros(2)) == math.inf


@given(st.integers(1, 50), st.integers(1, 8), st.integers(0, 2**32 - 1))
def test_the_gradient_agrees_with_differences_of_the_loss(n, d, seed):
    random = np.random.default_rng(seed)
    X, y, at = random.normal(size=(n, d)), random.normal(size=n), random.normal(size=d + 1)
    differences = central(lambda a: mean_squared_error(linear(X, a[:-1], float(a[-1])), y), at, 0.5)
    dw, db = gradient(X, y, at[:-1], float(at[-1]))
    np.testing.assert_allclose(np.append(dw, db), differences, rtol=1e-9, atol=1e-9)


def test_the_gradient_is_of_the_mean():
    random = np.random.default_rng(1)
    X, y, w = random.normal(size=(9, 2)), random.normal(size=9), np.array([1.0, 2.0])
    once, twice = gradient(X, y, w, 0.5), gradient(np.tile(X, (2, 1)), np.tile(y, 2), w, 0.5)
    np.testing.assert_allclose(twice[0], once[0], rtol=1e-12)
    assert twice[1] == pytest.approx(once[1], rel=1e-12)


def test_linear_scores_have_the_bits_of_a_model_of_standardised_rows():
    random = np.random.default_rng(2)
    X, weights = random.normal(size=(50, 3)), random.normal(size=3)
    scaling = Scaling(X.mean(axis=0), X.std(axis=0))
    model = Model("any", "1", weights, 0.7, "identity", scaling, ("a", "b", "c"), "y", "")
    assert linear(scaling(X), weights, 0.7).tobytes() == model.score(X).tobytes()


@pytest.mark.parametrize("X", [np.ones(3), np.ones((3, 1)), np.ones((2, 3, 1))])
def test_scores_of_rows_and_weights_that_do_not_fit_are_refused(X):
    with pytest.raises(DataError, match="one number for each of its d columns") as caught:
        linear(X, np.ones(3), 0.0)
    assert str(X.shape) in caught.value.seen


def test_a_bias_for_each_row_is_refused_though_numpy_would_add_it():
    with pytest.raises(DataError, match="bias one number") as caught:
        linear(np.ones((4, 2)), np.ones(2), np.zeros(4))
    assert "bias of shape (4,)" in caught.value.seen


@pytest.mark.parametrize(
    ("X", "seen"),
    [
        (np.ones(3), "X of shape (3,)"),
        (np.ones((0, 3)), "X of shape (0, 3)"),
        ([[1.0, 2.0], [3.0, math.nan]], "1 of 4 are NaN or infinite, the first is X[1, 1]; shape (2, 2)"),
        ([[math.inf], [1.0]], "X[0, 0]; shape (2, 1)"),
        ([["benign"]], "benign"),
        ([[1.0, 2.0], [3.0]], "inhomogeneous"),
        (np.ones((2, 2)) * 1j, "complex"),
    ],
)
def test_a_table_that_is_none_is_named_with_its_shape(X, seen):
    with pytest.raises(DataError, match=r"^X must be") as caught:
        table(X)
    assert seen in caught.value.seen


def test_targets_and_rows_are_never_complex():
    with pytest.raises(DataError, match="targets y must be real"):
        squared_error(np.zeros(2), np.array([1j, 0]))
