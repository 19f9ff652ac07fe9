"""The model and its file: the one noun that all rooms share. ``learn`` makes it, ``serve`` answers with it.

The score of a row has the same bits wherever and however it is computed: row-major float64 through ``np.einsum``,
which adds each row up alone. ``X @ w`` does not: BLAS adds in another order for another number of rows.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from aicontainer.errors import DataError, ModelFileError, disk_full_told

Array = np.ndarray[Any, np.dtype[np.float64]]

FORMAT = "aicontainer-model/1"


def _identity(score: Array) -> Array:
    return score


def _logistic(score: Array) -> Array:
    # exp of minus the absolute value cannot overflow
    small = np.exp(-np.abs(score))
    return np.where(score >= 0, 1.0, small) / (1.0 + small)


LINKS: dict[str, Callable[[Array], Array]] = {"identity": _identity, "logistic": _logistic}


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


def _frozen(values: Any, name: str) -> Array:
    array = np.array(values, dtype=np.float64)
    if array.ndim != 1 or not np.isfinite(array).all():
        raise DataError(f"{name} must be a vector of finite numbers", seen=f"shape {array.shape}")
    array.setflags(write=False)
    return array


@dataclass(frozen=True, eq=False)
class Scaling:
    """How raw features become standardised ones: ``(x - mean) / deviation``, both of shape (d,)."""

    mean: Array
    deviation: Array

    def __post_init__(self) -> None:
        object.__setattr__(self, "mean", _frozen(self.mean, "mean"))
        object.__setattr__(self, "deviation", _frozen(self.deviation, "deviation"))
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
        As they appear in the server's addresses; the version is a text such as ``"1"``.
    weights, bias
        Shape (d,), and one number; they act on standardised features.
    link
        ``identity`` (a number is predicted) or ``logistic`` (a probability).
    scaling
        Means and deviations of the raw features, each of shape (d,).
    features, target
        The names of the d raw features, in order, and of what is predicted.
    trained_on
        The fingerprint of the rows that it was fitted to.
    numpy
        The numpy version of the environment that made it; the image carries the same.

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

    def __post_init__(self) -> None:
        object.__setattr__(self, "weights", _frozen(self.weights, "weights"))
        object.__setattr__(self, "bias", float(self.bias))
        object.__setattr__(self, "features", tuple(self.features))
        if not np.isfinite(self.bias):
            raise DataError("the bias must be a finite number", seen=str(self.bias))
        if self.link not in LINKS:
            raise DataError(f"the link must be one of {', '.join(LINKS)}", seen=self.link)
        if not len(self.weights) == len(self.features) == len(self.scaling.mean):
            raise DataError(
                "weights, features and scaling must have the same length",
                seen=f"{len(self.weights)}, {len(self.features)}, {len(self.scaling.mean)}",
            )

    def __repr__(self) -> str:
        return f"Model({self.name} version {self.version}: {len(self.features)} features -> {self.target}, {self.link})"

    def score(self, rows: Any) -> Array:
        """The scores of raw rows of shape (n, d), as shape (n,); each row's bits depend on that row alone."""
        scaled = np.ascontiguousarray(self.scaling(as_rows(rows, len(self.features))))
        scores: Array = np.einsum("ij,j->i", scaled, self.weights) + self.bias
        return scores

    def predict(self, rows: Any) -> Array:
        """The link of the scores: numbers or probabilities, shape (n,)."""
        return LINKS[self.link](self.score(rows))

    @property
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


def _write_beside(path: Path, text: str) -> None:
    # `places.write_whole` does the same, and is not in the image that this module goes into
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
    }


def load(path: Path) -> Model:
    """Read a model file.

    Raises
    ------
    ModelFileError
        When there is none, when it is no model file, or when its content does not fit its checksum.
    """
    again = "run notebook 02_descent, which writes the model file"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ModelFileError(f"there is no model file {path.name}", seen=str(path), next_step=again) from error
    except (OSError, ValueError) as error:
        raise ModelFileError(f"{path.name} cannot be read as JSON", seen=str(error), next_step=again) from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ModelFileError(f"{path.name} is not a model file of the format {FORMAT}", next_step=again)
    try:
        model = Model(
            name=content["name"],
            version=content["version"],
            weights=content["weights"],
            bias=content["bias"],
            link=content["link"],
            scaling=Scaling(content["mean"], content["deviation"]),
            features=tuple(content["features"]),
            target=content["target"],
            trained_on=content["trained_on"],
            numpy=content["numpy"],
        )
    except KeyError as error:
        raise ModelFileError(f"{path.name} lacks the field {error}", next_step=again) from error
    except (DataError, TypeError, ValueError) as error:
        raise ModelFileError(f"{path.name} does not describe a model", seen=str(error), next_step=again) from error
    if content.get("sha256") != model.digest:
        raise ModelFileError(
            f"{path.name} was changed after it was written", seen="its checksum does not fit", next_step=again
        )
    return model
