"""The checks of notebook 03 against a real server: each wrong state has its own hint, and looking changes nothing."""

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import numpy as np
import pytest

from aicontainer.errors import ServerError
from aicontainer.exercises.serve import check_chunks, check_counters, check_digits, check_refusal
from aicontainer.learn import data, fit
from aicontainer.learn.loss import mean_squared_error
from aicontainer.learn.objective import for_link
from aicontainer.serve import process
from aicontainer.serve.client import Server

DATASET = data.load("education")


@pytest.fixture
def server() -> Iterator[Server]:
    with process.serving(fit.ensure_model(), body_limit=100_000) as running:
        yield running


def send(server: Server, size: int, count: int = len(DATASET.y)) -> np.ndarray:
    rows = DATASET.X[:count]
    return np.concatenate([server.infer(rows[i : i + size]).score for i in range(0, count, size)])


def test_a_server_that_nobody_asked_is_not_done_yet(server: Server) -> None:
    assert check_chunks(server, None).state == "not done yet"
    assert check_chunks(server, 69.0).state == "not done yet"  # a number alone, from wherever, is no request


def test_all_rows_in_sevens_and_their_loss_are_right_twice(server: Server) -> None:
    my_loss = mean_squared_error(send(server, 7), DATASET.y)
    first, second = check_chunks(server, my_loss), check_chunks(server, my_loss)
    assert first.state == "right"
    assert first == second


def test_running_the_cell_again_is_still_right(server: Server) -> None:
    send(server, 7)
    assert check_chunks(server, mean_squared_error(send(server, 7), DATASET.y)).state == "right"


def test_other_pieces_are_wrong_and_counted(server: Server) -> None:
    check = check_chunks(server, mean_squared_error(send(server, 70), DATASET.y))
    assert check.state == "wrong"
    assert "420 rows in 6 requests" in check.text


def test_after_other_pieces_the_hint_leads_out_of_it() -> None:
    with process.serving(fit.ensure_model(), body_limit=100_000) as tried:
        send(tried, 10)
        check = check_chunks(tried, mean_squared_error(send(tried, 7), DATASET.y))
    assert check.state == "wrong"  # what was sent stays counted, however well the second try went
    assert "start a new one" in check.text
    with process.serving(fit.ensure_model(), body_limit=2000) as fresh:
        assert check_chunks(fresh, mean_squared_error(send(fresh, 7), DATASET.y)).state == "right"


def test_missing_rows_are_wrong_and_counted(server: Server) -> None:
    send(server, 7, 413)
    check = check_chunks(server, 69.0)
    assert check.state == "wrong"
    assert "413 rows" in check.text
    assert "start a new one" in check.text


def test_rows_without_a_loss_are_not_done_yet(server: Server) -> None:
    send(server, 7)
    check = check_chunks(server, None)
    assert check.state == "not done yet"
    assert "my_loss" in check.text


def test_a_loss_has_to_be_the_same_to_the_last_bit(server: Server) -> None:
    my_loss = mean_squared_error(send(server, 7), DATASET.y)
    near = check_chunks(server, np.nextafter(my_loss, 0))
    far = check_chunks(server, 2 * my_loss)
    none = check_chunks(server, "many")
    assert [near.state, far.state, none.state] == ["wrong"] * 3
    assert len({near.text, far.text, none.text}) == 3
    assert "last bit" in near.text


def test_a_server_that_is_gone_is_wrong() -> None:
    with process.serving(fit.ensure_model()) as server:
        pass
    assert "does not answer" in check_chunks(server, 1.0).text


def test_another_model_is_wrong() -> None:
    path = fit.ensure_model()
    with process.serving(path) as server:
        my_loss = mean_squared_error(send(server, 7), DATASET.y)
        fit.train(DATASET, steps=500).save(path)
        check = check_chunks(server, my_loss)
    assert check.state == "wrong"
    assert "another model" in check.text


INFER = "/v2/models/{name}/infer"
COUNT, SUM = "http_request_duration_seconds_count", "http_request_duration_seconds_sum"


@pytest.fixture(scope="module")
def visited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that is sent bad requests."""
    file = fit.train(DATASET, steps=50).save(tmp_path_factory.mktemp("models") / "education.json")
    with process.serving(file, body_limit=10_000) as server:
        yield server


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose counters are only read from here on; each way to miscount them leads to another number."""
    file = fit.train(DATASET, steps=50).save(tmp_path_factory.mktemp("models") / "education.json")
    with process.serving(file) as server:
        for _ in range(12):
            server.infer(DATASET.X[:3])
        for other in (Server(server.address, "medicine"), Server(f"{server.address}/elsewhere")):
            with suppress(ServerError):
                other.infer(DATASET.X[:1])
        for text in ("hello", "[]", "{}"):
            with suppress(ServerError):
                server.post(text)
        send_raw(server, b"GET /v2/models/education/infer HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        for _ in range(3):
            send_raw(server, b"hello\r\n\r\n")
        yield server


def send_raw(server: Server, raw: bytes) -> None:
    host, _, port = server.address.rpartition("/")[2].rpartition(":")
    with socket.create_connection((host, int(port)), timeout=30) as wire:
        wire.sendall(raw)
        assert wire.makefile("rb").read().startswith(b"HTTP/1.1 4")


def body(numbers: Any, shape: tuple[int, int] = (3, 7), **other: Any) -> str:
    return json.dumps({"inputs": [{"name": "rows", "datatype": "FP64", "shape": shape, "data": numbers, **other}]})


def spoilt(place: int, value: Any = "many", count: int = 21) -> list[Any]:
    numbers: list[Any] = [1.0] * count
    numbers[place] = value
    return numbers


@pytest.mark.parametrize("value", ["many", None, float("nan"), [1.0], {}])
def test_any_wrong_number_at_the_right_place_is_right(visited: Server, value: Any) -> None:
    assert check_refusal(visited, body(spoilt(16, value))).state == "right"
    assert check_refusal(visited, json.loads(body(spoilt(16, value)))).state == "right"


def test_a_refusal_counts_on_the_server_itself(visited: Server) -> None:
    before = visited.count(COUNT, route=INFER, status="400")
    assert check_refusal(visited, body(spoilt(16)).encode()).state == "right"
    assert visited.count(COUNT, route=INFER, status="400") == before + 1


def test_no_request_yet_is_not_done_yet(visited: Server) -> None:
    assert check_refusal(visited, None).state == "not done yet"


NESTED = [[1.0] * 7, [1.0] * 7, [1.0, 1.0, "many", 1.0, 1.0, 1.0, 1.0]]


@pytest.mark.parametrize(
    ("request_body", "hint"),
    [
        (16, "text of a body"),
        (body([1.0] * 21), "answered it with 200"),
        ("many", "not JSON"),
        ("[16]", "not JSON, or not an object"),
        ('{"inputs": []}', "names inputs: it gets no further"),
        (body(spoilt(16), (3, 6)), "names inputs[0].shape[1]: it gets no further"),
        (body(spoilt(16), datatype="BYTES"), "names inputs[0].datatype: it gets no further"),
        (body([1.0] * 20), "another count of numbers"),
        (body(NESTED), "one flat list"),
        (body(spoilt(17)), "counted from 0"),
        (body(spoilt(8)), "not one column"),
        (body(spoilt(2)), "names inputs[0].data[2], and inputs[0].data[16] is wanted"),
        (body(spoilt(16, count=28), (4, 7)), "must have 3 rows"),
        (json.dumps({"inputs": [{"data": spoilt(16, float("nan"))}]}), "must have 3 rows"),
        (body([1.0] * 7000, (1000, 7)), "refuses it with 413"),
    ],
)
def test_each_wrong_request_gets_its_own_hint(visited: Server, request_body: Any, hint: str) -> None:
    check = check_refusal(visited, request_body)
    assert check.state == "wrong"
    assert hint in check.text


def refused(server: Server) -> float:
    return sum(server.count(COUNT, status=str(status)) for status in range(400, 500))


def mean(server: Server, **labels: str) -> float:
    return server.count(SUM, **labels) / server.count(COUNT, **labels)


def mean_of_answered(server: Server) -> float:
    return mean(server, route=INFER, status="200")


def test_what_the_counters_say_is_right_twice(night: Server) -> None:
    first = check_counters(night, refused(night), mean_of_answered(night))
    assert first.state == "right"
    assert check_counters(night, int(refused(night)), mean_of_answered(night)) == first


def test_half_of_the_answer_is_not_done_yet(night: Server) -> None:
    for given in ((None, None), (refused(night), None), (None, mean_of_answered(night))):
        assert check_counters(night, *given).state == "not done yet"


@pytest.mark.parametrize(
    ("wrong_answer", "hint"),
    [
        (lambda server: "all", "one number"),
        (lambda server: refused(server) - server.count(COUNT, route="unknown"), "the route of predictions only"),
        (lambda server: server.count(COUNT, status="400"), "status 400 only"),
        (lambda server: server.count(COUNT, route="unknown"), "the route unknown only"),
        (lambda server: server.count(COUNT, route=INFER, status="200"), "those that were answered"),
        (lambda server: server.count(COUNT, route=INFER), "every request"),
        (lambda server: server.count(COUNT, status="500"), "failures of the server"),
        (lambda server: 1_000_000, "not what the counters say now"),
    ],
)
def test_each_wrong_count_gets_its_own_hint(night: Server, wrong_answer: Callable[[Server], Any], hint: str) -> None:
    check = check_counters(night, wrong_answer(night), mean_of_answered(night))
    assert check.state == "wrong"
    assert hint in check.text


@pytest.mark.parametrize(
    ("wrong_answer", "hint"),
    [
        (lambda server: "fast", "one number"),
        (lambda server: server.count(SUM, route=INFER, status="200"), "sum of all times"),
        (lambda server: 1 / mean_of_answered(server), "requests a second"),
        (lambda server: 1000 * mean_of_answered(server), "milliseconds"),
        (lambda server: mean(server, route=INFER), "takes in the refused"),
        (
            lambda server: server.count(SUM, route=INFER, status="200") / server.count("predicted_rows_total"),
            "the time for a row",
        ),
        (lambda server: mean(server, status="200"), "read route infer and status 200 alone"),
    ],
)
def test_each_wrong_mean_gets_its_own_hint(night: Server, wrong_answer: Callable[[Server], Any], hint: str) -> None:
    check = check_counters(night, refused(night), wrong_answer(night))
    assert check.state == "wrong"
    assert hint in check.text


def test_a_server_that_is_gone_is_no_traceback() -> None:
    with process.serving(fit.ensure_model()) as server:
        pass
    assert "does not answer" in check_refusal(server, body(spoilt(16))).text
    assert "does not answer" in check_counters(server, 1, 1.0).text


SCORES = {"education": 16, "finance": 17}  # from 512 to 1024 sixteen digits tell all floats apart, below 1 they do not


@pytest.mark.parametrize("case", SCORES)
def test_the_fewest_digits_that_bring_every_score_back_are_right(case: str) -> None:
    scores = fit.train_case(case, steps=50).score(data.load(case).X)
    right = next(digits for digits in range(1, 30) if all(float(f"{x:.{digits - 1}e}") == x for x in scores))
    assert right == SCORES[case]
    assert check_digits(scores, right).state == "right"
    assert check_digits(scores, None).state == "not done yet"


@pytest.mark.parametrize(
    ("digits", "hint"),
    [
        (18, "fewer do too"),
        (16, "not each one"),
        (15, "of any decimal text"),
        (9, "most scores"),
        (0, "whole number from 1"),
        (16.5, "whole number from 1"),
        ("all", "whole number from 1"),
    ],
)
def test_each_wrong_count_of_digits_gets_its_own_hint(digits: Any, hint: str) -> None:
    dataset = data.load("finance")
    check = check_digits(fit.train_case("finance", steps=50).score(dataset.X), digits)
    assert check.state == "wrong"
    assert hint in check.text


def test_the_checks_follow_the_case_of_the_server() -> None:
    dataset = data.load("finance")
    with process.serving(fit.ensure_model("finance")) as server:
        rows, width = dataset.X, dataset.X.shape[1]
        scores = np.concatenate([server.infer(rows[i : i + 7]).score for i in range(0, len(rows), 7)])
        check = check_chunks(server, for_link(dataset.link).loss(scores, dataset.y))
        numbers = spoilt(16, count=3 * width)
        assert check_refusal(server, body(numbers, (3, width))).text.endswith("feature 8 of row 2")
    assert check.text.startswith("1319 rows in 189 requests")
