"""One model, made ready: its routes, what they answer, and the prediction. Never changed; a new model is a new one."""

import math
import re
import warnings
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import msgspec
import numpy as np

from aicontainer.errors import RequestError
from aicontainer.model import LINKS, Array, Model, weighted_sums
from aicontainer.serve import about, door, protocol
from aicontainer.serve.protocol import Asked
from aicontainer.serve.request import Reply, Request
from aicontainer.serve.strict import NOT_FINITE
from aicontainer.serve.tensors import Rows

FEW = 64

# a request of so many numbers is predicted with others; more would be copied for nothing
USUAL_NUMBERS = 4096
# numbers that are computed with in one go: what fits into the processor's cache is not fetched from memory again for
# each step, and memory that was used a moment ago need not be asked for anew
PIECE = 32768

# numpy's warning of an overflow says nothing that the refusal does not, and `np.errstate` would cost each request more
# than the bias
warnings.filterwarnings("ignore", category=RuntimeWarning, module=re.escape(__name__))

READ = ("GET", "HEAD")
WRITE = ("POST",)


class Outcome(msgspec.Struct, frozen=True):
    """A reply, and how many rows were predicted for it."""

    reply: Reply
    rows: int = 0


# called with rows of shape (n, d), scaled, and their scores of shape (n,)
Predicted = Callable[[Array, Array], None]

# called with predictions and scores, shape (n,) each
Answer = Callable[[Array, Array], Reply]


class Route(msgspec.Struct, frozen=True):
    """One address: the template under which it is counted, the methods that it takes, and what answers.

    Where only the prediction is left to do, what was asked is handed back, to be predicted with others.
    """

    template: str
    methods: tuple[str, ...]
    handler: Callable[[Request], Outcome | Asked]


class Serving:
    """One model, made ready to answer.

    Parameters
    ----------
    model
        The model.
    row_limit
        The most rows that a request may have.
    predicted
        Told of everything that is predicted.
    """

    def __init__(self, model: Model, row_limit: int, predicted: Predicted) -> None:
        self.model = model
        self._row_limit = row_limit
        self._predicted = predicted
        self._features = model.features
        self._mean, self._deviation = (_repeated(each) for each in (model.scaling.mean, model.scaling.deviation))
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

    # what few ask for is imported when the first one does: the start need not wait for it

    @cached_property
    def _openapi(self) -> Outcome:
        from aicontainer.serve import openapi

        return _json(openapi.description(about.describe(self.model), self._row_limit))

    @cached_property
    def _page(self) -> Outcome:
        from aicontainer.serve import page

        return Outcome(page.reply(about.describe(self.model)))

    @cached_property
    def _about(self) -> about.About:
        return about.describe(self.model)

    def _infer(self, request: Request) -> Outcome | Asked:
        _refuse_compressed(request)
        asked = protocol.decode(request.headers, request.body, self._features, self._row_limit)
        if asked.rows.values.size <= USUAL_NUMBERS:
            return asked
        return self._alone(asked.rows, lambda predict, score: self._answers.reply(asked, predict, score))

    def together(self, asked: Sequence[Asked]) -> list[Outcome]:
        """Predict the rows of several requests in one go: for few rows numpy takes as long as for one.

        No bit of a score depends on which other rows are predicted with it (`weighted_sums`).

        Raises
        ------
        RequestError
            When a score is not finite; where that is, shows when its request is predicted alone.
        """
        rows = asked[0].rows if len(asked) == 1 else _joined(asked)
        scaled = self._scaled(rows.values)
        score = self._score(scaled)
        _refuse_infinite(rows, score)
        predict = self._link(score)
        outcomes, begin = [], 0
        for each in asked:
            end = begin + len(each.rows.values)
            own = score[begin:end]
            reply = self._answers.reply(each, own if predict is score else predict[begin:end], own)
            outcomes.append(Outcome(reply, end - begin))
            begin = end
        self._predicted(scaled, score)
        return outcomes

    def _predict(self, request: Request) -> Outcome:
        _refuse_compressed(request)
        named = self._door.read(bytes(request.body))
        scored = self._at_once if named.values.size <= USUAL_NUMBERS else self._alone
        return scored(named, lambda predict, score: Reply(200, door.answer(self._about, predict, score)))

    def _at_once(self, rows: Rows | door.Named, answer: Answer) -> Outcome:
        scaled = self._scaled(rows.values)
        score = self._score(scaled)
        _refuse_infinite(rows, score)
        reply = answer(self._link(score), score)
        self._predicted(scaled, score)
        return Outcome(reply, len(score))

    def _alone(self, rows: Rows | door.Named, answer: Answer) -> Outcome:
        """Predict the rows of one large request, piece by piece.

        The pieces are scaled once more to be counted: that takes less time than to keep them.
        """
        step = max(2, PIECE // len(self._features))  # a single long row would be added by a detour
        pieces = [slice(begin, begin + step) for begin in range(0, len(rows.values), step)]
        score = np.concatenate([self._score(self._scaled(rows.values[piece])) for piece in pieces])
        _refuse_infinite(rows, score)
        reply = answer(self._link(score), score)
        for piece in pieces:
            self._predicted(self._scaled(rows.values[piece]), score[piece])
        return Outcome(reply, len(score))

    def _scaled(self, values: Array) -> Array:
        scaled = values - _first(self._mean, len(values))
        scaled /= _first(self._deviation, len(values))
        return scaled

    def _score(self, scaled: Array) -> Array:
        """Scores, shape (n,), with the bits of ``Model.score``."""
        score = weighted_sums(scaled, self._weights)
        score += self._bias
        return score


def _joined(asked: Sequence[Asked]) -> Rows:
    # nobody is told of a place in it: after a fault each is predicted alone
    return Rows(np.concatenate([each.rows.values for each in asked]), ("inputs",), (False,))


def _repeated(numbers: Array) -> Array:
    """These numbers, shape (d,), below each other as often as a piece has rows, at least once.

    numpy takes five times as long when it repeats a short row itself.
    """
    return np.tile(numbers, (max(1, PIECE // len(numbers)), 1))


def _first(repeated: Array, count: int) -> Array:
    """``count`` rows of them, or one that numpy repeats itself."""
    return repeated[:count] if count <= len(repeated) else repeated[0]


def _are_finite(numbers: Array) -> bool:
    # of a few, Python has looked at each before numpy has begun
    return all(map(math.isfinite, numbers.tolist())) if len(numbers) <= FEW else bool(np.isfinite(numbers).all())


def _refuse_infinite(rows: Rows | door.Named, score: Array) -> None:
    """Raise a ``RequestError`` with the place of the number that is the cause, where a score is not finite.

    ``Model.score`` looks at each number of the rows first. Whatever is wrong with a number shows in the score of its
    row, so it is enough to look there.
    """
    if not _are_finite(score):
        raise _blamed(rows, score)


def _blamed(rows: Rows | door.Named, score: Array) -> RequestError:
    row = int(np.flatnonzero(~np.isfinite(score))[0])
    numbers = rows.values[row]
    if not np.isfinite(numbers).all():
        column = int(np.flatnonzero(~np.isfinite(numbers))[0])
        return RequestError(NOT_FINITE, path=rows.place(row, column))
    largest = int(np.abs(numbers).argmax())
    return RequestError("too large: the score of this row overflows", path=rows.place(row, largest))


def _refuse_compressed(request: Request) -> None:
    coding = request.headers.get(b"content-encoding")
    if coding and coding.lower() != b"identity":
        raise RequestError("the body must not be compressed", path="$", status=415)


def _json(content: dict[str, Any]) -> Outcome:
    return Outcome(Reply(200, protocol.to_json(content)))
