"""Descent on the moments of the rows takes the steps of descent on the rows."""

import numpy as np
import pytest

from aicontainer.errors import DataError
from aicontainer.learn import data, fit
from aicontainer.learn.descent import Stop, descend
from aicontainer.learn.moments import Moments, descend_on_moments
from aicontainer.learn.objective import SQUARED_ERROR, with_l2


def rows(name):
    dataset = data.load(name)
    return fit.standardise(dataset.X)(dataset.X), dataset.y


@pytest.mark.parametrize("name", ["education", "traffic"])
@pytest.mark.parametrize("l2", [0.0, 0.2])
def test_the_path_of_the_loss_is_that_of_the_rows(name, l2):
    X, y = rows(name)
    by_rows = descend(X, y, 0.2, 500, with_l2(SQUARED_ERROR, l2))
    by_moments = descend_on_moments(Moments.of(X, y), 0.2, 500, l2=l2)
    np.testing.assert_allclose(by_moments.losses, by_rows.losses, rtol=1e-12)
    np.testing.assert_allclose(by_moments.weights, by_rows.weights, rtol=1e-9, atol=1e-9)
    # a norm near 0 is rounding, of the size of 1e-16 times the first one
    np.testing.assert_allclose(
        by_moments.gradient_norms, by_rows.gradient_norms, rtol=1e-9, atol=1e-12 * by_rows.gradient_norms[0]
    )


def test_columns_far_from_zero_lose_no_digits():
    random = np.random.default_rng(2)
    X, y = random.normal(30.0, 1.0, (5000, 3)), random.normal(-200.0, 5.0, 5000)
    by_rows, by_moments = descend(X, y, 3e-4, 300), descend_on_moments(Moments.of(X, y), 3e-4, 300)
    np.testing.assert_allclose(by_moments.losses, by_rows.losses, rtol=1e-12)


def test_several_blocks_have_the_moments_of_the_whole():
    random = np.random.default_rng(3)
    X, y = random.normal(size=(30_001, 7)), random.normal(size=30_001)
    found = Moments.of(X, y)
    np.testing.assert_allclose(found.products, np.cov(X.T, bias=True), rtol=1e-11, atol=1e-14)
    np.testing.assert_allclose(found.with_target, np.cov(X.T, y, bias=True)[:-1, -1], rtol=1e-11, atol=1e-14)
    assert repr(found) == "Moments(30001 rows of 7 columns)"


def test_limits_and_refusals_are_those_of_descent():
    X, y = rows("education")
    moments = Moments.of(X, y)
    assert descend_on_moments(moments, 0.3, 100, stop=Stop(loss=100.0)).stopped_by == "loss"
    with pytest.raises(DataError, match="is too large"):
        descend_on_moments(moments, 0.5, 2000)
    with pytest.raises(DataError, match="strength"):
        descend_on_moments(moments, 0.3, 1, l2=-1.0)
    with pytest.raises(DataError, match="one number for each row"):
        Moments.of(X, y[:-1])
