"""A loss, its gradient and its link belong together."""

import numpy as np
import pytest

from aicontainer.errors import DataError
from aicontainer.learn.objective import CROSS_ENTROPY, SQUARED_ERROR, for_link
from aicontainer.model import LINKS


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
