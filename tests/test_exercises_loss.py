"""The checks of notebook 01: right answers pass by any route, each usual mistake gets its own hint."""

import math

import numpy as np
import pytest

from aicontainer.exercises.loss import check_article_gradient, check_cross_entropy, check_numerical_gradient
from aicontainer.learn import derivatives
from aicontainer.learn.cross_entropy import cross_entropy, mean_cross_entropy


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


def probability(z):
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-z))


def naive(z, y, log=np.log):
    p = probability(z)
    with np.errstate(all="ignore"):
        return -np.mean(y * log(p) + (1 - y) * log(1 - p))


def clipped(z, y):
    p = np.clip(probability(z), 1e-15, 1 - 1e-15)
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))


def stable(z, y):
    m = np.where(y == 1, -z, z)
    return np.mean(np.maximum(m, 0) + np.log1p(np.exp(-np.abs(m))))


def row_by_row(z, y):
    total = 0.0
    for score, truth in zip(z.tolist(), y.tolist(), strict=True):
        m = score if truth == 0 else -score
        total += m + math.log1p(math.exp(-m)) if m > 0 else math.log1p(math.exp(m))
    return total / len(z)


def where(z, y):
    # both branches of np.where are computed; the one that overflows is not taken
    return np.mean(np.where(y == 1, np.logaddexp(0, -z), np.logaddexp(0, z)))


@pytest.mark.parametrize("function", [stable, row_by_row, where, mean_cross_entropy])
def test_any_route_to_a_stable_cross_entropy_passes(function):
    assert check_cross_entropy(function).state == "right"


def test_an_unwritten_cross_entropy_is_not_done_yet():
    assert repr(check_cross_entropy(lambda z, y: None)).startswith("not done yet: ")


WRONG_ENTROPIES = [
    (naive, "gives nan"),
    (lambda z, y: np.mean(-np.log(np.where(y == 1, probability(z), 1 - probability(z)))), "gives inf"),
    (lambda z, y: np.mean(np.log1p(np.exp(np.where(y == 1, -z, z)))), "gives inf"),
    (clipped, "clipped probability"),
    (lambda z, y: np.mean(np.maximum(-z * (2 * y - 1), 0) + np.log(1 + np.exp(-np.abs(z)))), "np.log1p"),
    (lambda z, y: np.mean(np.log1p(np.exp(z)) - y * z), "gives inf"),
    (lambda z, y: np.mean([math.log1p(math.exp(m)) for m in np.where(y == 1, -z, z)]), "OverflowError"),
    (lambda z, y: -np.mean(y * np.log(z) + (1 - y) * np.log(1 - z)), "scores are taken for probabilities"),
    (lambda z, y: np.sum(cross_entropy(z, y)), "n times too large"),
    (lambda z, y: -stable(z, y), "sign is wrong"),
    (lambda z, y: naive(z, y, log=np.log2), "in bits"),
    (lambda z, y: stable(z, 1 - y), "have changed places"),
    (lambda z, y: stable(-z, y), "have changed places"),
    (lambda z, y: stable(probability(z), y), "applied twice"),
    (lambda z, y: np.mean(y * cross_entropy(z, y)), "truth is 0 count nothing"),
    (lambda z, y: np.mean((1 - y) * cross_entropy(z, y)), "truth is 1 count nothing"),
    (lambda z, y: np.mean((probability(z) - y) ** 2), "squared error of the probability"),
    (lambda z, y: cross_entropy(z, y), "one number for each row"),
    (lambda z, y: "small", "must return one number"),
    (lambda z, y: 3 * stable(z, y), "set the rows beside"),
    (lambda z, y: z @ np.ones(3), "raised ValueError"),
]


@pytest.mark.parametrize(("function", "hint"), WRONG_ENTROPIES)
def test_each_wrong_cross_entropy_gets_its_own_hint(function, hint):
    check = check_cross_entropy(function)
    assert check.state == "wrong"
    assert hint in check.text


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
        lambda f, at: derivatives.central(f, at, 1e-6),
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


def test_the_answers_are_the_same_twice_and_nothing_is_written_to_stderr(capfd):
    for check, function in ((check_cross_entropy, WRONG_ENTROPIES[6][0]), (check_numerical_gradient, central)):
        assert check(function) == check(function)
    assert capfd.readouterr().err == ""
