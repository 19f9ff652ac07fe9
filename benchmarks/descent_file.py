"""The descent on rows in a file, measured in this process; started by ``descent.py --file``, prints JSON."""

import json
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from aicontainer.learn import blocks
from aicontainer.learn.descent import descend

BLOCK = 250_000
STEPS = 5
RATE = 1e-3


def made(n: int, d: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows and targets block by block, the same in each run."""
    random = np.random.default_rng(0)
    truth = random.standard_normal(d)
    for first in range(0, n, BLOCK):
        X = random.standard_normal((min(BLOCK, n - first), d))
        yield X, X @ truth + random.standard_normal(len(X))


def rows(folder: Path, n: int, d: int) -> blocks.RowFile:
    """The file of an earlier run, or a new one."""
    if (folder / "X.npy").exists():
        found = blocks.find(folder)
        if (found.n, found.d) == (n, d):
            return found
    return blocks.write(folder, made(n, d))


def peak() -> float:
    """The most memory that this process has held so far, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024.0 * int(next(line for line in lines if line.startswith("VmHWM")).split()[1])


def seconds(file: blocks.RowFile, steps: int) -> float:
    """How long a descent of so many steps takes."""
    begin = time.perf_counter()
    blocks.descend_on_file(file, RATE, steps)
    return time.perf_counter() - begin


def reading(path: Path) -> float:
    """Seconds to read a file with ``read`` into one buffer."""
    buffer, begin = bytearray(1 << 20), time.perf_counter()
    with path.open("rb", buffering=0) as file:
        while file.readinto(buffer):
            pass
    return time.perf_counter() - begin


def main() -> None:
    """Measure: rows, columns, and the folder to write to."""
    n, d = int(sys.argv[1]), int(sys.argv[2])
    with ProcessPoolExecutor(1, get_context("spawn")) as apart:  # the memory for writing is not to be counted
        file = apart.submit(rows, Path(sys.argv[3]) / "rows", n, d).result()
    before = peak()
    # a descent reads the targets once more at its beginning, and everything for the exact loss at its end
    step = min((seconds(file, STEPS) - seconds(file, 0)) / STEPS for _ in range(3))
    after = peak()
    in_file = np.array(blocks.descend_on_file(file, RATE, STEPS).losses)
    difference = float("nan")
    if os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") > 2 * 8 * n * d:
        X, y = np.load(file.path / "X.npy"), np.load(file.path / "y.npy")
        in_memory = np.array(descend(X, y, RATE, STEPS).losses)
        difference = float(np.max(np.abs(in_file / in_memory - 1)))
    told = {"rows": n, "columns": d, "bytes": 8 * n * (d + 1), "step": step, "before": before, "peak": after}
    print(json.dumps({**told, "read": reading(file.path / "X.npy"), "difference": difference}))


if __name__ == "__main__":
    main()
