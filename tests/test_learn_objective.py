"""A loss, its derivatives, its penalty and its link belong together."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aicontainer.errors import DataError
from aicontainer.learn.derivatives import central, complex_step, relative_error
from aicontainer.learn.objective import CROSS_ENTROPY, SQUARED_ERROR, for_link, with_l2
from aicontainer.model import LINKS

OBJECTIVES = (SQUARED_ERROR, CROSS_ENTROPY, with_l2(SQUARED_ERROR, 0.7), with_l2(CROSS_ENTROPY, 0.3))
each = pytest.mark.parametrize("objective", OBJECTIVES, ids=repr)
seeds = st.integers(0, 2**32 - 1)


def problem(seed, size=1.0):
    random = np.random.default_rng(seed)
    X, y = random.normal(size=(30, 3)), random.integers(0, 2, 30).astype(float)
    return X, y, size * random.normal(size=(2, 4))


def test_each_link_of_a_model_has_its_objective():
    assert {link: for_link(link).name for link in LINKS} == {"identity": "squared error", "logistic": "cross-entropy"}


def test_an_unknown_link_is_answered_with_the_known_ones():
    with pytest.raises(DataError, match="'probit'") as caught:
        for_link("probit")
    assert "logistic" in caught.value.next_step


@pytest.mark.parametrize(("objective", "factor"), [(SQUARED_ERROR, 2.0), (CROSS_ENTROPY, 1.0)])
def test_both_gradients_are_the_mean_of_what_the_model_says_minus_what_is_true(objective, factor):
    random = np.random.default_rng(0)
    X, y, w = random.normal(size=(40, 3)), random.integers(0, 2, 40), random.normal(size=3)
    r = LINKS[objective.link](X @ w + 0.2) - y
    dw, db = objective.gradient(X, y, w, 0.2)
    np.testing.assert_allclose(dw, factor / 40 * X.T @ r, rtol=1e-12)
    assert db == pytest.approx(factor * r.mean())


@each
def test_the_gradient_is_that_of_the_value_to_fourteen_digits(objective):
    X, y, (at, _) = problem(1)
    gradient = np.append(*objective.gradient(X, y, at[:-1], float(at[-1])))
    numerical = complex_step(lambda a: objective.value(X, y, a[:-1], a[-1]), at)
    assert relative_error(gradient, numerical) <= 1e-14


@each
def test_each_row_of_the_hessian_is_the_gradient_of_a_derivative(objective):
    X, y, (at, _) = problem(2)

    def derivative(j):
        return lambda a: float(np.append(*objective.gradient(X, y, a[:-1], float(a[-1])))[j])

    hessian = objective.hessian(X, y, at[:-1], float(at[-1]))
    numerical = np.array([central(derivative(j), at) for j in range(4)])
    assert hessian.shape == (4, 4)
    assert relative_error(hessian, numerical) <= 1e-8


@each
@given(seed=seeds, share=st.floats(0.0, 1.0), size=st.sampled_from([0.1, 1.0, 50.0]))
@settings(deadline=None, max_examples=30)
def test_the_value_is_convex_and_curved_no_more_than_its_bound(objective, seed, share, size):
    X, y, (one, other) = problem(seed, size)
    between = share * one + (1 - share) * other
    values = [objective.value(X, y, at[:-1], float(at[-1])) for at in (one, other, between)]
    chord = share * values[0] + (1 - share) * values[1]
    assert values[2] <= chord * (1 + 1e-12) + 1e-12
    curvatures = np.linalg.eigvalsh(objective.hessian(X, y, between[:-1], float(between[-1])))
    bound = objective.curvature_bound(X)
    assert curvatures[0] >= -1e-12 * bound
    assert curvatures[-1] <= bound * (1 + 1e-12)


@each
def test_the_bound_is_reached_at_the_start(objective):
    X, y, _ = problem(3)
    curvatures = np.linalg.eigvalsh(objective.hessian(X, y, np.zeros(3), 0.0))
    assert objective.curvature_bound(X) == pytest.approx(curvatures[-1], rel=1e-12)


@pytest.mark.parametrize("plain", [SQUARED_ERROR, CROSS_ENTROPY])
def test_the_penalty_is_on_the_weights_alone_and_the_mean_loss_stays_what_it_was(plain):
    X, y, _ = problem(4)
    penalised, w = with_l2(plain, 0.5), np.array([3.0, 0.0, -4.0])
    for bias in (0.0, 1000.0):
        added = penalised.value(X, y, w, bias) - plain.value(X, y, w, bias)
        assert added == pytest.approx(0.5 / 2 * 25, rel=1e-9)
        assert penalised.gradient(X, y, w, bias)[1] == plain.gradient(X, y, w, bias)[1]
    assert penalised.penalty(w) == 6.25
    assert penalised.loss is plain.loss
    assert penalised.value(X, y, np.zeros(3), 1.0) == plain.value(X, y, np.zeros(3), 1.0)


def test_a_penalty_replaces_the_one_before_and_none_is_none():
    nothing = with_l2(with_l2(CROSS_ENTROPY, 3.0), 0.0)
    assert nothing == CROSS_ENTROPY
    assert repr(with_l2(CROSS_ENTROPY, 0.01)) == "Objective(cross-entropy + L2 of strength 0.01, logistic link)"


@pytest.mark.parametrize("strength", [-1.0, math.nan, math.inf])
def test_a_strength_that_is_none_is_refused(strength):
    with pytest.raises(DataError, match="strength of L2"):
        with_l2(SQUARED_ERROR, strength)


@each
@pytest.mark.parametrize("method", ["value", "gradient", "hessian"])
def test_rows_that_do_not_fit_are_refused_by_every_derivative(objective, method):
    X, y, _ = problem(6)
    ask = getattr(objective, method)
    with pytest.raises(DataError, match=r"X must have the shape \(n, d\)") as caught:
        ask(X, y, np.zeros(4), 0.0)
    assert "weights of shape (4,)" in caught.value.seen
    with pytest.raises(DataError, match="same length") as caught:
        ask(X, y[:, None], np.zeros(3), 0.0)
    assert "targets y of shape (30, 1)" in caught.value.seen
    with pytest.raises(DataError, match="finite"):
        ask(X, np.full(30, math.nan), np.zeros(3), 0.0)
