"""What a model remembers of its training: rows and steps, the loss that it reached, the ranges of its features.

A server tells people from it what a usual input is, and counts how far those that come are from it (drift).
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from aicontainer.errors import DataError

Array = np.ndarray[Any, np.dtype[np.float64]]


def frozen_vector(values: Any, name: str) -> Array:
    """``values`` as a read-only float64 vector of shape (d,), a copy of its own.

    Raises
    ------
    DataError
        When they are no numbers, no vector, or not finite.
    """
    array = np.array(values, dtype=np.float64)
    if array.ndim != 1 or not np.isfinite(array).all():
        raise DataError(f"{name} must be a vector of finite numbers", seen=f"shape {array.shape}")
    array.setflags(write=False)
    return array


@dataclass(frozen=True, eq=False, repr=False)
class Training:
    """How a model came to be.

    Parameters
    ----------
    rows
        How many rows it was fitted to, 1 at least.
    steps, rate
        The steps of the descent, and the rate of each.
    seed
        What random choices began with; 0 where there were none.
    loss
        The mean loss of its scores on those rows (``math.fsum`` of the rows' losses over their number).
    low, high
        The smallest and the largest value of each raw feature in those rows, both of shape (d,).

    Raises
    ------
    DataError
        When one of them makes no sense.
    """

    rows: int
    steps: int
    rate: float
    seed: int
    loss: float
    low: Array
    high: Array

    def __post_init__(self) -> None:
        object.__setattr__(self, "low", frozen_vector(self.low, "low"))
        object.__setattr__(self, "high", frozen_vector(self.high, "high"))
        for name, least in (("rows", 1), ("steps", 0), ("seed", 0)):
            value = getattr(self, name)
            if type(value) is not int or value < least:
                raise DataError(f"{name} must be a whole number from {least}", seen=repr(value))
        for name in ("rate", "loss"):
            value = getattr(self, name)
            if type(value) not in (int, float) or not math.isfinite(value) or value < 0:
                raise DataError(f"{name} must be a finite number, not below 0", seen=repr(value))
            object.__setattr__(self, name, float(value))
        if self.low.shape != self.high.shape or (self.low > self.high).any():
            raise DataError("low and high must have one number for each feature, low not above high")

    def __repr__(self) -> str:
        return f"Training({self.rows} rows, {self.steps} steps at rate {self.rate:g}: loss {self.loss:#.9g})"

    def content(self) -> dict[str, Any]:
        """As it stands in a model file."""
        return {
            "rows": self.rows,
            "steps": self.steps,
            "rate": self.rate,
            "seed": self.seed,
            "loss": self.loss,
            "low": self.low.tolist(),
            "high": self.high.tolist(),
        }
