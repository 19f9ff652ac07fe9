"""Derivatives by values alone, against derivatives that are known to fifty digits."""

import math

import mpmath
import numpy as np
import pytest

from aicontainer.errors import DataError
from aicontainer.learn import data, fit
from aicontainer.learn.derivatives import central, complex_step, relative_error
from aicontainer.learn.objective import CROSS_ENTROPY, SQUARED_ERROR, for_link

BEST = 1e-14


def exact_gradient(link, X, y, at):
    """The derivatives of the mean loss in fifty digits, from the formula of one row."""
    with mpmath.workdps(50):
        total = [mpmath.mpf(0)] * len(at)
        for row, truth in zip(X.tolist(), y.tolist(), strict=True):
            numbers = [*map(mpmath.mpf, row), mpmath.mpf(1)]
            z = mpmath.fdot(numbers, map(mpmath.mpf, at.tolist()))
            slope = 2 * (z - truth) if link == "identity" else 1 / (1 + mpmath.exp(-z)) - truth
            total = [have + slope * number for have, number in zip(total, numbers, strict=True)]
        return np.array([float(entry / len(y)) for entry in total])


def value_of(objective, X, y):
    return lambda a: objective.value(X, y, a[:-1], a[-1])


@pytest.mark.parametrize("objective", [SQUARED_ERROR, CROSS_ENTROPY], ids=lambda objective: objective.name)
@pytest.mark.parametrize("size", [0.0, 1.0, 30.0])
def test_the_complex_step_has_fourteen_digits_of_the_exact_gradient(objective, size):
    random = np.random.default_rng(3)
    X, y, at = random.normal(size=(40, 4)), random.integers(0, 2, 40).astype(float), size * random.normal(size=5)
    exact = exact_gradient(objective.link, X, y, at)
    f = value_of(objective, X, y)
    assert relative_error(complex_step(f, at), exact) <= BEST
    assert BEST < relative_error(central(f, at), exact) <= 1e-7


@pytest.mark.parametrize("name", data.NAMES)
def test_formula_and_complex_step_agree_to_fourteen_digits_on_real_rows(name):
    dataset = data.load(name)
    objective, Z, y = for_link(dataset.link), fit.standardise(dataset.X)(dataset.X), dataset.y
    at = np.append(np.linspace(-1.0, 1.0, Z.shape[1]), y.mean())
    by_formula = np.append(*objective.gradient(Z, y, at[:-1], float(at[-1])))
    assert relative_error(complex_step(value_of(objective, Z, y), at), by_formula) <= BEST


def test_both_ways_on_a_function_that_is_no_loss():
    at = np.array([0.3, -1200.0])
    expected = np.array([math.cos(0.3) * -1200.0, math.sin(0.3)])
    assert relative_error(complex_step(lambda a: np.sin(a[0]) * a[1], at), expected) <= BEST
    assert relative_error(central(lambda a: math.sin(a[0]) * a[1], at), expected) <= 1e-9


def test_derivatives_that_are_all_zero_are_no_fault():
    assert complex_step(lambda a: (a[0] - 1) ** 2 + 5, np.ones(1)).tolist() == [0.0]


def naive_maximum(a):
    z = np.array([a[0], -3.0 * a[0]])
    return np.mean(np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z))))


@pytest.mark.parametrize(
    ("function", "seen"),
    [
        (lambda a: abs(a[0]) ** 2, "real number"),
        (lambda a: float(a[0]) ** 2, "ComplexWarning"),
        (lambda a: math.exp(a[0]), "ComplexWarning"),
        (lambda a: math.exp(a[0].item()), "TypeError"),
        (lambda a: a[0] * a.real[0], "derivative 0: 1.5 by the complex step, 3 by differences"),
        (naive_maximum, "by differences"),
    ],
)
def test_a_function_that_drops_the_imaginary_part_is_told_from_a_wrong_derivative(function, seen):
    with pytest.raises(DataError, match="drops the imaginary part") as caught:
        complex_step(function, np.array([1.5]))
    assert seen in caught.value.seen
    assert "np.exp" in caught.value.next_step


@pytest.mark.parametrize("way", [central, complex_step])
@pytest.mark.parametrize("function", [lambda a: a, lambda a: a[0] * np.nan, lambda a: np.inf])
def test_a_function_must_return_one_finite_number(way, function):
    with pytest.raises(DataError, match="one finite number"):
        way(function, np.ones(2))


@pytest.mark.parametrize("way", [central, complex_step])
@pytest.mark.parametrize("at", [np.ones((2, 1)), 1.0, [], [1.0, math.nan]])
def test_a_point_that_is_no_vector_is_refused_with_its_shape(way, at):
    with pytest.raises(DataError, match="at must be a vector") as caught:
        way(lambda a: a[0], at)
    assert str(np.shape(at)) in caught.value.seen


@pytest.mark.parametrize("step", [0.0, -1e-5, math.nan, math.inf, 1e-18])
def test_a_step_that_moves_nothing_is_refused_instead_of_dividing_by_it(step):
    with pytest.raises(DataError, match="step must be above 0"):
        central(lambda a: float(a.sum()), np.array([1.0, 2.0]), step)


def test_the_relative_error_is_that_of_the_norms_and_never_stretches_a_shape():
    assert relative_error([3.0, 4.0 + 5e-6], [3.0, 4.0]) == pytest.approx(1e-6, rel=1e-6)
    assert relative_error([0.0], [0.0]) == 0.0
    assert relative_error([1e-9], [0.0]) == math.inf
    with pytest.raises(DataError, match="one shape") as caught:
        relative_error(np.ones(3), np.ones((3, 1)))
    assert "(3, 1)" in caught.value.seen
