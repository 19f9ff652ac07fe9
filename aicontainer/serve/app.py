"""The application: which address is answered how. A plain WSGI function, so that any WSGI server can run it.

Every fault of a request ends as JSON, ``{"error": what, "path": where}``, with a 4xx status. A 5xx would say that the
server is at fault, and would wake somebody up.
"""

import io
import sys
import time
import traceback
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

import numpy as np

from aicontainer.errors import RequestError
from aicontainer.model import LINKS, Model
from aicontainer.serve import protocol
from aicontainer.serve.metrics import UNKNOWN_ROUTE, Metrics
from aicontainer.serve.request import Reply, Request
from aicontainer.serve.settings import BODY_LIMIT

Environ = dict[str, Any]
StartResponse = Callable[[str, list[tuple[str, str]]], Any]

JSON = "application/json"
PIECE = 64 * 1024
DRAINED = 64 * 1024 * 1024


class Application:
    """One model behind HTTP; called by the WSGI server, from several threads at once."""

    def __init__(self, model: Model, body_limit: int) -> None:
        self._model = model
        self._body_limit = body_limit
        self._metrics = Metrics(model)
        self._routes: dict[str, tuple[str, Callable[[Environ], Reply]]] = {
            "/v2": ("GET", self._server),
            "/v2/health/live": ("GET", self._live),
            "/v2/health/ready": ("GET", self._ready),
            "/v2/models/{name}": ("GET", self._metadata),
            "/v2/models/{name}/ready": ("GET", self._model_ready),
            "/v2/models/{name}/infer": ("POST", self._infer),
            "/metrics": ("GET", self._measured),
        }

    def __repr__(self) -> str:
        return f"Application({self._model.name} version {self._model.version}, body limit {self._body_limit} bytes)"

    def answer(self, request: Request) -> Reply:
        begun = time.perf_counter()
        environ = {
            "PATH_INFO": request.path,
            "CONTENT_LENGTH": str(len(request.body)),
            "wsgi.input": io.BytesIO(request.body),
            "wsgi.errors": sys.stderr,
            "HTTP_CONTENT_ENCODING": request.headers.get(b"content-encoding", b"").decode("latin-1"),
            "HTTP_ACCEPT": request.headers.get(b"accept", b"").decode("latin-1"),
        }
        route, name = _route(request.path)
        reply = self._answer(route, name, request.method, environ)
        self._metrics.answered(route, request.method, reply.status, time.perf_counter() - begun)
        return reply

    def turned_away(self, error: RequestError) -> Reply:
        self._metrics.answered(UNKNOWN_ROUTE, "other", error.status, 0.0)
        return _refusal(error.status, error.what, error.path)

    def serve(self, model: Model) -> None:
        self._model = model
        self._reason = ""

    def refused(self, reason: str) -> None:
        self._reason = reason

    def stopping(self) -> None:
        self._stopping = True

    _reason = ""
    _stopping = False

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        begun = time.perf_counter()
        method = environ["REQUEST_METHOD"]
        route, name = _route(_path(environ))
        reply = self._answer(route, name, method, environ)
        phrase = HTTPStatus(reply.status).phrase
        headers = [("Content-Type", reply.content_type), ("Content-Length", str(len(reply.body))), *reply.headers]
        start_response(f"{reply.status} {phrase}", headers)
        self._metrics.answered(route, method, reply.status, time.perf_counter() - begun)
        return [] if method == "HEAD" else [reply.body]

    def _answer(self, route: str, name: str, method: str, environ: Environ) -> Reply:
        if route not in self._routes:
            return _refusal(404, "nothing is served at this address; the protocol begins at /v2", _path(environ))
        served, handler = self._routes[route]
        allowed = ("GET", "HEAD") if served == "GET" else (served,)
        if method not in allowed:
            headers = (("Allow", ", ".join(allowed)),)
            return _refusal(405, f"this address takes {' and '.join(allowed)}", _path(environ), headers)
        if name and name != self._model.name:
            return _refusal(404, f"no such model here; this server has {self._model.name!r}", _path(environ))
        try:
            return handler(environ)
        except RequestError as error:
            return _refusal(error.status, error.what, error.path)
        except Exception:  # a fault of ours: the log gets it whole, the client learns nothing of our insides
            traceback.print_exc(file=environ["wsgi.errors"])
            return _refusal(500, "the server failed; its log has the cause", "")

    def _server(self, environ: Environ) -> Reply:
        return _json(protocol.server_metadata())

    def _live(self, environ: Environ) -> Reply:
        return _json({"live": True})

    def _ready(self, environ: Environ) -> Reply:
        said = protocol.to_json({"ready": not self._stopping, "reason": self._reason})
        return Reply(503 if self._stopping else 200, said)

    def _metadata(self, environ: Environ) -> Reply:
        return _json(protocol.model_metadata(self._model))

    def _model_ready(self, environ: Environ) -> Reply:
        return _json({"name": self._model.name, "ready": True})

    def _measured(self, environ: Environ) -> Reply:
        body, content_type = self._metrics.render(environ.get("HTTP_ACCEPT", ""))
        return Reply(200, body, content_type)

    def _infer(self, environ: Environ) -> Reply:
        if environ.get("HTTP_CONTENT_ENCODING", "identity").lower() not in ("", "identity"):
            raise RequestError("the body must not be compressed", path=protocol.WHOLE_BODY, status=415)
        request = protocol.decode(_body(environ, self._body_limit), len(self._model.features))
        with np.errstate(over="ignore", invalid="ignore"):
            score = self._model.score(request.rows)
        if not np.isfinite(score).all():
            row = int(np.flatnonzero(~np.isfinite(score))[0])
            largest = int(np.abs(request.rows[row]).argmax())
            raise RequestError("too large: the score of this row overflows", path=request.place(row, largest))
        reply = Reply(200, protocol.encode(self._model, request, LINKS[self._model.link](score), score))
        self._metrics.predicted(len(score))
        return reply


def make_app(model: Model, body_limit: int = BODY_LIMIT) -> Application:
    """The WSGI function that answers with ``model`` and refuses bodies above ``body_limit`` bytes."""
    return Application(model, body_limit)


def _path(environ: Environ) -> str:
    # WSGI hands the path on as bytes that were read as Latin-1
    path: str = environ.get("PATH_INFO", "")
    return path.encode("latin-1", "replace").decode("utf-8", "replace")


def _route(path: str) -> tuple[str, str]:
    """The template of the route (``unknown`` where there is none), and the model's name in the path."""
    match path.removeprefix("/").split("/"):
        case ["v2" | "metrics" as only]:
            return f"/{only}", ""
        case ["v2", "health", "live" | "ready" as probe]:
            return f"/v2/health/{probe}", ""
        case ["v2", "models", name] if name:
            return "/v2/models/{name}", name
        case ["v2", "models", name, "ready" | "infer" as verb] if name:
            return f"/v2/models/{{name}}/{verb}", name
    return UNKNOWN_ROUTE, ""


def _json(content: dict[str, Any]) -> Reply:
    return Reply(200, protocol.to_json(content))


def _refusal(status: int, what: str, path: str, headers: tuple[tuple[str, str], ...] = ()) -> Reply:
    return Reply(status, protocol.to_json({"error": what, "path": path}), headers=headers)


def _body(environ: Environ, limit: int) -> bytes:
    """The body, never more than ``limit`` bytes of it in memory.

    A declared length is checked before anything is read; a body in chunks declares none and is counted while it comes.
    """
    declared = _declared_length(environ)
    stream = environ["wsgi.input"]
    if declared is not None and declared > limit:
        if not environ.get("HTTP_EXPECT"):  # else it waits for our word before it sends anything
            _drain(stream, declared)
        raise _too_large(limit)
    if declared is None and not environ.get("wsgi.input_terminated"):
        return b""  # without a length and without an end, WSGI means: no body
    body = bytearray()
    while piece := stream.read(min(PIECE, limit + 1 - len(body) if declared is None else declared - len(body))):
        body += piece
        if len(body) > limit:
            _drain(stream, DRAINED)
            raise _too_large(limit)
    return bytes(body)


def _declared_length(environ: Environ) -> int | None:
    text = environ.get("CONTENT_LENGTH")
    if not text:
        return None
    if not (text.isascii() and text.isdigit()):
        raise RequestError("Content-Length must be a number of bytes", path=protocol.WHOLE_BODY)
    return int(text)


def _drain(stream: Any, length: int) -> None:
    """Read on and forget, within reason: a client that still sends would see a broken pipe instead of the answer."""
    left = min(length, DRAINED)
    while left > 0 and (piece := stream.read(min(PIECE, left))):
        left -= len(piece)


def _too_large(limit: int) -> RequestError:
    what = f"a body may have {limit} bytes at most; send fewer rows at a time"
    return RequestError(what, path=protocol.WHOLE_BODY, status=413)
