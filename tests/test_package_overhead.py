"""Requests to several servers are timed in turns; two real servers stand for a process and a container."""

import pytest

from aicontainer.errors import ServerError
from aicontainer.learn import data, fit
from aicontainer.package import overhead
from aicontainer.serve import process

ROWS = data.load("education").X[:2]


def test_each_server_is_asked_equally_often_and_has_its_time() -> None:
    file = fit.ensure_model()
    with process.serving(file) as one, process.serving(file) as other:
        seconds = overhead.requests({"one": one, "other": other}, ROWS)
        asked = [server.count("predicted_rows_total") for server in (one, other)]
    assert list(seconds) == ["one", "other"]
    assert all(0 < value < 30 for value in seconds.values())
    assert asked[0] == asked[1] >= 2 * len(ROWS)


def test_a_server_that_is_gone_is_told() -> None:
    with process.serving(fit.ensure_model()) as server:
        pass
    with pytest.raises(ServerError, match="no answer"):
        overhead.requests({"gone": server}, ROWS)
