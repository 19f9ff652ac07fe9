"""The model and its file: the one noun that all rooms share. ``learn`` makes it, ``serve`` answers with it.

The score of a row has the same bits wherever and however it is computed: row-major float64 through `weighted_sums`,
which adds each row up alone. ``X @ w`` does not: BLAS adds in another order for another number of rows.
"""

import hashlib
import json
import os
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from aicontainer.errors import DataError, ModelFileError, disk_full_told
from aicontainer.training import Array as Array
from aicontainer.training import Training, frozen_vector

FORMAT = "aicontainer-model/1"
LARGEST_FILE = 256 * 1024 * 1024  # bytes: a million features take half of it
# as one segment of an address, unescaped (RFC 3986, section 2.3), and as the tag of an image
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")


def _identity(score: Array) -> Array:
    return score


def _logistic(score: Array) -> Array:
    # exp of minus the absolute value cannot overflow
    small = np.exp(-np.abs(score))
    return np.where(score >= 0, 1.0, small) / (1.0 + small)


_EINSUM_BUFFER = 8192  # np.getbufsize()

LINKS: dict[str, Callable[[Array], Array]] = {"identity": _identity, "logistic": _logistic}


def weighted_sums(rows: Array, weights: Array) -> Array:
    """The sum of each row times ``weights``, shape (n,), for rows of shape (n, d), row-major.

    A sum's bits depend on its row alone, not on how many others there are, nor on the processor.
    """
    if len(rows) == 1 and rows.shape[1] > _EINSUM_BUFFER:
        # a row that is alone would be added in pieces as long as numpy's buffer, in company it is added in one go
        return weighted_sums(np.repeat(rows, 2, axis=0), weights)[:1]
    sums: Array = np.einsum("ij,j->i", rows, weights)
    return sums


def as_rows(values: Any, width: int) -> Array:
    """``values`` as a row-major float64 array of shape (n, width).

    Raises
    ------
    DataError
        When they are no numbers, not two-dimensional, of another width, or not finite.
    """
    try:
        rows = np.ascontiguousarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError("rows must be numbers, the same count in each row", seen=str(error)) from error
    if rows.ndim != 2 or rows.shape[1] != width:
        raise DataError(f"rows must have the shape (n, {width})", seen=f"shape {rows.shape}")
    if not np.isfinite(rows).all():
        raise DataError("rows must be finite numbers", seen="NaN or infinity")
    return rows


@dataclass(frozen=True, eq=False)
class Scaling:
    """How raw features become standardised ones: ``(x - mean) / deviation``, both of shape (d,)."""

    mean: Array
    deviation: Array

    def __post_init__(self) -> None:
        object.__setattr__(self, "mean", frozen_vector(self.mean, "mean"))
        object.__setattr__(self, "deviation", frozen_vector(self.deviation, "deviation"))
        if self.mean.shape != self.deviation.shape:
            raise DataError("mean and deviation must have one number for each feature")
        if not (self.deviation > 0).all():
            raise DataError("each deviation must be above 0", seen=str(self.deviation.min()))

    def __call__(self, rows: Array) -> Array:
        """Standardise rows of shape (n, d)."""
        return (rows - self.mean) / self.deviation


@dataclass(frozen=True, eq=False, repr=False)
class Model:
    """A linear score with a link: ``prediction = link(scaling(x) . weights + bias)``.

    Parameters
    ----------
    name, version
        As they appear in the server's addresses: letters, digits and ``._-``; the version is a text such as ``"1"``.
    weights, bias
        Shape (d,), and one number; they act on standardised features.
    link
        ``identity`` (a number is predicted) or ``logistic`` (a probability).
    scaling
        Means and deviations of the raw features, each of shape (d,).
    features, target
        The names of the d raw features, in order, no two alike, and of what is predicted.
    trained_on
        The fingerprint of the rows that it was fitted to.
    numpy
        The numpy version of the environment that made it; the image carries the same.
    unit
        That of the target, for instance ``points``; empty where it has none.
    training
        How it came to be; None where nobody wrote it down.

    Raises
    ------
    DataError
        When the parts do not fit together.
    """

    name: str
    version: str
    weights: Array
    bias: float
    link: str
    scaling: Scaling
    features: tuple[str, ...]
    target: str
    trained_on: str
    numpy: str = np.__version__
    unit: str = ""
    training: Training | None = field(default=None)

    def __post_init__(self) -> None:
        object.__setattr__(self, "weights", frozen_vector(self.weights, "weights"))
        object.__setattr__(self, "bias", float(self.bias))
        object.__setattr__(self, "features", tuple(self.features))
        for what, text in (("name", self.name), ("version", self.version)):
            if not NAME.fullmatch(text):
                raise DataError(f"the {what} of a model must be letters, digits and ._- only", seen=repr(text)[:80])
        if len(set(self.features)) < len(self.features) or "" in self.features:
            raise DataError("each feature must have a name of its own", seen=str(_twice(self.features)))
        if not np.isfinite(self.bias):
            raise DataError("the bias must be a finite number", seen=str(self.bias))
        if self.link not in LINKS:
            raise DataError(f"the link must be one of {', '.join(LINKS)}", seen=self.link)
        if not len(self.weights) == len(self.features) == len(self.scaling.mean):
            raise DataError(
                "weights, features and scaling must have the same length",
                seen=f"{len(self.weights)}, {len(self.features)}, {len(self.scaling.mean)}",
            )
        if self.training is not None and len(self.training.low) != len(self.weights):
            raise DataError(
                "the ranges of the training must have one number for each feature",
                seen=f"{len(self.training.low)} of {len(self.weights)}",
            )

    def __repr__(self) -> str:
        return f"Model({self.name} version {self.version}: {len(self.features)} features -> {self.target}, {self.link})"

    def score(self, rows: Any) -> Array:
        """The scores of raw rows of shape (n, d), as shape (n,); each row's bits depend on that row alone."""
        scaled = np.ascontiguousarray(self.scaling(as_rows(rows, len(self.features))))
        scores: Array = weighted_sums(scaled, self.weights) + self.bias
        return scores

    def predict(self, rows: Any) -> Array:
        """The link of the scores: numbers or probabilities, shape (n,)."""
        return LINKS[self.link](self.score(rows))

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the content: two files with the same digest answer alike."""
        return hashlib.sha256(json.dumps(_content(self), sort_keys=True).encode()).hexdigest()

    def save(self, path: Path) -> Path:
        """Write the model as JSON, whole or not at all (written beside, then renamed); returns the path.

        Raises
        ------
        DiskFull
            When no room is left: the file that stood there before stays.
        """
        text = json.dumps({"format": FORMAT, "sha256": self.digest, **_content(self)}, indent=2) + "\n"
        with disk_full_told(path):
            _write_beside(path, text)
        return path


def _twice(names: Sequence[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1 or not name][:3]


def _write_beside(path: Path, text: str) -> None:
    # `places.write_whole` does the same, and is not in the image that this module goes into
    import tempfile  # here: a server, which saves nothing, starts some milliseconds earlier without it

    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    beside = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        beside.chmod(0o644)  # the server in the image runs as another user
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def _content(model: Model) -> dict[str, Any]:
    # Python writes the shortest decimal that reads back as the same float64: no bit is lost in JSON
    return {
        "name": model.name,
        "version": model.version,
        "link": model.link,
        "features": list(model.features),
        "target": model.target,
        "weights": model.weights.tolist(),
        "bias": model.bias,
        "mean": model.scaling.mean.tolist(),
        "deviation": model.scaling.deviation.tolist(),
        "trained_on": model.trained_on,
        "numpy": model.numpy,
        "unit": model.unit,
        "training": None if model.training is None else model.training.content(),
    }


def load(path: Path) -> Model:
    """Read a model file; one from a stranger too: it is data, and nothing in it is run.

    Raises
    ------
    ModelFileError
        When there is none, when it is no model file, or when its content does not fit its checksum.
    """
    again = "run notebook 02_descent, which writes the model file"
    try:
        content = _read(path)
    except FileNotFoundError as error:
        raise ModelFileError(f"there is no model file {path.name}", seen=str(path), next_step=again) from error
    except (OSError, ValueError, RecursionError) as error:
        raise ModelFileError(f"{path.name} cannot be read as JSON", seen=str(error), next_step=again) from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ModelFileError(f"{path.name} is not a model file of the format {FORMAT}", next_step=again)
    try:
        model = _model(content)
    except KeyError as error:
        raise ModelFileError(f"{path.name} lacks the field {error}", next_step=again) from error
    except (DataError, TypeError, ValueError, OverflowError) as error:
        raise ModelFileError(f"{path.name} does not describe a model", seen=str(error), next_step=again) from error
    if content.get("sha256") != model.digest:
        raise ModelFileError(
            f"{path.name} was changed after it was written", seen="its checksum does not fit", next_step=again
        )
    return model


def _read(path: Path) -> Any:
    with path.open("rb") as file:
        content = file.read(LARGEST_FILE + 1)
    if len(content) > LARGEST_FILE:
        raise ValueError(f"it is larger than {LARGEST_FILE} bytes")
    return json.loads(content.decode(), object_pairs_hook=_unequal_keys)


def _unequal_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # of two equal keys JSON readers take the first or the last: two programs would see two models
    content = dict(pairs)
    if len(content) < len(pairs):
        raise ValueError(f"a field stands there twice: {_twice([key for key, _ in pairs])}")
    return content


def _model(content: dict[str, Any]) -> Model:
    texts = ("name", "version", "link", "target", "trained_on", "numpy", "unit")
    not_text = [name for name in texts if not isinstance(content[name], str)]
    features, training = content["features"], content["training"]
    if not_text or not isinstance(features, list) or not all(isinstance(name, str) for name in features):
        raise DataError(f"{(not_text or ['features'])[0]} must be text")
    numbers = {name: _numbers(content[name], name) for name in ("weights", "mean", "deviation")}
    if training is not None:
        if not isinstance(training, dict):
            raise DataError("training must be an object or null")
        ranges = {name: _numbers(training[name], name) for name in ("low", "high")}
        training = Training(**(training | ranges))
    model = Model(
        **{name: content[name] for name in texts},
        weights=numbers["weights"],
        bias=_numbers([content["bias"]], "bias")[0],
        scaling=Scaling(numbers["mean"], numbers["deviation"]),
        features=tuple(features),
        training=training,
    )
    strange = content.keys() - _content(model).keys() - {"format", "sha256"}
    if strange:
        raise DataError(f"no model file has a field {min(strange)[:40]!r}")
    return model


def _numbers(values: Any, name: str) -> Array:
    # numpy would read "1.5" and true as numbers too, and a file must mean one thing to every reader
    if not isinstance(values, list) or not all(type(value) in (int, float) for value in values):
        raise DataError(f"{name} must be a list of numbers")
    return frozen_vector(values, name)
