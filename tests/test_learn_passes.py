"""One reading of the rows gives the loss and the gradient of the formulas, the same bits on any number of threads."""

import os
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest

from aicontainer.errors import DataError
from aicontainer.learn.objective import CROSS_ENTROPY, SQUARED_ERROR, with_l2
from aicontainer.learn.passes import BLOCK_BYTES, STRIP_BLOCKS, Pass, over, threads


@pytest.fixture(scope="module")
def rows():
    random = np.random.default_rng(1)
    X = random.normal(size=(60_007, 9))  # several strips, the last one and its last block cut short
    assert 8 * X.size > BLOCK_BYTES * STRIP_BLOCKS
    return X, (random.random(len(X)) < 0.3).astype(float)


@pytest.mark.parametrize("objective", [SQUARED_ERROR, CROSS_ENTROPY, with_l2(CROSS_ENTROPY, 0.5)], ids=repr)
@pytest.mark.parametrize("n", [1, 700, 60_007])
@pytest.mark.parametrize("size", [0.0, 0.3, 300.0])
def test_value_and_slope_are_those_of_the_formulas(rows, objective, n, size):
    X, y = rows[0][:n], rows[1][:n]
    place = size * np.random.default_rng(2).normal(size=10)
    with over(X, y, objective) as read:
        value = read(place)
        by_weights, by_bias = objective.gradient(X, y, place[:-1], place[-1])
        assert value == pytest.approx(objective.value(X, y, place[:-1], place[-1]), rel=1e-14)
        np.testing.assert_allclose(read.slope, np.append(by_weights, by_bias), rtol=1e-10, atol=1e-14)
        assert read.exact(place) == objective.value(X, y, place[:-1], place[-1])


def test_small_losses_of_certain_scores_keep_their_digits():
    X, y = np.array([[40.0], [60.0], [700.0]]), np.ones(3)
    for way in (over, Pass):
        with way(X, y, CROSS_ENTROPY) as read:
            assert read(np.array([1.0, 0.0])) == pytest.approx((np.exp(-40) + np.exp(-60)) / 3, rel=1e-14)
            assert read.slope[1] == pytest.approx(-(np.exp(-40) + np.exp(-60)) / 3, rel=1e-14)


BITS = """
import numpy as np
from aicontainer.learn.descent import descend
from aicontainer.learn.objective import CROSS_ENTROPY
random = np.random.default_rng(0)
for n, d in ((420, 7), (569, 30), (20_001, 100), (90_000, 20)):
    X, y = random.normal(size=(n, d)), (random.random(n) < 0.5).astype(float)
    found = descend(X, y, 0.1, 3, CROSS_ENTROPY)
    print(found.weights.tobytes().hex(), *map(float.hex, (found.bias, *found.losses, *found.gradient_norms)))
"""


def test_the_bits_do_not_depend_on_the_number_of_threads():
    said = []
    for count in "123":
        environment = {**os.environ, "OMP_NUM_THREADS": count, "OPENBLAS_NUM_THREADS": count}
        command = [sys.executable, "-c", BITS]
        said.append(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)
    assert said[0].count("\n") == 4
    assert said[0] == said[1] == said[2]


def test_a_pass_allocates_nothing_of_the_size_of_the_rows(rows):
    with over(*rows, SQUARED_ERROR) as read:
        place = np.zeros(10)
        read(place)
        tracemalloc.start()
        try:
            read(place)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < rows[1].nbytes / 10  # a tenth of one number a row; X has nine


def test_each_row_is_told_as_read_once(rows):
    told = []
    with Pass(*rows, SQUARED_ERROR, lambda first, last: told.append((first, last))) as read:
        told.clear()
        read(np.zeros(10))
    told.sort()
    assert [first for first, _ in told] == [0, *(last for _, last in told[:-1])]
    assert told[-1][1] == len(rows[1])


def test_threads_are_as_many_as_the_usual_variable_says(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert threads() == 3
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert 1 <= threads() <= os.cpu_count()


@pytest.mark.parametrize("value", ["0", "-1", "two"])
def test_a_number_of_threads_without_a_meaning_is_refused(monkeypatch, value):
    monkeypatch.setenv("OMP_NUM_THREADS", value)
    with pytest.raises(DataError, match="OMP_NUM_THREADS"):
        threads()
