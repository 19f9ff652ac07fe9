"""Each measure against scikit-learn, against a count by hand, and where it must refuse."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from aicontainer.errors import DataError
from aicontainer.learn import data, evaluation, fit
from aicontainer.learn.cross_entropy import mean_cross_entropy

# few different scores, so that nearly every draw has ties
TIED = st.lists(st.tuples(st.sampled_from([-2.0, -0.5, 0.0, 0.5, 3.0]), st.sampled_from([0.0, 1.0])), min_size=2)


def columns(rows):
    scores, y = np.array(rows).T
    return scores, y


@pytest.fixture(scope="module")
def finance():
    split = data.hold_out(data.load("finance"), seed=1)
    model = fit.train(split.train, steps=200)
    return model.score(split.held_out.X), model.predict(split.held_out.X), split.held_out.y


@settings(deadline=None, max_examples=40)
@given(TIED.filter(lambda rows: len({y for _, y in rows}) == 2))
def test_the_area_counts_pairs_and_a_tie_is_half_a_pair(rows):
    scores, y = columns(rows)
    pairs = [(s, t) for s in scores[y == 1] for t in scores[y == 0]]
    by_hand = sum(1.0 if s > t else 0.5 if s == t else 0.0 for s, t in pairs) / len(pairs)
    assert evaluation.roc_auc(scores, y) == pytest.approx(by_hand, abs=1e-12)
    assert evaluation.roc_auc(scores, y) == pytest.approx(metrics.roc_auc_score(y, scores), abs=1e-12)


@settings(deadline=None, max_examples=40)
@given(TIED.filter(lambda rows: len({y for _, y in rows}) == 2))
def test_the_area_under_the_curve_is_the_area_and_its_points_are_those_of_scikit_learn(rows):
    scores, y = columns(rows)
    false, true = evaluation.roc_curve(scores, y)
    theirs = metrics.roc_curve(y, scores, drop_intermediate=False)
    assert false == pytest.approx(theirs[0], abs=1e-12)
    assert true == pytest.approx(theirs[1], abs=1e-12)
    assert np.trapezoid(true, false) == pytest.approx(evaluation.roc_auc(scores, y), abs=1e-12)


def test_measures_of_a_yes_or_no_model_are_those_of_scikit_learn(finance):
    scores, p, y = finance
    assert evaluation.accuracy(scores, y) == metrics.accuracy_score(y, p > 0.5)
    assert evaluation.roc_auc(scores, y) == pytest.approx(metrics.roc_auc_score(y, scores), abs=1e-12)
    assert evaluation.roc_auc(p, y) == evaluation.roc_auc(scores, y)  # only the order counts


def test_measures_of_a_number_are_those_of_scikit_learn():
    split = data.hold_out_last(data.load("traffic"), 0.25)
    said, y = fit.train(split.train, rate=0.1, steps=50).predict(split.held_out.X), split.held_out.y
    assert evaluation.r2(said, y) == pytest.approx(metrics.r2_score(y, said), rel=1e-12)
    assert evaluation.rmse(said, y) == pytest.approx(metrics.root_mean_squared_error(y, said), rel=1e-12)


def test_the_mean_explains_nothing_and_can_be_worse_than_that_of_other_rows():
    y = np.array([1.0, 2.0, 6.0])
    assert evaluation.r2([3.0, 3.0, 3.0], y) == 0
    assert evaluation.r2(y, y) == 1
    assert evaluation.r2([9.0, 9.0, 9.0], y) < -2


def test_calibration_sets_what_was_said_beside_what_happened():
    found = evaluation.calibration([0.02, 0.04, 0.5, 0.55, 1.0, 0.97], [0, 1, 0, 1, 1, 1], bins=10)
    assert found.said == pytest.approx([0.03, 0.525, 0.985])
    assert found.happened.tolist() == [0.5, 0.5, 1.0]
    assert found.counts.tolist() == [2, 2, 2]
    assert found.gap == pytest.approx((0.47 + 0.025 + 0.015) / 3)
    assert repr(found) == "Calibration(3 bins, 0.170 between what was said and what happened)"


def test_calibration_has_the_bins_of_scikit_learn(finance):
    from sklearn.calibration import calibration_curve

    _, p, y = finance
    happened, said = calibration_curve(y, p, n_bins=10)
    found = evaluation.calibration(p, y)
    assert found.said == pytest.approx(said)
    assert found.happened == pytest.approx(happened)
    assert found.counts.sum() == len(y)


@pytest.mark.parametrize("name", data.NAMES)
def test_no_constant_answer_beats_the_baseline(name):
    dataset = data.load(name)
    best = evaluation.baseline(dataset.y, dataset.link)
    objective = evaluation.for_link(dataset.link)
    assert best.prediction == pytest.approx(dataset.y.mean(), rel=1e-12)
    assert objective.loss(best.scores(len(dataset.y)), dataset.y) == best.loss
    for other in (best.score * 1.001, best.score * 0.999):
        assert objective.loss(np.full(len(dataset.y), other), dataset.y) > best.loss


def test_the_baseline_of_yes_or_no_is_the_entropy_of_the_share():
    best = evaluation.baseline([1, 1, 1, 0], "logistic")
    assert best.loss == pytest.approx(-(0.75 * math.log(0.75) + 0.25 * math.log(0.25)))
    assert best.loss == mean_cross_entropy(best.scores(4), [1, 1, 1, 0])


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (lambda: evaluation.roc_auc([0.1, 0.2], [1, 1]), "both classes"),
        (lambda: evaluation.baseline([0, 0], "logistic"), "both classes"),
        (lambda: evaluation.accuracy([0.1, 0.2], [1, 2]), "must be 0 or 1"),
        (lambda: evaluation.baseline([650.0, 640.0], "logistic"), "must be 0 or 1"),
        (lambda: evaluation.r2([0.1, 0.2], [3, 3]), "no variance"),
        (lambda: evaluation.calibration([0.3, 1.2], [0, 1]), "between 0 and 1"),
        (lambda: evaluation.calibration([0.3, 0.2], [0, 1], bins=0), "whole number from 1"),
        (lambda: evaluation.calibration([0.3, 0.2], [0, 1], bins=float("nan")), "whole number from 1"),
        (lambda: evaluation.rmse([1.0, math.nan], [1, 2]), "finite"),
        (lambda: evaluation.roc_auc([[0.1], [0.2]], [0, 1]), "same length"),
    ],
)
def test_what_cannot_be_measured_is_refused(wrong, told):
    with pytest.raises(DataError, match=told):
        wrong()


def test_scores_taken_for_probabilities_are_told_what_to_do(finance):
    scores, _, y = finance
    with pytest.raises(DataError) as caught:
        evaluation.calibration(scores, y)
    assert "Model.predict" in caught.value.next_step
