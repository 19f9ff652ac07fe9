"""Models that differ by their number alone, for the tests that put one in the place of another."""

import numpy as np

from aicontainer.model import Model, Scaling

ROW = [[1.0, 2.0]]


def version(number: int) -> Model:
    """A model of two features, of which this is the version and the first weight."""
    weights = np.array([float(number), -0.1])
    return Model("m", str(number), weights, 10.0, "identity", Scaling(np.zeros(2), np.ones(2)), ("a", "b"), "t", "x")
