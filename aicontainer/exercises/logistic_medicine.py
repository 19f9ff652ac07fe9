"""The checks of notebook 02b_logistic on ``medicine``: the gradient with its penalty, and a classifier's file."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from aicontainer.exercises import asked, model_file
from aicontainer.exercises.check import Check, right, wrong
from aicontainer.learn import cross_entropy, data, derivatives, evaluation, fit
from aicontainer.learn.cross_entropy import mean_cross_entropy
from aicontainer.learn.data import Dataset
from aicontainer.learn.loss import linear, mean_squared_error
from aicontainer.learn.objective import CROSS_ENTROPY, with_l2
from aicontainer.model import Array, Model

CASE = "medicine"
CLASSIFIER = "medicine_means"
SHARE, SEED = 0.25, 1
LOSS_TO_REACH = 0.156  # nats on the rows held out; 300 steps at the rate 0.3 give 0.154

DIFFERENCES = 1e-6  # what central differences of a mean of logarithms reach with ease

PenalisedGradient = Callable[[Array, Array, Array, float, float], Any]


def check_penalised_gradient(function: PenalisedGradient) -> Check:
    """Check the gradient of the cross-entropy with L2, on 40 and on 400 rows of ``medicine``, by central differences.

    ``function(X, y, weights, bias, strength)`` returns the derivatives of the mean cross-entropy plus ``strength/2`` of
    the sum of squared weights: by the weights, shape (d,), and by the bias, one number.
    """
    dataset = data.load(CASE)
    rows = fit.standardise(dataset.X)(dataset.X)
    for count, strength, bias in ((40, 0.1, -1.5), (400, 2.0, 0.8)):
        X, y, weights = rows[:count], dataset.y[:count], np.linspace(-0.4, 0.3, rows.shape[1])
        answer = asked.gradient(_at(function, strength), X, y, weights, bias)
        if isinstance(answer, Check):
            return answer
        hint = _penalty_fault(answer, X, y, np.append(weights, bias), strength)
        if hint:
            return wrong(f"on {count} rows at strength {strength:g}, {hint}")
    return right("it agrees with differences of the loss and its penalty, on 40 rows and on 400")


def _at(function: PenalisedGradient, strength: float) -> asked.Gradient:
    return lambda X, y, weights, bias: function(X, y, weights, bias, strength)


def _penalty_fault(answer: Array, X: Array, y: Array, at: Array, strength: float) -> str:
    objective = with_l2(CROSS_ENTROPY, strength)
    wanted = derivatives.central(lambda a: objective.value(X, y, a[:-1], float(a[-1])), at)
    if asked.close(answer, wanted, DIFFERENCES):
        return ""
    bias, n = float(at[-1]), len(y)
    w = np.append(at[:-1], 0.0)
    on_weights = np.append(np.ones(len(at) - 1), 0.0)
    bare = np.append(*cross_entropy.gradient(X, y, at[:-1], bias))
    z = linear(X, at[:-1], bias)
    of_scores = np.append(X.T @ (z - y), np.sum(z - y)) / n
    paid = np.append(np.zeros(len(at) - 1), strength * bias)
    faults = {
        "the bias is penalised too: leave its derivative as it is in the first part": wanted + paid,
        "the penalty is missing: it is the gradient of the cross-entropy alone": bare,
        "the penalty has the wrong sign: it makes long weights dearer, so strength * weights is added": bare
        - strength * w,
        "the penalty is twice too large: the 1/2 cancels the 2 of the square": bare + 2 * strength * w,
        "the penalty is half of what it should be: the derivative of the square brings a 2": bare + strength * w / 2,
        "the penalty is divided by n: only the first part is a mean over the rows": bare + strength * w / n,
        "the first part is n times too large: it is a mean over the rows": n * bare + strength * w,
        "the strength is missing: the penalty's derivative is strength * weights": bare + w,
        "the penalty itself is added; wanted is its derivative, one number for each weight": bare
        + strength / 2 * float(w @ w) * on_weights,
        "the strength is added to each: that is the derivative of a sum of weights, not of squares": bare
        + strength * on_weights,
        "it is the sign of the weights that is added: that is L1, the derivative of |w|": bare + strength * np.sign(w),
        "the first part is missing: it is the gradient of the penalty alone": strength * w,
        "the sign is wrong all over: it is p - y, and the penalty is added": -wanted,
        "scores are taken for probabilities: the residual is p - y with p = 1 / (1 + exp(-z))": of_scores
        + strength * w,
        "it is the squared error's gradient: the residual is p - y, without a 2": 2 * of_scores + strength * w,
    }
    known = next((fault for fault, value in faults.items() if asked.close(answer, value, DIFFERENCES)), "")
    if known:
        return known
    where = "bias" if asked.close(answer[:-1], wanted[:-1], DIFFERENCES) else "weights"
    return f"the derivative by the {where} differs from differences of the loss: derive each part by itself"


def check_classifier(path: Path | None = None) -> Check:
    """Check the model file ``medicine_means``: learned from the training rows alone, good on those held out.

    Only the file counts: its columns, the fingerprint of its rows, its link, its scaling and its loss.
    """
    model = model_file.read(fit.model_path(CLASSIFIER) if path is None else path)
    if isinstance(model, Check):
        return model
    ten = tuple(name for name in data.load(CASE).features if name.startswith("mean_"))
    if model.features != ten:
        return wrong(
            f"it has {len(model.features)} features; take the ten whose names begin with mean_, in their order"
        )
    whole = data.load(CASE, features=ten)
    split = data.hold_out(whole, SHARE, SEED)
    fault = _wrong_rows(model, whole, split) or _wrong_parts(model, whole, split) or _wrong_loss(model, split)
    if fault:
        return wrong(fault)
    scores, y = model.score(split.held_out.X), split.held_out.y
    found = round(evaluation.accuracy(scores, y) * len(y))
    return right(f"loss {mean_cross_entropy(scores, y):.4f} nats on rows it never saw, {found} of {len(y)} told right")


def _wrong_rows(model: Model, whole: Dataset, split: data.Split) -> str:
    faults = {
        split.train.fingerprint: "",
        whole.fingerprint: f"it was trained on all {len(whole.y)} rows, with those held out: it has seen the test",
        split.held_out.fingerprint: "it was trained on the rows held out: the two parts have changed places",
    }
    other = f"it was trained on other rows: take data.hold_out(dataset, share={SHARE}, seed={SEED}).train"
    return faults.get(model.trained_on, other)


def _wrong_parts(model: Model, whole: Dataset, split: data.Split) -> str:
    if model.link != "logistic":
        return f"its link is {model.link}: it would answer with scores; a probability needs the link logistic"
    if not model.scaling.mean.any():
        return "its scaling changes nothing: it was trained on raw columns; standardise them first"
    if np.allclose(model.scaling.mean, fit.standardise(whole.X).mean, rtol=1e-9):
        return "its means and deviations come from all rows: the rows held out had a say; take the training rows"
    if not np.allclose(model.scaling.mean, fit.standardise(split.train.X).mean, rtol=1e-9):
        return "its means are not those of the training rows: scaling and weights must come from the same rows"
    return ""


def _wrong_loss(model: Model, split: data.Split) -> str:
    train, y = split.train, split.held_out.y
    loss = mean_cross_entropy(model.score(split.held_out.X), y)
    if loss <= LOSS_TO_REACH:
        return ""
    seen = f"its loss on the rows held out is {loss:.4f}, the limit is {LOSS_TO_REACH}"
    if mean_squared_error(model.score(train.X), train.y) < train.y.var() / 2:
        return f"{seen}; its scores lie near 0 and 1 as from a squared error: descend on CROSS_ENTROPY"
    if loss > math.log(2):
        return f"{seen}: worse than a coin; do scaling, weights and the sign of the score fit together?"
    return f"{seen}: it needs more steps"
