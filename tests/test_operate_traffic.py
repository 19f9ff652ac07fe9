"""Traffic against a real server: the share that is refused is the share that was asked for."""

import time
from collections.abc import Callable

import numpy as np
import pytest

from aicontainer.learn import fit
from aicontainer.operate import traffic
from aicontainer.serve import process
from aicontainer.serve.client import Server

ROW = np.full((3, 7), 5.0)


def eventually(look: Callable[[], bool], limit: float = 60) -> bool:
    until = time.monotonic() + limit
    while time.monotonic() < until and not look():
        time.sleep(0.02)
    return look()


def test_the_share_of_refusals_is_kept_and_can_be_changed() -> None:
    with process.serving(fit.ensure_model()) as server:
        with traffic.sending(server, [ROW], 200, refused_of_ten=3) as sent:
            assert eventually(lambda: sent.answered + sent.refused >= 100)
            early_refused, early = sent.refused, sent.answered + sent.refused
            sent.refuse(0)
        assert sent.failed == 0
        assert early_refused == pytest.approx(0.3 * early, abs=3)
        assert sent.rows == 3 * sent.answered
        assert server.count("predicted_rows_total") == sent.rows
        status = {code: server.count("http_request_duration_seconds_count", status=code) for code in ("400", "404")}
    assert sum(status.values()) == sent.refused
    assert min(status.values()) > 0


def test_after_the_block_nothing_is_sent() -> None:
    with process.serving(fit.ensure_model()) as server:
        with traffic.sending(server, [ROW], 100) as sent:
            assert eventually(lambda: sent.answered > 0)
        rows = server.count("predicted_rows_total")
        time.sleep(0.1)
        assert server.count("predicted_rows_total") == rows == sent.rows


def test_no_server_counts_as_failed() -> None:
    with traffic.sending(Server("127.0.0.1:1"), [ROW], 100, refused_of_ten=5) as sent:
        assert eventually(lambda: sent.failed >= 10)
    assert (sent.answered, sent.refused, sent.rows) == (0, 0, 0)
