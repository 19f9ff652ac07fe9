"""The checks of the four case notebooks: what a number of a model means to the person who would use it.

Each works its answer out anew from the data, by the recipe of the case, and knows the usual slips by their value.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from aicontainer.errors import AicontainerError
from aicontainer.exercises.check import Check, not_done, right, wrong
from aicontainer.learn import data, evaluation, fit
from aicontainer.model import Array

CLOSE = 1e-3  # relative: three digits are enough, and no answer that is known to be wrong is that near

FEWER_PUPILS = -2.0  # education: two students less for each teacher
MISSED_COSTS = 10.0  # medicine: one missed tumour weighs as much as that many false alarms
PREVALENCE = 1 / 200  # medicine: one of so many has a tumour, where everybody is examined
LARGEST_SHARE = 0.1  # finance: of those whom the bank refused, at most this part may be let through
MONTHS_HELD_OUT = 24  # traffic: the last two of nine years
YEAR = 12


def check_smaller_classes(my_points: Any) -> Check:
    """Check by how many points the full model of ``education`` moves when a teacher has two students less."""
    dataset, model = data.load("education"), fit.train_case("education")
    column = dataset.features.index("students_per_teacher")
    a_student = float(model.weights[column] / model.scaling.deviation[column])
    alone = fit.train_as("education", data.load("education", features=["students_per_teacher"]))
    points = FEWER_PUPILS * a_student
    slips = {
        "the sign: two students less is a change of -2, and the weight is below 0": -points,
        "that is for one student; asked are two": points / 2,
        "the weight acts on standardised students: divide it by the deviation of the column first": FEWER_PUPILS
        * float(model.weights[column]),
        "that is the model with one feature, to which small classes and well-off districts are the same thing": float(
            FEWER_PUPILS * alone.weights[0] / alone.scaling.deviation[0]
        ),
    }
    return _number("my_points", my_points, points, slips, f"{points:.3f} points, if the model is right")


def check_above_expectation(my_row: Any) -> Check:
    """Check which district of ``education`` lies farthest above what the model says of it (its position, from 0)."""
    if my_row is None:
        return not_done("my_row is None; put in the position of a district, from 0")
    dataset, model = data.load("education"), fit.train_case("education")
    above = dataset.y - model.predict(dataset.X)
    try:
        row = int(my_row)
    except (TypeError, ValueError):
        return wrong("my_row must be one whole number")
    if row != my_row or not 0 <= row < len(above):
        return wrong(f"my_row must be a whole number from 0 to {len(above) - 1}")
    if row == above.argmax():
        return right(f"{above[row]:.1f} points more than the seven features would lead us to expect")
    hints = {
        int(dataset.y.argmax()): "that one has the highest score; asked is the largest surprise",
        int(above.argmin()): "that one lies farthest below, and farthest of all: take target minus said, no abs",
        int(model.predict(dataset.X).argmax()): "the model expects most of that one; asked is who exceeds it",
    }
    return wrong(hints.get(row, f"that district is {above[row]:.1f} points above; others are farther"))


def check_one_more_report(my_factor: Any) -> Check:
    """Check by which factor one more bad report changes the odds of a card, by the model of ``finance``."""
    dataset, model = data.load("finance"), fit.train_case("finance")
    column = dataset.features.index("reports")
    slope = float(model.weights[column] / model.scaling.deviation[column])
    factor = math.exp(slope)
    slips = {
        "that is what the score changes by; the odds change by the factor exp of it": slope,
        "the weight acts on standardised reports: divide it by the deviation of the column first": math.exp(
            float(model.weights[column])
        ),
        "that is one report less: mind the sign": 1 / factor,
        "the logistic function makes a probability of a whole score; of a change of the score exp makes a factor": 1
        / (1 + math.exp(-slope)),
    }
    return _number("my_factor", my_factor, factor, slips, f"each further report leaves {factor:.3f} of the odds")


def check_cautious_threshold(my_threshold: Any, train: Any) -> Check:
    """Check the smallest probability at which at most a tenth of the refused among ``train``'s rows are let through.

    The model is trained on ``train`` by the recipe of ``finance``. Any threshold that leaves the same rows is right.
    """
    if my_threshold is None:
        return not_done("my_threshold is None; put in a probability")
    threshold = _as_number(my_threshold)
    if threshold is None:
        return wrong("my_threshold must be one number")
    if not 0 < threshold < 1:
        return wrong("a threshold for probabilities lies between 0 and 1; if yours is a score, pass it to the link")
    said = fit.train_as("finance", train).predict(train.X)
    refused, accepted = said[train.y == 0], said[train.y == 1]
    allowed = math.floor(LARGEST_SHARE * len(refused))
    through = int((refused > threshold).sum())
    if through > allowed:
        return wrong(
            f"{through} of {len(refused)} refused are let through, and a tenth are {allowed}: be more cautious"
        )
    if through < allowed:
        return wrong(
            f"only {through} of {len(refused)} refused are let through: {allowed} may be, which costs fewer good"
        )
    return right(
        f"{through} of {len(refused)} refused are let through, and {(accepted > threshold).mean():.0%} of the accepted"
    )


def check_costs(my_threshold: Any) -> Check:
    """Check the probability above which an alarm is cheaper than silence, when a miss costs ten false alarms."""
    threshold = 1 / (1 + MISSED_COSTS)
    slips = {
        "a half is for two mistakes that weigh the same": 0.5,
        "that is the other side: an expensive miss makes you call earlier, not later": 1 - threshold,
        "nearly: silence costs 10 p, and an alarm costs 1 - p, not 1": 1 / MISSED_COSTS,
        "that is a score; asked is the probability": math.log(threshold / (1 - threshold)),
    }
    return _number("my_threshold", my_threshold, threshold, slips, "10 p = 1 - p at one eleventh")


def check_share_of_alarms(my_share: Any, found: float, false_alarms: float) -> Check:
    """Check which share of all alarms is real where one of 200 has a tumour.

    ``found`` is the share of the tumours that raise an alarm, ``false_alarms`` that of the others.
    """
    real, unreal = PREVALENCE * found, (1 - PREVALENCE) * false_alarms
    share = real / (real + unreal)
    slips = {
        "that is the share of the tumours that are found; asked is how many alarms are tumours": found,
        "that is the share of alarms that are false": 1 - share,
        "that would be so if every second one had a tumour: weigh both groups by how many they are": found
        / (found + false_alarms),
        "that is how many of all people are found to have one; divide by all who get an alarm": real,
    }
    return _number("my_share", my_share, share, slips, f"of 100 alarms {100 * share:.0f} are real")


def check_last_year(my_rmse: Any) -> Check:
    """Check the RMSE of "as many as in the same month a year ago" on the last two years of ``traffic``."""
    y = data.load("traffic").y
    truth = y[-MONTHS_HELD_OUT:]
    said = y[-MONTHS_HELD_OUT - YEAR : -YEAR]
    rmse = evaluation.rmse(said, truth)
    a_month = evaluation.rmse(y[-MONTHS_HELD_OUT - 1 : -1], truth)
    two_years = evaluation.rmse(y[-2 * MONTHS_HELD_OUT : -MONTHS_HELD_OUT], truth)
    slips = {
        "that is the mean squared error: take its root": rmse**2,
        "that is the month before; asked is the same month a year ago, 12 rows earlier": a_month,
        "that is two years ago: 12 rows earlier, not 24": two_years,
        "that is the mean absolute error, another measure": float(np.abs(said - truth).mean()),
    }
    return _number("my_rmse", my_rmse, rmse, slips, f"to be beaten: {rmse:.0f} accidents")


def check_features(my_features: Any) -> Check:
    """Check that a model of ``traffic`` on these features beats the year before, on the last two years."""
    if my_features is None:
        return not_done("my_features is None; put in a list of names of features")
    if isinstance(my_features, str) or not all(isinstance(name, str) for name in _listed(my_features)):
        return wrong("my_features must be a list of names, such as ['month_index', 'feb']")
    y = data.load("traffic").y
    bound = evaluation.rmse(y[-MONTHS_HELD_OUT - YEAR : -YEAR], y[-MONTHS_HELD_OUT:])
    try:
        split = data.hold_out_last(data.load("traffic", features=list(my_features)), MONTHS_HELD_OUT / len(y))
        model = fit.train_as("traffic", split.train)
    except AicontainerError as error:
        return wrong(error.what)
    held_out = evaluation.rmse(model.predict(split.held_out.X), split.held_out.y)
    if held_out < bound:
        return right(f"an error of {held_out:.0f} accidents, and the year before has {bound:.0f}")
    if "month_index" in my_features:
        return wrong(
            f"an error of {held_out:.0f}: with month_index the line goes on rising for ever; did the accidents?"
        )
    return wrong(f"an error of {held_out:.0f} accidents, and the year before has {bound:.0f}: try fewer, or others")


def _number(name: str, given: Any, wanted: float, slips: Mapping[str, float], told: str) -> Check:
    """The check of one number: ``slips`` has for each hint the value that asks for it."""
    if given is None:
        return not_done(f"{name} is None; put in a number")
    value = _as_number(given)
    if value is None:
        return wrong(f"{name} must be one number")
    if math.isclose(value, wanted, rel_tol=CLOSE):
        return right(told)
    for hint, slip in slips.items():
        if math.isclose(value, slip, rel_tol=CLOSE):
            return wrong(hint)
    if math.isclose(value, wanted, rel_tol=0.05):
        return wrong("near, but rounded too far: three digits are wanted")
    return wrong(f"{value:.6g} is not it")


def _as_number(given: Any) -> float | None:
    try:
        value = float(given)
    except (TypeError, ValueError):
        return None
    return value if math.isfinite(value) else None


def _listed(given: Any) -> list[Any] | Array:
    try:
        return list(given)
    except TypeError:
        return [given]
