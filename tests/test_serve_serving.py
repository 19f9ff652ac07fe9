"""Large requests are predicted piece by piece; nobody must be able to tell. (Small ones: test_serve_together.)"""

import json
import re
from typing import Any

import numpy as np
import pytest

from aicontainer.model import Array, Model, Scaling
from aicontainer.serve.app import Application
from aicontainer.serve.request import Reply, Request
from aicontainer.serve.serving import PIECE
from tests.support.connections import INFER

WIDTH = 7
RANDOM = np.random.default_rng(0)
SCALING = Scaling(RANDOM.normal(size=WIDTH), RANDOM.uniform(0.1, 9, WIDTH))
FEATURES = tuple(f"x{column}" for column in range(WIDTH))
# three pieces, and a part of a fourth
ROWS = 3 * (PIECE // WIDTH) + 5


def a_model(link: str) -> Model:
    return Model("m", "7", np.linspace(-3, 3, WIDTH) + 0.1, 10.0, link, SCALING, FEATURES, "t", "rows")


def as_bytes(table: Array) -> Request:
    given: dict[str, Any] = {"name": "rows", "shape": list(table.shape), "datatype": "FP64"}
    given["parameters"] = {"binary_data_size": table.nbytes}
    head = json.dumps({"inputs": [given], "parameters": {"binary_data_output": True}}).encode()
    headers = {b"inference-header-content-length": str(len(head)).encode()}
    return Request("POST", INFER, "", headers, bytearray(head + table.tobytes()))


def by_hand(table: Array) -> Request:
    return Request("POST", "/predict", "", {}, bytearray(json.dumps({"rows": table.tolist()}).encode()))


def counted(app: Application) -> tuple[float, float, float]:
    """The rows that were predicted, and how many predictions and distances were sorted into the histograms."""
    text = app.answer([Request("GET", "/metrics", "", {}, b"")])[0].body.decode()
    names = ("predicted_rows_total{", 'prediction_bucket{le="+Inf"', 'input_distance_deviations_bucket{le="+Inf"')
    found = [re.search(rf"^{re.escape(name)}.*}} (.*)$", text, re.MULTILINE) for name in names]
    rows, predictions, distances = (float(each[1]) if each else 0.0 for each in found)
    return rows, predictions, distances


def answer(app: Application, request: Request) -> Reply:
    return app.answer([request])[0]


@pytest.mark.parametrize("link", ["identity", "logistic"])
def test_a_large_request_gets_the_bits_of_the_model_and_each_row_is_counted_once(link: str) -> None:
    model, app = a_model(link), Application(a_model(link))
    table = RANDOM.normal(size=(ROWS, WIDTH))
    got = answer(app, as_bytes(table)).body
    assert got.endswith(model.predict(table).tobytes() + model.score(table).tobytes())
    assert counted(app) == (ROWS, ROWS, ROWS)
    named = json.loads(answer(app, by_hand(table)).body)
    assert np.array(named["scores"]).tobytes() == model.score(table).tobytes()
    assert np.array(named["predictions"]).tobytes() == model.predict(table).tobytes()
    assert counted(app) == (2 * ROWS, 2 * ROWS, 2 * ROWS)


@pytest.mark.parametrize("number", [np.nan, np.inf, 1e308])
@pytest.mark.parametrize("row", [0, ROWS - 1])
def test_a_large_request_with_one_bad_number_is_refused_as_a_whole(number: float, row: int) -> None:
    app = Application(a_model("identity"))
    table = RANDOM.normal(size=(ROWS, WIDTH))
    table[row, WIDTH - 1] = number
    refused = answer(app, as_bytes(table))
    assert refused.status == 400
    assert json.loads(refused.body)["path"] == f"inputs[0].data[{row * WIDTH + WIDTH - 1}]"
    assert counted(app) == (0, 0, 0)


@pytest.mark.parametrize("width", [1, PIECE - 1, PIECE + 1])
def test_rows_of_any_width_are_predicted(width: int) -> None:
    columns = RANDOM.normal(size=width), RANDOM.uniform(0.1, 9, width)
    names = tuple(f"x{column}" for column in range(width))
    model = Model("m", "7", RANDOM.normal(size=width), 1.0, "identity", Scaling(*columns), names, "t", "rows")
    table = RANDOM.normal(size=(3, width))
    assert answer(Application(model), as_bytes(table)).body.endswith(model.score(table).tobytes())
