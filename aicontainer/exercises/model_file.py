"""Reading the model file that an exercise asks for: what is missing or damaged becomes the check's answer."""

from pathlib import Path

from aicontainer.errors import ModelFileError
from aicontainer.exercises.check import Check, not_done, wrong
from aicontainer.model import Model, load


def read(path: Path) -> Model | Check:
    """The model in a learner's file, or what to say when there is none, or none that can be read."""
    if not path.exists():
        return not_done(f"there is no file {path.name} among your models")
    try:
        return load(path)
    except ModelFileError as error:
        return wrong(f"{error.what}; write it with model.save(path)")
