"""Asking a learner's function: what it raises becomes a hint, and an answer of the wrong form is told before its value.

An answer of these functions that is a ``Check`` is the check's last word.
"""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from aicontainer.exercises.check import Check, not_done, right, wrong
from aicontainer.learn.derivatives import relative_error
from aicontainer.model import Array

Function = Callable[[Array], Any]
Gradient = Callable[[Array, Array, Array, float], Any]
Checker = Callable[[Function, Array], Any]
Loss = Callable[[Any, Array], Any]
Rows = tuple[Array, Array]


def call(function: Callable[..., Any], *given: Any) -> Any:
    """What the function answers, or a hint when it raises; what it warns of is judged by its answer."""
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return function(*given)
    except OverflowError as error:
        return wrong(f"your function raised OverflowError ({error}): let no exp grow, use exp(-|z|)")
    except Exception as error:
        return wrong(f"your function raised {type(error).__name__}: {error}")


def gradient(function: Gradient, X: Array, y: Array, weights: Array, bias: float) -> Array | Check:
    """The answer ``(by the weights, by the bias)`` as one vector of shape (d + 1,), the bias last."""
    answer = call(function, X, y, weights.copy(), bias)
    if isinstance(answer, Check):
        return answer
    if answer is None:
        return not_done("your gradient returns None; return two derivatives: by the weights, by the bias")
    try:
        dw, db = answer
        if dw is None or db is None:
            return not_done("one of the two derivatives is still None")
        by_weights, by_bias = np.asarray(dw, dtype=np.float64), np.asarray(db, dtype=np.float64)
    except (TypeError, ValueError):
        return wrong("return a pair: the derivatives by the weights, then the one by the bias")
    fault = _form_of(by_weights, by_bias, X)
    return wrong(f"on {len(X)} rows, {fault}") if fault else np.append(by_weights, by_bias)


def _form_of(by_weights: Array, by_bias: Array, X: Array) -> str:
    count, width = X.shape
    if by_bias.shape == (count,):
        return "the derivative by the bias has one number for each row: the sum over the rows is missing"
    if by_bias.shape not in ((), (1,)):
        return f"the derivative by the bias must be one number; yours has the shape {by_bias.shape}"
    if by_weights.shape == (count,):
        return "the derivative by the weights has one number for each row: X.T @ r sums over the rows, X @ w does not"
    if by_weights.shape != (width,):
        return f"the derivative by the weights must have the shape ({width},); yours has {by_weights.shape}"
    return ""


def close(got: Array, want: Array, tolerance: float) -> bool:
    """Whether each entry agrees to ``tolerance``, relative to itself or to the largest one."""
    return bool(np.allclose(got, want, rtol=tolerance, atol=tolerance * float(np.abs(want).max())))


def agree(checker: Checker, of_gradient: Gradient, loss: Loss, rows: Rows, tolerance: float) -> Check:
    """Whether two functions of the learner agree: a gradient, and a checker of gradients that is given the loss.

    Parameters
    ----------
    checker
        ``checker(f, at)``: the derivatives of ``f`` at a vector of shape (d + 1,), the bias last.
    of_gradient
        ``of_gradient(X, y, weights, bias)``.
    loss
        ``loss(scores, y)``: one number.
    rows
        X and y.
    tolerance
        The largest relative error of the gradient, seen from the checker.
    """
    X, y = rows
    at = np.linspace(-1.0, 1.5, X.shape[1] + 1)
    formula = gradient(of_gradient, X, y, at[:-1], float(at[-1]))
    if isinstance(formula, Check):
        return formula
    checked = call(checker, lambda a: loss(X @ a[:-1] + a[-1], y), at.copy())
    if isinstance(checked, Check):
        return checked
    if checked is None:
        return not_done("your checker returns None; write it first")
    if np.shape(checked) != at.shape:
        return wrong(f"your checker must return {len(at)} derivatives here; it returns the shape {np.shape(checked)}")
    if relative_error(formula, np.real(checked)) > tolerance:
        return wrong("your gradient and your checker differ: the checks of the two exercises tell which of them is off")
    return right(f"your gradient and your checker agree in all {len(at)} derivatives, to {tolerance:g}")
