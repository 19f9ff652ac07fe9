"""Clients that are slow, silent or too many against a real server process: when it lets go, and of whom."""

import asyncio
import os
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from connections import MODEL, Answers, body, connect, connected, hang_up, port_of, post, score, server

from aicontainer import waiting
from aicontainer.serve import process
from aicontainer.serve.app import Application
from aicontainer.serve.connection import Connection
from aicontainer.serve.settings import Limits
from aicontainer.serve.wire import Wire

CONNECTIONS = 8
REQUESTS = 4


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[process.Running]:
    with server(tmp_path_factory.mktemp("model"), REQUEST_SECONDS="0.5") as running:
        yield running


@pytest.fixture
def crowded(tmp_path: Path) -> Iterator[int]:
    """A server that has room for few."""
    with server(tmp_path, CONNECTIONS=str(CONNECTIONS), REQUESTS=str(REQUESTS), REQUEST_SECONDS="60") as running:
        yield port_of(running)


@pytest.fixture
def hurried(impatient: process.Running) -> Iterator[socket.socket]:
    with connected(port_of(impatient)) as opened:
        yield opened


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


def test_who_says_nothing_is_cut_off_without_a_word(tmp_path: Path) -> None:
    with server(tmp_path, IDLE_SECONDS="0.5") as running, connected(port_of(running)) as link:
        assert Answers(link).over()


def test_who_does_not_read_the_answers_is_not_read_either_and_cut_off(impatient: process.Running) -> None:
    before = resident(impatient.pid)
    with closing(socket.socket()) as link:
        link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        link.settimeout(0.5)
        link.connect(("127.0.0.1", port_of(impatient)))
        many = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 1000
        with pytest.raises(OSError):
            for _ in range(2000):
                link.sendall(many)
        link.settimeout(30)
        with pytest.raises(OSError):
            while True:
                link.sendall(many)
    assert resident(impatient.pid) - before < 8_000_000


class Gone(asyncio.Transport):
    """What a connection holds between an error of its socket and the event loop's word of it."""

    def is_closing(self) -> bool:
        return True

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def write(self, data: object) -> None:
        raise RuntimeError("the handler is closed")


def test_a_connection_that_is_gone_does_not_end_the_look_at_all_others() -> None:
    wire = Wire(Application(MODEL), Limits(), lambda work: None)
    gone = Connection(wire)
    gone.connection_made(Gone())
    gone.data_received(b"GET /v2 HT")
    gone.since -= 3600
    wire.sweep()
    gone.connection_lost(None)
    assert (wire.arriving, wire.connections) == (0, 0)


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
