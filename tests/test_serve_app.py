"""The application asked directly, as the wire asks it: addresses, methods, faults, readiness, a change of the model."""

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from aicontainer.errors import RequestError
from aicontainer.model import Model, Scaling
from aicontainer.serve.app import Application
from aicontainer.serve.request import Reply, Request
from aicontainer.serve.serving import Serving

INFER = "/v2/models/m/infer"


def a_model(link: str = "identity", name: str = "m", version: str = "7", bias: float = 10.0) -> Model:
    scaling = Scaling(np.array([1.0, 2.0]), np.array([0.5, 4.0]))
    return Model(name, version, np.array([3.0, -2.0]), bias, link, scaling, ("a", "b"), "t", "rows")


def call(app: Application, path: str, method: str = "GET", body: bytes = b"", **headers: bytes) -> Reply:
    named = {name.replace("_", "-").encode(): value for name, value in headers.items()}
    return app.answer([Request(method, path, "", named, body)])[0]


def said(reply: Reply) -> Any:
    return json.loads(reply.body)


def request(*rows: list[float], **more: Any) -> bytes:
    flat = [value for row in rows for value in row]
    return json.dumps(
        {"inputs": [{"name": "rows", "shape": [len(rows), 2], "datatype": "FP64", "data": flat}], **more}
    ).encode()


@pytest.fixture
def app() -> Application:
    return Application(a_model())


@pytest.mark.parametrize("path", [INFER, "/v2/models/m/versions/7/infer", "/v2/models/%6d/infer"])
def test_a_prediction_is_the_linear_score(app: Application, path: str) -> None:
    reply = call(app, path, "POST", request([2.0, 6.0], [1.0, 2.0], id="x"))
    # by hand: ((2-1)/0.5)*3 - ((6-2)/4)*2 + 10 = 14, and the bias alone for the means
    assert reply.status == 200
    assert said(reply)["id"] == "x"
    assert [output["data"] for output in said(reply)["outputs"]] == [[14.0, 10.0], [14.0, 10.0]]
    assert reply.content_type == "application/json"


def test_a_probability_comes_with_its_score() -> None:
    outputs = said(call(Application(a_model("logistic")), INFER, "POST", request([21.0, 2.0])))["outputs"]
    values = {output["name"]: output["data"][0] for output in outputs}
    assert values["score"] == 130.0
    assert values["predict"] == pytest.approx(1 / (1 + math.exp(-130.0)))


@settings(deadline=None)
@given(st.integers(1, 100), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_what_is_served_has_the_bits_of_the_models_own_score(count: int, width: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    scaling = Scaling(rng.normal(size=width), np.exp(rng.normal(size=width)))
    names = tuple(f"f{number}" for number in range(width))
    model = Model("m", "7", rng.normal(size=width), float(rng.normal()), "logistic", scaling, names, "t", "rows")
    rows = rng.normal(size=(count, width)) * np.exp(rng.normal(size=width))
    tensor = {"name": "rows", "shape": [count, width], "datatype": "FP64", "data": rows.ravel().tolist()}
    answer = said(call(Application(model), INFER, "POST", json.dumps({"inputs": [tensor]}).encode()))
    served = {output["name"]: np.array(output["data"]).tobytes() for output in answer["outputs"]}
    assert served == {"score": model.score(rows).tobytes(), "predict": model.predict(rows).tobytes()}


def test_the_door_for_people_answers_with_unit_and_version() -> None:
    reply = call(
        Application(a_model("logistic")), "/predict", "POST", b'{"rows": [{"b": 2, "a": 1}, {"a": 2, "b": 6}]}'
    )
    assert reply.status == 200
    assert said(reply) == {
        **{"model": "m", "version": "7", "target": "t", "unit": "probability"},
        "predictions": [pytest.approx(1 / (1 + math.exp(-10))), pytest.approx(1 / (1 + math.exp(-14)))],
        "scores": [10.0, 14.0],
    }


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("/v2/health/live", {"live": True}),
        ("/v2/health/ready", {"ready": True, "version": "7"}),
        ("/v2/models/m/ready", {"name": "m", "ready": True, "version": "7"}),
        ("/v2/models/m/versions/7/ready", {"name": "m", "ready": True, "version": "7"}),
    ],
)
def test_probes_are_answered(app: Application, path: str, content: dict[str, Any]) -> None:
    reply = call(app, path)
    assert (reply.status, said(reply)) == (200, content)


def test_the_server_and_the_model_describe_themselves(app: Application) -> None:
    assert said(call(app, "/v2"))["extensions"] == ["binary_tensor_data"]
    for path in ("/v2/models/m", "/v2/models/m/versions/7"):
        assert said(call(app, path))["versions"] == ["7"]


def test_from_the_first_word_of_its_end_it_is_not_ready_and_still_answers(app: Application) -> None:
    app.stopping()
    for path in ("/v2/health/ready", "/v2/models/m/ready"):
        reply = call(app, path)
        assert (reply.status, said(reply)["ready"]) == (503, False)
    assert call(app, "/v2/health/live").status == 200
    assert call(app, INFER, "POST", request([1.0, 2.0])).status == 200


def test_a_model_file_that_was_refused_leaves_the_old_model_and_is_told(app: Application) -> None:
    app.refused("model.json was changed after it was written")
    ready = call(app, "/v2/health/ready")
    assert (ready.status, said(ready)["refused"]) == (200, "model.json was changed after it was written")
    assert said(call(app, INFER, "POST", request([1.0, 2.0])))["model_version"] == "7"


def test_a_new_model_answers_everywhere_from_the_next_request_on(app: Application) -> None:
    call(app, INFER, "POST", request([1.0, 2.0]))
    app.refused("once")
    app.serve(a_model(version="8", bias=-1.0))
    answer = said(call(app, INFER, "POST", request([1.0, 2.0], [1.0, 2.0])))
    assert (answer["model_version"], answer["outputs"][1]["data"]) == ("8", [-1.0, -1.0])
    assert said(call(app, "/predict", "POST", b'{"rows": [[1, 2]]}'))["scores"] == [-1.0]
    assert said(call(app, "/v2/health/ready")) == {"ready": True, "version": "8"}
    assert b"version 8" in call(app, "/").body
    assert call(app, "/v2/models/m/versions/7/infer", "POST", request([1.0, 2.0])).status == 404
    assert {labels["version"]: value for labels, value in measured(app, "predicted_rows_total")} == {
        "7": 1.0,
        "8": 3.0,
    }


@pytest.mark.parametrize(
    "path",
    [
        *("/v3", "/v2/", "/v2//models/m", "/v2/health", "/v2/models", "/v2/models/", "/v2/models//infer", "/vé2", ""),
        *("/v2/models/m/infer/", "/v2/models/m/explain", "/v2/models/other", "/v2/models/other/infer", "/metrics/x"),
        *("/v2/models/m/versions", "/v2/models/m/versions/", "/v2/models/m/versions/8", "//", "/predict/x"),
    ],
)
def test_an_address_that_is_not_served_is_404_and_named(app: Application, path: str) -> None:
    reply = call(app, path, "POST" if path.endswith("infer") else "GET")
    assert reply.status == 404
    assert said(reply)["path"] == path
    assert said(reply)["error"]


def test_a_wrong_name_or_version_is_told_the_right_one(app: Application) -> None:
    assert "this server has 'm'" in said(call(app, "/v2/models/other/infer", "POST"))["error"]
    assert "this server has '7'" in said(call(app, "/v2/models/m/versions/8/infer", "POST"))["error"]


@pytest.mark.parametrize(
    ("path", "method", "allow"),
    [
        *((INFER, "GET", "POST"), ("/predict", "GET", "POST"), ("/v2", "POST", "GET, HEAD")),
        *(("/metrics", "DELETE", "GET, HEAD"), (INFER, "BREW", "POST"), ("/", "OPTIONS", "GET, HEAD")),
    ],
)
def test_a_wrong_method_is_405_and_the_right_one_is_named(app: Application, path: str, method: str, allow: str) -> None:
    reply = call(app, path, method)
    assert reply.status == 405
    assert dict(reply.headers)["Allow"] == allow


def test_head_is_answered_like_get(app: Application) -> None:
    assert call(app, "/v2/health/live", "HEAD") == call(app, "/v2/health/live")


def test_a_fault_is_told_in_the_protocols_form_with_its_place(app: Application) -> None:
    reply = call(app, INFER, "POST", request([1.0, math.nan]))
    assert reply.status == 400
    assert said(reply) == {"error": "inputs[0].data[1]: not a finite number", "path": "inputs[0].data[1]"}


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")  # pytest resets the filter that the server sets
@pytest.mark.parametrize("count", [2, 200])
def test_a_score_that_overflows_is_the_requests_fault(app: Application, count: int) -> None:
    """JSON has no infinity: it would go out as null, with status 200."""
    reply = call(app, INFER, "POST", request([1.0, 2.0], [1e308, 5.0], *[[1.0, 1.0]] * (count - 2)))
    assert reply.status == 400
    assert said(reply)["path"] == "inputs[0].data[2]"


def test_a_number_that_is_not_finite_in_a_binary_tensor_is_named(app: Application) -> None:
    tensor = {"name": "rows", "shape": [2, 2], "datatype": "FP64", "parameters": {"binary_data_size": 32}}
    head = json.dumps({"inputs": [tensor]}).encode()
    octets = np.array([1.0, 2.0, np.inf, 4.0]).tobytes()
    reply = call(app, INFER, "POST", head + octets, inference_header_content_length=str(len(head)).encode())
    assert (reply.status, said(reply)["error"]) == (400, "inputs[0].data[2]: not a finite number")


@settings(deadline=None)
@given(st.binary(max_size=80), st.sampled_from([INFER, "/predict"]))
def test_no_bytes_make_a_500(content: bytes, path: str) -> None:
    assert 400 <= call(Application(a_model()), path, "POST", content).status < 500


def test_a_compressed_body_is_415(app: Application) -> None:
    for path in (INFER, "/predict"):
        assert call(app, path, "POST", request([1.0, 2.0]), content_encoding=b"gzip").status == 415
    assert call(app, INFER, "POST", request([1.0, 2.0]), content_encoding=b"Identity").status == 200


def test_rows_beyond_the_limit_are_413() -> None:
    app = Application(a_model(), row_limit=1)
    assert call(app, INFER, "POST", request([1.0, 2.0])).status == 200
    assert call(app, INFER, "POST", request([1.0, 2.0], [1.0, 2.0])).status == 413
    assert call(app, "/predict", "POST", b'{"rows": [[1, 2], [1, 2]]}').status == 413


def test_a_fault_of_ours_is_500_and_tells_the_client_nothing(
    app: Application, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(serving: Serving, rows: Any) -> Any:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(Serving, "_score", fail)
    reply = call(app, INFER, "POST", request([1.0, 2.0]))
    assert reply.status == 500
    assert b"secret" not in reply.body
    assert "ZeroDivisionError: secret" in capsys.readouterr().err


def measured(app: Application, name: str) -> list[tuple[dict[str, str], float]]:
    families = text_string_to_metric_families(call(app, "/metrics").body.decode())
    return [(sample.labels, sample.value) for family in families for sample in family.samples if sample.name == name]


def test_requests_are_counted_by_the_template_of_their_route(app: Application) -> None:
    for path in ("/a", "/b", "/v2/models/x/y/z", "/v2/models/x", "/v2/models/y", "/v2/models/x/versions/1/infer"):
        call(app, path)
    call(app, INFER, "POST", b"")
    call(app, "/v2/models/m/versions/7/infer", "POST", b"")
    reply = app.turned_away(RequestError("the head is too long", path="", status=431))
    assert (reply.status, said(reply)["error"]) == (431, "the head is too long")
    counts = {
        (labels["route"], labels["status"]): value
        for labels, value in measured(app, "http_request_duration_seconds_count")
    }
    assert counts == {
        ("unknown", "404"): 3,
        ("/v2/models/{name}", "404"): 2,
        ("/v2/models/{name}/versions/{version}/infer", "404"): 1,
        ("unknown", "431"): 1,
        ("/v2/models/{name}/infer", "400"): 1,
        ("/v2/models/{name}/versions/{version}/infer", "400"): 1,
    }


def test_a_scrape_is_no_request_of_a_user(app: Application) -> None:
    call(app, "/metrics")
    call(app, "/metrics", "DELETE")
    assert measured(app, "http_request_duration_seconds_count") == [({"route": "/metrics", "status": "405"}, 1.0)]


def test_only_predicted_rows_are_counted(app: Application) -> None:
    call(app, INFER, "POST", request([1.0, 2.0], [3.0, 4.0]))
    call(app, "/predict", "POST", b'{"rows": [[1, 2]]}')
    call(app, INFER, "POST", request([1.0, math.nan]))
    assert measured(app, "predicted_rows_total") == [({"model": "m", "version": "7"}, 3.0)]
