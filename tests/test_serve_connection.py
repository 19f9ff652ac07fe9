"""One connection after the other against a real server process: what it takes, and what it refuses."""

import json
import socket
from collections.abc import Iterator

import pytest
from connections import BODY_LIMIT, HEAD_LIMIT, INFER, Answers, body, connected, port_of, post, score, server


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A server that is patient: whatever a machine under load does to the tests, it does not cut them off."""
    with server(tmp_path_factory.mktemp("model"), HEAD_LIMIT=str(HEAD_LIMIT), REQUEST_SECONDS="60") as running:
        yield port_of(running)


@pytest.fixture
def link(port: int) -> Iterator[socket.socket]:
    with connected(port) as opened:
        yield opened


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


def test_a_body_that_comes_in_pieces_is_read_like_one_that_comes_whole(link: socket.socket) -> None:
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    named = json.dumps({"rows": [{"a": 1.5, "b": 2.0}]}).encode()
    answers = Answers(link)
    for path, content in ((INFER, body(1.5)), ("/predict", named)):
        link.sendall(f"POST {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        for place in range(0, len(content), 5):
            piece = content[place : place + 5]
            link.sendall(b"%x\r\n%b\r\n" % (len(piece), piece))
        link.sendall(b"0\r\n\r\n")
    assert answers.score() == score(1.5)
    assert json.loads(answers.next()[1])["scores"] == [score(1.5)]


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


def test_a_client_that_stops_in_the_middle_is_told_so(link: socket.socket) -> None:
    link.sendall(post(body(1.0))[:-1])
    link.shutdown(socket.SHUT_WR)
    answers = Answers(link)
    assert answers.next()[0] == 400
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
