"""Rows in a file give the descent of the same rows in memory, in memory that does not grow with them."""

import itertools
import subprocess
import sys

import numpy as np
import pytest

from aicontainer.errors import DataError
from aicontainer.learn import blocks
from aicontainer.learn.descent import Stop, descend
from aicontainer.learn.objective import CROSS_ENTROPY, SQUARED_ERROR, with_l2


@pytest.fixture(scope="module")
def table():
    random = np.random.default_rng(4)
    X = random.normal(size=(90_003, 5))
    return X, (X @ np.arange(5.0) + random.logistic(size=len(X)) > 0).astype(float)


@pytest.fixture(scope="module")
def file(table, tmp_path_factory):
    X, y = table
    cuts = [0, 1, 40_000, len(y)]
    parts = ((X[a:b], y[a:b]) for a, b in itertools.pairwise(cuts))
    return blocks.write(tmp_path_factory.mktemp("rows"), parts)


def test_numpy_reads_what_was_written(table, file):
    np.testing.assert_array_equal(np.load(file.path / "X.npy"), table[0])
    np.testing.assert_array_equal(np.load(file.path / "y.npy"), table[1])
    assert blocks.find(file.path) == file
    assert (file.n, file.d) == (90_003, 5)


@pytest.mark.parametrize("objective", [SQUARED_ERROR, CROSS_ENTROPY, with_l2(CROSS_ENTROPY, 0.1)], ids=repr)
def test_the_descent_is_that_of_the_same_rows_in_memory(table, file, objective):
    by_file, by_table = blocks.descend_on_file(file, 0.2, 20, objective), descend(*table, 0.2, 20, objective)
    np.testing.assert_allclose(by_file.losses, by_table.losses, rtol=1e-12)
    np.testing.assert_allclose(by_file.weights, by_table.weights, rtol=1e-12)
    assert by_file.losses[-1] == by_table.losses[-1]  # the exact one


def test_limits_and_refusals_are_those_of_descent(file):
    assert blocks.descend_on_file(file, 0.2, 50, CROSS_ENTROPY, stop=Stop(loss=0.4)).stopped_by == "loss"
    with pytest.raises(DataError, match="is too large"):
        blocks.descend_on_file(file, 3.0, 400)


MEMORY = """
import sys
from pathlib import Path
import numpy as np
from aicontainer.learn import blocks
def peak(): return int(next(l for l in open("/proc/self/status") if l.startswith("VmHWM")).split()[1])
path, n = Path(sys.argv[1]), 50_000
part = np.random.default_rng(0).normal(size=(n, 20)), np.zeros(n)
small = blocks.write(path / "small", (part for _ in range(2)))
blocks.descend_on_file(small, 0.1, 2)
before = peak()
large = blocks.write(path / "large", (part for _ in range(20)))
blocks.descend_on_file(large, 0.1, 2)
print(peak() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
def test_ten_times_the_rows_take_no_more_memory(tmp_path):
    said = subprocess.run(
        [sys.executable, "-c", MEMORY, str(tmp_path)], capture_output=True, text=True, check=True, timeout=120
    )
    assert int(said.stdout) < 20_000  # kB; X has 160,000


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (lambda path: (path / "X.npy").unlink(), "no X.npy"),
        (lambda path: (path / "y.npy").write_bytes((path / "y.npy").read_bytes()[:-8]), "y.npy is no whole"),
        (lambda path: (path / "X.npy").write_bytes(bytes(200)), "X.npy is no whole"),
        (lambda path: (path / "X.npy").write_bytes(b""), "X.npy is no whole"),
        (lambda path: np.save(path / "X.npy", np.ones((4, 2), dtype=np.float32)), "X.npy is no whole"),
        (lambda path: np.save(path / "y.npy", np.ones(3)), "is no whole"),
    ],
)
def test_a_file_that_is_missing_or_damaged_is_told_by_name(tmp_path, harm, says):
    blocks.write(tmp_path, [(np.ones((4, 2)), np.ones(4))])
    harm(tmp_path)
    with pytest.raises(DataError, match=says) as caught:
        blocks.find(tmp_path)
    assert "blocks.write" in caught.value.next_step


def test_a_nan_in_the_file_is_told_and_not_descended_on(tmp_path):
    X = np.ones((4, 2))
    file = blocks.write(tmp_path, [(X, np.ones(4))])
    X[2, 1] = np.nan
    np.save(tmp_path / "X.npy", X)
    with pytest.raises(DataError, match="no finite number") as caught:
        blocks.descend_on_file(file, 0.1, 1)
    assert "NaN" in caught.value.next_step


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ([], "no rows"),
        ([(np.ones((2, 2)), np.ones(2)), (np.ones((2, 3)), np.ones(2))], "same columns"),
        ([(np.ones((2, 2)), np.ones(3))], "one number for each row"),
        ([(np.array([[np.nan]]), np.ones(1))], "finite"),
    ],
)
def test_blocks_that_do_not_fit_are_refused_and_leave_nothing_that_looks_whole(tmp_path, parts, says):
    with pytest.raises(DataError, match=says):
        blocks.write(tmp_path, parts)
    with pytest.raises(DataError):
        blocks.find(tmp_path)


def test_a_bad_number_is_told_with_the_row_at_which_its_block_begins(tmp_path):
    whole = np.ones((5, 2)), np.ones(5)
    damaged = np.array([[1.0, 1.0], [1.0, np.nan]]), np.ones(2)
    with pytest.raises(DataError, match="X must be finite") as caught:
        blocks.write(tmp_path, [whole, damaged])
    assert "begins at row 5" in caught.value.seen
    assert "X[1, 1]" in caught.value.seen
