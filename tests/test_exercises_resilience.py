"""The checks of notebook 03b: right clients pass whatever chance does, each usual mistake has its own hint."""

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aicontainer.exercises.resilience import check_client, check_forged, check_unfinished
from aicontainer.learn import fit
from aicontainer.model import load
from aicontainer.serve import process
from aicontainer.serve.client import Server

AGAIN = (0, 408, 429, 503)
CHANCE = np.random.default_rng()


def client(
    again: tuple[int, ...] = AGAIN,
    jitter: Callable[[float], float] = lambda longest: CHANCE.uniform(0, longest),
    first: float = 0.1,
    most: float = 2.0,
    grows: float = 2.0,
    total: float = 10.0,
    for_one: float = 1.0,
    obeys: bool = True,
    bounded: bool = True,
) -> Callable[..., Any]:
    """The right client, or with one part of it changed a wrong one."""

    def my_ask(row: Any, attempt: Any, sleep: Any, clock: Any) -> Any:
        end, longest = clock() + total, first
        while True:
            reply = attempt(row, min(for_one, end - clock()) if bounded else for_one)
            if reply.status not in again:
                return reply
            wait = max(jitter(longest), reply.retry_after if obeys else 0.0)
            if clock() + wait >= end:
                return reply
            sleep(wait)
            longest = min(grows * longest, most)

    return my_ask


def no_sleep(row: Any, attempt: Any, sleep: Any, clock: Any) -> Any:
    while (reply := attempt(row, 1.0)).status in AGAIN:
        pass
    return reply


def five_times_without_sleep(row: Any, attempt: Any, sleep: Any, clock: Any) -> Any:
    replies = [reply for _ in range(5) if (reply := attempt(row, 1.0))]
    return next((reply for reply in replies if reply.status not in AGAIN), replies[-1])


def only_the_score(row: Any, attempt: Any, sleep: Any, clock: Any) -> Any:
    return attempt(row, 1.0).score


def first_reply(row: Any, attempt: Any, sleep: Any, clock: Any) -> Any:
    reply = attempt(row, 1.0)
    client()(row, attempt, sleep, clock) if reply.status in AGAIN else None
    return reply


def waits_for_ever(row: Any, attempt: Any, sleep: Any, clock: Any) -> Any:
    while clock() < float("inf"):
        pass


@pytest.mark.parametrize(
    "jitter",
    [lambda longest: CHANCE.uniform(0, longest), lambda longest: longest * CHANCE.uniform(0.5, 1)],
    ids=["full", "equal"],
)
def test_a_right_client_passes_with_either_kind_of_jitter(jitter: Callable[[float], float]) -> None:
    assert {check_client(client(jitter=jitter)).state for _ in range(5)} == {"right"}


def test_a_client_that_asks_nobody_is_not_done_yet() -> None:
    assert check_client(lambda row, attempt, sleep, clock: None).state == "not done yet"


@pytest.mark.parametrize(
    ("my_ask", "hint"),
    [
        (lambda row: None, "raised TypeError"),
        (only_the_score, "yours returns a float"),
        (first_reply, "return the reply of the last attempt"),
        (client(again=(*AGAIN, 400)), "tries a 400 again"),
        (client(again=(*AGAIN, 404, 413)), "tries a 404 again"),
        (client(again=(408, 429, 503)), "gives up at no answer"),
        (client(again=(0, 429, 503)), "gives up at a 408"),
        (client(again=(0, 408, 503)), "gives up at a 429"),
        (client(again=(0, 408, 429)), "gives up at a 503"),
        (client(for_one=10.0), "nothing was left for a second attempt"),
        (client(obeys=False), "Retry-After: 3"),
        (client(total=100.0), "Retry-After: 60"),
        (client(total=20.0), "may use 10 s in all"),
        (client(bounded=False, total=11.0), "may use 10 s in all"),
        (client(jitter=lambda longest: longest), "draw the waits"),
        (client(most=60.0), "a wait of more than 2 s"),
        (client(grows=1.0), "do not grow"),
        (client(first=2.0, grows=1.0), "do not grow"),
        (client(total=3.2), "go on until the time is used"),
        (no_sleep, "for ever"),
        (waits_for_ever, "for ever"),
    ],
)
def test_each_wrong_client_gets_its_own_hint(my_ask: Callable[..., Any], hint: str) -> None:
    check = check_client(my_ask)
    assert check.state == "wrong"
    assert hint in check.text


@pytest.mark.parametrize("case", fit.RECIPES)
def test_a_model_with_its_weights_turned_round_is_a_forgery(tmp_path: Path, case: str) -> None:
    real = load(fit.ensure_model(case))
    path = dataclasses.replace(real, weights=-real.weights).save(tmp_path / "forged.json")
    assert check_forged(path, case).state == "right"


@pytest.mark.parametrize("case", ["education", "finance"])
def test_a_model_with_another_bias_is_a_forgery(tmp_path: Path, case: str) -> None:
    real = load(fit.ensure_model(case))
    path = dataclasses.replace(real, bias=real.bias + 5.0).save(tmp_path / "forged.json")
    assert check_forged(path, case).state == "right"


def test_without_a_file_or_with_the_real_one_it_is_not_done_yet(tmp_path: Path) -> None:
    assert check_forged(tmp_path / "forged.json").state == "not done yet"
    real = load(fit.ensure_model()).save(tmp_path / "forged.json")
    assert check_forged(real).state == "not done yet"


def test_each_bad_forgery_gets_its_own_hint(tmp_path: Path) -> None:
    real, path = load(fit.ensure_model()), tmp_path / "forged.json"
    dataclasses.replace(real, bias=real.bias + 0.1).save(path)
    assert "less than a tenth" in check_forged(path).text
    dataclasses.replace(real, bias=real.bias + 5.0, version="2").save(path)
    assert "easily told" in check_forged(path).text
    path.write_text(path.read_text().replace('"version": "2"', '"version": "1"'))
    assert "changed after it was written" in check_forged(path).text


@pytest.fixture(scope="module")
def impatient() -> Iterator[Server]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REQUEST_SECONDS", "0.5")
        with process.serving(fit.ensure_model()) as server:
            yield server


HEAD = "POST /predict HTTP/1.1\r\nHost: model\r\n"


@pytest.mark.parametrize(
    "sent", [b"G", b"GET / HTTP/1.1\r\nHost: model\r\n", f"{HEAD}Content-Length: 5\r\n\r\n1234", HEAD]
)
def test_what_never_ends_is_right(impatient: Server, sent: Any) -> None:
    assert check_unfinished(impatient, sent).state == "right"


@pytest.mark.parametrize(
    ("sent", "hint"),
    [
        (16, "some bytes"),
        (b"", "some bytes"),
        (b"GET / HTTP/1.1\r\nHost: model\r\n\r\n", "answered with 200"),
        (b"hello, model\r\n\r\n", "answered with 400"),
        (f"{HEAD}Content-Length: 99999999\r\n\r\n", "answered with 413"),
        (b"GET /admin HTTP/1.1\r\nHost: model\r\n\r\n", "answered with 404"),
    ],
)
def test_each_wrong_beginning_gets_its_own_hint(impatient: Server, sent: Any, hint: str) -> None:
    check = check_unfinished(impatient, sent)
    assert check.state == "wrong"
    assert hint in check.text


def test_nothing_sent_is_not_done_yet_and_a_server_that_is_gone_is_told() -> None:
    with process.serving(fit.ensure_model()) as server:
        assert check_unfinished(server, None).state == "not done yet"
    assert "does not answer" in check_unfinished(server, b"G").text
