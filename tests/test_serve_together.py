"""Requests of one turn of the event loop are answered together; nobody must be able to tell."""

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aicontainer.model import Model, Scaling
from aicontainer.serve.app import Application
from aicontainer.serve.protocol import Encoder
from aicontainer.serve.request import Reply, Request
from aicontainer.serve.serving import USUAL_NUMBERS
from tests.support.connections import Answers, body, connected, port_of, post, score, server

INFER = "/v2/models/m/infer"
WIDTH = 7
RANDOM = np.random.default_rng(0)
SCALING = Scaling(RANDOM.normal(size=WIDTH), RANDOM.uniform(0.1, 9, WIDTH))
FEATURES = tuple(f"x{column}" for column in range(WIDTH))


def a_model(link: str) -> Model:
    return Model("m", "7", np.linspace(-3, 3, WIDTH) + 0.1, 10.0, link, SCALING, FEATURES, "t", "rows")


def asked(rows: Any, **more: Any) -> Request:
    flat = [value for row in rows for value in row]
    given = {"name": "rows", "shape": [len(rows), WIDTH], "datatype": "FP64", "data": flat}
    return Request("POST", INFER, "", {}, json.dumps({"inputs": [given], **more}).encode())


def outputs(reply: Reply) -> dict[str, list[float]]:
    return {output["name"]: output["data"] for output in json.loads(reply.body)["outputs"]}


@pytest.mark.parametrize("link", ["identity", "logistic"])
@settings(max_examples=40, deadline=None)
@given(counts=st.lists(st.integers(1, 40), min_size=1, max_size=20), seed=st.integers(0, 1000))
def test_the_bits_of_a_score_do_not_depend_on_what_came_with_it(link: str, counts: list[int], seed: int) -> None:
    model, random = a_model(link), np.random.default_rng(seed)
    tables = [random.normal(size=(count, WIDTH)) for count in counts]
    replies = Application(model).answer([asked(table, id=str(place)) for place, table in enumerate(tables)])
    for place, (table, reply) in enumerate(zip(tables, replies, strict=True)):
        assert json.loads(reply.body)["id"] == str(place)
        assert np.array(outputs(reply)["score"]).tobytes() == model.score(table).tobytes()
        assert np.array(outputs(reply)["predict"]).tobytes() == model.predict(table).tobytes()


def test_each_request_gets_its_own_answer_whatever_it_asks_for() -> None:
    model = a_model("identity")
    large = np.ones((USUAL_NUMBERS // WIDTH + 1, WIDTH))
    replies = Application(model).answer(
        [
            asked([[1.0] * WIDTH]),
            Request("GET", "/v2/health/live", "", {}, b""),
            asked(large, outputs=[{"name": "score"}]),
            Request("POST", INFER, "", {}, b"{"),
            asked([[2.0] * WIDTH], outputs=[{"name": "score", "parameters": {"binary_data": True}}]),
        ]
    )
    assert [reply.status for reply in replies] == [200, 200, 200, 400, 200]
    assert outputs(replies[0])["score"] == model.score([[1.0] * WIDTH]).tolist()
    assert json.loads(replies[1].body) == {"live": True}
    assert outputs(replies[2]) == {"score": model.score(large).tolist()}
    assert replies[4].body.endswith(model.score([[2.0] * WIDTH]).tobytes())


def test_a_row_that_overflows_is_the_fault_of_its_own_request_only() -> None:
    model = a_model("identity")
    good, bad = [1.0] * WIDTH, [1.0] * (WIDTH - 1) + [1e308]
    app = Application(model)
    first, second, third = app.answer([asked([good]), asked([good, bad]), asked([good])])
    assert outputs(first) == outputs(third) == {name: model.score([good]).tolist() for name in ("predict", "score")}
    assert second.status == 400
    assert json.loads(second.body)["path"] == f"inputs[0].data[{2 * WIDTH - 1}]"
    metrics = app.answer([Request("GET", "/metrics", "", {}, b"")])[0].body.decode()
    assert 'predicted_rows_total{model="m",version="7"} 2.0' in metrics


def test_a_fault_of_ours_is_told_to_each_of_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*given: object) -> None:
        raise ZeroDivisionError("a secret")

    monkeypatch.setattr(Encoder, "reply", broken)
    app = Application(a_model("identity"))
    replies = app.answer([asked([[1.0] * WIDTH]), asked([[2.0] * WIDTH])])
    assert [reply.status for reply in replies] == [500, 500]
    assert b"secret" not in replies[0].body
    assert "a secret" in capsys.readouterr().err
    metrics = app.answer([Request("GET", "/metrics", "", {}, b"")])[0].body.decode()
    assert 'predicted_rows_total{model="m",version="7"} 0.0' in metrics


def test_each_of_many_connections_gets_the_answer_to_what_it_asked(tmp_path: Path) -> None:
    with server(tmp_path) as running:
        port = port_of(running)
        with ExitStack() as stack:
            links = [stack.enter_context(connected(port)) for _ in range(40)]
            answers = [Answers(link) for link in links]
            for turn in range(5):
                for place, link in enumerate(links):
                    link.sendall(post(body(turn + place / 64)))
                got = [each.score() for each in answers]
                assert got == [score(turn + place / 64) for place in range(len(links))]
