"""What a Prometheus can ask this server: how long requests took, what was predicted, how far inputs were from training.

A label takes few values only, since each new value is a new time series for as long as Prometheus keeps them: paths
that nobody serves share one. Counting must cost a request next to nothing: times and rows are added up at once, and the
numbers themselves are put aside and distributed together, a few times a second.
"""

import math
from collections.abc import Sequence
from functools import reduce

import numpy as np

from aicontainer.model import LINKS, Array, Model
from aicontainer.serve.counters import (
    DISTANCES,
    IN_FLIGHT,
    PREDICTIONS,
    REFUSED_NOW,
    REFUSED_RELOADS,
    RELOADS,
    Counters,
    Distribution,
    alone,
)

# standard deviations of the training rows; of a normal feature one value in 16,000 is beyond 4
DISTANCE_BOUNDS = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 10.0, 30.0, 100.0)
# how many predictions, rows and numbers wait for being distributed; more would take too long in one go
HELD_PREDICTIONS, HELD_ROWS, HELD_NUMBERS = 256, 1024, 16384
# features: up to so many, numpy finds the largest of each row faster column by column
NARROW = 16

assert len(DISTANCE_BOUNDS) == DISTANCES


def prediction_bounds(model: Model) -> tuple[float, ...]:
    """Where the histogram of a model's predictions is divided, from the model alone: the same in every worker.

    Probabilities are divided evenly. A number is divided around the bias, which is the mean prediction for the training
    rows, by what the prediction would vary by if the features were independent: the length of the weights.
    """
    if model.link == "logistic":
        return (0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
    spread = float(np.linalg.norm(model.weights)) or 1.0
    steps = (-5.0, -3.0, -2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0)
    assert len(steps) == PREDICTIONS
    digits = 2 - math.floor(math.log10(spread))
    bounds = [round(model.bias + step * spread, digits) for step in steps]
    return tuple(bounds) if len(set(bounds)) == PREDICTIONS else tuple(float(step) for step in steps)


class Metrics:
    """What one worker counts, and what all of them have counted.

    Parameters
    ----------
    model
        The model that is served at first.
    workers
        The counters of all workers of this server, one at least.
    index
        Which of them are this worker's.
    """

    def __init__(self, model: Model, workers: Sequence[Counters] | None = None, index: int = 0) -> None:
        self._workers = workers or alone()
        self._own = self._workers[index]
        self._own.begin()
        self._held: list[tuple[Array, Array]] = []
        self._held_rows = self._held_numbers = 0
        self._begin(model)

    def __repr__(self) -> str:
        return f"Metrics({self._model.name} version {self._model.version}, {len(self._workers)} workers)"

    def _begin(self, model: Model) -> None:
        self._model = model
        self._bounds = np.array(prediction_bounds(model))
        self._block = self._own.block(model)

    def serves(self, model: Model) -> None:
        """Another model is served from now on: what comes is counted for its version."""
        self.distribute()
        self._begin(model)
        self._own.add(RELOADS)
        self._own.put(REFUSED_NOW, 0.0)

    def refused(self) -> None:
        """A new model file could not be used."""
        self._own.add(REFUSED_RELOADS)
        self._own.put(REFUSED_NOW, 1.0)

    def in_flight(self, requests: int) -> None:
        """How many requests have begun to arrive and are not answered yet."""
        self._own.put(IN_FLIGHT, float(requests))

    def answered(self, route: str, status: int, seconds: float) -> None:
        """Count one answer; ``route`` is the template, never the path that was asked."""
        self._own.answered(route, status, seconds)

    def predicted(self, scaled: Array, score: Array) -> None:
        """Count rows of shape (n, d), in the model's scaling, that were predicted, and their scores of shape (n,).

        They are sorted in one go: more than fit into the processor's cache take twice as long each.
        """
        self._own.predicted(self._block, len(score))
        self._held.append((scaled, score))
        self._held_rows += len(scaled)
        self._held_numbers += scaled.size
        if len(self._held) >= HELD_PREDICTIONS or self._held_rows >= HELD_ROWS or self._held_numbers >= HELD_NUMBERS:
            self.distribute()

    def distribute(self) -> None:
        """Sort what was put aside into the distributions."""
        held, self._held, self._held_rows, self._held_numbers = self._held, [], 0, 0
        if len(held) == 1:
            self._sort_in(*held[0])
        elif held:
            scaled, score = (np.concatenate([pair[side] for pair in held]) for side in (0, 1))
            self._sort_in(scaled, score)

    def _sort_in(self, scaled: Array, score: Array) -> None:
        self._own.distributed(
            self._block,
            _sorted_in(LINKS[self._model.link](score), self._bounds),
            _sorted_in(_largest(np.abs(scaled)), np.array(DISTANCE_BOUNDS)),
        )

    def render(self, accept: str) -> tuple[bytes, str]:
        """All metrics of all workers, and their content type, in the format that the ``Accept`` header asks for."""
        # not before somebody asks: a fifth of the start would be spent on it
        from aicontainer.serve import exposition

        self.distribute()
        return exposition.render(self._model, self._workers, accept)


def _largest(numbers: Array) -> Array:
    """The largest number of each row, shape (n,)."""
    return reduce(np.maximum, numbers.T) if numbers.shape[1] <= NARROW else numbers.max(axis=1)


def _sorted_in(values: Array, bounds: Array) -> Distribution:
    places = np.searchsorted(bounds, values, side="left")  # a value on a bound is counted below it: `le`
    counts = np.bincount(places, minlength=len(bounds) + 1)
    return Distribution(tuple(counts.tolist()), float(values.sum()))
