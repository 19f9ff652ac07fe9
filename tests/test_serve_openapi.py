"""``/openapi.json`` keeps what it promises: real answers are read by its schemas, and real addresses are in it."""

import json
from typing import Any

import jsonschema
import numpy as np
import pytest

from aicontainer.model import Model, Scaling
from aicontainer.serve.app import Application
from aicontainer.serve.request import Reply, Request

MODEL = Model("m", "7", np.ones(2), 0.0, "logistic", Scaling(np.zeros(2), np.ones(2)), ("a", "b"), "t", "rows")
APP = Application(MODEL, row_limit=2)
NAMED = {"rows": [{"a": 1, "b": 2.5}]}
TENSOR = {"name": "rows", "shape": [1, 2], "datatype": "FP64", "data": [1, 2]}
COLUMNS = [{"name": name, "shape": [1, 1], "datatype": "INT8", "data": [[1]]} for name in "ab"]
BYTES = TENSOR | {"datatype": "BYTES"}


def ask(path: str, content: Any = None) -> Reply:
    body = b"" if content is None else json.dumps(content).encode()
    return APP.answer([Request("GET" if content is None else "POST", path, "", {}, body)])[0]


SPEC = json.loads(ask("/openapi.json").body)


def fits(content: Any, schema: dict[str, Any]) -> bool:
    return bool(jsonschema.Draft202012Validator(schema | {"components": SPEC["components"]}).is_valid(content))


def test_every_address_of_the_server_is_described_and_no_other() -> None:
    assert set(SPEC["paths"]) == set(APP._routes)


@pytest.mark.parametrize("path", [path for path, item in SPEC["paths"].items() if "get" in item])
def test_what_is_read_is_as_described(path: str) -> None:
    reply = ask(path)
    content = SPEC["paths"][path]["get"]["responses"][str(reply.status)]["content"]
    (kind,) = content
    assert reply.content_type.startswith(kind)
    assert fits(json.loads(reply.body) if kind == "application/json" else reply.body.decode(), content[kind]["schema"])


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("/predict", NAMED),
        ("/predict", {"rows": [[1, 2], [3, 4]]}),
        ("/predict", {"rows": [{"a": 1}]}),
        ("/predict", {"rows": [[1, 2]] * 3}),
        ("/predict", {"rows": [[1]]}),
        ("/predict", NAMED | {"x": 1}),
        ("/v2/models/m/infer", {"inputs": [TENSOR]}),
        ("/v2/models/m/versions/7/infer", {"inputs": COLUMNS, "id": "x", "outputs": [{"name": "score"}]}),
        ("/v2/models/m/infer", {"inputs": [BYTES]}),
        ("/v2/models/m/infer", {"inputs": [TENSOR], "outputs": [{"name": "x"}]}),
        ("/v2/models/m/infer", {"inputs": [TENSOR], "id": 5}),
        ("/v2/models/m/infer", {}),
    ],
    ids=str,
)
def test_what_is_sent_is_taken_where_it_is_as_described_and_refused_where_not(path: str, content: Any) -> None:
    described = SPEC["paths"][path]["post"]
    reply = ask(path, content)
    right = fits(content, described["requestBody"]["content"]["application/json"]["schema"])
    assert right == (reply.status == 200)
    answers = described["responses"][str(reply.status)]["content"]["application/json"]["schema"]
    assert fits(json.loads(reply.body), answers)


def test_a_model_of_many_features_is_described_by_lists_alone() -> None:
    many = tuple(f"f{number}" for number in range(5000))
    model = Model("m", "7", np.ones(5000), 0.0, "identity", Scaling(np.zeros(5000), np.ones(5000)), many, "t", "rows")
    assert len(Application(model).answer([Request("GET", "/openapi.json", "", {}, b"")])[0].body) < 20_000
