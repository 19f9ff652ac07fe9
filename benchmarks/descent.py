"""How long a step of full-batch descent takes, beside other ways to take it and beside what memory allows.

    python benchmarks/descent.py                      all sizes, one thread and two, a table for each
    python benchmarks/descent.py --sizes 569x30 --threads 1
    python benchmarks/descent.py --file               also 20,000,000 rows of 20 in a file, with the peak of memory

PyTorch and scikit-learn are installed on the first run into an environment of the benchmark's own, below
~/.cache/aicontainer/descent-benchmark (several GB: from PyPI, PyTorch brings its CUDA libraries; only its CPU part is
used). Each number of threads is measured in a process of its own, where every library is told of it. The ways take
turns, round by round, and the best round of each counts: whatever else runs on the machine hits all of them.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
HOME = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "aicontainer" / "descent-benchmark"
PYTHON = HOME / "venv" / "bin" / "python"
NEEDED = ("numpy>=2.2", "scikit-learn", "torch")
SIZES = ("569x30", "100000x100", "5000000x20")
FILE_ROWS, FILE_COLUMNS = 20_000_000, 20
VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--sizes", nargs="+", default=SIZES, help="rows x columns")
    options.add_argument("--threads", nargs="+", type=int, default=(1, 2))
    options.add_argument("--seconds", type=float, default=20.0, help="to spend on each size and number of threads")
    options.add_argument("--file", action="store_true", help="also the descent on a file of 3.2 GB")
    options.add_argument("--rows", type=int, default=FILE_ROWS, help="rows of that file")
    chosen = options.parse_args()
    install()
    for threads in chosen.threads:
        for size in chosen.sizes:
            print_table(size, threads, child("descent_ways.py", threads, size, str(chosen.seconds)))
        if chosen.file:
            print_file(threads, child("descent_file.py", threads, str(chosen.rows), str(FILE_COLUMNS), str(HOME)))


def install() -> None:
    """The environment of the benchmark, made if it is missing or lacks something."""
    if not PYTHON.exists():
        subprocess.run([sys.executable, "-m", "venv", HOME / "venv"], check=True)
    found = subprocess.run([PYTHON, "-c", "import numpy, sklearn, torch"], capture_output=True, check=False)
    if found.returncode:
        subprocess.run([PYTHON, "-m", "pip", "install", "-q", *NEEDED], check=True)


def child(script: str, threads: int, *arguments: str) -> dict[str, float]:
    """What a script beside this one measures with so many threads."""
    told = {name: str(threads) for name in VARIABLES}
    environment = {**os.environ, **told, "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": ""}
    command = [PYTHON, Path(__file__).with_name(script), *arguments]
    said = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout
    measured: dict[str, float] = json.loads(said.splitlines()[-1])
    return measured


def print_table(size: str, threads: int, seconds: dict[str, float]) -> None:
    """One line a way: its time, how many times ours that is, and how many times the bound."""
    bound = seconds.pop("bound")
    print(f"\n{size.replace('x', ' x ')} float64, {threads} thread{'s' if threads > 1 else ''}")
    print(f"{'':42}{'a step':>12}{'ours = 1':>10}{'bound = 1':>11}")
    print(f"{'reading X once (measured stream)':42}{told(bound):>12}{'':>10}{1:>11.2f}")
    for way, time in seconds.items():
        loss = way.split(",")[0]
        ours = seconds[f"{loss}, ours"]
        print(f"{way:42}{told(time):>12}{time / ours:>10.2f}{time / bound:>11.2f}")


def print_file(threads: int, seconds: dict[str, float]) -> None:
    """The descent on a file, and what it took."""
    print(f"\n{seconds['rows']:,.0f} x {seconds['columns']:.0f} in a file of {seconds['bytes'] / 1e9:.1f} GB,", end=" ")
    print(f"{threads} thread{'s' if threads > 1 else ''}")
    print(f"  a step              {told(seconds['step'])}, {seconds['bytes'] / seconds['step'] / 1e9:.1f} GB/s")
    print(f"  read() of the file  {told(seconds['read'])}")
    print(f"  peak of memory      {seconds['peak'] / 1e6:.0f} MB, before the descent {seconds['before'] / 1e6:.0f} MB")
    print(f"  largest relative difference of a loss to the same rows in memory: {seconds['difference']:.1e}")


def told(seconds: float) -> str:
    """A time in the unit that suits it."""
    return f"{1e6 * seconds:.1f} us" if seconds < 1e-3 else f"{1e3 * seconds:.1f} ms"


if __name__ == "__main__":
    main()
