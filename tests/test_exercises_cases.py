"""The checks of the case notebooks: each usual slip gets its own hint, and any right way is right."""

import math

import numpy as np

from aicontainer.exercises import cases
from aicontainer.learn import data, fit
from aicontainer.learn.objective import CROSS_ENTROPY
from aicontainer.learn.reference import closed_form, newton

CAR = ["feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]


def slope(case: str, feature: str, **choice: list[str]) -> tuple[float, float]:
    """The weight on the raw feature and the one on the standardised, by another route than descent."""
    dataset = data.load(case, **choice)
    scaling = fit.standardise(dataset.X)
    rows = scaling(dataset.X)
    logistic = dataset.link == "logistic"
    best = newton(rows, dataset.y, CROSS_ENTROPY) if logistic else closed_form(rows, dataset.y)
    column = dataset.features.index(feature)
    return float(best.weights[column] / scaling.deviation[column]), float(best.weights[column])


def expect(found, state, text):
    assert found.state == state
    assert text in found.text


def test_two_students_less():
    raw, scaled = slope("education", "students_per_teacher")
    alone, _ = slope("education", "students_per_teacher", features=["students_per_teacher"])
    check = cases.check_smaller_classes
    expect(check(None), "not done yet", "my_points is None")
    expect(check(-2 * raw), "right", "0.380 points")
    expect(check(round(-2 * raw, 3)), "right", "if the model is right")
    expect(check(2 * raw), "wrong", "the sign")
    expect(check(-raw), "wrong", "for one student")
    expect(check(-2 * scaled), "wrong", "divide it by the deviation")
    expect(check(-2 * alone), "wrong", "one feature")
    expect(check(-2 * raw * 1.02), "wrong", "rounded too far")
    expect(check("many"), "wrong", "must be one number")
    expect(check(math.nan), "wrong", "must be one number")


def test_the_largest_surprise():
    dataset = data.load("education")
    scaling = fit.standardise(dataset.X)
    best = closed_form(scaling(dataset.X), dataset.y)
    said = scaling(dataset.X) @ best.weights + best.bias
    check = cases.check_above_expectation
    expect(check(None), "not done yet", "my_row")
    expect(check(np.argmax(dataset.y - said)), "right", "26.4 points more")
    expect(check(np.argmin(dataset.y - said)), "wrong", "take target minus said")
    expect(check(np.argmax(dataset.y)), "wrong", "the highest score")
    expect(check(np.argmax(said)), "wrong", "expects most")
    expect(check(0), "wrong", "others are farther")
    for no_row in (-1, 420, 1.5):
        expect(check(no_row), "wrong", "from 0 to 419")
    expect(check([1, 2]), "wrong", "one whole number")


def test_the_odds_of_one_more_report():
    raw, scaled = slope("finance", "reports")
    check = cases.check_one_more_report
    expect(check(None), "not done yet", "my_factor")
    expect(check(math.exp(raw)), "right", "0.173 of the odds")
    expect(check(raw), "wrong", "factor exp")
    expect(check(math.exp(scaled)), "wrong", "divide it by the deviation")
    expect(check(math.exp(-raw)), "wrong", "mind the sign")
    expect(check(1 / (1 + math.exp(-raw))), "wrong", "of a change of the score")
    expect(check(0.5), "wrong", "0.5 is not it")


def test_the_cautious_threshold():
    train = data.hold_out(data.load("finance"), seed=1).train
    said = np.sort(fit.train_as("finance", train).predict(train.X)[train.y == 0])[::-1]
    check = cases.check_cautious_threshold
    expect(check(None, train), "not done yet", "my_threshold")
    expect(check(said[22], train), "right", "22 of 226 refused")
    expect(check((said[22] + said[21]) / 2, train), "right", "of the accepted")
    expect(check(0.5, train), "wrong", "be more cautious")
    expect(check(0.99, train), "wrong", "22 may be")
    expect(check(2.1, train), "wrong", "if yours is a score")
    expect(check([0.5, 0.6], train), "wrong", "one number")


def test_the_threshold_of_two_costs():
    check = cases.check_costs
    expect(check(None), "not done yet", "my_threshold")
    expect(check(1 / 11), "right", "one eleventh")
    expect(check(0.5), "wrong", "weigh the same")
    expect(check(10 / 11), "wrong", "the other side")
    expect(check(0.1), "wrong", "costs 1 - p")
    expect(check(-math.log(10)), "wrong", "that is a score")


def test_the_share_of_alarms_that_are_real():
    found, false = 53 / 55, 4 / 87
    check = cases.check_share_of_alarms
    # counted among 200,000 people: 1,000 with a tumour
    share = (1000 * found) / (1000 * found + 199_000 * false)
    expect(check(None, found, false), "not done yet", "my_share")
    expect(check(share, found, false), "right", "of 100 alarms 10 are real")
    expect(check(found, found, false), "wrong", "share of the tumours that are found")
    expect(check(1 - share, found, false), "wrong", "alarms that are false")
    expect(check(found / (found + false), found, false), "wrong", "weigh both groups")
    expect(check(found / 200, found, false), "wrong", "divide by all who get an alarm")


def test_the_same_month_a_year_ago():
    y = data.load("traffic").y
    errors = [y[row] - y[row - 12] for row in range(84, 108)]
    mean_square = sum(error**2 for error in errors) / 24
    check = cases.check_last_year
    expect(check(None), "not done yet", "my_rmse")
    expect(check(math.sqrt(mean_square)), "right", "1931 accidents")
    expect(check(mean_square), "wrong", "take its root")
    expect(check(sum(map(abs, errors)) / 24), "wrong", "absolute")
    expect(check(math.sqrt(np.mean([(y[row] - y[row - 1]) ** 2 for row in range(84, 108)]))), "wrong", "month before")
    expect(check(math.sqrt(np.mean([(y[row] - y[row - 24]) ** 2 for row in range(84, 108)]))), "wrong", "two years ago")


def test_fewer_features_beat_last_year():
    check = cases.check_features
    expect(check(None), "not done yet", "my_features")
    expect(check(["unemployment", *CAR]), "right", "an error of 1554")
    expect(check(("seat_belt_law", *CAR)), "right", "and the year before has 1931")
    expect(check(data.load("traffic").features), "wrong", "goes on rising")
    expect(check(["speed_limit_law", *CAR]), "wrong", "try fewer, or others")
    expect(check("unemployment"), "wrong", "a list of names")
    expect(check([1]), "wrong", "a list of names")
    expect(check(1), "wrong", "a list of names")
    expect(check(["snow"]), "wrong", "no such feature: snow")
    expect(check([]), "wrong", "at least one feature")
