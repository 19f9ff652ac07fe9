"""The checks of notebook 03 against a real server: each wrong state has its own hint, and looking changes nothing."""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from aicontainer.exercises.serve import check_chunks, check_digits, check_refusal
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
COUNT = "http_request_duration_seconds_count"


@pytest.fixture(scope="module")
def visited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that is sent bad requests."""
    file = fit.train(DATASET, steps=50).save(tmp_path_factory.mktemp("models") / "education.json")
    with process.serving(file, body_limit=10_000) as server:
        yield server


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


def test_a_request_to_a_server_that_is_gone_is_no_traceback() -> None:
    with process.serving(fit.ensure_model()) as server:
        pass
    assert "does not answer" in check_refusal(server, body(spoilt(16))).text


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
