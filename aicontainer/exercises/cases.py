"""The checks of the four case notebooks: what a number of a model means to the person who would use it.

Each works its answer out anew from the data, by the recipe of the case, and knows the usual slips by their value: to
three digits, as ``number`` compares.
"""

import math
from typing import Any

import numpy as np

from aicontainer.errors import AicontainerError
from aicontainer.exercises.check import Check, not_done, right, wrong
from aicontainer.exercises.number import as_number, check_number
from aicontainer.learn import data, evaluation, fit
from aicontainer.model import Array

PER_CENT = "that is in per cent; asked is a share, from 0 to 1"

FEWER_PUPILS = -2.0  # education: two students less for each teacher
FAR_OFF = 10.0  # education: points by which a prediction may be off before a board calls it useless
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
    return check_number("my_points", my_points, points, slips, f"{points:.3f} points, if the model is right")


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


def check_far_off(my_share: Any) -> Check:
    """Check in which share of the districts held out of ``education`` the prediction is off by more than ten points."""
    split = data.hold_out(data.load("education"), seed=1)
    model = fit.train_as("education", split.train)
    off = split.held_out.y - model.predict(split.held_out.X)
    far = np.abs(off) > FAR_OFF
    share = float(far.mean())
    learned_from = np.abs(split.train.y - model.predict(split.train.X)) > FAR_OFF
    slips = {
        "that is a count of districts: take the mean, not the sum": float(far.sum()),
        PER_CENT: 100 * share,
        "that is the share of those within ten points": 1 - share,
        "those are the districts that did better than said; off is off to both sides: take abs": float(
            (off > FAR_OFF).mean()
        ),
        "those are the districts that did worse than said; off is off to both sides: take abs": float(
            (off < -FAR_OFF).mean()
        ),
        "that is on the rows that the model learned from; take split.held_out": float(learned_from.mean()),
        "that is how far a prediction is off on average, in points; asked is how often by more than ten": float(
            np.abs(off).mean()
        ),
    }
    return check_number("my_share", my_share, share, slips, f"{far.sum()} of {len(far)} districts")


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
        "that is the part of the odds that is lost; asked is what they are multiplied by": 1 - factor,
        "that is in per cent; asked is a factor": 100 * factor,
    }
    return check_number("my_factor", my_factor, factor, slips, f"each further report leaves {factor:.3f} of the odds")


def check_cautious_threshold(my_threshold: Any, train: Any) -> Check:
    """Check the smallest probability at which at most a tenth of the refused among ``train``'s rows are let through.

    The model is trained on ``train`` by the recipe of ``finance``. Any threshold that leaves the same rows is right.
    """
    if my_threshold is None:
        return not_done("my_threshold is None; put in a probability")
    threshold = as_number(my_threshold)
    if threshold is None:
        return wrong("my_threshold must be one number")
    if not 0 < threshold < 1:
        return wrong(
            "a threshold for probabilities lies between 0 and 1: pass a score to the link, divide per cent by 100"
        )
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


def check_letters(my_letters: Any) -> Check:
    """Check how many of the applicants held out of ``finance`` the model expects to be refused, from probabilities."""
    split = data.hold_out(data.load("finance"), seed=1)
    model = fit.train_as("finance", split.train)
    scores, p = model.score(split.held_out.X), model.predict(split.held_out.X)
    letters = float((1 - p).sum())
    slips = {
        "that is how many are expected to get a card: a letter goes to 1 - p of them": float(p.sum()),
        "that is the mean; of how many letters to print it says nothing: take the sum": letters / len(p),
        "that is in per cent; asked is a number of letters": 100 * letters / len(p),
        "that counts those below one half, each wholly; add up 1 - p, of which everybody has a part": float(
            (p < 0.5).sum()
        ),
        "scores are taken for probabilities: predict gives p, score does not": float((1 - scores).sum()),
        "that is a sum of scores: predict gives probabilities": float(scores.sum()),
        "that is how many were refused in truth, which nobody knows beforehand; add up 1 - p": float(
            (split.held_out.y == 0).sum()
        ),
        "that is the baseline's answer, the same for everybody: add up what the model says of each": float(
            (1 - split.train.y.mean()) * len(p)
        ),
    }
    return check_number("my_letters", my_letters, letters, slips, f"{letters:.1f} letters for {len(p)} applicants")


def check_costs(my_threshold: Any) -> Check:
    """Check the probability above which an alarm is cheaper than silence, when a miss costs ten false alarms."""
    threshold = 1 / (1 + MISSED_COSTS)
    slips = {
        "a half is for two mistakes that weigh the same": 0.5,
        "that is the other side: an expensive miss makes you call earlier, not later": 1 - threshold,
        "nearly: silence costs 10 p, and an alarm costs 1 - p, not 1": 1 / MISSED_COSTS,
        "that is a score; asked is the probability": math.log(threshold / (1 - threshold)),
        PER_CENT: 100 * threshold,
    }
    return check_number("my_threshold", my_threshold, threshold, slips, "10 p = 1 - p at one eleventh")


def check_share_of_alarms(my_share: Any, found: float, false_alarms: float) -> Check:
    """Check which share of all alarms is real where one of 200 has a tumour.

    ``found`` is the share of the tumours that raise an alarm, ``false_alarms`` that of the others.
    """
    real, unreal = PREVALENCE * found, (1 - PREVALENCE) * false_alarms
    if not real + unreal:
        return wrong("found and false_alarms are both 0: take a threshold that raises an alarm")
    share = real / (real + unreal)
    slips = {
        "that is the share of the tumours that are found; asked is how many alarms are tumours": found,
        "that is the share of alarms that are false": 1 - share,
        "that would be so if every second one had a tumour: weigh both groups by how many they are": found
        / (found + false_alarms),
        "that is how many of all people are found to have one; divide by all who get an alarm": real,
        "those are the odds, real alarms over false ones; divide by all alarms": real / (unreal or 1.0),
        PER_CENT: 100 * share,
    }
    return check_number("my_share", my_share, share, slips, f"of 100 alarms {100 * share:.0f} are real")


def check_silence(my_risk: Any, found: float, false_alarms: float) -> Check:
    """Check with which probability somebody without an alarm has a tumour, where one of 200 has one.

    ``found`` and ``false_alarms`` as in ``check_share_of_alarms``.
    """
    missed, rightly = PREVALENCE * (1 - found), (1 - PREVALENCE) * (1 - false_alarms)
    risk = missed / (missed + rightly)
    alarmed = PREVALENCE * found + (1 - PREVALENCE) * false_alarms
    slips = {
        PER_CENT: 100 * risk,
        "that is the share of the tumours that raise no alarm; asked is how many of the silent have one": 1 - found,
        "that is how many of all people are missed; divide by all who get no alarm": missed,
        "that is the probability of being healthy after silence": 1 - risk,
        "that would be so if every second one had a tumour: weigh both groups by how many they are": (1 - found)
        / (2 - found - false_alarms),
        "that is after an alarm; asked is after silence": PREVALENCE * found / (alarmed or 1.0),
        "that is before any examination: the silence is worth something": PREVALENCE,
    }
    return check_number("my_risk", my_risk, risk, slips, f"of 100,000 sent home {100_000 * risk:.0f} have a tumour")


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
        "that is the root of the sum: take the mean over the 24 months first": rmse * math.sqrt(MONTHS_HELD_OUT),
        "that is the month before; asked is the same month a year ago, 12 rows earlier": a_month,
        "that is two years ago: 12 rows earlier, not 24": two_years,
        "that is the mean absolute error, another measure": float(np.abs(said - truth).mean()),
    }
    return check_number("my_rmse", my_rmse, rmse, slips, f"to be beaten: {rmse:.0f} accidents")


def check_too_many(my_excess: Any) -> Check:
    """Check by how many accidents a month the model of seven years says too many, on average, in the last two."""
    dataset = data.load("traffic")
    split = data.hold_out_last(dataset, MONTHS_HELD_OUT / len(dataset.y))
    model = fit.train_as("traffic", split.train)
    above = model.predict(split.held_out.X) - split.held_out.y
    excess = float(above.mean())
    slips = {
        "the sign: too many is said minus truth": -excess,
        "that is for the two years together: take the mean, not the sum": float(above.sum()),
        "that is the error to both sides: here too many and too few may cancel, so no abs": float(np.abs(above).mean()),
        "that is the RMSE: it has no sign, and cannot tell too many from too few": evaluation.rmse(
            above, np.zeros(len(above))
        ),
        "that is the median: the shifts of two years are paid by the sum, so take the mean": float(np.median(above)),
        "that is in per cent of the accidents; asked are accidents": 100 * excess / float(split.held_out.y.mean()),
        "that is a share of the accidents; asked are accidents": excess / float(split.held_out.y.mean()),
    }
    return check_number("my_excess", my_excess, excess, slips, f"{excess:.0f} accidents a month too many")


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


def _listed(given: Any) -> list[Any] | Array:
    try:
        return list(given)
    except TypeError:
        return [given]
