"""The checks of notebook 01_loss: the article's gradient, a stable cross-entropy, and a gradient by differences."""

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from aicontainer.exercises.check import Check, not_done, right, wrong
from aicontainer.learn import cross_entropy, data, fit
from aicontainer.learn.derivatives import central
from aicontainer.learn.loss import linear, squared_error
from aicontainer.model import LINKS, Array

Gradient = Callable[[Array, Array, Array, float], Any]
Function = Callable[[Array], float]

# central differences of a quadratic are exact but for rounding
STEP = 1e-2
TOLERANCE = 1e-6

FAR_SCORES = (0.0, 40.0, 800.0, 1e4)
EXACT = 1e-9  # relative: a stable formula has about fifteen digits, an unstable one has none

# what central differences reach with ease, and differences to one side hardly ever
DIFFERENCES = 1e-7
SMALL, LARGE = 1e-9, 6e-4  # steps below lose the loss in rounding, steps above see its curve


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


def check_cross_entropy(function: Callable[[Array, Array], Any]) -> Check:
    """Check a mean cross-entropy on scores: on 569 rows of ``medicine``, then on single scores of up to 10,000.

    ``function(scores, y)`` takes two vectors of shape (n,), the second of 0 and 1, and returns one number in nats.
    """
    dataset = data.load("medicine")
    scores = 4.0 * fit.standardise(dataset.X)(dataset.X)[:, 0]
    answer = _one_number(function, scores, dataset.y)
    if isinstance(answer, Check):
        return answer
    hint = _ordinary_fault(function, answer, scores, dataset.y)
    if hint:
        return wrong(f"on medicine, {hint}")
    far = [(sign * size, truth) for size in FAR_SCORES for sign in (1, -1) for truth in (0.0, 1.0)]
    answers = [_one_number(function, np.array([score]), np.array([truth])) for score, truth in far]
    faults = []
    for (score, truth), answer in zip(far, answers, strict=True):
        if isinstance(answer, Check):
            return answer
        wanted = cross_entropy.mean_cross_entropy([score], [truth])
        if not math.isclose(answer, wanted, rel_tol=EXACT):
            faults.append((score, truth, answer, wanted))
    if faults:
        # no number at all is told before a number that is wrong
        score, truth, answer, wanted = min(
            faults, key=lambda fault: (not math.isnan(fault[2]), math.isfinite(fault[2]))
        )
        return wrong(f"at the score {score:g} with the truth {truth:g}, {_far_fault(answer, wanted)}")
    return right("it agrees with the package on medicine, and holds at every score up to 10,000")


def _one_number(function: Callable[[Array, Array], Any], scores: Array, y: Array) -> float | Check:
    answer = _call(function, scores.copy(), y.copy())
    if isinstance(answer, Check):
        return answer
    if answer is None:
        return not_done("your cross-entropy returns None; return one number, the mean over the rows")
    if np.shape(answer) != () and np.size(answer) == len(scores):
        return wrong("it returns one number for each row: take their mean")
    try:
        return float(answer)
    except (TypeError, ValueError):
        return wrong(f"it must return one number; yours is a {type(answer).__name__}")


def _ordinary_fault(function: Callable[[Array, Array], Any], answer: float, z: Array, y: Array) -> str:
    entropy, p = cross_entropy.mean_cross_entropy, LINKS["logistic"](z)
    wanted = entropy(z, y)
    if math.isclose(answer, wanted, rel_tol=EXACT):
        return ""
    few, truth = np.array([0.2, 0.7, 0.4]), np.array([1.0, 0.0, 1.0])
    as_if = -np.mean(truth * np.log(few) + (1 - truth) * np.log(1 - few))
    probed = _one_number(function, few, truth)
    if isinstance(probed, float) and math.isclose(probed, as_if, rel_tol=EXACT):
        return "scores are taken for probabilities: a score can be any number, first make it p = 1 / (1 + exp(-z))"
    faults = {
        "it is n times too large: it is the sum over the rows, take the mean": len(y) * wanted,
        "the sign is wrong: a surprise is minus the logarithm": -wanted,
        "it is in bits: take the natural logarithm, np.log, and not np.log2": wanted / math.log(2),
        "y and 1 - y have changed places: log p belongs to the rows whose truth is 1": entropy(z, 1 - y),
        "the logistic function is applied twice: the scores are no probabilities yet, p no score": entropy(p, y),
        "the rows whose truth is 0 count nothing: the term (1 - y) log(1 - p) is missing": float(
            np.mean(y * cross_entropy.cross_entropy(z, y))
        ),
        "the rows whose truth is 1 count nothing: the term y log p is missing": float(
            np.mean((1 - y) * cross_entropy.cross_entropy(z, y))
        ),
        "it is the squared error of the probability: take the surprise": float(np.mean((p - y) ** 2)),
    }
    known = next((fault for fault, value in faults.items() if math.isclose(answer, value, rel_tol=EXACT)), "")
    return known or f"it gives {answer:.6g} instead of {wanted:.6g}: set the rows beside cross_entropy.cross_entropy"


def _far_fault(answer: float, wanted: float) -> str:
    if math.isnan(answer):
        return "it gives nan: somewhere 0 meets infinity, or infinity is divided by itself; let no exp grow, use -|z|"
    if math.isinf(answer):
        return "it gives inf: an exp overflowed, or p was rounded to 0 or 1 before its log; work on z, without p"
    if wanted > 1:
        return f"it gives {answer:.6g} instead of {wanted:g}: a clipped probability hides how far off the score is"
    return (
        f"it gives {answer:.3g} instead of {wanted:.3g}: beside a large number a tiny one is lost (1 + x is 1); "
        "np.log1p(x) is log(1 + x) and keeps it"
    )


def check_numerical_gradient(function: Callable[[Function, Array], Any]) -> Check:
    """Check a gradient by differences on a function of two entries and on the cross-entropy of ``medicine`` with 31.

    ``function(f, at)`` calls ``f`` with vectors near ``at``, shape (d,), and returns its derivatives there, shape (d,).
    """
    dataset = data.load("medicine")
    Z, y = fit.standardise(dataset.X)(dataset.X)[:100], dataset.y[:100]

    def wave(a: Array) -> float:
        return math.exp(a[0]) * math.sin(a[1])

    def entropy(a: Array) -> float:
        return cross_entropy.mean_cross_entropy(linear(Z, a[:-1], float(a[-1])), y)

    near, start = np.array([0.5, -0.8]), np.linspace(-0.2, 0.3, 31)
    slopes = np.array([math.exp(0.5) * math.sin(-0.8), math.exp(0.5) * math.cos(-0.8)])
    dw, db = cross_entropy.gradient(Z, y, start[:-1], float(start[-1]))
    for name, f, at, wanted in (
        ("exp(a0) sin(a1)", wave, near, slopes),
        ("the cross-entropy of medicine", entropy, start, np.append(dw, db)),
    ):
        check = _differences(function, f, at, wanted)
        if check is not None:
            return check if check.state == "not done yet" else wrong(f"on {name}, {check.text}")
    return right("it agrees with two known gradients, of 2 and of 31 entries")


def _differences(function: Callable[[Function, Array], Any], f: Function, at: Array, wanted: Array) -> Check | None:
    asked: list[Array] = []

    def recorded(a: Array) -> float:
        asked.append(np.array(a, dtype=np.float64))
        return f(asked[-1])

    own = at.copy()
    answer = _call(function, recorded, own)
    if isinstance(answer, Check):
        return answer
    if answer is None:
        return not_done("your numerical gradient returns None; return one derivative for each entry")
    if np.shape(answer) != at.shape:
        return wrong(f"it must return one derivative for each of the {len(at)} entries; yours is {np.shape(answer)}")
    got = np.asarray(answer, dtype=np.float64)
    if np.abs(got - wanted).max() <= DIFFERENCES * np.abs(wanted).max():
        return None
    return wrong(_faulty_differences(np.array(asked).reshape(-1, len(at)) - at, got, wanted))


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
        if np.allclose(got, value, rtol=1e-3, atol=1e-3 * float(np.abs(value).max())):
            return fault
    if (shifts >= 0).all() or (shifts <= 0).all():
        return "it looks to one side only, and the error is as large as the step; take f(a + h) - f(a - h) over 2h"
    if step > LARGE:
        return f"the step of {step:.2g} is too large: f curves on the way; try 1e-5"
    return "it differs from the known gradient: check a single entry by hand"


def _call(function: Callable[..., Any], *given: Any) -> Any:
    """What the learner's function answers; what it raises becomes a hint, what it warns of is judged by its answer."""
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return function(*given)
    except OverflowError as error:
        return wrong(f"your function raised OverflowError ({error}): let no exp grow, use exp(-|z|)")
    except Exception as error:
        return wrong(f"your function raised {type(error).__name__}: {error}")


def _ask(function: Gradient, X: Array, y: Array, weights: Array, bias: float) -> tuple[Array, Array] | Check:
    answer = _call(function, X, y, weights.copy(), bias)
    if isinstance(answer, Check):
        return answer
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

    slopes = central(article_loss, np.append(weights, bias), STEP)
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
