"""The checks of notebook 01b_cross_entropy: the gradient, a loss that holds at any score, and the complex step."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from aicontainer.exercises import asked
from aicontainer.exercises.check import Check, not_done, right, wrong
from aicontainer.learn import cross_entropy, data, fit
from aicontainer.learn.derivatives import central
from aicontainer.model import LINKS, Array

TOLERANCE = 1e-6  # of central differences near 1

FAR_SCORES = (0.0, 40.0, 800.0, 1e4)
EXACT = 1e-9  # relative: a stable formula has about fifteen digits, an unstable one has none

LAST_DIGITS = 1e-14  # relative: what the complex step reaches, and no difference does
TINY = 1e-290  # a step below it times a small slope falls out of float64
LARGE = 1e-8  # the error of a step is about its square


def check_logistic_gradient(function: asked.Gradient) -> Check:
    """Check a gradient of the mean cross-entropy on 100 and on 569 rows of ``medicine``.

    ``function(X, y, weights, bias)`` returns the derivatives by the weights, shape (d,), and by the bias, one number.
    """
    dataset = data.load("medicine")
    rows = fit.standardise(dataset.X)(dataset.X)[:, :10]
    weights, bias = np.linspace(-0.4, 0.6, 10), 0.7
    for count in (100, len(rows)):
        X, y = rows[:count], dataset.y[:count]
        answer = asked.gradient(function, X, y, weights, bias)
        if isinstance(answer, Check):
            return answer
        if not asked.close(answer, _by_differences(X, y, weights, bias), TOLERANCE):
            return wrong(f"on {count} rows, {_gradient_fault(answer, X, y, weights, bias)}")
    return right("both derivatives agree with differences of the cross-entropy, on 100 rows and on 569")


def _by_differences(X: Array, y: Array, weights: Array, bias: float) -> Array:
    """Not by the formula that the learner derives."""

    def entropy(at: Array) -> float:
        return cross_entropy.mean_cross_entropy(X @ at[:-1] + at[-1], y)

    return central(entropy, np.append(weights, bias))


def _gradient_fault(answer: Array, X: Array, y: Array, weights: Array, bias: float) -> str:
    def from_residuals(r: Array) -> Array:
        return np.append(X.T @ r, np.sum(r)) / len(y)

    logistic = LINKS["logistic"]
    z = X @ weights + bias
    p = logistic(z)
    right_one = p - y
    residuals = {
        "the sign is wrong: it is p - y, what the model says minus what is true": -right_one,
        "it is n times too large: it is the sum over the rows, take the mean": len(y) * right_one,
        "it is twice too large: the 2 belongs to the square, and there is no square here": 2 * right_one,
        "it is half of what it should be: there is no 1/2 in the cross-entropy": right_one / 2,
        "scores are taken for probabilities: r is p - y with p = 1 / (1 + exp(-z)), and not z - y": z - y,
        "the logistic function is applied twice: p is a probability already": logistic(p) - y,
        "p is that of the truth 0: the exponent is -z, so that a large score gives a p near 1": logistic(-z) - y,
        "the probability is rounded to yes or no first: r is p - y, with p between 0 and 1": (z > 0) - y,
        "the slope p (1 - p) is still there: step 4 cancels it, against the denominator": right_one * p * (1 - p),
        "it is that of the squared error of p: take the surprise": 2 * right_one * p * (1 - p),
        "the score has no bias: z = X @ weights + bias": logistic(X @ weights) - y,
    }
    for fault, r in residuals.items():
        if asked.close(answer, from_residuals(r), TOLERANCE):
            return fault
    wanted = from_residuals(right_one)
    if asked.close(answer[:-1], wanted[:-1], TOLERANCE):
        return f"the derivatives by the weights are right; that by the bias is {answer[-1]:.6g}, not {wanted[-1]:.6g}"
    return "it differs from the numerical one: go through steps 1 to 6 for one row and one weight"


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
    answer = asked.call(function, scores.copy(), y.copy())
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
    if not known and _one_number(function, z, 1 - y) == answer:
        return "it gives the same when all truths are turned over: y must choose, for each row, between p and 1 - p"
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


def check_complex_step(function: asked.Checker) -> Check:
    """Check a gradient by the complex step on a function of two entries and on the cross-entropy of ``medicine``.

    ``function(f, at)`` calls ``f`` with complex vectors near ``at``, shape (d,), and returns its derivatives there, as
    real numbers of shape (d,), right to a relative error of 1e-14.
    """
    dataset = data.load("medicine")
    Z, y = fit.standardise(dataset.X)(dataset.X)[:100], dataset.y[:100]

    def wave(a: Array) -> Any:
        return np.exp(a[0]) * np.sin(a[1])

    def entropy(a: Array) -> Any:
        return np.mean(np.log1p(np.exp((1 - 2 * y) * (Z @ a[:-1] + a[-1]))))

    near, start = np.array([0.5, -0.8]), np.linspace(-0.2, 0.3, 31)
    slopes = np.array([math.exp(0.5) * math.sin(-0.8), math.exp(0.5) * math.cos(-0.8)])
    dw, db = cross_entropy.gradient(Z, y, start[:-1], float(start[-1]))
    for name, f, at, wanted in (
        ("exp(a0) sin(a1)", wave, near, slopes),
        ("the cross-entropy of medicine", entropy, start, np.append(dw, db)),
    ):
        check = _step(function, f, at, wanted)
        if check is not None:
            return check if check.state == "not done yet" else wrong(f"on {name}, {check.text}")
    return right("it agrees with two known gradients, of 2 and of 31 entries, to a relative error below 1e-14")


def _step(function: asked.Checker, f: asked.Function, at: Array, wanted: Array) -> Check | None:
    points: list[Array] = []

    def recorded(a: Array) -> Any:
        points.append(np.array(a, dtype=np.complex128))
        return f(a)

    answer = asked.call(function, recorded, at.copy())
    if isinstance(answer, Check):
        return wrong(_if_cast(answer.text))
    if answer is None:
        return not_done("your complex step returns None; return one derivative for each entry")
    if np.shape(answer) != at.shape:
        return wrong(f"it must return one derivative for each of the {len(at)} entries; yours is {np.shape(answer)}")
    if np.iscomplexobj(answer):
        return wrong("it returns complex numbers: the derivative is the imaginary part of f over h, take .imag")
    got = np.asarray(answer, dtype=np.float64)
    if np.linalg.norm(got - wanted) <= LAST_DIGITS * np.linalg.norm(wanted):
        return None
    value = float(np.real(f(at.astype(np.complex128))))
    return wrong(_faulty_step(np.array(points).reshape(-1, len(at)), got, wanted, value))


def _if_cast(said: str) -> str:
    if "complex" in said:
        return f"at holds real numbers and takes no complex one: work on a copy, at.astype(complex) ({said})"
    return said


def _faulty_step(points: Array, got: Array, wanted: Array, value: float) -> str:
    if not len(points):
        return "f is never called: the step needs its value at a complex point"
    heights = np.abs(points.imag)
    h = float(heights.max())
    if h == 0:
        return "f is asked at real points only: add 1j * h to an entry, and make the vector complex, at.astype(complex)"
    if (heights > 0).sum(axis=1).max() > 1:
        if (heights > 0).all():
            return "all entries are moved at once: move one, hold the others still"
        return "an entry stays moved when the next one's turn comes: take a new copy of at for each entry"
    if h < TINY:
        return f"the step of {h:.2g} is too small even for this: h times a slope must be a float64 number; take 1e-200"
    faults = {
        "the imaginary part is not divided by h": wanted * h,
        "it is half of what it should be: f is asked at one point, h away; divide by h": wanted / 2,
        "it is twice too large: divide by h": wanted * 2,
        "the sign is wrong: move by +1j * h, or turn the sign of the answer": -wanted,
        "the real part is taken: that is f itself (over h); the derivative is in the imaginary part": np.full(
            len(got), value / h
        ),
        "the real part is taken: that is f itself; the derivative is in the imaginary part": np.full(len(got), value),
    }
    known = next((fault for fault, wrong_one in faults.items() if asked.close(got, wrong_one, TOLERANCE)), "")
    if known:
        return known
    if h > LARGE:
        return f"the step of {h:.2g} is too large: the error is about h², and h may be as small as 1e-200"
    return "it differs from the known gradient: check a single entry by hand"


def check_yours_by_yours(checker: asked.Checker, function: asked.Gradient) -> Check:
    """Hold a learner's gradient of the cross-entropy against the learner's own complex step, on ``medicine``."""
    dataset = data.load("medicine")
    rows = fit.standardise(dataset.X)(dataset.X)[:, :10], dataset.y
    return asked.agree(checker, function, cross_entropy.mean_cross_entropy, rows, LAST_DIGITS)
