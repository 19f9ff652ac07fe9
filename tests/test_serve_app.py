"""The WSGI application called directly, as a WSGI server would: addresses, methods, faults, limits."""

import io
import json
import math
from typing import Any
from wsgiref.validate import validator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from aicontainer.model import Model, Scaling
from aicontainer.serve.app import Application, make_app

INFER = "/v2/models/m/infer"
LIMIT = 500


def a_model(link: str = "identity", name: str = "m") -> Model:
    scaling = Scaling(np.array([1.0, 2.0]), np.array([0.5, 4.0]))
    return Model(name, "7", np.array([3.0, -2.0]), 10.0, link, scaling, ("a", "b"), "t", "rows")


class Stream(io.BytesIO):
    """A body that remembers how much of it was read."""

    taken = 0

    def read(self, size: int | None = -1) -> bytes:
        piece = super().read(size)
        self.taken += len(piece)
        return piece


class Response:
    def __init__(self, status: str, headers: list[tuple[str, str]], body: bytes) -> None:
        self.status = int(status.split()[0])
        self.headers = dict(headers)
        self.body = body

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def call(app: Application, path: str, method: str = "GET", body: bytes = b"", **environ: Any) -> Response:
    """Call through the standard library's validator, which checks both sides of the WSGI contract."""
    started: list[Any] = []
    full = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path.encode().decode("latin-1"),
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        **environ,
    }
    full = {key: value for key, value in full.items() if value is not None}
    answer = validator(app)(full, lambda status, headers, _=None: started.append((status, headers)))  # type: ignore[arg-type]
    try:
        content = b"".join(answer)
    finally:
        answer.close()  # type: ignore[attr-defined]
    return Response(*started[0], content)


def request(*rows: list[float], **more: Any) -> bytes:
    flat = [value for row in rows for value in row]
    return json.dumps(
        {"inputs": [{"name": "rows", "shape": [len(rows), 2], "datatype": "FP64", "data": flat}], **more}
    ).encode()


@pytest.fixture
def app() -> Application:
    return make_app(a_model(), LIMIT)


def test_a_prediction_is_the_linear_score(app: Application) -> None:
    response = call(app, INFER, "POST", request([2.0, 6.0], [1.0, 2.0], id="x"))
    # by hand: ((2-1)/0.5)*3 - ((6-2)/4)*2 + 10 = 14, and the bias alone for the means
    assert response.status == 200
    assert response.json["id"] == "x"
    assert [output["data"] for output in response.json["outputs"]] == [[14.0, 10.0], [14.0, 10.0]]
    assert response.headers["Content-Type"] == "application/json"
    assert int(response.headers["Content-Length"]) == len(response.body)


def test_a_probability_comes_with_its_score() -> None:
    outputs = call(make_app(a_model("logistic")), INFER, "POST", request([21.0, 2.0])).json["outputs"]
    values = {output["name"]: output["data"][0] for output in outputs}
    assert values["score"] == 130.0
    assert values["predict"] == pytest.approx(1 / (1 + math.exp(-130.0)))


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("/v2/health/live", {"live": True}),
        ("/v2/health/ready", {"ready": True}),
        ("/v2/models/m/ready", {"name": "m", "ready": True}),
    ],
)
def test_probes_are_answered(app: Application, path: str, content: dict[str, Any]) -> None:
    response = call(app, path)
    assert (response.status, response.json) == (200, content)


def test_the_server_and_the_model_describe_themselves(app: Application) -> None:
    assert call(app, "/v2").json["name"] == "aicontainer"
    assert call(app, "/v2/models/m").json["versions"] == ["7"]


def test_head_is_get_without_a_body(app: Application) -> None:
    response = call(app, "/v2/health/live", "HEAD")
    assert (response.status, response.body) == (200, b"")


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/v3", "/v2/", "/v2//models/m", "/v2/health", "/v2/models", "/v2/models/", "/v2/models//infer", "/vé2"),
        *("/v2/models/m/infer/", "/v2/models/m/explain", "/v2/models/other", "/v2/models/other/infer", "/metrics/x"),
    ],
)
def test_an_address_that_is_not_served_is_404_and_named(app: Application, path: str) -> None:
    response = call(app, path, "POST" if path.endswith("infer") else "GET")
    assert response.status == 404
    assert response.json["path"] == path
    assert response.json["error"]


@pytest.mark.parametrize(
    ("path", "method", "allow"),
    [
        (INFER, "GET", "POST"),
        ("/v2", "POST", "GET, HEAD"),
        ("/metrics", "DELETE", "GET, HEAD"),
        (INFER, "BREW", "POST"),
    ],
)
@pytest.mark.filterwarnings("ignore:Unknown REQUEST_METHOD")
def test_a_wrong_method_is_405_and_the_right_one_is_named(app: Application, path: str, method: str, allow: str) -> None:
    response = call(app, path, method)
    assert response.status == 405
    assert response.headers["Allow"] == allow


def test_a_fault_of_the_request_is_400_with_its_path(app: Application) -> None:
    response = call(app, INFER, "POST", request([1.0, math.nan]))
    assert response.status == 400
    assert response.json["path"] == "inputs[0].data[1]"


def test_a_score_that_overflows_is_the_requests_fault(app: Application) -> None:
    """JSON has no infinity: it would go out as null, with status 200."""
    response = call(app, INFER, "POST", request([1.0, 2.0], [1e308, 5.0]))
    assert response.status == 400
    assert response.json["path"] == "inputs[0].data[2]"


@given(st.binary(max_size=80))
def test_no_bytes_make_a_500(content: bytes) -> None:
    assert 400 <= call(make_app(a_model()), INFER, "POST", content).status < 500


def test_a_compressed_body_is_415(app: Application) -> None:
    assert call(app, INFER, "POST", request([1.0, 2.0]), HTTP_CONTENT_ENCODING="gzip").status == 415


def test_a_body_of_just_the_limit_is_read_and_one_byte_more_is_not(app: Application) -> None:
    content = request([1.0, 2.0])
    assert call(app, INFER, "POST", content.ljust(LIMIT)).status == 200
    response = call(app, INFER, "POST", content.ljust(LIMIT + 1))
    assert response.status == 413
    assert str(LIMIT) in response.json["error"]


@pytest.mark.parametrize("length", [LIMIT, LIMIT + 1, 100 * LIMIT])
def test_a_body_in_chunks_has_the_same_limit(app: Application, length: int) -> None:
    content = request([1.0, 2.0]).ljust(length)
    chunked = {"CONTENT_LENGTH": None, "wsgi.input_terminated": True}
    assert call(app, INFER, "POST", content, **chunked).status == (200 if length == LIMIT else 413)


def test_a_sender_that_waits_for_our_word_is_refused_at_once(app: Application) -> None:
    stream = Stream(b" " * 10_000)
    expect = {"CONTENT_LENGTH": "10000", "HTTP_EXPECT": "100-continue", "wsgi.input": stream}
    assert call(app, INFER, "POST", **expect).status == 413
    assert stream.taken == 0


def test_a_sender_that_sends_already_is_heard_out(app: Application) -> None:
    stream = Stream(b" " * 10_000)
    assert call(app, INFER, "POST", CONTENT_LENGTH="10000", **{"wsgi.input": stream}).status == 413
    assert stream.taken == 10_000


def test_no_more_than_the_declared_length_is_read(app: Application) -> None:
    content = request([1.0, 2.0])
    stream = Stream(content + b"the next request")
    assert call(app, INFER, "POST", CONTENT_LENGTH=str(len(content)), **{"wsgi.input": stream}).status == 200
    assert stream.taken == len(content)


def test_a_body_without_a_length_is_empty(app: Application) -> None:
    assert call(app, INFER, "POST", request([1.0, 2.0]), CONTENT_LENGTH=None).status == 400


def test_a_fault_of_ours_is_500_and_tells_the_client_nothing(app: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(rows: Any) -> Any:
        raise ZeroDivisionError("secret")

    log = io.StringIO()
    monkeypatch.setattr(Model, "score", lambda model, rows: fail(rows))
    response = call(app, INFER, "POST", request([1.0, 2.0]), **{"wsgi.errors": log})
    assert response.status == 500
    assert b"secret" not in response.body
    assert "ZeroDivisionError: secret" in log.getvalue()


def measured(app: Application, name: str) -> list[tuple[dict[str, str], float]]:
    families = text_string_to_metric_families(call(app, "/metrics").body.decode())
    return [(sample.labels, sample.value) for family in families for sample in family.samples if sample.name == name]


def test_requests_are_counted_by_the_template_of_their_route(app: Application) -> None:
    for path in ("/a", "/b", "/c"):
        call(app, path)
    for name in ("x", "y"):
        call(app, f"/v2/models/{name}")
    call(app, INFER, "POST", b"")
    counts = {
        (labels["route"], labels["method"], labels["status"]): value
        for labels, value in measured(app, "http_request_duration_seconds_count")
    }
    assert counts == {
        ("unknown", "GET", "404"): 3,
        ("/v2/models/{name}", "GET", "404"): 2,
        ("/v2/models/{name}/infer", "POST", "400"): 1,
    }


def test_only_predicted_rows_are_counted(app: Application) -> None:
    call(app, INFER, "POST", request([1.0, 2.0], [3.0, 4.0]))
    call(app, INFER, "POST", request([1.0, math.nan]))
    assert measured(app, "predicted_rows_total") == [({"model": "m", "version": "7"}, 2.0)]
