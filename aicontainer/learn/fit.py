"""From a data set to a model file: standardise, descend, put together, save."""

from pathlib import Path

import numpy as np

from aicontainer import places
from aicontainer.errors import DataError, ModelFileError
from aicontainer.events import Event, Listener, silent
from aicontainer.learn.data import Dataset
from aicontainer.learn.data import load as load_data
from aicontainer.learn.descent import descend
from aicontainer.learn.loss import table
from aicontainer.learn.objective import for_link
from aicontainer.model import Array, Model, Scaling
from aicontainer.model import load as load_model

# education: the curvatures lie between 0.23 and 5.76, so at a rate of 0.3 each step leaves 0.93 of the distance in the
# slowest direction and 1,000 steps leave 1e-31 of it: what remains is rounding
RATE = 0.3
STEPS = 1000

DEFAULT = "education"


def standardise(X: Array) -> Scaling:
    """The mean and the standard deviation of each column of the raw rows ``X`` of shape (n, d).

    Raises
    ------
    DataError
        When ``X`` is no table of finite numbers, and when a column is constant: it has no deviation to divide by.
    """
    rows = table(X)
    constant = np.flatnonzero(rows.max(axis=0) == rows.min(axis=0)).tolist()
    if constant:
        raise DataError(
            "a column of X is constant, so it has no deviation to divide by",
            seen=f"column {', '.join(map(str, constant))} of X of shape {rows.shape}",
            next_step="leave it out (it tells no row from another), or take more rows",
        )
    return Scaling(rows.mean(axis=0), rows.std(axis=0))


def train(dataset: Dataset, rate: float = RATE, steps: int = STEPS) -> Model:
    """Descend on the standardised rows of ``dataset`` and put the result together as version "1" of its model.

    The loss is the one that goes with the dataset's link: squared error for a number, cross-entropy for yes or no.

    Raises
    ------
    DataError
        As ``descend``.
    """
    scaling = standardise(dataset.X)
    fit = descend(scaling(dataset.X), dataset.y, rate, steps, for_link(dataset.link))
    return Model(
        name=dataset.name,
        version="1",
        weights=fit.weights,
        bias=fit.bias,
        link=dataset.link,
        scaling=scaling,
        features=dataset.features,
        target=dataset.target,
        trained_on=dataset.fingerprint,
    )


def model_path(name: str) -> Path:
    """Where the model file of that name lies in the learner's working copy."""
    return places.work() / "models" / f"{name}.json"


def ensure_model(tell: Listener = silent) -> Path:
    """The path of the model file of ``education``, made if it is missing, made anew if damaged or of other rows.

    Tells which it was: ``found``, ``made`` or ``mended``.
    """
    path = model_path(DEFAULT)
    dataset = load_data(DEFAULT)
    existed = path.exists()
    try:
        whole = load_model(path).trained_on == dataset.fingerprint
    except ModelFileError:
        whole = False
    if not whole:
        train(dataset).save(path)
    tell(Event("model file", "found" if whole else "mended" if existed else "made", path.name))
    return path
