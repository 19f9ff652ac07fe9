"""The check of notebook 02 looks at the file that the learner wrote, and its hint depends on what it finds there."""

import dataclasses

import numpy as np
import pytest

from aicontainer.exercises.descent import check_early_model
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
