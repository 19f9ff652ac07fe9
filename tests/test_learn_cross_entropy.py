"""The cross-entropy on scores and its gradient, against fifty digits of mpmath and against differences."""

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aicontainer.errors import DataError
from aicontainer.learn import data, fit, loss
from aicontainer.learn.cross_entropy import cross_entropy, gradient, mean_cross_entropy
from aicontainer.learn.derivatives import central
from aicontainer.learn.loss import linear

scores = st.floats(-1e4, 1e4, allow_nan=False)
rows = st.lists(st.tuples(scores, st.sampled_from([0.0, 1.0])), min_size=1, max_size=60)


def exact(score: float, y: float) -> float:
    """``log(1 + exp(m))`` in fifty digits."""
    with mpmath.workdps(50):
        return float(mpmath.log1p(mpmath.exp(mpmath.mpf(score) * (1 if y == 0 else -1))))


@pytest.mark.parametrize("size", [0.0, 1e-300, 1e-8, 0.3, 1.0, 36.0, 40.0, 700.0, 745.0, 800.0, 1e4])
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("y", [0.0, 1.0])
def test_each_score_up_to_ten_thousand_has_its_exact_loss(size, sign, y):
    value = float(cross_entropy([sign * size], [y])[0])
    assert value == pytest.approx(exact(sign * size, y), rel=4e-16, abs=5e-324)


@given(scores, st.sampled_from([0.0, 1.0]))
def test_any_score_has_its_exact_loss(score, y):
    assert float(cross_entropy([score], [y])[0]) == pytest.approx(exact(score, y), rel=1e-15, abs=5e-324)


def test_the_surprise_of_a_coin_is_the_logarithm_of_two():
    assert mean_cross_entropy(np.zeros(5), [0, 1, 1, 0, 1]) == math.log(2)


@given(rows, st.randoms())
def test_the_mean_does_not_depend_on_the_order_of_the_rows(pairs, random):
    shuffled = random.sample(pairs, len(pairs))
    one, two = (mean_cross_entropy(*zip(*order, strict=True)) for order in (pairs, shuffled))
    assert one.hex() == two.hex()


@given(st.integers(1, 50), st.integers(1, 8), st.integers(0, 2**32 - 1))
def test_the_gradient_agrees_with_differences_of_the_loss(n, d, seed):
    random = np.random.default_rng(seed)
    X, y, at = random.normal(size=(n, d)), random.integers(0, 2, n), random.normal(size=d + 1)
    differences = central(lambda a: mean_cross_entropy(linear(X, a[:-1], float(a[-1])), y), at, 1e-5)
    dw, db = gradient(X, y, at[:-1], float(at[-1]))
    np.testing.assert_allclose(np.append(dw, db), differences, rtol=1e-6, atol=1e-9)


def test_the_gradient_is_of_the_mean_and_finite_where_the_model_is_far_off():
    X, y = np.array([[1.0], [-2.0]]), np.array([0.0, 1.0])
    dw, db = gradient(X, y, np.array([1e4]), 0.0)
    assert (dw.tolist(), db) == ([(1 * 1 + -2 * -1) / 2], 0.0)
    once, twice = gradient(X, y, np.ones(1), 0.5), gradient(np.tile(X, (2, 1)), np.tile(y, 2), np.ones(1), 0.5)
    np.testing.assert_allclose([*twice[0], twice[1]], [*once[0], once[1]], rtol=1e-12)


def test_at_the_start_the_gradient_is_that_of_probabilities_of_one_half():
    dataset = data.load("medicine")
    Z = fit.standardise(dataset.X)(dataset.X)
    dw, db = gradient(Z, dataset.y, np.zeros(30), 0.0)
    np.testing.assert_allclose(dw, Z.T @ (0.5 - dataset.y) / 569, atol=1e-12)
    assert db == pytest.approx(0.5 - dataset.y.mean())


@pytest.mark.parametrize("function", [cross_entropy, mean_cross_entropy])
@pytest.mark.parametrize("y", [[0, 1, 2], [0.5, 0, 1], [-1, 1, 1]])
def test_targets_other_than_0_and_1_are_refused_with_the_first_of_them(function, y):
    with pytest.raises(DataError, match=r"targets y .* must be 0 or 1") as caught:
        function(np.zeros(3), y)
    assert "1 of 3" in caught.value.seen
    assert "squared error" in caught.value.next_step


@pytest.mark.parametrize("function", [cross_entropy, loss.squared_error])
def test_shapes_that_do_not_fit_and_numbers_that_are_none_are_refused(function):
    with pytest.raises(DataError, match="same length") as caught:
        function(np.zeros((3, 1)), np.zeros(3))
    assert "(3, 1)" in caught.value.seen
    assert "scores[:, 0]" in caught.value.next_step
    with pytest.raises(DataError, match="scores must be finite") as caught:
        function([1.0, math.nan, math.inf], [0, 1, 1])
    assert "2 of 3" in caught.value.seen
    with pytest.raises(DataError, match="targets y must be finite"):
        function([1.0, 2.0], [0, math.nan])
    with pytest.raises(DataError, match="must be real numbers"):
        function(["benign"], [0])


@pytest.mark.parametrize("function", [gradient, loss.gradient])
def test_a_gradient_of_rows_that_do_not_fit_is_refused(function):
    X, y = np.ones((3, 2)), np.array([0.0, 1.0, 1.0])
    for weights in (np.zeros(3), np.zeros((2, 1))):
        with pytest.raises(DataError, match=r"shape \(n, d\)") as caught:
            function(X, y, weights, 0.0)
        assert "X of shape (3, 2)" in caught.value.seen
    with pytest.raises(DataError, match="same length"):
        function(X, y[:, None], np.zeros(2), 0.0)
    with pytest.raises(DataError, match="finite"):
        function(X, y, np.array([0.0, math.nan]), 0.0)
