"""The check of notebook 04_package: a second version of the model in an image of its own, which is run and asked."""

from __future__ import annotations

from typing import Any

from aicontainer.errors import EngineError, ImageNotFound, ServerError, WaitError
from aicontainer.exercises.check import Check, not_done, right, wrong
from aicontainer.learn import data, fit
from aicontainer.learn.loss import mean_squared_error
from aicontainer.model import load
from aicontainer.package import container, image

WANTED = "2"
ALLOWED = 1.01


def check_second_version(my_image: Any) -> Check:
    """Check an image that serves version "2" of ``education``, nearly as good as version 1, and not as root.

    ``my_image`` is what `image.build` returned, or a name. The image itself is run and asked; how it came about does
    not count.
    """
    if my_image is None:
        return not_done('my_image is None; build an image of a model whose version is "2"')
    if not isinstance(my_image, str | image.Image):
        return wrong("my_image must be an image that image.build returned, or its name")
    try:
        user = image.user(my_image)
        if user.split(":")[0] in {"", "0", "root"}:
            return wrong("your image runs as root; images/model/Dockerfile has a USER")
        with container.running(my_image) as running:
            return _judge(running, len(_new_layers(my_image)))
    except ImageNotFound:
        return wrong("the engine has no such image")
    except WaitError as error:
        return wrong(f"your image does not become ready: {error.seen.splitlines()[-1]}")
    except EngineError as error:
        return wrong(f"your image cannot be started: {error.seen or error.what}")


def _new_layers(my_image: image.Image | str) -> list[image.Layer]:
    """The layers that the image does not share with the one of version 1; all of them where that is missing."""
    first = f"{image.REPOSITORY}:{load(fit.ensure_model()).version}"
    shared = {layer.digest for layer in image.layers(first)} if image.exists(first) else set()
    return [layer for layer in image.layers(my_image) if layer.digest and layer.digest not in shared]


def _judge(running: container.Running, new_layers: int) -> Check:
    dataset = data.load(fit.DEFAULT)
    try:
        answer = running.server.infer(dataset.X)
    except ServerError as error:
        return wrong(f"your image does not answer for education: {error.what}")
    if answer.model_version != WANTED:
        return wrong(f'your image serves version "{answer.model_version}", not "{WANTED}"')
    loss = mean_squared_error(answer.score, dataset.y)
    best = mean_squared_error(load(fit.ensure_model()).score(dataset.X), dataset.y)
    if loss > ALLOWED * best:
        return wrong(f"version 2 has a loss of {loss:.9g}, more than 1 % above version 1: train it longer")
    if new_layers > 1:
        return wrong(f"{new_layers} layers are new; with images/model/Dockerfile only the one with the model file is")
    return right('version "2" answers, not as root, and its image adds one layer to that of version 1')
