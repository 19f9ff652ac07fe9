"""One pass over the rows: the objective at a place and its derivatives there, from a single reading of X.

The usual loop reads X twice a step, once for the scores ``X w`` and once for the derivatives ``X' r``. When X is larger
than the processor's cache, that reading is all the time there is. Here X goes by in blocks of rows that stay in the
cache for both products, and everything that is written has its place from the beginning: a pass allocates nothing that
grows with the rows.

Blocks are added up in their order within a strip, and strips in theirs, and neither depends on the number of threads:
the same rows give the same bits on one thread and on many. (numpy's BLAS gives a block of this size to one thread.)

A place is a vector of shape (d + 1,): the weights, and the bias last. So is the slope, the derivatives by them.
"""

import math
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import chain
from typing import Protocol, Self

import numpy as np

from aicontainer.errors import DataError
from aicontainer.learn.loss import linear, with_ones
from aicontainer.learn.objective import Objective
from aicontainer.learn.sums import SPARE, Sums, in_place, row_losses
from aicontainer.model import Array

BLOCK_BYTES = 3 << 17  # of X; three quarters of a small second-level cache, the scores and targets go beside it
STRIP_BLOCKS = 8  # what a thread takes at a time: long enough to outweigh the taking, short enough to end together

RowsDone = Callable[[int, int], None]


class Rows(Protocol):
    """What a descent needs of rows, wherever they are: the loss at a place, and then its slope there."""

    slope: Array

    def __call__(self, place: Array) -> float:
        """The objective at ``place``; its derivatives are in ``slope`` until the next call."""
        ...

    def exact(self, place: Array) -> float:
        """The objective at ``place``, as exactly as these rows allow."""
        ...


def _nothing(first: int, last: int) -> None:
    pass


def threads() -> int:
    """How many threads a pass may use: OMP_NUM_THREADS where it is set, as for other libraries, else each processor.

    Raises
    ------
    DataError
        When OMP_NUM_THREADS is no whole number from 1.
    """
    wanted = os.environ.get("OMP_NUM_THREADS", "").split(",")[0]  # the others are for threads of threads
    if not wanted:
        affinity = getattr(os, "sched_getaffinity", None)  # where it is missing (macOS) all processors are ours
        return len(affinity(0)) if affinity else os.cpu_count() or 1
    if not wanted.isdecimal() or int(wanted) < 1:
        raise DataError("OMP_NUM_THREADS must be a whole number from 1", seen=wanted, next_step="unset OMP_NUM_THREADS")
    return int(wanted)


@contextmanager
def block_from(first: int) -> Iterator[None]:
    """Say of an error in a block of rows at which row the block begins: the error counts rows from there."""
    try:
        yield
    except DataError as error:
        if not first:
            raise
        seen = f"in the block that begins at row {first}: {error.seen}"
        raise DataError(error.what, seen=seen, next_step=error.next_step) from error


def over(X: Array, y: Array, objective: Objective) -> "Pass":
    """The pass over a table: in blocks, or with fewer calls where it fits into one and the calls are what takes time.

    Raises
    ------
    DataError
        As ``Pass``.
    """
    small = X.nbytes <= BLOCK_BYTES and row_losses(objective)
    return _InOneBlock(X, y, objective) if small else Pass(X, y, objective)


class Pass:
    """The objective over all rows at a place, ``rows(place)``, and then its slope there, ``rows.slope``.

    Used in a ``with`` block, which ends its threads.

    Parameters
    ----------
    X, y
        Rows of shape (n, d) and their targets of shape (n,), row-major float64. A NaN in X is not looked for: it makes
        every value NaN.
    objective
        The loss, with its gradient.
    done
        Is told of each range of rows ``[first, last)`` that a pass has read, by whichever thread read it.

    Raises
    ------
    DataError
        When rows and targets do not fit together, or the targets do not fit the objective.
    """

    def __init__(self, X: Array, y: Array, objective: Objective, done: RowsDone = _nothing) -> None:
        self.slope = np.zeros(X.shape[1] + 1)
        self._X, self._y, self._objective, self._done = X, y, objective, done
        self._height = min(len(X), max(1, BLOCK_BYTES // X[0].nbytes))
        self._check_targets()
        stride = self._height * STRIP_BLOCKS
        self._strips = [(first, min(first + stride, len(X))) for first in range(0, len(X), stride)]
        # a learner's own loss may not bear threads
        count = min(threads(), len(self._strips)) if row_losses(objective) else 1
        self._sums = [Sums(objective, self._height, X.shape[1]) for _ in range(count)]
        self._totals = np.zeros((len(self._strips), X.shape[1] + 2))
        self._pool = ThreadPoolExecutor(count - 1) if count > 1 else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool:
            self._pool.shutdown()

    def __call__(self, place: Array) -> float:
        """The objective at ``place``; its derivatives are in ``slope`` until the next call."""
        mine, *others = self._sums
        waiting = iter(enumerate(self._strips))  # each thread takes the next one
        helping = [self._pool.submit(self._sum_strips, waiting, sums, place) for sums in others] if self._pool else []
        self._sum_strips(waiting, mine, place)
        for helper in helping:
            helper.result()
        if len(self._strips) > 1:
            np.add.reduce(self._totals, axis=0, out=mine.total)
        mine.slope_into(self.slope, len(self._y), place)
        return mine.value(len(self._y), place)

    def _sum_strips(self, waiting: Iterator[tuple[int, tuple[int, int]]], sums: Sums, place: Array) -> None:
        with np.errstate(over="ignore", invalid="ignore"):  # of this thread; whoever reads the value judges it
            for number, (first, last) in waiting:
                sums.clear()
                for top in range(first, last, self._height):
                    end = min(top + self._height, last)
                    sums.add(self._X[top:end], self._y[top:end], place)
                self._totals[number] = sums.total
                self._done(first, last)

    def exact(self, place: Array) -> float:
        """The objective at ``place`` to the last bit, by ``math.fsum`` as ``loss.mean`` defines it.

        Raises
        ------
        DataError
            When a score is not finite.
        """
        weights, bias = place[:-1], float(place[-1])
        losses = row_losses(self._objective)
        if losses is None:
            return self._objective.value(self._X, self._y, weights, bias)
        parts = (losses(linear(X, weights, bias), y) for _, X, y in self._blocks())
        try:
            return math.fsum(chain.from_iterable(parts)) / len(self._y) + self._objective.penalty(weights)
        except OverflowError:  # every row is finite, their sum is not
            return math.inf

    def _check_targets(self) -> None:
        losses = row_losses(self._objective)
        if losses is None or len(self._X) != len(self._y):
            self._objective.loss(np.zeros(len(self._X)), self._y)
            return
        for first, X, y in self._blocks():
            with block_from(first):
                losses(np.zeros(len(X)), y)

    def _blocks(self) -> Iterator[tuple[int, Array, Array]]:
        for first in range(0, len(self._y), self._height):
            last = min(first + self._height, len(self._y))
            yield first, self._X[first:last], self._y[first:last]
            self._done(first, last)


class _InOneBlock(Pass):
    """A table that fits into the cache, with a column of ones for the bias: two products and a few calls."""

    def __init__(self, X: Array, y: Array, objective: Objective) -> None:
        super().__init__(X, y, objective)
        self._with_ones = with_ones(X)
        self._residuals, self._factor = in_place(objective)
        self._scores, self._spare = np.empty(len(X)), np.empty((SPARE, len(X)))

    def __call__(self, place: Array) -> float:
        """The objective at ``place``; its derivatives are in ``slope`` until the next call."""
        scores, slope, n = self._scores, self.slope, len(self._y)
        np.dot(self._with_ones, place, scores)
        loss = float(self._residuals(scores, self._y, self._spare)) / n
        np.dot(scores, self._with_ones, slope)
        np.multiply(slope, self._factor / n, slope)
        if self._objective.l2:
            slope[:-1] += self._objective.l2 * place[:-1]
            loss += self._objective.penalty(place[:-1])
        return loss
