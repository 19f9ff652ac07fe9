"""The check of what a server's counters say, in notebook 03: each way to miscount them has its own hint."""

import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from aicontainer.errors import ServerError
from aicontainer.exercises.serve import check_counters
from aicontainer.learn import data, fit
from aicontainer.serve import process
from aicontainer.serve.client import Server

DATASET = data.load("education")
INFER = "/v2/models/{name}/infer"
COUNT, SUM = "http_request_duration_seconds_count", "http_request_duration_seconds_sum"


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


def test_counters_of_a_server_that_is_gone_are_no_traceback() -> None:
    with process.serving(fit.ensure_model()) as server:
        pass
    assert "does not answer" in check_counters(server, 1, 1.0).text
