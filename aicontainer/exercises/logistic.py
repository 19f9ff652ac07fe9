"""The checks of notebook 02b_logistic on ``finance``: rows that cannot be, an honest accuracy, columns that leak."""

from collections.abc import Collection
from typing import Any

import numpy as np

from aicontainer.exercises.check import Check, not_done, right, wrong
from aicontainer.exercises.number import agrees
from aicontainer.learn import data, evaluation, fit, reference
from aicontainer.learn.loss import linear
from aicontainer.learn.objective import CROSS_ENTROPY
from aicontainer.model import Array

CASE = "finance"
SHARE, SEED = 0.25, 1
LEAKS = ("share", "expenditure")

OF_AGE = 18
OLD = 80

RATE, STEPS = 0.5, 3000  # of the colleague's model in the notebook
DIGITS = 3  # two accuracies on 330 rows differ by 1/330 at least, or not at all: so many digits tell them apart
ROUNDED = 0.005  # as far as two digits are from it at most


def check_impossible_rows(rows: Any) -> Check:
    """Check the positions of the rows of ``finance`` whose age cannot be; in any order, or as a mask of all rows."""
    if rows is None:
        return not_done("impossible is None; set it to the positions of the rows")
    dataset = data.load(CASE)
    age = dataset.X[:, dataset.features.index("age")]
    try:
        given = np.asarray(rows, dtype=np.float64)
    except (TypeError, ValueError):
        return wrong("impossible must hold positions, numbers from 0")
    if given.ndim == 2 and 1 in given.shape:
        given = given.ravel()
    if given.ndim != 1:
        return wrong(f"impossible must be a list of positions; yours has the shape {given.shape}")
    if np.asarray(rows).dtype == bool and given.shape == age.shape:
        given = np.flatnonzero(given).astype(np.float64)
    fault = _faulty_rows(given, dataset, age)
    if fault:
        return wrong(fault)
    young = age[age < OF_AGE]
    return right(f"{len(young)} rows, with ages from {young.min():.2f} to {young.max():.2f} years")


def _faulty_rows(given: Array, dataset: data.Dataset, age: Array) -> str:
    wanted, found = set(np.flatnonzero(age < OF_AGE).tolist()), set(given.tolist())
    if found == wanted:
        return ""
    if not found:
        return "your list is empty: look for the smallest value of each column in the table"
    if found <= set(age.tolist()) and not found <= set(map(float, range(len(age)))):
        return "these are ages; wanted are the positions of their rows: np.flatnonzero(age < ...) gives positions"
    outside = sorted(row for row in found if not (row.is_integer() and 0 <= row < len(age)))
    if outside:
        return f"{outside[0]:g} is no position: they go from 0 to {len(age) - 1}"
    if found == {row + 1 for row in wanted}:
        return "each is one too large: positions count from 0"
    possible = sorted(found - wanted)
    if possible:
        years = age[int(possible[0])]
        reason = "people above eighty do apply" if years >= OLD else "and that can be"
        return f"row {possible[0]:g} is {years:.1f} years old, {reason}; {len(possible)} such in your list"
    missing = sorted(wanted - found)
    if len(missing) == 1 and _months(dataset)[missing[0]] <= 12 * age[missing[0]] + 1:
        return "one is missing, and only its age betrays it: it has not been at its address for longer than it lives"
    return f"these cannot be, but {len(missing)} more of that kind are missing: where do ages begin to be possible?"


def _months(dataset: data.Dataset) -> Array:
    return dataset.X[:, dataset.features.index("months")]


def check_accuracy(value: Any) -> Check:
    """Check the accuracy of Newton's model of ``finance`` on the rows held out, when yes means a probability above 1/2.

    The usual detours are known by the number to which they lead.
    """
    if value is None:
        return not_done("my_accuracy is None; set it to a share between 0 and 1")
    try:
        share = float(value)
    except (TypeError, ValueError):
        return wrong(f"my_accuracy must be one number; yours is a {type(value).__name__}")
    split = data.hold_out(data.load(CASE), SHARE, SEED)
    wanted, detours = _accuracies(split)
    if agrees(share, wanted, DIGITS):
        count = len(split.held_out.y)
        return right(f"{round(wanted * count)} of {count} rows that it never saw are told right, {wanted:.1%}")
    known = next((hint for hint, reached in detours.items() if agrees(share, reached, DIGITS)), "")
    if not known and not 0 <= share <= 1:
        return wrong(f"{share:g} is no share: it lies between 0 and 1")
    if not known and abs(share - wanted) <= ROUNDED:
        return wrong("near, but rounded too far: three digits tell one row from the next")
    return wrong(known or f"{share:.6g} is not it: compare the model's yes or no with the truth, row by row")


def _accuracies(split: data.Split) -> tuple[float, dict[str, float]]:
    train, held_out = split.train, split.held_out
    scaling = fit.standardise(train.X)
    best = reference.newton(scaling(train.X), train.y, CROSS_ENTROPY)

    def scores(rows: Array) -> Array:
        return linear(rows, best.weights, best.bias)

    def hits(given: Array, y: Array, border: float = 0.0) -> float:
        return float(np.mean((given > border) == (y == 1)))

    on_held_out, y = scores(scaling(held_out.X)), held_out.y
    on_train = scores(scaling(train.X))
    wanted = hits(on_held_out, y)
    every = np.concatenate([on_train, on_held_out]), np.concatenate([train.y, y])
    detours = {
        "scores are taken for probabilities: a probability above 1/2 is a score above 0": hits(on_held_out, y, 0.5),
        "it is the share of the rows that the model learned from: it has seen those answers": hits(on_train, train.y),
        "it is the share of all rows: most of them the model has learned from; take those held out alone": hits(*every),
        "it is the share that the model tells wrong: yes is a score above 0": 1 - wanted,
        "it is a count of rows: divide by their number": wanted * len(y),
        "it is in per cent: a share lies between 0 and 1": 100 * wanted,
        "it is the share that was accepted, the baseline: the model has no part in it": float(np.mean(y)),
        "it is how often the model says yes: compare that with the truth, row by row": float(np.mean(on_held_out > 0)),
        "no score is exactly 0 or 1: make it yes or no first, then compare with the truth": float(
            np.mean(on_held_out == y)
        ),
        "the rows are raw: the model learned from standardised ones": hits(scores(held_out.X), y),
        "it is the ROC AUC, which judges the order: count the right answers": evaluation.roc_auc(on_held_out, y),
    }
    return wanted, detours


def check_leaks(names: Any) -> Check:
    """Check the names of the columns of ``finance`` that nobody can know when an application comes in."""
    if names is None:
        return not_done("leaks is None; set it to a list of names of columns")
    if isinstance(names, str):
        names = [names]
    if not isinstance(names, Collection) or not all(isinstance(name, str) for name in names):
        return wrong("leaks must be a list of names, such as ['age']")
    honest = data.load(CASE)
    fault = _wrong_names(set(names), honest)
    if fault:
        return wrong(fault)
    missing = [name for name in LEAKS if name not in names]
    if len(missing) == len(LEAKS):
        return wrong("an empty list: which column is 0, or nearly, for all who were refused?")
    without, with_leak = (_loss_of([*honest.features, *more]) for more in ([], missing))
    if missing:
        return wrong(
            f"right, but {missing[0]} still tells the answer: with it alone the loss on the rows held out is "
            f"{with_leak:.4f} nats, without it {without:.4f}"
        )
    return right(f"without both the loss on the rows held out is {without:.4f} nats: worse, and true")


def _wrong_names(names: set[str], honest: data.Dataset) -> str:
    if honest.target in names:
        return f"{honest.target} is the target: it is what shall be foretold, and no feature"
    unknown = sorted(names - set(honest.features) - set(LEAKS))
    if unknown:
        return f"there is no column {unknown[0]}; take names of the table above"
    known = [name for name in honest.features if name in names]
    if not known:
        return ""
    reasons = {
        "reports": "the bad marks are from earlier creditors, before the decision; telling a lot is not yet leaking",
        "active": "the accounts are those with others, before the decision",
        "majorcards": "the card is another bank's, and older than the application",
    }
    return f"{known[0]} is known on the day: {reasons.get(known[0], 'it stands in the application')}"


def _loss_of(features: list[str]) -> float:
    split = data.hold_out(data.load(CASE, features=features), SHARE, SEED)
    model = fit.train(split.train, RATE, STEPS)
    return CROSS_ENTROPY.loss(model.score(split.held_out.X), split.held_out.y)
