"""Asking over HTTP: each kind of failure is one of ours. The other side is a server of the test's own."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from aicontainer.errors import MonitorError, QueryRefused
from aicontainer.operate.api import Alertmanager, Prometheus


class Canned:
    """What the server answers next, and what it was asked."""

    status: int = 200
    body: bytes = b"{}"
    asked: str = ""
    form: bytes = b""


@pytest.fixture
def canned() -> Iterator[tuple[Canned, str]]:
    holds = Canned()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            holds.asked = self.path
            holds.form = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(holds.status)
            self.send_header("Content-Length", str(len(holds.body)))
            self.end_headers()
            self.wfile.write(holds.body)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield holds, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_query_is_sent_as_it_is_written(canned: tuple[Canned, str]) -> None:
    holds, address = canned
    holds.body = json.dumps({"data": {"resultType": "vector", "result": []}}).encode()
    assert Prometheus(address).query("sum(rate(x[10s])) + 1", 12.5) == ()
    assert holds.asked == "/api/v1/query"
    assert holds.form == b"query=sum%28rate%28x%5B10s%5D%29%29+%2B+1&time=12.5"


@pytest.mark.parametrize("status", [400, 422])
def test_what_prometheus_does_not_understand_is_told_in_its_words(canned: tuple[Canned, str], status: int) -> None:
    holds, address = canned
    holds.status, holds.body = status, b'{"status":"error","errorType":"bad_data","error":"1:5: parse error"}'
    with pytest.raises(QueryRefused) as caught:
        Prometheus(address).query("sum(")
    assert (caught.value.seen, caught.value.status) == ("1:5: parse error", status)


def test_another_failure_keeps_status_and_words(canned: tuple[Canned, str]) -> None:
    holds, address = canned
    holds.status, holds.body = 503, b"Service Unavailable"
    with pytest.raises(MonitorError) as caught:
        Prometheus(address).alerts()
    assert not isinstance(caught.value, QueryRefused)
    assert (caught.value.seen, caught.value.status) == ("Service Unavailable", 503)
    assert not Prometheus(address).ready()


def test_an_answer_that_is_no_json_is_told(canned: tuple[Canned, str]) -> None:
    holds, address = canned
    holds.body = b"<html>a proxy"
    with pytest.raises(MonitorError, match="JSON"):
        Alertmanager(address).alerts()


def test_nobody_there_is_told_with_the_address() -> None:
    with pytest.raises(MonitorError, match=r"127\.0\.0\.1:1") as caught:
        Prometheus("http://127.0.0.1:1").query("up")
    assert caught.value.status == 0
    assert caught.value.next_step
