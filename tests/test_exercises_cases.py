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


def on_held_out(split, logistic=False):
    """The scores on the rows held out, by another route than descent."""
    scaling = fit.standardise(split.train.X)
    rows = scaling(split.train.X)
    best = newton(rows, split.train.y, CROSS_ENTROPY) if logistic else closed_form(rows, split.train.y)
    return scaling(split.held_out.X) @ best.weights + best.bias, rows @ best.weights + best.bias


def expect(found, state, text):
    assert found.state == state
    assert text in found.text


def test_two_students_less():
    raw, scaled = slope("education", "students_per_teacher")
    alone, _ = slope("education", "students_per_teacher", features=["students_per_teacher"])
    check = cases.check_smaller_classes
    expect(check(None), "not done yet", "my_points is None")
    expect(check(-2 * raw), "right", "0.380 points")
    for digits in (3, 4, 6):
        expect(check(float(f"{-2 * raw:.{digits}g}")), "right", "if the model is right")
    expect(check(2 * raw), "wrong", "the sign")
    expect(check(-raw), "wrong", "for one student")
    expect(check(-2 * scaled), "wrong", "divide it by the deviation")
    expect(check(-2 * alone), "wrong", "one feature")
    expect(check(-2 * raw * 1.02), "wrong", "rounded too far")
    expect(check(float(f"{2 * raw:.2g}")), "wrong", "the sign")
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


def test_the_share_that_is_far_off():
    split = data.hold_out(data.load("education"), seed=1)
    said, learned = on_held_out(split)
    off = split.held_out.y - said
    check = cases.check_far_off
    expect(check(None), "not done yet", "my_share")
    for share in (25 / 105, 0.238, (abs(off) > 10).mean()):
        expect(check(share), "right", "25 of 105 districts")
    expect(check(25), "wrong", "the mean, not the sum")
    expect(check(23.8), "wrong", "in per cent")
    expect(check(80 / 105), "wrong", "within ten points")
    expect(check((off > 10).mean()), "wrong", "better than said")
    expect(check((said - split.held_out.y > 10).mean()), "wrong", "worse than said")
    expect(check((abs(split.train.y - learned) > 10).mean()), "wrong", "learned from")
    expect(check(abs(off).mean()), "wrong", "on average, in points")
    expect(check(0.24), "wrong", "rounded too far")


def test_the_odds_of_one_more_report():
    raw, scaled = slope("finance", "reports")
    check = cases.check_one_more_report
    expect(check(None), "not done yet", "my_factor")
    expect(check(math.exp(raw)), "right", "0.173 of the odds")
    expect(check(raw), "wrong", "factor exp")
    expect(check(math.exp(scaled)), "wrong", "divide it by the deviation")
    expect(check(math.exp(-raw)), "wrong", "mind the sign")
    expect(check(1 / (1 + math.exp(-raw))), "wrong", "of a change of the score")
    expect(check(1 - math.exp(raw)), "wrong", "that is lost")
    expect(check(100 * math.exp(raw)), "wrong", "in per cent")
    expect(check(round(math.exp(raw), 3)), "right", "of the odds")
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
    expect(check(2.1, train), "wrong", "pass a score to the link")
    expect(check(100 * said[22], train), "wrong", "divide per cent by 100")
    expect(check([0.5, 0.6], train), "wrong", "one number")


def test_the_letters_of_refusal():
    split = data.hold_out(data.load("finance"), seed=1)
    scores, _ = on_held_out(split, logistic=True)
    refused = 1 / (1 + np.exp(scores))
    check = cases.check_letters
    expect(check(None), "not done yet", "my_letters")
    expect(check(refused.sum()), "right", "69.5 letters for 330")
    expect(check(69.5), "right", "69.5 letters")
    expect(check((1 - refused).sum()), "wrong", "expected to get a card")
    expect(check(refused.mean()), "wrong", "take the sum")
    expect(check(100 * refused.mean()), "wrong", "in per cent")
    expect(check((scores < 0).sum()), "wrong", "below one half")
    expect(check((1 - scores).sum()), "wrong", "scores are taken for probabilities")
    expect(check(scores.sum()), "wrong", "a sum of scores")
    expect(check(70), "wrong", "refused in truth")
    expect(check(330 * (1 - split.train.y.mean())), "wrong", "the baseline's answer")


def test_the_threshold_of_two_costs():
    check = cases.check_costs
    expect(check(None), "not done yet", "my_threshold")
    expect(check(1 / 11), "right", "one eleventh")
    expect(check(0.5), "wrong", "weigh the same")
    expect(check(10 / 11), "wrong", "the other side")
    expect(check(0.1), "wrong", "costs 1 - p")
    expect(check(-math.log(10)), "wrong", "that is a score")
    expect(check(9.09), "wrong", "in per cent")
    expect(check(0.0909), "right", "one eleventh")
    expect(check(0.09), "wrong", "rounded too far")


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
    expect(check(share / (1 - share), found, false), "wrong", "those are the odds")
    expect(check(100 * share, found, false), "wrong", "in per cent")
    expect(check(1.0, found, 0.0), "right", "100 are real")  # a threshold that only tumours reach
    expect(check(1.0, 0.0, 0.0), "wrong", "raises an alarm")


def test_what_silence_is_worth():
    found, false = 53 / 55, 4 / 87
    check = cases.check_silence
    missed, rightly = 1000 * (1 - found), 199_000 * (1 - false)
    risk = missed / (missed + rightly)
    expect(check(None, found, false), "not done yet", "my_risk")
    for answer in (risk, float(f"{risk:.3g}")):
        expect(check(answer, found, false), "right", "of 100,000 sent home 19 have a tumour")
    expect(check(100 * risk, found, false), "wrong", "in per cent")
    expect(check(2 / 55, found, false), "wrong", "raise no alarm")
    expect(check(2 / 55 / 200, found, false), "wrong", "divide by all who get no alarm")
    expect(check(1 - risk, found, false), "wrong", "of being healthy")
    expect(check((1 - found) / (1 - found + 1 - false), found, false), "wrong", "weigh both groups")
    expect(check(found / (found + 199 * false), found, false), "wrong", "that is after an alarm")
    expect(check(1 / 200, found, false), "wrong", "before any examination")
    expect(check(0.0, 1.0, 0.0), "right", "0 have a tumour")
    expect(check(0.0, found, false), "wrong", "0 is not it")
    expect(check(0.005, 0.0, 0.0), "right", "500 have a tumour")  # a threshold that nobody reaches tells nothing


def test_the_same_month_a_year_ago():
    y = data.load("traffic").y
    errors = [y[row] - y[row - 12] for row in range(84, 108)]
    mean_square = sum(error**2 for error in errors) / 24
    check = cases.check_last_year
    expect(check(None), "not done yet", "my_rmse")
    expect(check(math.sqrt(mean_square)), "right", "1931 accidents")
    expect(check(mean_square), "wrong", "take its root")
    expect(check(math.sqrt(sum(error**2 for error in errors))), "wrong", "the mean over the 24 months")
    expect(check(sum(map(abs, errors)) / 24), "wrong", "absolute")
    expect(check(math.sqrt(np.mean([(y[row] - y[row - 1]) ** 2 for row in range(84, 108)]))), "wrong", "month before")
    expect(check(math.sqrt(np.mean([(y[row] - y[row - 24]) ** 2 for row in range(84, 108)]))), "wrong", "two years ago")


def test_how_many_too_many():
    dataset = data.load("traffic")
    split = data.hold_out_last(dataset, 24 / 108)
    said, _ = on_held_out(split)
    above = said - split.held_out.y
    mean = sum(above.tolist()) / 24
    check = cases.check_too_many
    expect(check(None), "not done yet", "my_excess")
    for answer in (mean, 2918, 2920):
        expect(check(answer), "right", "2918 accidents a month too many")
    expect(check(-mean), "wrong", "said minus truth")
    expect(check(24 * mean), "wrong", "the mean, not the sum")
    expect(check(abs(above).mean()), "wrong", "so no abs")
    expect(check(math.sqrt((above**2).mean())), "wrong", "that is the RMSE")
    expect(check(np.median(above)), "wrong", "that is the median")
    expect(check(100 * mean / split.held_out.y.mean()), "wrong", "in per cent of the accidents")
    expect(check(mean / split.held_out.y.mean()), "wrong", "a share of the accidents")
    expect(check(0), "wrong", "0 is not it")


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
