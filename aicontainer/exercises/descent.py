"""The checks of notebook 02_descent: the border of the rate, a gradient without rows, a training that stops early."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from aicontainer.errors import DataError
from aicontainer.exercises import asked, model_file
from aicontainer.exercises.check import Check, not_done, right, wrong
from aicontainer.learn import data, fit
from aicontainer.learn.data import Dataset
from aicontainer.learn.descent import descend
from aicontainer.learn.loss import mean_squared_error, with_ones
from aicontainer.model import Array, Model

EARLY = "education_early"
ALLOWED = 1.01
ROUNDING = 1e-9

BORDER_FEATURES = ("lunch", "calworks", "income")
NEAR = 1.05  # a rate counts as the largest when one this much larger fails
PATIENCE = 3000  # steps: enough for a rate just above the border to be seen growing

MomentGradient = Callable[[Array, Array, int, Array], Any]
MOMENTS_AGREE = 1e-9  # relative to the largest entry: the two ways round differently, and no more than that


def check_early_model(path: Path | None = None) -> Check:
    """Check the model file ``education_early``: at most 1 % above the smallest loss, after as few steps as that takes.

    Only the file counts: it is loaded, its loss is measured on all rows and compared with a descent made here.
    """
    path = fit.model_path(EARLY) if path is None else path
    model = model_file.read(path)
    if isinstance(model, Check):
        return model
    dataset = data.load(fit.DEFAULT)
    if model.features != dataset.features or model.trained_on != dataset.fingerprint:
        return wrong(f"{path.name} was trained on other rows or features: train it on data.load('education')")
    return _judge(model, dataset)


def _judge(model: Model, dataset: Dataset) -> Check:
    losses = descend(fit.standardise(dataset.X)(dataset.X), dataset.y, fit.RATE, fit.STEPS).losses
    limit = ALLOWED * losses[-1]
    fewest = next(step for step, value in enumerate(losses) if value <= limit)
    loss = mean_squared_error(model.score(dataset.X), dataset.y)
    if loss > losses[0]:
        return wrong(
            f"the file's loss is {loss:.9g}, more than that of zero weights: do scaling and weights fit together?"
        )
    if loss > limit:
        return wrong(f"the file's loss is {loss:.9g}, above the limit of {limit:.9g}: it needs more steps")
    if loss < losses[fewest] * (1 - ROUNDING):
        return wrong(f"the file's loss is {loss:.9g}, within the limit of {limit:.9g}, but fewer steps would do")
    return right(f"{fewest} steps give a loss of {loss:.9g}, within the limit of {limit:.9g}")


def check_largest_rate(rate: Any) -> Check:
    """Check the largest rate at which descent on three standardised features of ``education`` still falls, to 5 %.

    No formula is asked: a descent is made at this rate, and one at a rate 5 % larger.
    """
    if rate is None:
        return not_done("largest_rate is None; set it to a number")
    try:
        rate = float(rate)
    except (TypeError, ValueError):
        return wrong(f"largest_rate must be a number; yours is a {type(rate).__name__}")
    if not (math.isfinite(rate) and rate > 0):
        return wrong("a rate is above 0: the step goes against the gradient")
    dataset = data.load(fit.DEFAULT, features=BORDER_FEATURES)
    Z = fit.standardise(dataset.X)(dataset.X)
    falls, larger_falls = (_falls(Z, dataset.y, tried) for tried in (rate, NEAR * rate))
    if falls and not larger_falls:
        return right(f"the loss falls at your rate and grows at {NEAR} times your rate")
    known = _known_rate(rate, dataset)
    if known:
        return wrong(known)
    if falls:
        return wrong(f"the loss falls at {rate:.4g}, but also at {NEAR * rate:.4g}: go on upwards")
    return wrong(f"at {rate:.4g} the loss grows, if not in the first steps, then within {PATIENCE}: go down")


def _falls(Z: Array, y: Array, rate: float) -> bool:
    try:
        losses = descend(Z, y, rate, PATIENCE).losses
    except DataError:
        return False
    return losses[-1] <= losses[-2] * (1 + ROUNDING)  # far from the start, a rate just too large is still below it


def _known_rate(rate: float, dataset: Dataset) -> str:
    """A usual wrong way to the border, recognised by where it leads."""
    border, n = _border(fit.standardise(dataset.X)(dataset.X)), len(dataset.y)
    whole = data.load(fit.DEFAULT).X
    usual = {
        "is the border of the raw rows: standardise them first": _border(dataset.X),
        "is the border of all seven features: with other columns it lies elsewhere": _border(
            fit.standardise(whole)(whole)
        ),
        "is half the border, 1 / lambda_max: there the steepest direction arrives in one step, the border is "
        "2 / lambda_max": border / 2,
        "is twice the border: the second derivative of this loss is 2/n A'A, with the 2": border * 2,
        "is the border of the article's loss, half a sum over the rows; ours is a mean": border * 2 / n,
    }
    found = next((text for text, value in usual.items() if math.isclose(rate, value, rel_tol=0.04)), "")
    return found and f"{rate:.4g} {found}"


def _border(rows: Array) -> float:
    A = with_ones(rows)
    return float(2 / np.linalg.eigvalsh(2 / len(rows) * A.T @ A)[-1])


def check_moment_gradient(function: MomentGradient) -> Check:
    """Check a gradient of the mean squared error that never sees the rows, at one place each on two sets of rows.

    ``function(gram, cross, n, theta)`` takes A'A of shape (d + 1, d + 1), A'y of shape (d + 1,), the number of rows and
    the weights with the bias behind them, shape (d + 1,); it returns the derivatives by them, shape (d + 1,).
    """
    for features, count in ((BORDER_FEATURES, 40), (None, 420)):
        dataset = data.load(fit.DEFAULT, features=features)
        A = with_ones(fit.standardise(dataset.X)(dataset.X))[:count]
        y = dataset.y[:count]
        theta = np.linspace(-3.0, 2.0, A.shape[1])
        answer = _ask(function, A, y, theta)
        if isinstance(answer, Check):
            return answer
        hint = _moment_fault(answer, A, y, theta)
        if hint:
            return wrong(f"on {count} rows with {A.shape[1] - 1} features, {hint}")
    return right("it agrees with the gradient over the rows, on 40 of them and on 420")


def _ask(function: MomentGradient, A: Array, y: Array, theta: Array) -> Array | Check:
    given = theta.copy()
    answer = asked.call(function, A.T @ A, A.T @ y, len(y), given)
    if isinstance(answer, Check):
        return wrong(f"{answer.text}; gram has the shape {(A.shape[1],) * 2}: use nothing but the four arguments")
    if answer is None:
        return not_done("your gradient returns None; return a vector as long as theta")
    if not np.array_equal(given, theta):
        return wrong("it changes theta in place: return the gradient, the descent takes the step")
    if np.shape(answer) != theta.shape:
        return wrong(f"it returns the shape {np.shape(answer)} instead of {theta.shape}, one derivative for each entry")
    try:
        return np.asarray(answer, dtype=np.float64)
    except (TypeError, ValueError):
        return wrong("it must return numbers")


def _moment_fault(answer: Array, A: Array, y: Array, theta: Array) -> str:
    n, gram, cross = len(y), A.T @ A, A.T @ y
    wanted = 2 / n * (A.T @ (A @ theta - y))
    if _near(answer, wanted):
        return ""
    minimum: Array = np.linalg.solve(gram, cross).astype(np.float64)
    faults = {
        "it is half of it: the derivative of the square brings a 2": wanted / 2,
        "it is n times too large: the loss is a mean, divide by n": wanted * n,
        "it is n/2 times too large: it lacks the 2 of the square, and the mean's 1/n": wanted * n / 2,
        "the sign is wrong: it is what the scores are minus what they should be, gram @ theta - cross": -wanted,
        "cross is added: it has to be taken away": 2 / n * (gram @ theta + cross),
        "cross is missing: this would be the gradient if all targets were 0": 2 / n * (gram @ theta),
        "theta is missing: this is the gradient at zero, wherever you are": -2 / n * cross,
        "it is divided by the number of weights: divide by n, the number of rows": wanted * n / len(theta),
        "it is the minimum itself and not the gradient: that is where the gradient is zero": minimum,
        "only gram is divided by n, or doubled: cross needs the same factor 2/n": 2 / n * (gram @ theta) - cross,
    }
    known = next((fault for fault, value in faults.items() if _near(answer, value)), "")
    return known or f"its first entry is {answer[0]:.6g} instead of {wanted[0]:.6g}: multiply out A'(A theta - y)"


def _near(answer: Array, wanted: Array) -> bool:
    return bool(np.all(np.abs(answer - wanted) <= MOMENTS_AGREE * np.abs(wanted).max()))  # False for nan
