"""The checks of notebook 01b: right answers pass by any route, each usual mistake gets its own hint."""

import math

import numpy as np
import pytest

from aicontainer.exercises.cross_entropy import (
    check_complex_step,
    check_cross_entropy,
    check_logistic_gradient,
    check_yours_by_yours,
)
from aicontainer.learn import derivatives
from aicontainer.learn.cross_entropy import cross_entropy, gradient, mean_cross_entropy


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
    (lambda z, y: -np.mean(np.log(probability(z))), "y must choose"),
    (lambda z, y: np.mean(np.logaddexp(0, z)), "y must choose"),
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


def from_residuals(X, r):
    return X.T @ r / len(X), np.mean(r)


def slopes(X, y, weights, bias):
    return from_residuals(X, probability(X @ weights + bias) - y)


def slopes_by_loops(X, y, weights, bias):
    dw, db = [0.0] * len(weights), 0.0
    for row, truth in zip(X, y, strict=True):
        r = 1 / (1 + math.exp(-(float(row @ weights) + bias))) - truth
        dw = [slope + r * value / len(y) for slope, value in zip(dw, row, strict=True)]
        db += r / len(y)
    return dw, db


@pytest.mark.parametrize("function", [slopes, slopes_by_loops, gradient])
def test_any_route_to_the_logistic_gradient_passes(function):
    assert check_logistic_gradient(function).state == "right"


@pytest.mark.parametrize("function", [lambda X, y, w, b: None, lambda X, y, w, b: (X.T @ y, None)])
def test_an_unfinished_logistic_gradient_is_not_done_yet(function):
    assert repr(check_logistic_gradient(function)).startswith("not done yet: ")


def residuals(of):
    """A gradient from other residuals: ``of(z, y, p)``."""

    def function(X, y, weights, bias):
        z = X @ weights + bias
        return from_residuals(X, of(z, y, probability(z)))

    return function


WRONG_GRADIENTS = [
    (lambda X, y, w, b: (slopes(X, y, w, b)[0], probability(X @ w + b) - y), "the sum over the rows is missing"),
    (residuals(lambda z, y, p: y - p), "sign is wrong"),
    (residuals(lambda z, y, p: len(y) * (p - y)), "n times too large"),
    (residuals(lambda z, y, p: 2 * (p - y)), "twice too large"),
    (residuals(lambda z, y, p: (p - y) / 2), "half of what it should be"),
    (residuals(lambda z, y, p: z - y), "scores are taken for probabilities"),
    (residuals(lambda z, y, p: probability(p) - y), "applied twice"),
    (residuals(lambda z, y, p: 1 - p - y), "the exponent is -z"),
    (residuals(lambda z, y, p: (p > 0.5) - y), "rounded to yes or no"),
    (residuals(lambda z, y, p: (p - y) * p * (1 - p)), "step 4 cancels it"),
    (residuals(lambda z, y, p: 2 * (p - y) * p * (1 - p)), "squared error of p"),
    (lambda X, y, w, b: slopes(X, y, w, 0.0), "the score has no bias"),
    (lambda X, y, w, b: (slopes(X, y, w, b)[0], 100 * slopes(X, y, w, b)[1]), "that by the bias is"),
    (lambda X, y, w, b: (probability(X @ w + b), 0.0), "X.T @ r sums over the rows"),
    (lambda X, y, w, b: (np.ones(3), 0.0), "must have the shape (10,)"),
    (residuals(lambda z, y, p: p), "steps 1 to 6"),
    (lambda X, y, w, b: X.T @ w, "raised ValueError"),
]


@pytest.mark.parametrize(("function", "hint"), WRONG_GRADIENTS)
def test_each_wrong_logistic_gradient_gets_its_own_hint(function, hint):
    check = check_logistic_gradient(function)
    assert check.state == "wrong"
    assert hint in check.text


def stepped(f, at, h=1e-200):
    return np.array([f(at + 1j * h * unit).imag / h for unit in np.eye(len(at))])


def stepped_in_a_copy(f, at):
    answer = []
    for j in range(len(at)):
        moved = at.astype(complex)
        moved[j] += 1e-20j
        answer.append(float(f(moved).imag) / 1e-20)
    return answer


@pytest.mark.parametrize(
    "function", [stepped, stepped_in_a_copy, derivatives.complex_step, lambda f, at: stepped(f, at, 1e-9)]
)
def test_any_route_to_the_complex_step_passes(function):
    assert check_complex_step(function).state == "right"


def test_an_unwritten_complex_step_is_not_done_yet():
    assert repr(check_complex_step(lambda f, at: None)).startswith("not done yet: ")


def without_a_complex_copy(f, at):
    answer = []
    for j in range(len(at)):
        moved = at.copy()
        moved[j] += 1e-20j  # numpy drops the imaginary part, and only warns
        answer.append(f(moved).imag / 1e-20)
    return answer


def added_in_place(f, at):
    at += 1e-20j * np.eye(len(at))[0]
    return f(at).imag


def left_up(f, at):
    moved = at.astype(complex)
    answer = []
    for j in range(len(at)):
        moved[j] += 1e-20j
        answer.append(f(moved).imag / 1e-20)
    return np.array(answer)


def by_differences(f, at):
    return np.array([(f(at + 1e-5 * unit) - f(at - 1e-5 * unit)) / 2e-5 for unit in np.eye(len(at))]).real


WRONG_STEPS = [
    (without_a_complex_copy, "at.astype(complex)"),
    (added_in_place, "takes no complex one"),
    (by_differences, "real points only"),
    (left_up, "stays moved"),
    (lambda f, at: np.full(len(at), f(at + 1e-20j).imag / 1e-20), "all entries are moved at once"),
    (lambda f, at: stepped(f, at, 1e-3), "the step of 0.001 is too large"),
    (lambda f, at: stepped(f, at, 1e-6), "the step of 1e-06 is too large"),
    (lambda f, at: stepped(f, at, 1e-322), "too small even for this"),
    (lambda f, at: 1e-20 * stepped(f, at, 1e-20), "not divided by h"),
    (lambda f, at: stepped(f, at) / 2, "half of what it should be"),
    (lambda f, at: stepped(f, at) * 2, "twice too large"),
    (lambda f, at: -stepped(f, at), "sign is wrong"),
    (lambda f, at: [f(at + 1e-20j * unit) / 1e-20 for unit in np.eye(len(at))], "take .imag"),
    (lambda f, at: [f(at + 1e-20j * unit).real / 1e-20 for unit in np.eye(len(at))], "f itself (over h)"),
    (lambda f, at: [f(at + 1e-20j * unit).real for unit in np.eye(len(at))], "f itself; the derivative"),
    (lambda f, at: f(at + 1e-20j).imag, "one derivative for each"),
    (lambda f, at: np.ones(len(at)), "never called"),
    (lambda f, at: stepped(f, at) + 0.01, "differs from the known gradient"),
    (lambda f, at: f(), "raised TypeError"),
]


@pytest.mark.parametrize(("function", "hint"), WRONG_STEPS)
def test_each_wrong_complex_step_gets_its_own_hint(function, hint):
    check = check_complex_step(function)
    assert check.state == "wrong"
    assert hint in check.text


def test_a_gradient_and_a_checker_that_are_both_the_learner_s_are_compared():
    assert check_yours_by_yours(stepped, slopes).state == "right"
    assert check_yours_by_yours(lambda f, at: None, slopes).state == "not done yet"
    assert check_yours_by_yours(stepped, residuals(lambda z, y, p: y - p)).state == "wrong"
    assert check_yours_by_yours(by_differences, slopes).state == "wrong"  # right to ten digits, not to fourteen


def test_the_answers_are_the_same_twice_and_nothing_is_written_to_stderr(capfd):
    for check, function in ((check_cross_entropy, WRONG_ENTROPIES[6][0]), (check_complex_step, stepped)):
        assert check(function) == check(function)
    assert capfd.readouterr().err == ""
