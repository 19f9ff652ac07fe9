"""The minimum that we reach, three ways, is the one that scikit-learn and statsmodels reach on the four data sets."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.optimize import linprog
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.metrics import log_loss, mean_squared_error

from aicontainer.errors import DataError
from aicontainer.learn import data, fit
from aicontainer.learn.curvature import safe_rate
from aicontainer.learn.derivatives import relative_error
from aicontainer.learn.descent import descend
from aicontainer.learn.objective import CROSS_ENTROPY, SQUARED_ERROR, with_l2
from aicontainer.learn.reference import closed_form, newton

COEFFICIENTS, LOSS = 1e-6, 1e-10
STRENGTH = 0.01  # of L2


def standardised(name):
    dataset = data.load(name)
    return fit.standardise(dataset.X)(dataset.X), dataset.y


def by_descent(X, y, objective, steps):
    reached = descend(X, y, 0.9 * safe_rate(objective, X), steps, objective)
    return np.append(reached.weights, reached.bias)


def together(best):
    return np.append(best.weights, best.bias)


def of(model):
    """Weights and bias of a model of scikit-learn."""
    return np.append(np.ravel(model.coef_), model.intercept_)


@pytest.mark.parametrize(("name", "steps"), [("education", 1500), ("traffic", 3000)])
def test_squared_error(name, steps):
    X, y = standardised(name)
    sklearn = LinearRegression().fit(X, y)
    ols = sm.OLS(y, sm.add_constant(X, prepend=False)).fit()
    best = closed_form(X, y)
    for ours in (together(best), together(newton(X, y, SQUARED_ERROR)), by_descent(X, y, SQUARED_ERROR, steps)):
        assert relative_error(ours, of(sklearn)) <= COEFFICIENTS
        assert relative_error(ours, ols.params) <= COEFFICIENTS
        np.testing.assert_allclose(ours, ols.params, rtol=COEFFICIENTS)
        loss = SQUARED_ERROR.value(X, y, ours[:-1], ours[-1])
        assert loss == pytest.approx(mean_squared_error(y, sklearn.predict(X)), rel=LOSS)
        assert loss == pytest.approx(ols.ssr / len(y), rel=LOSS)


@pytest.mark.parametrize("name", ["education", "traffic"])
def test_squared_error_with_l2(name):
    X, y = standardised(name)
    objective = with_l2(SQUARED_ERROR, STRENGTH)
    # scikit-learn's penalty stands beside the sum of the squares, and without the half
    ridge = Ridge(alpha=len(y) * STRENGTH / 2, solver="svd").fit(X, y)
    for ours in (
        together(closed_form(X, y, STRENGTH)),
        together(newton(X, y, objective)),
        by_descent(X, y, objective, 3000),
    ):
        np.testing.assert_allclose(ours, of(ridge), rtol=COEFFICIENTS)


def test_cross_entropy_of_finance():
    X, y = standardised("finance")
    sklearn = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-12, max_iter=1000).fit(X, y)
    logit = sm.Logit(y, sm.add_constant(X, prepend=False)).fit(method="newton", tol=1e-12, disp=False)
    for ours in (together(newton(X, y, CROSS_ENTROPY)), by_descent(X, y, CROSS_ENTROPY, 2000)):
        np.testing.assert_allclose(ours, of(sklearn), rtol=COEFFICIENTS)
        np.testing.assert_allclose(ours, logit.params, rtol=COEFFICIENTS)
        loss = CROSS_ENTROPY.value(X, y, ours[:-1], ours[-1])
        assert loss == pytest.approx(log_loss(y, sklearn.predict_proba(X)), rel=LOSS)
        assert loss == pytest.approx(-logit.llf / len(y), rel=LOSS)


def test_cross_entropy_of_medicine_with_l2():
    X, y = standardised("medicine")
    objective = with_l2(CROSS_ENTROPY, STRENGTH)
    # scikit-learn's C multiplies the sum of the losses; statsmodels has no L2 here: its score is the penalty's slope
    C = 1 / (len(y) * STRENGTH)
    sklearn = LogisticRegression(C=C, solver="newton-cholesky", tol=1e-12, max_iter=1000).fit(X, y)
    logit = sm.Logit(y, sm.add_constant(X, prepend=False))
    for ours in (together(newton(X, y, objective)), by_descent(X, y, objective, 6000)):
        np.testing.assert_allclose(ours, of(sklearn), rtol=COEFFICIENTS)
        mean_loss = CROSS_ENTROPY.value(X, y, ours[:-1], ours[-1])
        assert mean_loss == pytest.approx(log_loss(y, sklearn.predict_proba(X)), rel=1e-7)
        assert mean_loss == pytest.approx(-logit.loglike(ours) / len(y), rel=1e-12)
        slope = np.append(STRENGTH * ours[:-1], 0.0)
        np.testing.assert_allclose(logit.score(ours) / len(y), slope, atol=1e-8)


@pytest.mark.parametrize(("name", "separable"), [("medicine", True), ("finance", False)])
def test_linear_programming_too_finds_a_plane_between_the_classes_or_none(name, separable):
    X, y = standardised(name)
    sides = (2 * y - 1)[:, None] * np.column_stack([X, np.ones(len(X))])
    free = [(None, None)] * sides.shape[1]
    found = linprog(np.zeros(sides.shape[1]), A_ub=-sides, b_ub=-np.ones(len(X)), bounds=free)
    assert found.success == separable
    if separable:
        with pytest.raises(DataError, match="separable"):
            newton(X, y, CROSS_ENTROPY)
