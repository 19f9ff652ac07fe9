"""How a server process ends: what had begun is answered, what is idle is let go, and the exit code is 0."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from numbered import version

from aicontainer import waiting
from aicontainer.serve import process

MODEL = version(3)
INFER = "/v2/models/m/infer"
REQUEST = b'{"inputs": [{"name": "rows", "shape": [1, 2], "datatype": "FP64", "data": [1.0, 2.0]}]}'
SCORE = repr(float(MODEL.score([[1.0, 2.0]])[0])).encode()


@pytest.fixture
def model_file(tmp_path: Path) -> Path:
    return MODEL.save(tmp_path / "m.json")


@pytest.fixture
def draining(model_file: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[process.Running]:
    """A server that takes connections for a long moment after SIGTERM."""
    monkeypatch.setenv("DRAIN_SECONDS", "3")
    running = process.start(model_file)
    yield running
    running.stop()


def connection(running: process.Running) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(running.server.address.removeprefix("http://"), timeout=30)


def ask(link: http.client.HTTPConnection, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes, str]:
    link.request(method, path, body=body)
    response = link.getresponse()
    return response.status, response.read(), response.headers.get("Connection", "")


def not_ready(running: process.Running) -> waiting.Seen:
    return waiting.pending("still ready") if running.server.ready() else waiting.ready()


def test_before_the_end_it_says_not_ready_and_still_answers(draining: process.Running) -> None:
    kept = connection(draining)
    assert ask(kept, "GET", "/v2")[0] == 200
    os.kill(draining.pid, signal.SIGTERM)
    waiting.wait("not ready", lambda: not_ready(draining), limit=10, pause=0.01)
    assert draining.server.live()
    status, said, _ = ask(connection(draining), "GET", "/v2/health/ready")
    assert (status, b"stopping" in said) == (503, True)
    status, content, whether = ask(kept, "POST", INFER, REQUEST)
    assert (status, SCORE in content, whether) == (200, True, "close")
    assert draining._process.wait(30) == 0


def test_the_end_under_load_loses_no_request(draining: process.Running) -> None:
    answered: list[int] = []
    failed: list[BaseException] = []

    def load() -> None:
        """Ask again and again, until an answer says that the connection closes: then go elsewhere."""
        link, whether = connection(draining), ""
        try:
            while whether != "close":
                status, content, whether = ask(link, "POST", INFER, REQUEST)
                assert SCORE in content
                answered.append(status)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=load) for _ in range(8)]
    for thread in threads:
        thread.start()
    waiting.wait("load", lambda: waiting.ready() if len(answered) > 200 else waiting.pending(""), limit=30, pause=0.01)
    os.kill(draining.pid, signal.SIGTERM)
    for thread in threads:
        thread.join(60)
    assert draining._process.wait(30) == 0
    assert failed == []
    assert set(answered) == {200}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_had_begun_is_finished_though_the_signal_comes_twice(model_file: Path, number: signal.Signals) -> None:
    running = process.start(model_file)
    host, _, port = running.server.address.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=30) as link:
        head = f"POST {INFER} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: {len(REQUEST)}\r\n\r\n"
        link.sendall(head.encode())
        assert link.recv(100).startswith(b"HTTP/1.1 100 ")
        os.kill(running.pid, number)
        os.kill(running.pid, number)
        waiting.wait("the end of listening", lambda: refuses((host, int(port))), limit=10, pause=0.02)
        link.sendall(REQUEST)
        assert SCORE in b"".join(iter(lambda: link.recv(4096), b""))
    assert running._process.wait(30) == 0


def refuses(address: tuple[str, int]) -> waiting.Seen:
    try:
        socket.create_connection(address, timeout=5).close()
    except ConnectionRefusedError:
        return waiting.ready()
    return waiting.pending("it takes connections")


def test_who_never_finishes_does_not_hold_up_the_end(model_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FINISH_SECONDS", "0.5")
    monkeypatch.setenv("REQUEST_SECONDS", "600")
    running = process.start(model_file)
    link = connection(running)
    link.putrequest("POST", INFER)
    link.putheader("Content-Length", "10")
    link.endheaders()
    assert running.stop() == 0  # killed, it would be -9
    link.close()


@pytest.mark.skipif(sys.platform != "linux", reason="a file that never answers is made with mkfifo")
def test_a_volume_that_hangs_holds_up_neither_answers_nor_the_end(model_file: Path) -> None:
    running = process.start(model_file)
    model_file.unlink()
    os.mkfifo(model_file)  # whoever opens it waits for a writer
    os.kill(running.pid, signal.SIGHUP)
    assert running.server.infer([[1.0, 2.0]]).score.tolist() == MODEL.score([[1.0, 2.0]]).tolist()
    assert running.stop() == 0


def test_a_signal_before_it_serves_ends_it_cleanly(model_file: Path) -> None:
    code = (
        "import os, signal, sys\nfrom aicontainer.serve import __main__ as server\n"
        "server.serve = lambda settings: os.kill(os.getpid(), signal.SIGTERM)\nserver.main()"
    )
    given = {**os.environ, "MODEL_FILE": str(model_file)}
    assert subprocess.run([sys.executable, "-c", code], env=given, timeout=60).returncode == 0
