"""One model, made ready: its routes, what they answer, and the prediction. Never changed; a new model is a new one."""

import math
import re
import warnings
from collections.abc import Callable
from functools import cached_property
from typing import Any

import msgspec
import numpy as np

from aicontainer.errors import RequestError
from aicontainer.model import LINKS, Array, Model
from aicontainer.serve import about, door, openapi, page, protocol
from aicontainer.serve.request import Reply, Request
from aicontainer.serve.strict import NOT_FINITE
from aicontainer.serve.tensors import Rows

FEW = 64

# numpy's warning of an overflow says nothing that the refusal does not, and `np.errstate` would cost each request more
# than the bias
warnings.filterwarnings("ignore", category=RuntimeWarning, module=re.escape(__name__))

READ = ("GET", "HEAD")
WRITE = ("POST",)


class Outcome(msgspec.Struct, frozen=True):
    """A reply, and, where rows were predicted, these and their scores: what the metrics count."""

    reply: Reply
    rows: Array | None = None
    score: Array | None = None


class Route(msgspec.Struct, frozen=True):
    """One address: the template under which it is counted, the methods that it takes, and what answers."""

    template: str
    methods: tuple[str, ...]
    handler: Callable[[Request], Outcome]


class Serving:
    """One model, made ready to answer.

    Parameters
    ----------
    model
        The model.
    row_limit
        The most rows that a request may have.
    """

    def __init__(self, model: Model, row_limit: int) -> None:
        self.model = model
        self._row_limit = row_limit
        self._features = model.features
        self._mean, self._deviation = model.scaling.mean, model.scaling.deviation
        self._weights, self._bias = model.weights, np.array([model.bias])
        self._link = LINKS[model.link]
        self._answers = protocol.Encoder(model)
        self._door = door.Reader(model.features, row_limit)
        self.routes = self._routes()

    def __repr__(self) -> str:
        return f"Serving({self.model!r}, {self._row_limit} rows at most)"

    def _routes(self) -> dict[str, Route]:
        routes = {
            "/": Route("/", READ, lambda request: self._page),
            "/openapi.json": Route("/openapi.json", READ, lambda request: self._openapi),
            "/predict": Route("/predict", WRITE, self._predict),
            "/v2": Route("/v2", READ, lambda request: self._server),
        }
        for part, template in (("", ""), (f"/versions/{self.model.version}", "/versions/{version}")):
            address, counted = f"/v2/models/{self.model.name}{part}", f"/v2/models/{{name}}{template}"
            routes[address] = Route(counted, READ, lambda request: self._metadata)
            routes[f"{address}/infer"] = Route(f"{counted}/infer", WRITE, self._infer)
        return routes

    @cached_property
    def _server(self) -> Outcome:
        return _json(about.server_metadata())

    @cached_property
    def _metadata(self) -> Outcome:
        return _json(about.model_metadata(self.model))

    @cached_property
    def _openapi(self) -> Outcome:
        return _json(openapi.description(about.describe(self.model), self._row_limit))

    @cached_property
    def _page(self) -> Outcome:
        return Outcome(page.reply(about.describe(self.model)))

    @cached_property
    def _about(self) -> about.About:
        return about.describe(self.model)

    def _infer(self, request: Request) -> Outcome:
        _refuse_compressed(request)
        asked = protocol.decode(request.headers, request.body, self._features, self._row_limit)
        score = self.score(asked.rows)
        return Outcome(self._answers.reply(asked, self._link(score), score), asked.rows.values, score)

    def _predict(self, request: Request) -> Outcome:
        _refuse_compressed(request)
        named = self._door.read(request.body)
        score = self.score(named)
        body = door.answer(self._about, self._link(score), score)
        return Outcome(Reply(200, body), named.values, score)

    def score(self, rows: Rows | door.Named) -> Array:
        """The scores, shape (n,), with the bits of ``Model.score``, which looks at each number of the rows first.

        Whatever is wrong with a number shows in the score of its row, so it is enough to look there.

        Raises
        ------
        RequestError
            When a score is not finite; with the place of the number that is the cause.
        """
        scaled = rows.values - self._mean
        scaled /= self._deviation
        score: Array = np.einsum("ij,j->i", scaled, self._weights)
        score += self._bias
        if not _are_finite(score):
            raise _blamed(rows, score)
        return score


def _are_finite(numbers: Array) -> bool:
    # of a few, Python has looked at each before numpy has begun
    return all(map(math.isfinite, numbers.tolist())) if len(numbers) <= FEW else bool(np.isfinite(numbers).all())


def _blamed(rows: Rows | door.Named, score: Array) -> RequestError:
    row = int(np.flatnonzero(~np.isfinite(score))[0])
    numbers = rows.values[row]
    if not np.isfinite(numbers).all():
        column = int(np.flatnonzero(~np.isfinite(numbers))[0])
        return RequestError(NOT_FINITE, path=rows.place(row, column))
    largest = int(np.abs(numbers).argmax())
    return RequestError("too large: the score of this row overflows", path=rows.place(row, largest))


def _refuse_compressed(request: Request) -> None:
    if request.headers.get(b"content-encoding", b"identity").lower() not in (b"", b"identity"):
        raise RequestError("the body must not be compressed", path="$", status=415)


def _json(content: dict[str, Any]) -> Outcome:
    return Outcome(Reply(200, protocol.to_json(content)))
