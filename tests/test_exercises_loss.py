"""The check of notebook 01: right answers pass by any route, each usual mistake gets its own hint."""

import numpy as np
import pytest

from aicontainer.exercises.loss import check_article_gradient


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
