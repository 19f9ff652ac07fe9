"""Four real data sets that come with the package, each as a frozen ``Dataset`` with a fingerprint of its rows."""

import csv
import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
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
    link: str = "identity"
    unit: str = ""


_TEACHING = "published teaching data; keep its source when you pass it on"

_KNOWN = {
    "education": _Notes(
        ("district",),  # an identifier, not a property
        "Stock and Watson, Introduction to Econometrics; CASchools in the R package AER",
        _TEACHING,
        unit="points",
    ),
    "finance": _Notes(
        ("share", "expenditure"),  # known only after a card was granted: they leak the target
        "W. Greene, Econometric Analysis (5th ed., 2003); CreditCard in the R package AER",
        _TEACHING,
        link="logistic",
    ),
    "medicine": _Notes(
        (),
        "Breast Cancer Wisconsin (Diagnostic), Street, Wolberg and Mangasarian 1993; UCI Machine Learning Repository",
        "CC BY 4.0",
        link="logistic",
    ),
    "traffic": _Notes(
        ("year",),  # month_index says the same
        "J. Wooldridge, Introductory Econometrics; data set traffic2",
        _TEACHING,
        unit="accidents a month",
    ),
}

NAMES = tuple(_KNOWN)


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Rows to learn from: raw features ``X`` of shape (n, d) and the target ``y`` of shape (n,), both read-only.

    ``features`` names the d columns of ``X`` in order. ``link`` is that of a model for this target: ``identity`` for a
    number, ``logistic`` for yes (1) or no (0). ``fingerprint`` is the SHA-256 of the names and of every bit of the
    numbers: the same fingerprint means the same rows in the same order. ``unit`` is that of the target; empty for yes
    or no.
    """

    name: str
    X: Array
    y: Array
    features: tuple[str, ...]
    target: str
    source: str
    licence: str
    link: str
    fingerprint: str
    unit: str = ""

    def __repr__(self) -> str:
        n, d = self.X.shape
        return f"Dataset({self.name}: {n} rows, {d} feature{'s' if d > 1 else ''} -> {self.target})"

    def take(self, rows: Sequence[int]) -> "Dataset":
        """Some of its rows, in the order of these positions, with a fingerprint of their own.

        Raises
        ------
        DataError
            When there is no row, or no such row.
        """
        outside = [row for row in rows if not 0 <= row < len(self.y)]
        if outside or not len(rows):
            raise DataError(
                f"there is no row {outside[0]}" if outside else "at least one row is needed",
                seen=f"{self.name} has {len(self.y)} rows",
                next_step=f"take positions from 0 to {len(self.y) - 1}",
            )
        X, y = _read_only(self.X[list(rows)]), _read_only(self.y[list(rows)])
        return replace(self, X=X, y=y, fingerprint=_fingerprint(self.features, self.target, X, y))


@dataclass(frozen=True)
class Split:
    """Two parts of a data set that share no row: ``train`` to fit a model to, ``held_out`` to judge it by."""

    train: Dataset
    held_out: Dataset

    def __repr__(self) -> str:
        count, kept = len(self.train.y), len(self.held_out.y)
        return f"Split({self.train.name}: {count} rows to train on, {kept} held out)"


def hold_out(dataset: Dataset, share: float = 0.25, seed: int = 0) -> Split:
    """Keep a share of the rows apart, drawn at random, both parts in the order of the file.

    Which rows are drawn depends on their number and on the seed alone: not on the features, and not on the version of
    numpy, whose random generators may change. For rows in the order of time (``traffic``) a random draw is no honest
    test, since it learns from the future: take ``hold_out_last``.

    Parameters
    ----------
    dataset
        The rows, n of them.
    share
        The part to hold out, above 0 and below 1; rounded to whole rows.
    seed
        Another seed draws other rows.

    Raises
    ------
    DataError
        When one of the parts would be empty.
    """
    n, kept = len(dataset.y), _rows_to_keep(dataset, share)
    drawn = sorted(range(n), key=lambda row: hashlib.sha256(f"{seed}:{row}".encode()).digest())
    return Split(dataset.take(sorted(drawn[kept:])), dataset.take(sorted(drawn[:kept])))


def hold_out_last(dataset: Dataset, share: float = 0.25) -> Split:
    """Keep the last rows apart: the honest test where rows follow each other in time (``traffic``).

    A model is used on days that come after those it learned from. Rows drawn at random would lie between those that it
    knows, so that it had to fill gaps where it will have to look ahead.

    Parameters
    ----------
    dataset
        The rows in the order of time, n of them.
    share
        The part to hold out, above 0 and below 1; rounded to whole rows.

    Raises
    ------
    DataError
        When one of the parts would be empty.
    """
    n, kept = len(dataset.y), _rows_to_keep(dataset, share)
    return Split(dataset.take(range(n - kept)), dataset.take(range(n - kept, n)))


def _rows_to_keep(dataset: Dataset, share: float) -> int:
    n = len(dataset.y)
    kept = round(share * n) if math.isfinite(share) else 0
    if not 0 < kept < n:
        raise DataError(
            "both parts need at least one row",
            seen=f"a share of {share} of {n} rows",
            next_step="take a share between 0 and 1, for instance 0.25",
        )
    return kept


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
    fingerprint = _fingerprint(names, target, X, y)
    return Dataset(name, X, y, names, target, notes.source, notes.licence, notes.link, fingerprint, notes.unit)


def _read(name: str) -> tuple[list[str], Array]:
    text = (resources.files("aicontainer.learn") / "datasets" / f"{name}.csv").read_text(encoding="utf-8")
    columns, *rows = csv.reader(text.splitlines())
    return columns, np.array(rows, dtype=np.float64)


def _positions(features: Sequence[str], columns: list[str]) -> list[int]:
    if isinstance(features, str):
        raise DataError(
            "the features must be a list of names",
            seen=f"the text {features!r}",
            next_step=f"of a single one make a list too: features=[{features!r}]",
        )
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
