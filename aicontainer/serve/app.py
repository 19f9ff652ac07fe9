"""The application: which address is answered how. It knows models and addresses, and nothing of sockets.

Every fault of a request ends as JSON, ``{"error": "inputs[0].data[3]: not a finite number", "path": ...}``, with a 4xx
status. A 5xx would say that the server is at fault, and would wake somebody up.
"""

import sys
import time
import traceback
from collections.abc import Sequence
from urllib.parse import unquote

from aicontainer.errors import RequestError
from aicontainer.model import Model
from aicontainer.serve import protocol
from aicontainer.serve.counters import ROUTES, UNKNOWN_ROUTE
from aicontainer.serve.logs import Log
from aicontainer.serve.metrics import Metrics
from aicontainer.serve.protocol import Asked
from aicontainer.serve.request import Reply, Request
from aicontainer.serve.serving import READ, Outcome, Route, Serving
from aicontainer.serve.settings import ROW_LIMIT
from aicontainer.serve.strict import LONGEST_PATH

# not counted: Prometheus itself knows how long a scrape took, and among few requests it would pass for a slow one
SCRAPE = ("/metrics", 200)
_FAILED = "the server failed; its log has the cause"


class Application:
    """One model behind addresses; called by the wire, with the requests that came in the same moment.

    Parameters
    ----------
    model
        The model to begin with.
    row_limit
        The most rows that a request may have.
    metrics, log
        Where it is counted and written; without them in memory of its own, and on the standard error stream.
    """

    def __init__(
        self, model: Model, row_limit: int = ROW_LIMIT, metrics: Metrics | None = None, log: Log | None = None
    ) -> None:
        self._row_limit = row_limit
        self._metrics = metrics or Metrics(model)
        self._log = log or Log(sys.stderr)
        self._refused = ""
        self._stopping = False
        self._take(model)

    def __repr__(self) -> str:
        return f"Application({self._serving!r})"

    def answer(self, requests: Sequence[Request]) -> list[Reply]:
        """Answer each, and never raise; their rows are predicted together."""
        routes = [self._route(request.path) for request in requests]
        found = [self._outcome(route, request) for route, request in zip(routes, requests, strict=True)]
        together = iter(self._together([each for each in found if isinstance(each, Asked)]))
        outcomes = [next(together) if isinstance(each, Asked) else each for each in found]
        for route, request, outcome in zip(routes, requests, outcomes, strict=True):
            self._count(route.template if route else _template(request.path), request, outcome)
        return [outcome.reply for outcome in outcomes]

    def turned_away(self, error: RequestError) -> Reply:
        """The reply to what never became a request."""
        outcome = Outcome(_refusal(error))
        self._count(UNKNOWN_ROUTE, Request("", "", "", {}, b""), outcome)
        return outcome.reply

    def serve(self, model: Model) -> None:
        """Answer with this model from the next request on; forget that another was refused."""
        self._take(model)
        self._metrics.serves(model)
        self._refused = ""
        self._log.say("serves another model", model=model.name, version=model.version, sha256=model.digest)

    def refused(self, reason: str) -> None:
        """A new model file cannot be used: stay with the old one, and let readiness say so."""
        self._refused = reason
        self._metrics.refused()
        self._log.say("the new model file cannot be used; the model before it stays", level="warning", reason=reason)

    def stopping(self) -> None:
        """Not ready any more; requests are still answered."""
        self._stopping = True

    def tick(self, arriving: int) -> None:
        """Called a few times a second, with the number of requests that have begun to arrive."""
        self._metrics.in_flight(arriving)
        self._metrics.distribute()

    def _take(self, model: Model) -> None:
        self._serving = Serving(model, self._row_limit, self._metrics.predicted)
        address = f"/v2/models/{model.name}"
        self._routes = self._serving.routes | {
            "/metrics": Route("/metrics", READ, self._measured),
            "/v2/health/live": Route("/v2/health/live", READ, self._live),
            "/v2/health/ready": Route("/v2/health/ready", READ, self._ready),
            f"{address}/ready": Route("/v2/models/{name}/ready", READ, self._model_ready),
            f"{address}/versions/{model.version}/ready": Route(
                "/v2/models/{name}/versions/{version}/ready", READ, self._model_ready
            ),
        }

    def _route(self, path: str) -> Route | None:
        # as it was sent, which is how every client writes it, or with escapes that it did not need
        return self._routes.get(path) or self._routes.get(unquote(path))

    def _outcome(self, route: Route | None, request: Request) -> Outcome | Asked:
        try:
            if route is None:
                raise self._nowhere(request)
            if request.method not in route.methods:
                return _wrong_method(route, request)
            return route.handler(request)
        except RequestError as error:
            return Outcome(_refusal(error))
        except Exception:
            return _failed()

    def _together(self, asked: Sequence[Asked]) -> list[Outcome]:
        try:
            return self._serving.together(asked) if asked else []
        except Exception as error:
            if len(asked) > 1:  # it is the fault of one of them, and no other shall pay for it
                return [outcome for each in asked for outcome in self._together([each])]
            return [Outcome(_refusal(error)) if isinstance(error, RequestError) else _failed()]

    def _count(self, route: str, request: Request, outcome: Outcome) -> None:
        status, seconds = outcome.reply.status, time.perf_counter() - request.arrived
        if (route, status) != SCRAPE:
            self._metrics.answered(route, status, seconds)
        self._log.answered(request, route, status, seconds, outcome.rows)

    def _nowhere(self, request: Request) -> RequestError:
        path = unquote(request.path)[:LONGEST_PATH]
        start, _, rest = path.partition("/v2/models/")
        name, _, rest = rest.partition("/")
        model = self._serving.model
        what = "nothing is served at this address; / has a page of those that are"
        if not start and name and name != model.name:
            what = f"no such model here; this server has {model.name!r}"
        elif not start and rest.startswith("versions/") and rest.split("/")[1] != model.version:
            what = f"no such version here; this server has {model.version!r}"
        return RequestError(what, path=path, status=404)

    def _live(self, request: Request) -> Outcome:
        return _health(200, {"live": True})

    def _ready(self, request: Request) -> Outcome:
        return self._readiness({})

    def _model_ready(self, request: Request) -> Outcome:
        return self._readiness({"name": self._serving.model.name})

    def _readiness(self, about: dict[str, object]) -> Outcome:
        if self._stopping:
            return _health(503, {**about, "ready": False, "reason": "the server is stopping"})
        kept = {"refused": self._refused} if self._refused else {}
        return _health(200, {**about, "ready": True, "version": self._serving.model.version, **kept})

    def _measured(self, request: Request) -> Outcome:
        accept = request.headers.get(b"accept", b"").decode("latin-1")
        return Outcome(Reply(200, *self._metrics.render(accept)))


def _failed() -> Outcome:
    """After a fault of ours: the log gets it whole, the client learns nothing of our insides."""
    traceback.print_exc(file=sys.stderr)
    return Outcome(_refusal(RequestError(_FAILED, path="", status=500)))


def _template(path: str) -> str:
    """The template of an address of a model or a version that is not here; ``unknown`` where there is none."""
    match path.split("/")[1:]:
        case ["v2", "models", _, "versions", _, *verb]:
            template = "/".join(["/v2/models/{name}/versions/{version}", *verb])
        case ["v2", "models", _, *verb]:
            template = "/".join(["/v2/models/{name}", *verb])
        case _:
            return UNKNOWN_ROUTE
    return template if template in ROUTES else UNKNOWN_ROUTE


def _health(status: int, content: dict[str, object]) -> Outcome:
    return Outcome(Reply(status, protocol.to_json(content)))


def _wrong_method(route: Route, request: Request) -> Outcome:
    what = f"this address takes {' and '.join(route.methods)}"
    error = RequestError(what, path=request.path[:LONGEST_PATH], status=405)
    return Outcome(_refusal(error, (("Allow", ", ".join(route.methods)),)))


def _refusal(error: RequestError, headers: tuple[tuple[str, str], ...] = ()) -> Reply:
    said = f"{error.path}: {error.what}" if error.path else error.what
    body = {"error": said, "path": error.path}
    return Reply(error.status, protocol.to_json(body), headers=headers)
