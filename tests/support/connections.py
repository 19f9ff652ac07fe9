"""A real server process and raw connections to it, for the tests of the wire."""

import http.client
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from numbered import version

from aicontainer.serve import process

MODEL = version(3)
INFER = "/v2/models/m/infer"
BODY_LIMIT = 20_000
HEAD_LIMIT = 4_000


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


def port_of(running: process.Running) -> int:
    return int(running.server.address.rsplit(":", 1)[1])


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
