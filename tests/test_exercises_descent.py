"""The checks of notebook 02 look at the learner's files and numbers; the hint depends on what they find there."""

import dataclasses

import numpy as np
import pytest

from aicontainer.exercises.descent import (
    check_early_model,
    check_largest_rate,
    check_moment_gradient,
)
from aicontainer.learn import data, fit
from aicontainer.model import Scaling


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
        (with_rows_of_the_notebook, "nothing but the four arguments"),
    ],
)
def test_each_wrong_gradient_from_moments_gets_its_own_hint(function, hint):
    check = check_moment_gradient(function)
    assert check.state == "wrong"
    assert hint in check.text
