"""Four real data sets that come with the package, each as a frozen ``Dataset`` with a fingerprint of its rows."""

import csv
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources

import numpy as np

from aicontainer.errors import DataError
from aicontainer.model import Array


@dataclass(frozen=True)
class _Notes:
    """What the file itself does not say."""

    left_out: tuple[str, ...]
    source: str
    licence: str


_TEACHING = "published teaching data; keep its source when you pass it on"

_KNOWN = {
    "education": _Notes(
        ("district",),  # an identifier, not a property
        "Stock and Watson, Introduction to Econometrics; CASchools in the R package AER",
        _TEACHING,
    ),
    "finance": _Notes(
        ("share", "expenditure"),  # known only after a card was granted: they leak the target
        "W. Greene, Econometric Analysis (5th ed., 2003); CreditCard in the R package AER",
        _TEACHING,
    ),
    "medicine": _Notes(
        (),
        "Breast Cancer Wisconsin (Diagnostic), Street, Wolberg and Mangasarian 1993; UCI Machine Learning Repository",
        "CC BY 4.0",
    ),
    "traffic": _Notes(
        ("year",),  # month_index says the same
        "J. Wooldridge, Introductory Econometrics; data set traffic2",
        _TEACHING,
    ),
}

NAMES = tuple(_KNOWN)


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Rows to learn from: raw features ``X`` of shape (n, d) and the target ``y`` of shape (n,), both read-only.

    ``features`` names the d columns of ``X`` in order. ``fingerprint`` is the SHA-256 of the names and of every
    bit of the numbers: the same fingerprint means the same rows in the same order.
    """

    name: str
    X: Array
    y: Array
    features: tuple[str, ...]
    target: str
    source: str
    licence: str
    fingerprint: str

    def __repr__(self) -> str:
        n, d = self.X.shape
        return f"Dataset({self.name}: {n} rows, {d} features -> {self.target})"


def load(name: str, features: Sequence[str] | None = None) -> Dataset:
    """One of the data sets ``education``, ``finance``, ``medicine``, ``traffic``.

    Parameters
    ----------
    name
        Its name.
    features
        The columns to learn from, in this order; without it all but the target and those that its README explains.

    Raises
    ------
    DataError
        When there is no such data set or no such column.

    Examples
    --------
    >>> load("education")
    Dataset(education: 420 rows, 7 features -> test_score)
    """
    if name not in _KNOWN:
        raise DataError(f"there is no data set {name!r}", next_step=f"take one of {', '.join(NAMES)}")
    columns, table = _read(name)
    target = columns[-1]
    notes = _KNOWN[name]
    if features is None:
        features = [column for column in columns[:-1] if column not in notes.left_out]
    chosen = _positions(features, columns[:-1])
    X = _read_only(table[:, chosen])
    y = _read_only(table[:, -1])
    names = tuple(features)
    return Dataset(name, X, y, names, target, notes.source, notes.licence, _fingerprint(names, target, X, y))


def _read(name: str) -> tuple[list[str], Array]:
    text = (resources.files("aicontainer.learn") / "datasets" / f"{name}.csv").read_text(encoding="utf-8")
    columns, *rows = csv.reader(text.splitlines())
    return columns, np.array(rows, dtype=np.float64)


def _positions(features: Sequence[str], columns: list[str]) -> list[int]:
    unknown = [feature for feature in features if feature not in columns]
    if unknown or not features:
        raise DataError(
            f"no such feature: {', '.join(unknown)}" if unknown else "at least one feature is needed",
            next_step=f"take some of {', '.join(columns)}",
        )
    return [columns.index(feature) for feature in features]


def _read_only(values: Array) -> Array:
    array = np.array(values, dtype=np.float64, order="C")  # row-major: the bits of a score depend on the layout
    array.setflags(write=False)
    return array


def _fingerprint(features: tuple[str, ...], target: str, X: Array, y: Array) -> str:
    digest = hashlib.sha256("\n".join([*features, target, ""]).encode())
    for array in (X, y):
        digest.update(array.astype("<f8").tobytes())
    return digest.hexdigest()
