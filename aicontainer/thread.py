"""The thread of the course: one loss, measured at each stage on what is served there, the same to the last bit.

Notebook 02_descent measures the loss of the model file. Every later stage measures it again over its own way of
asking for scores (HTTP, a container, a Service) and is set against that reference. Of another case than that of 02, the
reference is the loss of its own model file. The loss is the one that goes with the case's link: squared error for a
number, cross-entropy for yes or no; both are computed from scores, so no bit is lost in a probability.
"""

import json
import math
import re
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from aicontainer import places
from aicontainer.errors import DataError, ModelFileError
from aicontainer.learn import data, fit
from aicontainer.learn.objective import for_link
from aicontainer.model import Array, load

REFERENCE = "02_descent"
STAGES = (REFERENCE, "03_serve", "04_package", "05_deploy", "06_monitor", "07_versions")


@dataclass(frozen=True)
class Record:
    """What one stage measured: the loss, on how many rows, which rows, and of which model where that is known.

    ``case`` is the name of the data set that the rows are of.
    """

    stage: str
    loss: float
    rows: int
    fingerprint: str
    model_digest: str = ""
    case: str = fit.DEFAULT

    def equals(self, other: "Record") -> bool:
        """Whether the same rows gave the same loss, to the last bit."""
        return self.loss.hex() == other.loss.hex() and self.fingerprint == other.fingerprint


@dataclass(frozen=True, repr=False)
class Measurement(Record):
    """A record set against the reference; ``reference`` is None for the reference itself."""

    reference: Record | None = None

    def __repr__(self) -> str:
        text = f"loss {self.loss:#.9g} on {self.rows} rows; "
        if self.reference is None:
            return text + "every later stage is set against it"
        text += f"same to the last bit: {self.equals(self.reference)}"
        if self.equals(self.reference):
            return text
        if self.fingerprint != self.reference.fingerprint:
            return text + f" (other rows than those of {self.reference.stage})"
        return text + f" ({self.reference.stage} measured {self.reference.loss!r}, this is {self.loss!r})"


@dataclass(frozen=True)
class Row:
    """One line of the table; ``loss`` and ``same`` are None where nothing was measured."""

    stage: str
    loss: float | None
    same: bool | None


@dataclass(frozen=True, repr=False)
class Table:
    """The loss at each stage, in the order of the course."""

    rows: tuple[Row, ...]

    def broken(self, passed: Collection[str]) -> tuple[str, ...]:
        """The stages with another loss, and those with none although their notebook is among those that ``passed``."""
        return tuple(row.stage for row in self.rows if not row.same and (row.loss is not None or row.stage in passed))

    def __repr__(self) -> str:
        lines = [f"{'stage':<12}  {'loss':<12}  same to the last bit"]
        for row in self.rows:
            value = "not measured" if row.loss is None else f"{row.loss:#.9g}"
            verdict = "" if row.same is None else "reference" if row.stage == REFERENCE else str(row.same)
            lines.append(f"{row.stage:<12}  {value:<12}  {verdict}".rstrip())
        return "\n".join(lines)


def take(stage: str, score: Callable[[Array], Any], dataset: data.Dataset, model_digest: str = "") -> Measurement:
    """Measure the loss of what ``score`` answers for the raw rows of ``dataset``, and keep no record of it.

    Parameters
    ----------
    stage
        The notebook's name, for instance ``03_serve``.
    score
        Called once with the rows of shape (n, d); returns their scores, n numbers. Not the probabilities.
    dataset
        The rows. Its name is the case, its link decides which loss it is.
    model_digest
        ``Model.digest`` of what is served there, where it is known.

    Raises
    ------
    DataError
        When there is not one finite score for each row.
    """
    measured = for_link(dataset.link).loss(score(dataset.X), dataset.y)
    if not math.isfinite(measured):
        raise DataError("a loss needs finite scores", seen=f"a loss of {measured}")
    against = None if stage == REFERENCE else reference(dataset.name)
    return Measurement(stage, measured, len(dataset.y), dataset.fingerprint, model_digest, dataset.name, against)


def measure(stage: str, score: Callable[[Array], Any], dataset: data.Dataset, model_digest: str = "") -> Measurement:
    """Measure as ``take`` does and record it in the working copy, where ``table`` finds it.

    Raises
    ------
    DataError
        As ``take``.
    """
    measurement = take(stage, score, dataset, model_digest)
    _write(measurement)
    return measurement


def reference(case: str = fit.DEFAULT) -> Record:
    """What the loss of a case is set against: what 02_descent recorded of it, or else the loss of its model file.

    A record of a model that the file no longer holds is out of date: a case notebook may have written the file anew.
    """
    recorded = _read(_path(REFERENCE))
    if recorded is not None and recorded.case == case and recorded.model_digest in ("", _digest_of_file(case)):
        return recorded
    model, dataset = load(fit.ensure_model(case)), data.load(case)
    measured = for_link(dataset.link).loss(model.score(dataset.X), dataset.y)
    stage = REFERENCE if case == fit.DEFAULT else f"{case}.json"
    return Record(stage, measured, len(dataset.y), dataset.fingerprint, model.digest, case)


def _digest_of_file(case: str) -> str:
    try:
        return load(fit.model_path(case)).digest
    except ModelFileError:
        return ""


def same(measurement: Record) -> bool:
    """Whether the loss equals the reference of its case to the last bit, on the same rows."""
    return measurement.equals(reference(measurement.case))


def forget(stage: str) -> None:
    """Remove the record of a stage, so that an old loss cannot stand for a run that failed."""
    _path(stage).unlink(missing_ok=True)


def table() -> Table:
    """The loss recorded at each stage of the course, and at any further stage that was measured."""
    recorded = {path.stem: record for path in _folder().glob("*.json") if (record := _read(path)) is not None}
    rows = []
    for stage in sorted({*STAGES, *recorded}):
        record = recorded.get(stage)
        rows.append(Row(stage, record.loss, same(record)) if record else Row(stage, None, None))
    return Table(tuple(rows))


def _folder() -> Path:
    return places.work() / "thread"


def _path(stage: str) -> Path:
    if not re.fullmatch(r"[A-Za-z0-9_-]+", stage):
        raise DataError("a stage is named like its notebook, for instance 03_serve", seen=stage)
    return _folder() / f"{stage}.json"


def _write(measurement: Measurement) -> None:
    content = asdict(measurement) | {"loss": measurement.loss.hex()}
    del content["reference"]
    places.write_whole(_path(measurement.stage), json.dumps(content, indent=2) + "\n")


def _read(path: Path) -> Record | None:
    """The record in a file; None where there is none, or where it is no record and has to be measured again."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return Record(**(content | {"loss": float.fromhex(content["loss"])}))
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return None
