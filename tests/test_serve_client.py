"""The client against a real server, and against what is no server of ours."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import pytest

from aicontainer.errors import DataError, ServerError
from aicontainer.model import Model, Scaling
from aicontainer.serve.client import Server
from aicontainer.serve.process import serving

MODEL = Model("m", "7", np.array([3.0, -0.1]), 10.0, "logistic", Scaling(np.zeros(2), np.ones(2)), ("a", "b"), "t", "x")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(MODEL.save(tmp_path_factory.mktemp("model") / "m.json")) as running:
        yield running


@pytest.fixture
def stranger() -> Iterator[str]:
    """The address of a web server that answers everything with 200 and a text."""

    class Hello(BaseHTTPRequestHandler):
        content = b"hello"

        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(self.content)

        do_POST = do_GET  # noqa: N815  the standard library looks for these names

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Hello) as web:
        thread = threading.Thread(target=web.serve_forever)
        thread.start()
        yield f"127.0.0.1:{web.server_port}"
        web.shutdown()
        thread.join()


def test_scores_and_predictions_arrive_with_all_their_bits_in_any_company(server: Server) -> None:
    rows = np.random.default_rng(5).normal(size=(100, 2))
    whole = server.infer(rows)
    assert whole.score.tobytes() == MODEL.score(rows).tobytes()
    assert whole.predict.tobytes() == MODEL.predict(rows).tobytes()
    one_by_one = [server.infer(rows[i : i + 1]).score for i in range(20)]
    assert np.concatenate(one_by_one).tobytes() == whole.score[:20].tobytes()


def test_column_major_rows_are_sent_row_by_row(server: Server) -> None:
    rows = np.asfortranarray(np.arange(6.0).reshape(3, 2))
    assert server.infer(rows).score.tolist() == MODEL.score(rows).tolist()


def test_an_answer_says_which_model_gave_it_and_cannot_be_changed(server: Server) -> None:
    answer = server.infer([[1, 2]])
    assert (answer.model_name, answer.model_version) == ("m", "7")
    assert repr(answer) == "Answer(m version 7: 1 rows)"
    with pytest.raises(ValueError, match="read-only"):
        answer.score[0] = 0.0


def test_a_refusal_has_the_status_and_the_place_of_the_fault(server: Server) -> None:
    with pytest.raises(ServerError) as caught:
        server.infer([[1.0, 2.0], [3.0, float("nan")]])
    assert (caught.value.status, caught.value.path) == (400, "inputs[0].data[3]")
    assert "inputs[0].data[3]" in str(caught.value)


def test_an_unknown_model_is_404(server: Server) -> None:
    with pytest.raises(ServerError) as caught:
        Server(server.address, "other").infer([[1.0, 2.0]])
    assert (caught.value.status, caught.value.path) == (404, "/v2/models/other/infer")


@pytest.mark.parametrize("rows", [[1.0, 2.0], "rows", [[1.0], [1.0, 2.0]], [["a", "b"]]], ids=repr)
def test_what_is_no_table_is_not_sent(server: Server, rows: object) -> None:
    with pytest.raises(DataError):
        server.infer(rows)


def test_counters_are_summed_over_the_labels_that_were_left_out(server: Server) -> None:
    before = server.count("http_request_duration_seconds_count", status="404")
    for path in ("x", "y"):
        assert not Server(f"{server.address}/{path}").live()
    assert server.count("http_request_duration_seconds_count", status="404") == before + 2
    assert server.count("no_such_metric") == 0


def test_proxies_of_the_environment_are_not_used(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    assert Server(server.address).ready()


@pytest.mark.parametrize("address", ["127.0.0.1:9", "http://127.0.0.1:9/", "nonsense://x", "http://[::1"])
def test_nobody_there_is_a_server_error_without_status(address: str) -> None:
    server = Server(address)
    assert not server.live()
    assert not server.ready()
    with pytest.raises(ServerError, match="no answer") as caught:
        server.infer([[1.0, 2.0]])
    assert caught.value.status == 0


def test_an_answer_that_is_no_prediction_is_a_server_error(stranger: str) -> None:
    for ask in (Server(stranger).metadata, lambda: Server(stranger).infer([[1.0]])):
        with pytest.raises(ServerError, match="not of the protocol"):
            ask()
