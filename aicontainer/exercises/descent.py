"""The check of notebook 02_descent: a second model file, whose training stopped as early as it may."""

from pathlib import Path

from aicontainer.errors import ModelFileError
from aicontainer.exercises.check import Check, not_done, right, wrong
from aicontainer.learn import data, fit
from aicontainer.learn.data import Dataset
from aicontainer.learn.descent import descend
from aicontainer.learn.loss import mean_squared_error
from aicontainer.model import Model, load

EARLY = "education_early"
ALLOWED = 1.01
ROUNDING = 1e-9


def check_early_model(path: Path | None = None) -> Check:
    """Check the model file ``education_early``: at most 1 % above the smallest loss, after as few steps as that takes.

    Only the file counts: it is loaded, its loss is measured on all rows and compared with a descent made here.
    """
    path = fit.model_path(EARLY) if path is None else path
    if not path.exists():
        return not_done(f"there is no file {path.name} among your models")
    try:
        model = load(path)
    except ModelFileError as error:
        return wrong(f"{error.what}; write it with model.save(path)")
    dataset = data.load(fit.DEFAULT)
    if model.features != dataset.features or model.trained_on != dataset.fingerprint:
        return wrong(f"{path.name} was trained on other rows or features: train it on data.load('education')")
    return _judge(model, dataset)


def _judge(model: Model, dataset: Dataset) -> Check:
    losses = descend(fit.standardise(dataset.X)(dataset.X), dataset.y, fit.RATE, fit.STEPS).losses
    limit = ALLOWED * losses[-1]
    fewest = next(step for step, value in enumerate(losses) if value <= limit)
    loss = mean_squared_error(model.score(dataset.X), dataset.y)
    if loss > losses[0]:
        return wrong(
            f"the file's loss is {loss:.9g}, more than that of zero weights: do scaling and weights fit together?"
        )
    if loss > limit:
        return wrong(f"the file's loss is {loss:.9g}, above the limit of {limit:.9g}: it needs more steps")
    if loss < losses[fewest] * (1 - ROUNDING):
        return wrong(f"the file's loss is {loss:.9g}, within the limit of {limit:.9g}, but fewer steps would do")
    return right(f"{fewest} steps give a loss of {loss:.9g}, within the limit of {limit:.9g}")
