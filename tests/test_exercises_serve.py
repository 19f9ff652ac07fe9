"""The check of notebook 03 against a real server: each wrong state has its own hint, and looking changes nothing."""

from collections.abc import Iterator

import numpy as np
import pytest

from aicontainer.exercises.serve import check_chunks
from aicontainer.learn import data, fit
from aicontainer.learn.loss import mean_squared_error
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
