"""Rows in a file, more than fit into memory: written row block by row block, and descended on where they lie.

A ``RowFile`` is a folder with ``X.npy`` and ``y.npy``, so that numpy alone can read it anywhere. A descent maps the two
into memory, and gives back each range of rows after use: it needs the same memory for a thousand rows and for a
thousand million, and reads from the disk only what the system does not still hold.
"""

import math
import mmap
from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np

from aicontainer.errors import DataError, disk_full_told
from aicontainer.learn.descent import NEVER, Fit, Stop, start_at, walk
from aicontainer.learn.loss import table_with_targets
from aicontainer.learn.objective import SQUARED_ERROR, Objective
from aicontainer.learn.passes import Pass, block_from
from aicontainer.model import Array

AROUND = 4 << 20  # a page that is touched brings its neighbours along, those given back among them

AGAIN = "write it again with blocks.write"


@dataclass(frozen=True)
class RowFile:
    """``n`` rows of ``d`` columns in the folder ``path``, float64."""

    path: Path
    n: int
    d: int

    def __repr__(self) -> str:
        return f"RowFile({self.path.name}: {self.n} rows of {self.d} columns)"


def write(path: Path, blocks: Iterable[tuple[Array, Array]]) -> RowFile:
    """Write rows block by block; only one block needs to be in memory.

    The headers, without which it is no row file, are written when all rows are there: what was interrupted cannot be
    taken for whole.

    Parameters
    ----------
    path
        The folder, made if it is missing; rows that lie there are replaced.
    blocks
        Standardised rows of shape (k, d) and their targets of shape (k,), with any k.

    Raises
    ------
    DataError
        When there are no blocks, when they differ in width, and when rows or targets cannot be used.
    DiskFull
        When no room is left.
    """
    path.mkdir(parents=True, exist_ok=True)
    n, width = 0, 0
    with disk_full_told(path), (path / "X.npy").open("wb") as rows, (path / "y.npy").open("wb") as targets:
        room = len(_header((0, 1)))
        rows.write(bytes(room))
        targets.write(bytes(len(_header((0,)))))
        for X, y in blocks:
            with block_from(n):
                X, y = table_with_targets(X, y)
            width = width or X.shape[1]
            if X.shape[1] != width:
                raise DataError(
                    "each block must have the same columns",
                    seen=f"{width} columns, then {X.shape[1]} from row {n}",
                    next_step="give every block the columns of the first, in the same order",
                )
            rows.write(X.data)
            targets.write(y.data)
            n += len(y)
        if not n:
            raise DataError("there are no rows to write", seen="no blocks", next_step="pass at least one (X, y)")
        for file, shape in ((rows, (n, width)), (targets, (n,))):
            file.seek(0)
            file.write(_header(shape))
    return RowFile(path, n, width)


def _header(shape: tuple[int, ...]) -> bytes:
    # numpy leaves room for a first number of 21 digits, so the header's length does not depend on the rows
    buffer = BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": "<f8", "fortran_order": False, "shape": shape})
    return buffer.getvalue()


def find(path: Path) -> RowFile:
    """The rows in the folder ``path``.

    Raises
    ------
    DataError
        When there is no row file, or one that is damaged or unfinished.
    """
    X, y = _Mapped(path / "X.npy", 2), _Mapped(path / "y.npy", 1)
    if len(X.numbers) != len(y.numbers):
        raise _damaged(path, f"{len(X.numbers)} rows, {len(y.numbers)} targets")
    return RowFile(path, *X.numbers.shape)


def descend_on_file(
    file: RowFile,
    rate: float,
    steps: int,
    objective: Objective = SQUARED_ERROR,
    *,
    start: tuple[Array, float] | None = None,
    stop: Stop = NEVER,
) -> Fit:
    """The descent of ``descend``, on rows that stay in their file.

    Parameters
    ----------
    file
        As ``write`` or ``find`` return it.
    rate, steps, objective, start, stop
        As for ``descend``.

    Raises
    ------
    DataError
        As ``descend`` and ``find``. A NaN in the rows is found in the first pass, as a loss that is no number.
    """
    find(file.path)
    X, y = _Mapped(file.path / "X.npy", 2), _Mapped(file.path / "y.npy", 1)

    def give_back(first: int, last: int) -> None:
        X.give_back(first, last)
        y.give_back(first, last)

    with Pass(X.numbers, y.numbers, objective, give_back) as rows:
        return walk(rows, start_at(file.d, start), rate, steps, stop)


class _Mapped:
    """A file of ``numpy.save`` as an array that lies in the file, and whose pages can be given back to the system."""

    def __init__(self, path: Path, ndim: int) -> None:
        try:
            with path.open("rb") as file:
                np.lib.format.read_magic(file)
                shape, column_major, kind = np.lib.format.read_array_header_1_0(file)
                self._offset = file.tell()
                self._memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except FileNotFoundError as error:
            raise DataError(f"there is no {path.name} in {path.parent.name}", next_step=AGAIN) from error
        except (OSError, ValueError) as error:
            raise _damaged(path, str(error)) from error
        count = math.prod(shape)
        if column_major or kind != np.float64 or len(shape) != ndim or not count:
            raise _damaged(path, f"{kind} of shape {shape}")
        if self._offset + 8 * count != len(self._memory):
            raise _damaged(path, f"{len(self._memory)} bytes for shape {shape}")
        self.numbers: Array = np.frombuffer(self._memory, np.float64, count, self._offset).reshape(shape)
        self._stride = self.numbers.strides[0]

    def give_back(self, first: int, last: int) -> None:
        """Tell the system that rows ``[first, last)`` are done with; they stay in its cache as long as it has room."""
        if not hasattr(mmap, "MADV_DONTNEED"):  # Windows takes what it needs
            return
        begin = max(0, self._offset + first * self._stride - AROUND) // mmap.PAGESIZE * mmap.PAGESIZE
        end = self._offset + last * self._stride
        self._memory.madvise(mmap.MADV_DONTNEED, begin, end - begin)


def _damaged(path: Path, seen: str) -> DataError:
    return DataError(f"{path.name} is no whole file of rows", seen=seen, next_step=AGAIN)
