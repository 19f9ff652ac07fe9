"""The log: one JSON object a line, not more of them than a disk can bear, and each with the caller's trace id."""

import io
import json
from typing import Any

import pytest

from aicontainer.serve.logs import Log, trace_id
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
