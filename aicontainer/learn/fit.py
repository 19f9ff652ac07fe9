"""From a data set to a model file: standardise, descend, put together, save."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from aicontainer import places
from aicontainer.errors import DataError, ModelFileError
from aicontainer.events import Event, Listener, silent
from aicontainer.learn.data import Dataset
from aicontainer.learn.data import load as load_data
from aicontainer.learn.descent import descend
from aicontainer.learn.loss import table
from aicontainer.learn.objective import Objective, for_link, with_l2
from aicontainer.model import Array, Model, Scaling
from aicontainer.model import load as load_model
from aicontainer.training import Training

# education: the curvatures lie between 0.23 and 5.76, so at a rate of 0.3 each step leaves 0.93 of the distance in the
# slowest direction and 1,000 steps leave 1e-31 of it: what remains is rounding
RATE = 0.3
STEPS = 1000

DEFAULT = "education"


@dataclass(frozen=True)
class Recipe:
    """How the model of a case is trained on its standardised rows: the rate, the steps, the strength of L2 (0: none).

    Each rate is below the largest safe one, and the steps are enough that what remains is rounding.
    """

    rate: float
    steps: int
    l2: float = 0.0


RECIPES = {
    DEFAULT: Recipe(RATE, STEPS),
    "finance": Recipe(rate=2.0, steps=1500),  # a cross-entropy curves less: safe up to 3.5
    # 30 measurements separate the two classes, so that the weights would grow for ever: only with L2 is there a minimum
    "medicine": Recipe(rate=0.55, steps=3500, l2=0.02),
    "traffic": Recipe(rate=0.25, steps=1000),
}


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


def train(dataset: Dataset, rate: float = RATE, steps: int = STEPS, objective: Objective | None = None) -> Model:
    """Descend on the standardised rows of ``dataset`` and put the result together as version "1" of its model.

    Without an ``objective`` it takes the loss that goes with the dataset's link: squared error for a number,
    cross-entropy for yes or no.

    Raises
    ------
    DataError
        As ``descend``.
    """
    scaling = standardise(dataset.X)
    own = for_link(dataset.link)
    fit = descend(scaling(dataset.X), dataset.y, rate, steps, objective or own)
    model = Model(
        name=dataset.name,
        version="1",
        weights=fit.weights,
        bias=fit.bias,
        link=dataset.link,
        scaling=scaling,
        features=dataset.features,
        target=dataset.target,
        trained_on=dataset.fingerprint,
        unit=dataset.unit,
    )
    loss = own.loss(model.score(dataset.X), dataset.y)  # of what will be served: raw rows, through the scaling
    low, high = dataset.X.min(axis=0), dataset.X.max(axis=0)
    return replace(model, training=Training(len(dataset.y), fit.steps, fit.rate, 0, loss, low, high))


def train_case(case: str = DEFAULT, steps: int | None = None) -> Model:
    """The model of a case, trained on all its rows as its recipe says; with another number of steps where given.

    Raises
    ------
    DataError
        When there is no such case, and as ``descend``.
    """
    return train_as(case, load_data(case), steps)


def train_as(case: str, dataset: Dataset, steps: int | None = None) -> Model:
    """A model of other rows (a part of them, another unit), trained as the recipe of a case says.

    Raises
    ------
    DataError
        As ``train_case``.
    """
    if case not in RECIPES:
        raise DataError(f"there is no case {case!r}", next_step=f"take one of {', '.join(RECIPES)}")
    recipe, objective = RECIPES[case], for_link(dataset.link)
    if recipe.l2:
        objective = with_l2(objective, recipe.l2)
    return train(dataset, recipe.rate, recipe.steps if steps is None else steps, objective)


def model_path(name: str) -> Path:
    """Where the model file of that name lies in the learner's working copy."""
    return places.work() / "models" / f"{name}.json"


def ensure_model(case: str = DEFAULT, tell: Listener = silent) -> Path:
    """The path of the model file of a case, made if it is missing, made anew if damaged or of other rows.

    Tells which it was: ``found``, ``made`` or ``mended``.

    Raises
    ------
    DataError
        When there is no such case.
    """
    path = model_path(case)
    dataset = load_data(case)
    existed = path.exists()
    try:
        whole = load_model(path).trained_on == dataset.fingerprint
    except ModelFileError:
        whole = False
    if not whole:
        train_case(case).save(path)
    tell(Event("model file", "found" if whole else "mended" if existed else "made", path.name))
    return path
