"""The checks of notebook 01_loss: a gradient by differences, the article's gradient, and the Hessian."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from aicontainer.exercises import asked
from aicontainer.exercises.check import Check, not_done, right, wrong
from aicontainer.learn import data, fit, loss
from aicontainer.learn.derivatives import central
from aicontainer.model import Array

# central differences of a quadratic are exact but for rounding
STEP = 1e-2
TOLERANCE = 1e-6

# what central differences reach with ease, and differences to one side hardly ever
DIFFERENCES = 1e-7
SMALL, LARGE = 1e-9, 6e-4  # steps below lose the loss in rounding, steps above see its curve


def check_numerical_gradient(function: asked.Checker) -> Check:
    """Check a gradient by differences on a function of two entries and on a loss of ``education`` with eight.

    ``function(f, at)`` calls ``f`` with vectors near ``at``, shape (d,), and returns its derivatives there, shape (d,).
    """
    dataset = data.load("education")
    X, y = fit.standardise(dataset.X)(dataset.X)[:100], dataset.y[:100]

    def wave(a: Array) -> float:
        return math.exp(a[0]) * math.sin(a[1])

    def mean(a: Array) -> float:
        return loss.mean_squared_error(loss.linear(X, a[:-1], float(a[-1])), y) / 1000

    near, start = np.array([0.5, -0.8]), np.linspace(-1.0, 3.0, X.shape[1] + 1)
    slopes = np.array([math.exp(0.5) * math.sin(-0.8), math.exp(0.5) * math.cos(-0.8)])
    dw, db = loss.gradient(X, y, start[:-1], float(start[-1]))
    for name, f, at, wanted in (
        ("exp(a0) sin(a1)", wave, near, slopes),
        ("the loss of education", mean, start, np.append(dw, db) / 1000),
    ):
        check = _differences(function, f, at, wanted)
        if check is not None:
            return check if check.state == "not done yet" else wrong(f"on {name}, {check.text}")
    return right(f"it agrees with two known gradients, of 2 and of {len(start)} entries")


def _differences(function: asked.Checker, f: asked.Function, at: Array, wanted: Array) -> Check | None:
    points: list[Array] = []

    def recorded(a: Array) -> Any:
        points.append(np.array(a, dtype=np.float64))
        return f(points[-1])

    answer = asked.call(function, recorded, at.copy())
    if isinstance(answer, Check):
        return answer
    if answer is None:
        return not_done("your numerical gradient returns None; return one derivative for each entry")
    if np.shape(answer) != at.shape:
        return wrong(f"it must return one derivative for each of the {len(at)} entries; yours is {np.shape(answer)}")
    got = np.asarray(answer, dtype=np.float64)
    if np.abs(got - wanted).max() <= DIFFERENCES * np.abs(wanted).max():
        return None
    return wrong(_faulty_differences(np.array(points).reshape(-1, len(at)) - at, got, wanted))


def _faulty_differences(shifts: Array, got: Array, wanted: Array) -> str:
    if not len(shifts):
        return "f is never called: a difference needs its values at two points"
    step = float(np.abs(shifts).max())
    moved = (np.abs(shifts) > step / 1000).sum(axis=1)  # an entry that was moved back may be off by rounding
    if step < SMALL:
        return "the step is too small: f differs only in its last digits, and rounding is all that is left; try 1e-5"
    if moved.max() > 1:
        if moved.max() == moved[moved > 0].min():
            return "all entries are moved at once: move one, hold the others still"
        return "an entry stays moved when the next one's turn comes: work on a copy of at, at.copy()"
    faults = {
        "it is twice too large: the two points are 2h apart": wanted * 2,
        "it is half of what it should be: a difference to one side is divided by h": wanted / 2,
        "the sign is wrong: f(a + h) minus f(a - h)": -wanted,
        "the difference is not divided by the distance of its points": wanted * 2 * step,
    }
    for fault, value in faults.items():
        if asked.close(got, value, 1e-3):
            return fault
    if (shifts >= 0).all() or (shifts <= 0).all():
        return "it looks to one side only, and the error is as large as the step; take f(a + h) - f(a - h) over 2h"
    if step > LARGE:
        return f"the step of {step:.2g} is too large: f curves on the way; try 1e-5"
    return "it differs from the known gradient: check a single entry by hand"


def check_article_gradient(function: asked.Gradient) -> Check:
    """Check a gradient of the article's loss ``1/2 * sum((y - f(x))**2)`` at two points, on 8 and on 400 rows.

    ``function(X, y, weights, bias)`` returns the derivatives by the weights, shape (d,), and by the bias, one number.
    """
    dataset = data.load("education")
    rows = fit.standardise(dataset.X)(dataset.X)
    points = ((8, np.full(rows.shape[1], 0.5), 640.0), (400, np.linspace(-2.0, 1.0, rows.shape[1]), 655.0))
    for count, weights, bias in points:
        X, y = rows[:count], dataset.y[:count]
        answer = asked.gradient(function, X, y, weights, bias)
        if isinstance(answer, Check):
            return answer
        hint = _hint(answer, _by_differences(X, y, weights, bias), count)
        if hint:
            return wrong(f"on {count} rows, {hint}")
    return right("both derivatives agree with differences of the article's loss, on 8 rows and on 400")


def _by_differences(X: Array, y: Array, weights: Array, bias: float) -> Array:
    """Not by the formula that the learner derives."""

    def article_loss(at: Array) -> float:
        return 0.5 * float(np.sum(loss.squared_error(loss.linear(X, at[:-1], float(at[-1])), y)))

    return central(article_loss, np.append(weights, bias), STEP)


def _hint(answer: Array, expected: Array, count: int) -> str:
    for what, part in (("weights", slice(None, -1)), ("bias", slice(-1, None))):
        if not asked.close(answer[part], expected[part], TOLERANCE):
            return f"the derivative by the {what} {_likely_fault(answer[part], expected[part], count)}"
    return ""


def _likely_fault(got: Array, want: Array, count: int) -> str:
    faults = {
        "has the wrong sign: is it score minus y, or y minus score?": -1.0,
        "is twice too large: the 1/2 of the article's loss cancels the 2 of the square": 2.0,
        "is that of the mean squared error: the article's loss has 1/2 and no division by n": 2.0 / count,
        "is n times too small: the article sums, it does not take the mean": 1.0 / count,
        "is half of what it should be: the square gives a 2, and only then the 1/2 cancels it": 0.5,
    }
    for fault, factor in faults.items():
        if asked.close(got, want * factor, TOLERANCE):
            return fault
    return "differs from the numerical one: go through the chain rule once more, row by row"


def check_yours_by_yours(checker: asked.Checker, function: asked.Gradient) -> Check:
    """Hold a learner's gradient of the article's loss against the learner's own differences, on ``education``."""
    dataset = data.load("education")
    rows = fit.standardise(dataset.X)(dataset.X)[:100], (dataset.y[:100] - dataset.y.mean()) / 10
    return asked.agree(checker, function, lambda scores, y: np.sum((scores - y) ** 2) / 2, rows, TOLERANCE)


def check_hessian(function: Callable[[Array], Any]) -> Check:
    """Check the Hessian of the mean squared error, on 20 and on 400 rows of ``education``.

    ``function(X)`` takes a table of shape (n, d) and returns the second derivatives by the weights and the bias, shape
    (d + 1, d + 1), the bias last.
    """
    dataset = data.load("education")
    rows = fit.standardise(dataset.X)(dataset.X)
    for count in (20, 400):
        X = rows[:count]
        answer = asked.call(function, X.copy())
        if isinstance(answer, Check):
            return answer
        if answer is None:
            return not_done("my_hessian returns None; return a matrix with a row and a column for each parameter")
        hint = _hessian_fault(answer, _from_gradients(X, dataset.y[:count]), count)
        if hint:
            return wrong(f"on {count} rows, {hint}")
    return right("it agrees with the change of the package's gradient along every parameter, on 20 rows and on 400")


def _from_gradients(X: Array, y: Array) -> Array:
    """The gradient is linear in the parameters, so its change over one unit of a parameter is a row of the Hessian."""

    def at(parameters: Array) -> Array:
        return np.append(*loss.gradient(X, y, parameters[:-1], float(parameters[-1])))

    start = np.zeros(X.shape[1] + 1)
    return np.array([at(unit) - at(start) for unit in np.eye(len(start))])


def _hessian_fault(answer: Any, wanted: Array, count: int) -> str:
    size = len(wanted)
    shape = np.shape(answer)
    if shape == (count, count):
        return "it has a row and a column for each row of X: the sum must run over the rows, so it is A.T @ A"
    if shape == (size - 1, size - 1):
        return "it has no place for the bias: the bias is a parameter too, its column in A is all ones"
    if shape != (size, size):
        return f"it must have the shape {(size, size)}, a row and a column for each parameter; yours has {shape}"
    try:
        got = np.asarray(answer, dtype=np.float64)
    except (TypeError, ValueError):
        return "it must be a matrix of numbers"
    if asked.close(got, wanted, TOLERANCE):
        return ""
    first = np.roll(np.arange(size), 1)  # the bias before the weights
    faults = {
        "it is half of what it should be: the square gives a 2": wanted / 2,
        "it is twice too large: the 2 of the square comes once": wanted * 2,
        "it is n times too large: it is the sum over the rows, take the mean": wanted * count,
        "it is that of half the sum, the article's loss: ours has a 2 and a division by n": wanted * count / 2,
        "the sign is wrong: the squares of the features count, and they are positive": -wanted,
        "the bias stands first: put the column of ones last": wanted[np.ix_(first, first)],
    }
    known = next((fault for fault, value in faults.items() if asked.close(got, value, TOLERANCE)), "")
    if not known and asked.close(got[:-1, :-1], wanted[:-1, :-1], TOLERANCE):
        return "the weights are right, the row and the column of the bias are not: its column in A is all ones"
    return known or "it differs from how the gradient changes: derive one entry, for two weights j and k, by hand"
