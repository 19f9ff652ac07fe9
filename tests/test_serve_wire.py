"""Requests join, and are answered at the end of the turn; whatever happens to a connection before that, in the right
order and to the right one. The event loop is played by hand, so that each turn ends when the test says so."""

import asyncio
import time
import tracemalloc
from collections.abc import Callable, Sequence
from typing import Any, cast

import pytest

from aicontainer.serve.connection import Connection
from aicontainer.serve.request import Answering, Reply, Request
from aicontainer.serve.settings import Limits
from aicontainer.serve.wire import JOINED_BYTES, Wire

LIMITS = Limits()
OTHER_HALF = b"GET /half HT"


class Echo:
    """Answers with the path that was asked, and keeps which requests came in one go."""

    def __init__(self) -> None:
        self.turns: list[list[str]] = []
        self.arrived: list[float] = []

    def answer(self, requests: Sequence[Request]) -> list[Reply]:
        self.turns.append([request.path for request in requests])
        self.arrived += [request.arrived for request in requests]
        return [Reply(200, request.path.encode()) for request in requests]

    def turned_away(self, error: Any) -> Reply:
        return Reply(error.status, b"refused")


class Line:
    """A transport that keeps what is written, and refuses it when its side is closed, as uvloop's does."""

    def __init__(self) -> None:
        self.sent = b""
        self.ended = self.closing = False

    def set_write_buffer_limits(self, high: int) -> None:
        pass

    def is_closing(self) -> bool:
        return self.closing

    def write(self, data: bytes) -> None:
        if self.ended or self.closing:
            raise RuntimeError("Cannot call write() after write_eof()")
        self.sent += data

    def write_eof(self) -> None:
        self.ended = True

    def close(self) -> None:
        self.closing = True

    abort = close

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass

    @property
    def said(self) -> list[bytes]:
        """Status and body of each answer, in their order."""
        return [part.split(b" ")[0] + b" " + part.split(b"\r\n\r\n")[-1] for part in self.sent.split(b"HTTP/1.1 ")[1:]]


class Turn:
    """A wire whose turns end by hand."""

    def __init__(self, limits: Limits = LIMITS) -> None:
        self.echo = Echo()
        self._due: list[Callable[[], None]] = []
        self.wire = Wire(cast(Answering, self.echo), limits, self._due.append)

    def connect(self) -> tuple[Connection, Line]:
        connection, line = Connection(self.wire), Line()
        connection.connection_made(cast(asyncio.Transport, line))
        return connection, line

    def end(self) -> None:
        due, self._due[:] = list(self._due), []
        for work in due:
            work()


@pytest.fixture
def turn() -> Turn:
    return Turn()


def get(path: str, *headers: str, body: bytes = b"") -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: x", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def test_what_comes_in_one_turn_is_answered_together_at_its_end(turn: Turn) -> None:
    (one, first), (two, second) = turn.connect(), turn.connect()
    one.data_received(get("/1"))
    two.data_received(get("/2"))
    assert (first.sent, second.sent) == (b"", b"")
    turn.end()
    assert turn.echo.turns == [["/1", "/2"]]
    assert (first.said, second.said) == ([b"200 /1"], [b"200 /2"])
    one.data_received(get("/3"))
    turn.end()
    assert turn.echo.turns[1:] == [["/3"]]


def test_requests_sent_in_one_piece_keep_their_order(turn: Turn) -> None:
    one, line = turn.connect()
    one.data_received(get("/1") + get("/2") + get("/3"))
    turn.end()
    assert line.said == [b"200 /1", b"200 /2", b"200 /3"]


def test_after_the_last_answer_of_a_connection_nothing_more_is_answered(turn: Turn) -> None:
    one, line = turn.connect()
    one.data_received(get("/1", "Connection: close"))
    one.data_received(get("/2"))
    turn.end()
    assert line.said == [b"200 /1"]
    assert line.closing


@pytest.mark.parametrize(
    "after",
    [
        pytest.param(b"no HTTP\r\n\r\n", id="what is no HTTP"),
        pytest.param(b"GET /" + b"x" * 9000, id="an address that is too long"),
        pytest.param(get("/", "Expect: a miracle"), id="an expectation that nobody can meet"),
    ],
)
def test_a_refusal_does_not_overtake_the_answer_before_it(turn: Turn, after: bytes) -> None:
    (one, first), (two, second) = turn.connect(), turn.connect()
    one.data_received(get("/1") + after)
    two.data_received(get("/2"))
    turn.end()
    assert [said[:3] for said in first.said] in ([b"200", b"400"], [b"200", b"414"], [b"200", b"417"])
    assert second.said == [b"200 /2"]


def test_a_crowd_costs_nobody_an_answer_that_is_due() -> None:
    turn = Turn(Limits(requests=1))
    slow, _ = turn.connect()
    slow.data_received(OTHER_HALF)
    (one, first), (two, second) = turn.connect(), turn.connect()
    one.data_received(get("/1") + OTHER_HALF)
    two.data_received(get("/2"))
    turn.end()
    assert first.said == [b"200 /1", b"503 refused"]
    assert second.said == [b"200 /2"]


def test_go_on_is_not_said_before_the_answer_that_is_due(turn: Turn) -> None:
    one, line = turn.connect()
    one.data_received(get("/1") + b"POST /2 HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n")
    one.data_received(b"x")
    turn.end()
    assert [said[:3] for said in line.said] == [b"200", b"100", b"200"]


def test_a_client_that_sends_no_more_gets_the_answer_that_is_due(turn: Turn) -> None:
    one, line = turn.connect()
    one.data_received(get("/1"))
    one.eof_received()
    assert line.said == [b"200 /1"]


def test_a_look_after_a_long_stall_leaves_the_answer_that_is_due(turn: Turn) -> None:
    one, line = turn.connect()
    one.data_received(get("/1"))
    one.since -= 3600
    turn.wire.sweep()
    turn.wire.close_idle()
    turn.end()
    assert line.said == [b"200 /1"]


def test_a_connection_that_is_lost_costs_the_others_nothing(turn: Turn) -> None:
    (one, first), (two, second) = turn.connect(), turn.connect()
    one.data_received(get("/1"))
    two.data_received(get("/2"))
    first.closing = True
    one.connection_lost(None)
    turn.end()
    assert (first.said, second.said) == ([], [b"200 /2"])


def test_an_answer_that_cannot_be_sent_costs_the_others_nothing(
    turn: Turn, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(data: bytes) -> None:
        raise ZeroDivisionError("of ours")

    (one, first), (two, second) = turn.connect(), turn.connect()
    monkeypatch.setattr(first, "write", broken)
    one.data_received(get("/1"))
    two.data_received(get("/2"))
    turn.end()
    assert (first.closing, second.said) == (True, [b"200 /2"])
    assert "of ours" in capsys.readouterr().err


def test_large_bodies_do_not_wait_for_each_other(turn: Turn) -> None:
    pairs = [turn.connect() for _ in range(4)]
    for connection, _ in pairs:
        connection.data_received(get("/", body=b"x" * (JOINED_BYTES // 2 + 1)))
    assert [len(paths) for paths in turn.echo.turns] == [2, 2]
    assert [line.said for _, line in pairs] == [[b"200 /"]] * 4


def test_a_client_that_did_not_read_is_not_counted_as_our_slowness(turn: Turn) -> None:
    one, line = turn.connect()
    one.pause_writing()
    one.data_received(get("/1"))
    turn.end()
    assert line.sent == b""
    reads_again = time.perf_counter()
    one.resume_writing()
    assert line.said == [b"200 /1"]
    assert turn.echo.arrived[0] >= reads_again


def test_who_is_refused_in_the_middle_of_a_body_leaves_nothing_of_it_in_memory(turn: Turn) -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    connections = [turn.connect() for _ in range(20)]
    tracemalloc.start()
    for connection, _ in connections:
        connection.data_received(head)
        for _ in range(8):
            connection.data_received(b"%x\r\n%b\r\n" % (2**16, bytes(2**16)))
        connection.data_received(b"no length of a chunk\r\n")
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert all(line.said[0].startswith(b"400 ") for _, line in connections)
    assert held < 2**20  # of ten that were sent
    assert turn.wire.held == 0
