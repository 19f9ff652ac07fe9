"""The checks of notebook 02 look at the learner's files and numbers; the hint depends on what they find there."""

import dataclasses

import numpy as np
import pytest

from aicontainer.exercises.descent import (
    check_classifier,
    check_early_model,
    check_largest_rate,
    check_moment_gradient,
)
from aicontainer.learn import data, fit
from aicontainer.learn.descent import descend
from aicontainer.learn.objective import CROSS_ENTROPY, SQUARED_ERROR
from aicontainer.model import Model, Scaling


@pytest.fixture
def early():
    return fit.model_path("education_early")


def fewest_steps() -> int:
    """By trial of whole trainings, where the check reads one descent's list of losses."""
    dataset = data.load("education")
    A = np.column_stack([fit.standardise(dataset.X)(dataset.X), np.ones(len(dataset.y))])
    best, *_ = np.linalg.lstsq(A, dataset.y, rcond=None)
    smallest = np.mean((A @ best - dataset.y) ** 2)
    steps = 0
    while np.mean((fit.train(dataset, 0.3, steps).score(dataset.X) - dataset.y) ** 2) > 1.01 * smallest:
        steps += 1
    return steps


def test_without_a_file_it_is_not_done_yet():
    assert repr(check_early_model()).startswith("not done yet: ")


def test_only_the_fewest_steps_are_right(early):
    steps, dataset = fewest_steps(), data.load("education")
    verdicts = {}
    for count in (steps - 1, steps, steps + 1):
        fit.train(dataset, 0.3, count).save(early)
        verdicts[count - steps] = check_early_model()
    assert verdicts[0].state == "right"
    assert str(steps) in verdicts[0].text
    assert "needs more steps" in verdicts[-1].text
    assert "fewer steps would do" in verdicts[1].text


def test_the_answer_is_the_same_twice(early):
    fit.train(data.load("education"), 0.3, 4).save(early)
    assert repr(check_early_model()) == repr(check_early_model())


def test_a_copy_of_the_full_model_is_told_to_stop_earlier(early):
    early.parent.mkdir(parents=True)
    early.write_bytes(fit.ensure_model().read_bytes())
    assert "fewer steps would do" in check_early_model().text


def test_a_model_without_its_scaling_is_recognised(early):
    model = fit.train(data.load("education"), 0.3, fewest_steps())
    dataclasses.replace(model, scaling=Scaling(np.zeros(7), np.ones(7))).save(early)
    assert "do scaling and weights fit together" in check_early_model().text


def test_a_model_of_other_rows_is_recognised(early):
    fit.train(data.load("traffic"), 0.01, 5).save(early)
    assert "other rows or features" in check_early_model().text


def test_a_damaged_file_is_recognised(early):
    early.parent.mkdir(parents=True)
    early.write_text("13 steps")
    check = check_early_model()
    assert check.state == "wrong"
    assert "cannot be read as JSON" in check.text


def border(features, scaled=True):
    X = data.load("education", features=features).X
    A = np.column_stack([fit.standardise(X)(X) if scaled else X, np.ones(len(X))])
    return 2 / np.linalg.eigvalsh(2 / len(A) * A.T @ A)[-1]


THREE = ["lunch", "calworks", "income"]
BORDER = border(THREE)


@pytest.mark.parametrize("rate", [0.953 * BORDER, 0.98 * BORDER, 0.9999 * BORDER, str(0.99 * BORDER)])
def test_a_rate_within_five_percent_below_the_border_is_right(rate):
    assert check_largest_rate(rate).state == "right"


def test_no_rate_is_not_done_yet():
    assert repr(check_largest_rate(None)).startswith("not done yet: ")


@pytest.mark.parametrize(
    ("rate", "hint"),
    [
        (BORDER / 2, "half the border"),
        (BORDER * 2, "twice the border"),
        (border(THREE, scaled=False), "border of the raw rows"),
        (border(None), "border of all seven features"),
        (BORDER * 2 / 420, "border of the article's loss"),
        (0.94 * BORDER, "go on upwards"),
        (0.01, "go on upwards"),
        (1.0001 * BORDER, "go down"),
        (1.1 * BORDER, "go down"),
        (50.0, "go down"),
        (-0.1, "above 0"),
        (float("nan"), "above 0"),
        ("large", "must be a number"),
    ],
)
def test_each_wrong_rate_gets_its_own_hint(rate, hint):
    check = check_largest_rate(rate)
    assert check.state == "wrong"
    assert hint in check.text


def by_moments(gram, cross, n, theta):
    return 2 / n * (gram @ theta - cross)


def in_place(gram, cross, n, theta):
    theta -= 0.3 * by_moments(gram, cross, n, theta)
    return theta


def with_rows_of_the_notebook(gram, cross, n, theta):
    rows = data.load("education")
    A = np.column_stack([fit.standardise(rows.X)(rows.X), np.ones(420)])
    return 2 / 420 * A.T @ (A @ theta - rows.y)


@pytest.mark.parametrize(
    "function",
    [
        by_moments,
        lambda gram, cross, n, theta: (2 * gram @ theta - 2 * cross) / n,
        lambda gram, cross, n, theta: [2 / n * (row @ theta - c) for row, c in zip(gram, cross, strict=True)],
    ],
)
def test_a_gradient_from_moments_is_right_however_it_is_written(function):
    assert check_moment_gradient(function).state == "right"


def test_a_stub_of_the_moment_gradient_is_not_done_yet():
    assert repr(check_moment_gradient(lambda gram, cross, n, theta: None)).startswith("not done yet: ")


@pytest.mark.parametrize(
    ("function", "hint"),
    [
        (lambda gram, cross, n, theta: (gram @ theta - cross) / n, "brings a 2"),
        (lambda gram, cross, n, theta: 2 * (gram @ theta - cross), "divide by n"),
        (lambda gram, cross, n, theta: gram @ theta - cross, "lacks the 2 of the square"),
        (lambda gram, cross, n, theta: 2 / n * (cross - gram @ theta), "the sign is wrong"),
        (lambda gram, cross, n, theta: 2 / n * (gram @ theta + cross), "cross is added"),
        (lambda gram, cross, n, theta: 2 / n * gram @ theta, "cross is missing"),
        (lambda gram, cross, n, theta: -2 / n * cross, "theta is missing"),
        (lambda gram, cross, n, theta: 2 / len(theta) * (gram @ theta - cross), "divided by the number of weights"),
        (lambda gram, cross, n, theta: np.linalg.solve(gram, cross), "it is the minimum itself"),
        (lambda gram, cross, n, theta: 2 / n * gram @ theta - cross, "cross needs the same factor"),
        (lambda gram, cross, n, theta: 2 / n * (gram * theta - cross), "returns the shape (4, 4)"),
        (lambda gram, cross, n, theta: float(by_moments(gram, cross, n, theta)[0]), "returns the shape ()"),
        (lambda gram, cross, n, theta: ["a"] * len(theta), "must return numbers"),
        (lambda gram, cross, n, theta: theta, "multiply out"),
        (lambda gram, cross, n, theta: np.full(len(theta), np.nan), "multiply out"),
        (in_place, "changes theta in place"),
        (with_rows_of_the_notebook, "anything but its four arguments"),
    ],
)
def test_each_wrong_gradient_from_moments_gets_its_own_hint(function, hint):
    check = check_moment_gradient(function)
    assert check.state == "wrong"
    assert hint in check.text


WHOLE = data.load("medicine", features=[name for name in data.load("medicine").features if name.startswith("mean_")])
SPLIT = data.hold_out(WHOLE, share=0.25, seed=1)


def classifier(rows=SPLIT.train, scaling=None, rate=0.3, steps=1000, objective=CROSS_ENTROPY, **changes):
    """A model by hand, so that any part of it can be a wrong one; ``rows`` are what it learns from."""
    scaling = scaling or fit.standardise(rows.X)
    found = descend(scaling(rows.X), rows.y, rate, steps, objective)
    parts = {"trained_on": rows.fingerprint, "link": "logistic", "scaling": scaling, "weights": found.weights}
    known = {"name": "medicine", "version": "1", "bias": found.bias, "features": rows.features, "target": rows.target}
    return Model(**(known | parts | changes))


@pytest.fixture
def means():
    return fit.model_path("medicine_means")


def test_without_a_classifier_it_is_not_done_yet():
    assert repr(check_classifier()).startswith("not done yet: ")


@pytest.mark.parametrize("steps", [300, 3000])
def test_a_classifier_of_the_training_rows_is_right_by_either_route(means, steps):
    fit.train(SPLIT.train, steps=steps).save(means)
    first = check_classifier()
    assert (first.state, check_classifier()) == ("right", first)
    assert "of 142 told right" in first.text
    classifier(steps=steps).save(means)
    assert check_classifier() == first


RAW = Scaling(np.zeros(10), np.ones(10))


@pytest.mark.parametrize(
    ("model", "hint"),
    [
        (lambda: classifier(WHOLE), "it has seen the test"),
        (lambda: classifier(SPLIT.held_out), "changed places"),
        (lambda: classifier(data.hold_out(WHOLE, 0.25, seed=0).train), "trained on other rows"),
        (lambda: classifier(data.hold_out(WHOLE, 0.5, seed=1).train), "trained on other rows"),
        (lambda: fit.train(data.hold_out(data.load("medicine"), 0.25, 1).train), "it has 30 features"),
        (lambda: classifier(link="identity"), "its link is identity"),
        (lambda: classifier(scaling=RAW, rate=1e-7), "raw columns"),
        (lambda: classifier(scaling=fit.standardise(WHOLE.X)), "come from all rows"),
        (lambda: classifier(WHOLE, trained_on=SPLIT.train.fingerprint), "come from all rows"),
        (lambda: classifier(scaling=fit.standardise(SPLIT.held_out.X)), "not those of the training rows"),
        (lambda: classifier(objective=SQUARED_ERROR, rate=0.1), "as from a squared error"),
        (lambda: classifier(steps=30), "more steps"),
        (lambda: classifier(steps=0), "more steps"),
        (lambda: classifier(weights=-classifier().weights), "worse than a coin"),
    ],
)
def test_each_wrong_classifier_gets_its_own_hint(means, model, hint):
    model().save(means)
    check = check_classifier()
    assert check.state == "wrong"
    assert hint in check.text


def test_a_damaged_classifier_is_recognised(means):
    means.parent.mkdir(parents=True)
    means.write_text("{}")
    assert "not a model file" in check_classifier().text
