"""One connection after the other against a real server process: what it takes, what it refuses, and when it lets go."""

import http.client
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aicontainer import waiting
from aicontainer.model import Model, Scaling
from aicontainer.serve import process

MODEL = Model("m", "1", np.array([3.0, -0.1]), 10.0, "identity", Scaling(np.zeros(2), np.ones(2)), ("a", "b"), "t", "x")
INFER = "/v2/models/m/infer"
BODY_LIMIT = 20_000
HEAD_LIMIT = 4_000
CONNECTIONS = 8
REQUESTS = 4


def body(first: float) -> bytes:
    return json.dumps(
        {"inputs": [{"name": "rows", "shape": [1, 2], "datatype": "FP64", "data": [first, 2.0]}]}
    ).encode()


def post(content: bytes, *headers: str) -> bytes:
    lines = [f"POST {INFER} HTTP/1.1", "Host: x", f"Content-Length: {len(content)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + content


def score(first: float) -> float:
    return float(MODEL.score([[first, 2.0]])[0])


@contextmanager
def server(folder: Path, **settings: str) -> Iterator[process.Running]:
    path = MODEL.save(folder / "m.json")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        started = process.start(path, body_limit=BODY_LIMIT)
    yield started
    assert "Traceback" not in started.log()
    assert started.stop() == 0


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A server that is patient: whatever a machine under load does to the tests, it does not cut them off."""
    with server(tmp_path_factory.mktemp("model"), HEAD_LIMIT=str(HEAD_LIMIT), REQUEST_SECONDS="60") as running:
        yield port_of(running)


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[process.Running]:
    with server(tmp_path_factory.mktemp("model"), REQUEST_SECONDS="0.5", IDLE_SECONDS="1") as running:
        yield running


@pytest.fixture
def crowded(tmp_path: Path) -> Iterator[int]:
    """A server that has room for few."""
    with server(tmp_path, CONNECTIONS=str(CONNECTIONS), REQUESTS=str(REQUESTS), REQUEST_SECONDS="60") as running:
        yield port_of(running)


def port_of(running: process.Running) -> int:
    return int(running.server.address.rsplit(":", 1)[1])


@pytest.fixture
def link(port: int) -> Iterator[socket.socket]:
    with connected(port) as opened:
        yield opened


@pytest.fixture
def hurried(impatient: process.Running) -> Iterator[socket.socket]:
    with connected(port_of(impatient)) as opened:
        yield opened


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=30)


def hang_up(link: socket.socket) -> None:
    with suppress(OSError):  # closing it would not be enough: the stream of the answers holds it open
        link.shutdown(socket.SHUT_RDWR)
    link.close()


@contextmanager
def connected(port: int) -> Iterator[socket.socket]:
    link = connect(port)
    try:
        yield link
    finally:
        hang_up(link)


class Answers:
    """The answers on one connection, read by the standard library's client, one after the other."""

    def __init__(self, link: socket.socket) -> None:
        self._stream = link.makefile("rb")
        self.makefile = lambda mode: _Unclosed(self._stream)

    def next(self, method: str = "POST") -> tuple[int, bytes, http.client.HTTPResponse]:
        response = http.client.HTTPResponse(self, method=method)  # type: ignore[arg-type]
        response.begin()
        return response.status, response.read(), response

    def score(self) -> float:
        status, content, _ = self.next()
        assert status == 200
        return float(json.loads(content)["outputs"][1]["data"][0])

    def over(self) -> bool:
        """Whether the server has closed its side; waits for it."""
        return self._stream.read() == b""


class _Unclosed:
    """A stream that the end of one response leaves open for the next."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def close(self) -> None:
        pass


def test_one_connection_serves_request_after_request(link: socket.socket) -> None:
    answers = Answers(link)
    for first in (1.0, 2.0, 3.0):
        link.sendall(post(body(first)))
        assert answers.score() == score(first)


def test_requests_sent_in_one_go_are_answered_in_their_order(link: socket.socket) -> None:
    answers = Answers(link)
    link.sendall(b"".join(post(body(float(first))) for first in range(50)))
    assert [answers.score() for _ in range(50)] == [score(float(first)) for first in range(50)]


def test_a_request_may_come_byte_by_byte(link: socket.socket) -> None:
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for place in post(body(1.5)):
        link.sendall(bytes([place]))
    assert Answers(link).score() == score(1.5)


def test_a_body_in_chunks_is_put_together_and_its_trailer_is_no_header(link: socket.socket) -> None:
    content = body(4.0)
    pieces = [content[place : place + 7] for place in range(0, len(content), 7)]
    chunks = b"".join(b"%x;note=1\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    head = f"POST {INFER} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    trailer = b"0\r\nContent-Encoding: gzip\r\n\r\n"
    link.sendall(head + chunks + trailer + post(body(5.0)))
    answers = Answers(link)
    assert [answers.score(), answers.score()] == [score(4.0), score(5.0)]


def test_head_has_the_head_of_get_and_no_body(link: socket.socket) -> None:
    answers = Answers(link)
    link.sendall(b"GET /v2 HTTP/1.1\r\nHost: x\r\n\r\nHEAD /v2 HTTP/1.1\r\nHost: x\r\n\r\n" + post(body(1.0)))
    status, content, got = answers.next("GET")
    assert (status, bool(content)) == (200, True)
    assert got.headers["Date"].endswith("GMT")
    status, nothing, head = answers.next("HEAD")
    assert (status, nothing) == (200, b"")
    assert head.headers["Content-Length"] == got.headers["Content-Length"]
    assert answers.score() == score(1.0)


def test_a_client_that_asks_first_is_told_to_go_on(link: socket.socket) -> None:
    content = body(6.0)
    whole = post(content, "Expect: 100-continue")
    link.sendall(whole[: -len(content)])
    assert link.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
    link.sendall(content)
    assert Answers(link).score() == score(6.0)


def test_a_client_that_asks_first_need_not_send_what_is_too_long(link: socket.socket) -> None:
    head = f"POST {INFER} HTTP/1.1\r\nHost: x\r\nContent-Length: {BODY_LIMIT + 1}\r\nExpect: 100-continue\r\n\r\n"
    link.sendall(head.encode())
    assert Answers(link).next()[0] == 413


@pytest.mark.parametrize(
    ("request_line", "headers"),
    [("HTTP/1.1", ["Connection: close"]), ("HTTP/1.0", []), ("HTTP/1.0", ["Connection: keep-alive"])],
    ids=str,
)
def test_the_connection_is_closed_where_the_client_asks_for_it(
    link: socket.socket, request_line: str, headers: list[str]
) -> None:
    link.sendall(post(body(1.0), *headers).replace(b"HTTP/1.1", request_line.encode(), 1))
    answers = Answers(link)
    status, _, response = answers.next()
    assert status == 200
    assert response.headers["Connection"] == "close"
    assert answers.over()


def test_a_client_that_sends_no_more_still_gets_its_answers(link: socket.socket) -> None:
    link.sendall(post(body(1.0)) + post(body(2.0)))
    link.shutdown(socket.SHUT_WR)
    answers = Answers(link)
    assert [answers.score(), answers.score()] == [score(1.0), score(2.0)]
    assert answers.over()


def test_an_upgrade_is_declined_by_an_ordinary_answer(link: socket.socket) -> None:
    link.sendall(b"GET /v2 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
    answers = Answers(link)
    assert answers.next("GET")[0] == 200
    assert answers.over()


def test_the_whole_address_may_stand_in_the_request(link: socket.socket) -> None:
    link.sendall(post(body(1.0)).replace(INFER.encode(), b"http://x:80" + INFER.encode(), 1))
    assert Answers(link).score() == score(1.0)


MANY = [f"x{number}: 1" for number in range(101)]
REFUSED = {
    "body": (413, post(b" " * (BODY_LIMIT + 1))),
    "declared": (413, post(b"").replace(b"h: 0", b"h: 99999999999")),
    "chunks": (
        413,
        f"POST {INFER} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        + (b"1000\r\n" + b" " * 4096 + b"\r\n") * 6,
    ),
    "head": (431, post(b"", "X: " + "x" * HEAD_LIMIT)),
    "endless header": (431, b"GET /v2 HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 1_000_000),
    "headers": (431, post(b"", *MANY)),
    "target": (414, b"GET /" + b"x" * 8192 + b" HTTP/1.1\r\nHost: x\r\n\r\n"),
    "two lengths": (400, post(body(1.0), f"Content-Length: {len(body(1.0))}")),
    "two other lengths": (400, post(body(1.0), "Content-Length: 5")),
    "length and chunks": (400, post(body(1.0), "Transfer-Encoding: chunked")),
    "length beyond 64 bits": (400, post(b"").replace(b"h: 0", b"h: 99999999999999999999")),
    "length is no number": (400, post(b"").replace(b"h: 0", b"h: x")),
    "negative length": (400, post(b"").replace(b"h: 0", b"h: -1")),
    "no host": (400, b"GET /v2 HTTP/1.1\r\n\r\n"),
    "no HTTP": (400, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
    "no method": (400, b"HELLO /v2 HTTP/1.1\r\nHost: x\r\n\r\n"),
    "bare newline": (400, b"GET /v2 HTTP/1.1\nHost: x\n\n"),
    "space before colon": (400, b"GET /v2 HTTP/1.1\r\nHost : x\r\n\r\n"),
    "bad chunk": (
        400,
        f"POST {INFER} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n".encode(),
    ),
    "expectation": (417, post(body(1.0), "Expect: a miracle")),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_has_its_status_says_why_and_closes(link: socket.socket, port: int, name: str) -> None:
    status, sent = REFUSED[name]
    link.sendall(sent)
    answers = Answers(link)
    found, content, response = answers.next()
    assert found == status
    assert json.loads(content)["error"]
    assert response.headers["Connection"] == "close"
    assert answers.over()
    with connected(port) as another:
        another.sendall(post(body(1.0)))
        assert Answers(another).score() == score(1.0)


def test_good_requests_before_a_bad_one_are_answered_first(link: socket.socket) -> None:
    link.sendall(post(body(1.0)) + post(body(2.0)) + b"nonsense\r\n\r\n")
    answers = Answers(link)
    assert [answers.score(), answers.score(), answers.next()[0]] == [score(1.0), score(2.0), 400]
    assert answers.over()


@pytest.mark.parametrize("begun", [b"GET /v2 HT", b"GET /v2 HTTP/1.1\r\nHost: x\r\n", post(body(1.0))[:-1]], ids=repr)
def test_who_does_not_go_on_is_told_so_and_cut_off(hurried: socket.socket, begun: bytes) -> None:
    hurried.sendall(begun)
    answers = Answers(hurried)
    assert answers.next()[0] == 408
    assert answers.over()


def test_sending_slowly_does_not_prolong_the_time_for_a_request(hurried: socket.socket) -> None:
    whole = post(body(1.0))
    with pytest.raises(OSError):
        for place in range(len(whole)):
            hurried.sendall(whole[place : place + 1])
            time.sleep(0.1)


def test_who_says_nothing_is_cut_off_without_a_word(hurried: socket.socket) -> None:
    assert Answers(hurried).over()


def test_who_does_not_read_the_answers_is_not_read_either_and_cut_off(impatient: process.Running) -> None:
    before = resident(impatient.pid)
    with closing(socket.socket()) as link:
        link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        link.settimeout(0.5)
        link.connect(("127.0.0.1", port_of(impatient)))
        many = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 1000
        with pytest.raises(OSError):
            for _ in range(2000):
                link.sendall(many)
        link.settimeout(30)
        with pytest.raises(OSError):
            while True:
                link.sendall(many)
    assert resident(impatient.pid) - before < 8_000_000


def resident(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def test_of_requests_that_still_arrive_only_so_many_may_exist(crowded: int) -> None:
    content = body(1.0)
    head = post(content, "Expect: 100-continue")[: -len(content)]
    links = [connect(crowded) for _ in range(REQUESTS)]
    try:
        for link in links:
            link.sendall(head)
            assert link.recv(100).startswith(b"HTTP/1.1 100 ")
        with connected(crowded) as late:
            late.sendall(head.replace(b"Expect", b"X-Not"))
            status, _, response = Answers(late).next()
            assert status == 503
            assert int(response.headers["Retry-After"]) > 0
        with connected(crowded) as whole:  # but a request that is here whole is always answered
            whole.sendall(post(body(2.0)))
            assert Answers(whole).score() == score(2.0)
        for link in links:
            link.sendall(content)
            assert Answers(link).score() == score(1.0)
    finally:
        for link in links:
            hang_up(link)


def test_beyond_the_number_of_connections_idle_ones_make_room(crowded: int) -> None:
    idle = [connect(crowded) for _ in range(CONNECTIONS)]
    try:
        for link in idle:
            link.sendall(post(body(1.0)))
            assert Answers(link).score() == score(1.0)

        def answered() -> waiting.Seen:
            with connected(crowded) as late:
                late.sendall(post(body(2.0)))
                status, _, response = Answers(late).next()
            if status == 503:  # for a second, whoever has just asked may be about to ask again
                assert int(response.headers["Retry-After"]) > 0
                return waiting.pending("full")
            return waiting.ready() if status == 200 else waiting.failed(str(status))

        waiting.wait("an answer", answered, limit=20, pause=0.1)
    finally:
        for link in idle:
            hang_up(link)
