"""The ways to take a step of descent, measured in this process; started by ``descent.py``, prints JSON."""

import json
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from sklearn._loss import HalfBinomialLoss
from sklearn.linear_model._linear_loss import LinearModelLoss

from aicontainer.learn.descent import walk
from aicontainer.learn.moments import Moments, descend_on_moments
from aicontainer.learn.objective import CROSS_ENTROPY, SQUARED_ERROR, Objective
from aicontainer.learn.passes import Pass, over

RATE = 1e-3
THREADS = int(os.environ["OMP_NUM_THREADS"])
SHORTEST = 2e-2  # seconds of one measurement

# a way takes this many steps
Way = Callable[[int], None]


def usual_squared(X: np.ndarray, y: np.ndarray) -> Way:
    """The loop that everyone writes."""

    def steps(count: int) -> None:
        w, b, losses = np.zeros(X.shape[1]), 0.0, []
        for _ in range(count):
            r = X @ w + b - y
            losses.append(np.mean(r**2))
            w = w - RATE * 2 / len(y) * (X.T @ r)
            b = b - RATE * 2 * np.mean(r)

    return steps


def usual_logistic(X: np.ndarray, y: np.ndarray) -> Way:
    """The same for the cross-entropy on scores."""

    def steps(count: int) -> None:
        w, b, losses = np.zeros(X.shape[1]), 0.0, []
        for _ in range(count):
            z = X @ w + b
            losses.append(np.mean(np.maximum(z, 0) - z * y + np.log1p(np.exp(-np.abs(z)))))
            r = 1 / (1 + np.exp(-z)) - y
            w = w - RATE / len(y) * (X.T @ r)
            b = b - RATE * np.mean(r)

    return steps


def ours(X: np.ndarray, y: np.ndarray, objective: Objective) -> Way:
    """The steps of ``descend``, its history included."""
    rows = _Steps(over(X, y, objective))

    def steps(count: int) -> None:
        walk(rows, np.zeros(X.shape[1] + 1), RATE, count - 1)  # one place more than steps, and each is a pass

    return steps


class _Steps:
    """A pass without the exact loss at the end of a descent, which is no part of a step."""

    def __init__(self, rows: Pass) -> None:
        self._rows, self.slope = rows, rows.slope

    def __call__(self, place: np.ndarray) -> float:
        return self._rows(place)

    def exact(self, place: np.ndarray) -> float:
        return 0.0


def by_torch(X: np.ndarray, y: np.ndarray, loss: torch.nn.Module) -> Way:
    """PyTorch on the same numbers in memory: a linear layer, autograd, and ``optim.SGD`` over all rows."""
    torch.set_num_threads(THREADS)
    rows, targets = torch.from_numpy(X), torch.from_numpy(y)

    def steps(count: int) -> None:
        layer = torch.nn.Linear(X.shape[1], 1, dtype=torch.float64)
        optimizer, losses = torch.optim.SGD(layer.parameters(), lr=RATE), []
        for _ in range(count):
            optimizer.zero_grad()
            value = loss(layer(rows)[:, 0], targets)
            value.backward()
            optimizer.step()
            losses.append(value.item())

    return steps


def by_sklearn(X: np.ndarray, y: np.ndarray) -> Way:
    """What ``LogisticRegression`` evaluates at each place that its solver tries: the loss and its gradient."""
    evaluate = LinearModelLoss(HalfBinomialLoss(), fit_intercept=True).loss_gradient

    def steps(count: int) -> None:
        place = np.zeros(X.shape[1] + 1)
        for _ in range(count):
            _, slope = evaluate(place, X, y, n_threads=THREADS)
            place = place - RATE * slope

    return steps


def on_moments(X: np.ndarray, y: np.ndarray) -> Way:
    """Squared error from X'X and X'y, which are not in the time."""
    moments = Moments.of(X, y)

    def steps(count: int) -> None:
        descend_on_moments(moments, RATE, count - 1)

    return steps


def stream(X: np.ndarray) -> Way:
    """Read X and do as little as numpy can with it: the faster of the largest number and the sum of squares."""
    flat = X.ravel()
    parts = [flat[len(flat) * i // THREADS : len(flat) * (i + 1) // THREADS] for i in range(THREADS)]
    pool = ThreadPoolExecutor(THREADS)

    def steps(count: int) -> None:
        for _ in range(count):
            if THREADS == 1:
                parts[0].max()
            else:
                list(pool.map(np.max, parts))

    return steps


def measured(ways: dict[str, Way], seconds: float) -> dict[str, float]:
    """The best time a step of each way, in rounds in which they take turns."""
    counts, best = {}, dict.fromkeys(ways, float("inf"))
    for name, way in ways.items():
        way(2)  # what is only done once
        counts[name] = max(1, int(SHORTEST / timed(way, 1)))
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        for name, way in ways.items():
            best[name] = min(best[name], timed(way, counts[name]) / counts[name])
    return best


def timed(way: Way, count: int) -> float:
    """Seconds for so many steps."""
    begin = time.perf_counter()
    way(count)
    return time.perf_counter() - begin


def main() -> None:
    """Measure one size: rows x columns, and seconds to spend."""
    n, d = map(int, sys.argv[1].split("x"))
    random = np.random.default_rng(0)
    X = random.standard_normal((n, d))
    y = X @ random.standard_normal(d) + random.standard_normal(n)
    yes = (y > 0).astype(np.float64)
    ways = {
        "bound": stream(X),
        "squared error, ours": ours(X, y, SQUARED_ERROR),
        "squared error, usual numpy loop": usual_squared(X, y),
        "squared error, PyTorch optim.SGD": by_torch(X, y, torch.nn.MSELoss()),
        "squared error, ours on moments": on_moments(X, y),
        "cross-entropy, ours": ours(X, yes, CROSS_ENTROPY),
        "cross-entropy, usual numpy loop": usual_logistic(X, yes),
        "cross-entropy, PyTorch optim.SGD": by_torch(X, yes, torch.nn.BCEWithLogitsLoss()),
        "cross-entropy, scikit-learn's gradient": by_sklearn(X, yes),
    }
    print(json.dumps(measured(ways, float(sys.argv[2]))))


if __name__ == "__main__":
    main()
