"""The check of notebook 01_loss: the gradient of the article's loss, against differences of that loss itself."""

from collections.abc import Callable
from typing import Any

import numpy as np

from aicontainer.exercises.check import Check, not_done, right, wrong
from aicontainer.learn import data, fit
from aicontainer.learn.loss import linear, numerical_gradient, squared_error
from aicontainer.model import Array

Gradient = Callable[[Array, Array, Array, float], Any]

# central differences of a quadratic are exact but for rounding
STEP = 1e-2
TOLERANCE = 1e-6


def check_article_gradient(function: Gradient) -> Check:
    """Check a gradient of the article's loss ``1/2 * sum((y - f(x))**2)`` at two points, on 8 and on 400 rows.

    ``function(X, y, weights, bias)`` returns the derivatives by the weights, shape (d,), and by the bias, one number.
    """
    dataset = data.load("education")
    rows = fit.standardise(dataset.X)(dataset.X)
    points = ((8, np.full(rows.shape[1], 0.5), 640.0), (400, np.linspace(-2.0, 1.0, rows.shape[1]), 655.0))
    for count, weights, bias in points:
        X, y = rows[:count], dataset.y[:count]
        answer = _ask(function, X, y, weights, bias)
        if isinstance(answer, Check):
            return answer
        hint = _hint(answer, _expected(X, y, weights, bias), count)
        if hint:
            return wrong(f"on {count} rows, {hint}")
    return right("both derivatives agree with differences of the article's loss, on 8 rows and on 400")


def _ask(function: Gradient, X: Array, y: Array, weights: Array, bias: float) -> tuple[Array, Array] | Check:
    try:
        answer = function(X, y, weights.copy(), bias)
    except Exception as error:  # whatever the learner's code raises becomes a hint
        return wrong(f"your function raised {type(error).__name__}: {error}")
    if answer is None:
        return not_done("article_gradient returns None; return two derivatives: by the weights, by the bias")
    try:
        dw, db = answer
        if dw is None or db is None:
            return not_done("one of the two derivatives is still None")
        return np.asarray(dw, dtype=np.float64), np.asarray(db, dtype=np.float64)
    except (TypeError, ValueError):
        return wrong("return a pair: the derivatives by the weights, then the one by the bias")


def _expected(X: Array, y: Array, weights: Array, bias: float) -> tuple[Array, float]:
    """By differences, not by the formula that the learner derives."""

    def article_loss(at: Array) -> float:
        return 0.5 * float(np.sum(squared_error(linear(X, at[:-1], float(at[-1])), y)))

    slopes = numerical_gradient(article_loss, np.append(weights, bias), STEP)
    return slopes[:-1], float(slopes[-1])


def _hint(answer: tuple[Array, Array], expected: tuple[Array, float], count: int) -> str:
    dw, db = answer
    if db.shape == (count,):
        return "the derivative by the bias has one number for each row: the sum over the rows is missing"
    if db.shape not in ((), (1,)):
        return f"the derivative by the bias must be one number; yours has the shape {db.shape}"
    if dw.shape != expected[0].shape:
        return f"the derivative by the weights must have the shape {expected[0].shape}; yours has {dw.shape}"
    for what, got, want in (
        ("weights", dw, expected[0]),
        ("bias", db.reshape(1), np.array([expected[1]])),
    ):
        if not _close(got, want):
            return f"the derivative by the {what} {_likely_fault(got, want, count)}"
    return ""


def _likely_fault(got: Array, want: Array, count: int) -> str:
    faults = {
        "has the wrong sign: is it score minus y, or y minus score?": -1.0,
        "is twice too large: the 1/2 of the article's loss cancels the 2 of the square": 2.0,
        "is that of the mean squared error: the article's loss has 1/2 and no division by n": 2.0 / count,
        "is n times too small: the article sums, it does not take the mean": 1.0 / count,
    }
    for fault, factor in faults.items():
        if _close(got, want * factor):
            return fault
    return "differs from the numerical one: go through the chain rule once more, row by row"


def _close(got: Array, want: Array) -> bool:
    return bool(np.allclose(got, want, rtol=TOLERANCE, atol=TOLERANCE * float(np.abs(want).max())))
