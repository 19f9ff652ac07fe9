"""The checks of notebook 02b on ``medicine``: a gradient with its penalty, and a classifier's file."""

import numpy as np
import pytest

from aicontainer.exercises.logistic_medicine import check_classifier, check_penalised_gradient
from aicontainer.learn import data, fit
from aicontainer.learn.descent import descend
from aicontainer.learn.objective import CROSS_ENTROPY, SQUARED_ERROR, with_l2
from aicontainer.model import Model, Scaling


def parts(X, y, weights, bias):
    r = 1 / (1 + np.exp(-(X @ weights + bias))) - y
    return X.T @ r / len(y), np.mean(r)


def by_hand(X, y, weights, bias, strength):
    dw, db = parts(X, y, weights, bias)
    return dw + strength * weights, db


def by_package(X, y, weights, bias, strength):
    return with_l2(CROSS_ENTROPY, strength).gradient(X, y, weights, bias)


@pytest.mark.parametrize("function", [by_hand, by_package])
def test_the_gradient_is_right_by_either_route(function):
    assert check_penalised_gradient(function).state == "right"


def added(penalty, on_bias=lambda s, b: 0.0, factor=1.0):
    """A gradient with this derivative of the penalty in place of ``s * w``."""

    def function(X, y, weights, bias, strength):
        dw, db = parts(X, y, weights, bias)
        return factor * dw + penalty(strength, weights, len(y)), factor * db + on_bias(strength, bias)

    return function


def of_residual(residual, factor=1.0):
    def function(X, y, weights, bias, strength):
        r = factor * residual(X @ weights + bias, y)
        return X.T @ r / len(y) + strength * weights, np.mean(r)

    return function


def rowwise(X, y, weights, bias, strength):
    r = 1 / (1 + np.exp(-(X @ weights + bias))) - y
    return X.T @ r / len(y) + strength * weights, r


@pytest.mark.parametrize(
    ("function", "hint"),
    [
        (added(lambda s, w, n: s * w, lambda s, b: s * b), "the bias is penalised too"),
        (added(lambda s, w, n: 0 * w), "the penalty is missing"),
        (added(lambda s, w, n: -s * w), "the penalty has the wrong sign"),
        (added(lambda s, w, n: 2 * s * w), "twice too large"),
        (added(lambda s, w, n: s * w / 2), "half of what it should be"),
        (added(lambda s, w, n: s * w / n), "the penalty is divided by n"),
        (added(lambda s, w, n: w), "the strength is missing"),
        (added(lambda s, w, n: s / 2 * np.sum(w**2)), "the penalty itself is added"),
        (added(lambda s, w, n: s), "not of squares"),
        (added(lambda s, w, n: s * np.sign(w)), "that is L1"),
        (added(lambda s, w, n: s * w, factor=0.0), "the first part is missing"),
        (lambda X, y, w, b, s: tuple(-part for part in by_hand(X, y, w, b, s)), "the sign is wrong all over"),
        (lambda X, y, w, b, s: (len(y) * parts(X, y, w, b)[0] + s * w, len(y) * parts(X, y, w, b)[1]), "n times"),
        (of_residual(lambda z, y: z - y), "scores are taken for probabilities"),
        (of_residual(lambda z, y: z - y, factor=2), "the squared error's gradient"),
        (added(lambda s, w, n: s * w**2), "by the weights differs"),
        (added(lambda s, w, n: s * w, lambda s, b: s), "by the bias differs"),
        (rowwise, "the sum over the rows is missing"),
        (lambda X, y, w, b, s: by_hand(X, y, w, b, s)[0], "return a pair"),
        (lambda X, y, w, b, s: by_hand(X, y, b, w, s), "raised"),
        (lambda X, y, w, b: None, "raised TypeError"),
    ],
)
def test_each_wrong_gradient_gets_its_own_hint(function, hint):
    check = check_penalised_gradient(function)
    assert check.state == "wrong"
    assert hint in check.text


def test_a_gradient_that_returns_nothing_is_not_done_yet():
    assert repr(check_penalised_gradient(lambda *given: None)).startswith("not done yet: ")


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
