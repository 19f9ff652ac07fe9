"""The log: one JSON object a line, not more of them than a disk can bear, and each with the caller's trace id."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aicontainer import waiting
from aicontainer.model import Model, Scaling
from aicontainer.serve import process
from aicontainer.serve.client import Server
from aicontainer.serve.logs import ErrorStream, Log, trace_id
from aicontainer.serve.request import Request

TRACE = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


class Written:
    def __init__(self, per_second: int) -> None:
        self.now = 1000.25
        self._stream = io.StringIO()
        self.log = Log(self._stream, per_second, clock=lambda: self.now)

    def answer(self, status: int = 200, times: int = 1, **headers: bytes) -> None:
        request = Request("POST", "/predict", "", {name.encode(): value for name, value in headers.items()}, b"")
        for _ in range(times):
            self.log.answered(request, "/predict", status, 0.00012, 3)

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._stream.getvalue().splitlines()]


def test_a_line_tells_what_was_asked_and_answered() -> None:
    written = Written(10)
    written.answer(traceparent=TRACE)
    (line,) = written.lines
    assert line == {
        "time": "1970-01-01T00:16:40.250Z",
        "level": "info",
        "message": "request",
        "method": "POST",
        "path": "/predict",
        "route": "/predict",
        "status": 200,
        "seconds": 0.00012,
        "rows": 3,
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
    }


def test_what_is_beyond_the_rate_is_counted_by_the_next_line_and_failures_are_always_written() -> None:
    written = Written(2)
    written.answer(times=5)
    written.answer(status=500)
    written.now += 1
    written.answer(times=1)
    assert [(line["status"], line.get("lost")) for line in written.lines] == [
        (200, None),
        (200, None),
        (500, 3),
        (200, None),
    ]
    assert written.lines[2]["level"] == "error"


def test_a_line_stays_one_line_whatever_is_asked_for() -> None:
    written = Written(10)
    written.log.answered(Request("GE\nT" * 20, "/\n\x00" * 500, "", {}, b""), "unknown", 404, 0.0, 0)
    written.log.say("took up another model", version="2")
    assert [line["message"] for line in written.lines] == ["request", "took up another model"]
    assert len(written.lines[0]["path"]) <= 200


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"nonsense",
        TRACE.replace(b"4bf92f3577b34da6a3ce929d0e0e4736", b"0" * 32),
        TRACE.replace(b"00f067aa0ba902b7", b"0" * 16),
        TRACE.upper(),
        b"ff" + TRACE[2:],
    ],
)
def test_without_a_valid_trace_a_request_gets_an_id_of_its_own(header: bytes) -> None:
    first, second = trace_id(header), trace_id(header)
    assert len(first) == len(second) == 32
    assert first != second
    assert first not in header.decode()


def test_what_does_not_fit_into_a_full_pipe_is_dropped_and_counted() -> None:
    read, write = os.pipe()
    os.set_blocking(read, False)
    log = Log(ErrorStream(write))
    while log._lost < 3:  # would wait for ever where writing blocks
        log.say("a" * 1000)
    before = os.read(read, 1 << 20).splitlines()
    log.say("b" * 10000)
    log.say("c")
    cut, last = os.read(read, 1 << 20).splitlines()
    os.close(write)
    os.close(read)
    assert all(json.loads(line)["message"] == "a" * 1000 for line in before)
    assert b"bbb" in cut
    assert json.loads(last)["message"] == "c"


@pytest.fixture
def unheard(tmp_path: Path) -> Iterator[tuple["subprocess.Popen[bytes]", Server]]:
    """A server that writes a line for each request into a pipe that nobody reads."""
    scaling = Scaling(np.zeros(1), np.ones(1))
    path = Model("m", "1", np.ones(1), 0.0, "identity", scaling, ("a",), "t", "x").save(tmp_path / "m.json")
    port = process._free_port()
    said = {"MODEL_FILE": str(path), "HOST": "127.0.0.1", "PORT": str(port), "LOG_PER_SECOND": "1000000"}
    command = [sys.executable, "-m", "aicontainer.serve"]
    server = Server(f"127.0.0.1:{port}", "m")
    started = subprocess.Popen(command, env={**os.environ, **said, "DRAIN_SECONDS": "0"}, stderr=subprocess.PIPE)
    seen = {True: waiting.ready(), False: waiting.pending("it does not answer")}
    try:
        waiting.wait("the server", lambda: seen[server.ready()], limit=60, pause=0.1)
        yield started, server
    finally:
        started.kill()
        started.wait()
        if started.stderr:
            started.stderr.close()


def test_a_log_that_nobody_reads_holds_up_no_answer(unheard: tuple["subprocess.Popen[bytes]", Server]) -> None:
    started, server = unheard
    assert started.stderr
    longest = "/v2/" + "x" * 250
    for _ in range(300):  # a line has more than 300 bytes, a pipe holds 65536
        assert server._http.get(server.address + longest).status_code == 404
    heard = os.read(started.stderr.fileno(), 1 << 20)
    assert len(heard) > 40_000
    assert server.infer([[2.0]]).score.tolist() == [2.0]
    assert json.loads(os.read(started.stderr.fileno(), 1 << 20))["lost"] > 50
    started.stderr.close()  # and a pipe without a reader
    assert server.infer([[2.0]]).score.tolist() == [2.0]
    started.terminate()
    assert started.wait(60) == 0
