"""The checks of notebook 01: right answers pass by any route, each usual mistake gets its own hint."""

import numpy as np
import pytest

from aicontainer.exercises.loss import (
    check_article_gradient,
    check_hessian,
    check_numerical_gradient,
    check_yours_by_yours,
)
from aicontainer.learn import derivatives


def residual(X, y, weights, bias):
    return X @ weights + bias - y


def right(X, y, weights, bias):
    r = residual(X, y, weights, bias)
    return X.T @ r, np.sum(r)


def by_loops(X, y, weights, bias):
    dw, db = [0.0] * len(weights), 0.0
    for row, target in zip(X, y, strict=True):
        r = sum(a * b for a, b in zip(row, weights, strict=True)) + bias - target
        dw = [slope + r * value for slope, value in zip(dw, row, strict=True)]
        db += r
    return dw, [db]


@pytest.mark.parametrize("function", [right, by_loops])
def test_any_route_to_the_right_gradient_passes(function):
    assert check_article_gradient(function).state == "right"


@pytest.mark.parametrize(
    "function", [lambda X, y, w, b: None, lambda X, y, w, b: (None, None), lambda X, y, w, b: (X.T @ y, None)]
)
def test_an_unfinished_function_is_not_done_yet(function):
    assert repr(check_article_gradient(function)).startswith("not done yet: ")


def changed(weights_by, bias_by):
    def function(X, y, weights, bias):
        dw, db = right(X, y, weights, bias)
        return dw * weights_by(len(y)), db * bias_by(len(y))

    return function


@pytest.mark.parametrize(
    ("function", "hint"),
    [
        (lambda X, y, w, b: (X.T @ residual(X, y, w, b), residual(X, y, w, b)), "sum over the rows is missing"),
        (lambda X, y, w, b: (X.T @ residual(X, y, w, b), np.zeros((2, 2))), "must be one number"),
        (lambda X, y, w, b: (np.sum(residual(X, y, w, b)), 0.0), "must have the shape (7,)"),
        (lambda X, y, w, b: 3.0, "return a pair"),
        (lambda X, y, w, b: X @ w @ b @ y, "raised"),
        (changed(lambda n: -1, lambda n: -1), "wrong sign"),
        (changed(lambda n: 2, lambda n: 2), "twice too large"),
        (changed(lambda n: 2 / n, lambda n: 2 / n), "mean squared error"),
        (changed(lambda n: 1 / n, lambda n: 1 / n), "n times too small"),
        (changed(lambda n: 1 / 2, lambda n: 1 / 2), "half of what it should be"),
        (lambda X, y, w, b: (X @ w, 0.0), "X.T @ r sums over the rows"),
        (changed(lambda n: 1, lambda n: 3), "by the bias differs"),
        (changed(lambda n: 8 / n, lambda n: 8 / n), "on 400 rows"),
    ],
)
def test_each_mistake_gets_its_own_hint(function, hint):
    check = check_article_gradient(function)
    assert check.state == "wrong"
    assert hint in check.text


def test_a_function_that_changes_its_weights_in_place_does_not_disturb_the_check():
    def careless(X, y, weights, bias):
        answer = right(X, y, weights, bias)
        weights += 1000.0
        return answer

    assert check_article_gradient(careless).state == "right"


def central(f, at, h=1e-5):
    slopes = []
    for j in range(len(at)):
        shift = np.zeros(len(at))
        shift[j] = h
        slopes.append((f(at + shift) - f(at - shift)) / (2 * h))
    return slopes


def in_place(f, at):
    slopes = np.zeros(len(at))
    for j in range(len(at)):
        at[j] += 1e-5
        above = f(at)
        at[j] -= 2e-5
        slopes[j] = (above - f(at)) / 2e-5
        at[j] += 1e-5
    return slopes


def forward(f, at, h):
    return [(f(at + h * unit) - f(at)) / h for unit in np.eye(len(at))]


def five_points(f, at, h=1e-3):
    near, far = (np.array(central(f, at, step)) for step in (h, 2 * h))
    return (4 * near - far) / 3


@pytest.mark.parametrize(
    "function",
    [
        central,
        in_place,
        five_points,
        lambda f, at: central(f, at, 6e-4),
        lambda f, at: derivatives.central(f, at),
    ],
)
def test_any_route_to_the_differences_passes(function):
    assert check_numerical_gradient(function).state == "right"


def test_an_unwritten_numerical_gradient_is_not_done_yet():
    assert repr(check_numerical_gradient(lambda f, at: None)).startswith("not done yet: ")


def left_moved(f, at):
    slopes = np.zeros(len(at))
    for j in range(len(at)):
        before = f(at)
        at[j] += 0.001
        slopes[j] = (f(at) - before) / 0.001
    return slopes


WRONG_DIFFERENCES = [
    (lambda f, at: forward(f, at, 1e-5), "one side only"),
    (lambda f, at: forward(f, at, 1e-15), "too small"),
    (lambda f, at: central(f, at, 1e-15), "too small"),
    (lambda f, at: np.nan_to_num(central(f, at, 1e-20)), "too small"),
    (lambda f, at: forward(f, at, 0.1), "one side only"),
    (lambda f, at: central(f, at, 0.1), "the step of 0.1 is too large"),
    (lambda f, at: central(f, at, 5e-3), "the step of 0.005 is too large"),
    (lambda f, at: central(f, at, 2e-3), "the step of 0.002 is too large"),
    (lambda f, at: central(f, at, 1e-3), "the step of 0.001 is too large"),
    (lambda f, at: central(f, at, 8e-4), "the step of 0.0008 is too large"),
    (lambda f, at: 2 * np.array(central(f, at)), "twice too large"),
    (lambda f, at: np.array(central(f, at)) / 2, "half of what it should be"),
    (lambda f, at: -np.array(central(f, at)), "sign is wrong"),
    (lambda f, at: 2e-5 * np.array(central(f, at)), "not divided"),
    (lambda f, at: [(f(at + 1e-5) - f(at - 1e-5)) / 2e-5] * len(at), "all entries are moved at once"),
    (lambda f, at: (f(at + 1e-5) - f(at - 1e-5)) / 2e-5, "one derivative for each"),
    (left_moved, "stays moved"),
    (lambda f, at: np.ones(len(at)), "never called"),
    (lambda f, at: np.array(central(f, at)) + 0.01, "differs from the known gradient"),
    (lambda f, at: f(at, 1e-5), "raised TypeError"),
]


@pytest.mark.parametrize(("function", "hint"), WRONG_DIFFERENCES)
def test_each_wrong_difference_gets_its_own_hint(function, hint):
    check = check_numerical_gradient(function)
    assert check.state == "wrong"
    assert hint in check.text


def test_a_right_gradient_and_a_right_checker_agree():
    assert check_yours_by_yours(central, right).state == "right"


@pytest.mark.parametrize(("checker", "function"), [(lambda f, at: None, right), (central, lambda X, y, w, b: None)])
def test_nothing_is_compared_before_both_are_written(checker, function):
    assert check_yours_by_yours(checker, function).state == "not done yet"


@pytest.mark.parametrize(
    ("checker", "function", "hint"),
    [
        (central, changed(lambda n: 2, lambda n: 2), "tell which of them is off"),
        (lambda f, at: central(f, at)[:-1], right, "must return 8 derivatives"),
        (lambda f, at: f(), right, "raised TypeError"),
        (central, lambda X, y, w, b: (X.T @ residual(X, y, w, b), residual(X, y, w, b)), "sum over the rows"),
    ],
)
def test_what_does_not_agree_is_told(checker, function, hint):
    check = check_yours_by_yours(checker, function)
    assert check.state == "wrong"
    assert hint in check.text


def with_ones(X):
    return np.column_stack([X, np.ones(len(X))])


def hessian(X):
    A = with_ones(X)
    return 2 / len(A) * A.T @ A


def by_blocks(X):
    sums = X.sum(axis=0)
    return [[*row, end] for row, end in zip(2 / len(X) * X.T @ X, 2 / len(X) * sums, strict=True)] + [
        [*(2 / len(X) * sums), 2.0]
    ]


@pytest.mark.parametrize(
    "function", [hessian, by_blocks, lambda X: sum(2 * np.outer(a, a) for a in with_ones(X)) / len(X)]
)
def test_any_route_to_the_hessian_passes(function):
    assert check_hessian(function).state == "right"


def test_an_unwritten_hessian_is_not_done_yet():
    assert repr(check_hessian(lambda X: None)).startswith("not done yet: ")


WRONG_HESSIANS = [
    (lambda X: with_ones(X) @ with_ones(X).T, "A.T @ A"),
    (lambda X: 2 / len(X) * X.T @ X, "no place for the bias"),
    (lambda X: np.ones(8), "a row and a column for each parameter"),
    (lambda X: hessian(X) / 2, "half of what it should be"),
    (lambda X: hessian(X) * 2, "twice too large"),
    (lambda X: hessian(X) * len(X), "n times too large"),
    (lambda X: hessian(X) * len(X) / 2, "the article's loss"),
    (lambda X: -hessian(X), "sign is wrong"),
    (lambda X: 2 / len(X) * np.column_stack([np.ones(len(X)), X]).T @ np.column_stack([np.ones(len(X)), X]), "first"),
    (lambda X: np.pad(2 / len(X) * X.T @ X, (0, 1)), "its column in A is all ones"),
    (lambda X: hessian(X) + 1, "derive one entry"),
    (lambda X: X @ X, "raised ValueError"),
]


@pytest.mark.parametrize(("function", "hint"), WRONG_HESSIANS)
def test_each_wrong_hessian_gets_its_own_hint(function, hint):
    check = check_hessian(function)
    assert check.state == "wrong"
    assert hint in check.text


def test_the_answers_are_the_same_twice_and_nothing_is_written_to_stderr(capfd):
    for check, function in ((check_hessian, WRONG_HESSIANS[1][0]), (check_numerical_gradient, central)):
        assert check(function) == check(function)
    assert capfd.readouterr().err == ""
