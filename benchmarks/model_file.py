#!/usr/bin/env python3
"""The model file at its largest, and under damage: ``.venv/bin/python benchmarks/model_file.py``.

Writes and reads a model of 1,000,000 features (``--features``), and opens the file of the education model with each
single bit turned round, and cut at each byte: each is refused, or it holds the same model.
"""

import argparse
import resource
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from aicontainer import model
from aicontainer.errors import ModelFileError
from aicontainer.learn import data, fit

MB = 1e6


def large(features: int, folder: Path) -> str:
    """Size, times and memory of a model with that many features."""
    random = np.random.default_rng(0)
    scaling = model.Scaling(random.normal(size=features), random.uniform(0.1, 9, features))
    names = tuple(f"x{number}" for number in range(features))
    made = model.Model("wide", "1", random.normal(size=features), 1.0, "identity", scaling, names, "y", "")
    before = _peak()
    begun = time.perf_counter()
    file = made.save(folder / "wide.json")
    written = time.perf_counter()
    read = model.load(file)
    ended = time.perf_counter()
    assert read.weights.tobytes() == made.weights.tobytes()
    return (
        f"{features} features: {file.stat().st_size / MB:.1f} MB, written in {written - begun:.2f} s, read in "
        f"{ended - written:.2f} s, {(_peak() - before) / MB:.0f} MB more memory at the peak"
    )


def damaged(content: bytes, every: int) -> Iterator[tuple[str, bytes]]:
    """The file with one bit turned round, and cut short; of all these, each ``every``-th."""
    for place in range(0, 8 * len(content), every):
        turned = bytearray(content)
        turned[place // 8] ^= 1 << place % 8
        yield "bit turned", bytes(turned)
    for length in range(0, len(content), every):
        yield "cut", content[:length]


def survived(folder: Path, every: int) -> Counter[str]:
    """How many damaged files are refused, hold the same model, or another one."""
    trained = fit.train(data.load("education"))
    file = trained.save(folder / "education.json")
    content = file.read_bytes()
    counts: Counter[str] = Counter()
    for kind, broken in damaged(content, every):
        file.write_bytes(broken)
        try:
            same = model.load(file).digest == trained.digest
        except ModelFileError:
            counts[f"{kind}: refused"] += 1
        else:
            counts[f"{kind}: the same model" if same else f"{kind}: ANOTHER MODEL"] += 1
    return counts


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> None:
    """Measure and print; ends with an error when a damaged file was taken for another model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--features", type=int, default=1_000_000)
    parser.add_argument("--every", type=int, default=1, help="open each n-th damaged file only")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print(large(options.features, folder), flush=True)
        counts = survived(folder, options.every)
    for kind, count in sorted(counts.items()):
        print(f"{kind}: {count}")
    if any("ANOTHER" in kind for kind in counts):
        raise SystemExit("a damaged file was taken for another model")


if __name__ == "__main__":
    main()
