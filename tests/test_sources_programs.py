"""kind and kubectl: which one is used of several, and downloads from a real server that is not always a good one."""

import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from aicontainer.errors import MachineError
from aicontainer.events import Event, silent
from aicontainer.sources import programs as found
from aicontainer.sources.official import pins, programs
from aicontainer.sources.packages import recipe

CONTENT = b"#!/bin/sh\necho kind v0.33.0 of the test\n" + b"#" * 300_000


@dataclass
class _Server:
    """What the next answers are, and which parts were asked for."""

    address: str = ""
    content: bytes = CONTENT
    stops_after: int | None = None
    silent: bool = False
    ranges: bool = True
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[_Server]:
    about = _Server()
    release = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._head(200, len(about.content))

        def do_GET(self) -> None:
            asked = self.headers.get("Range", "")
            about.asked.append(asked)
            start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and about.ranges else 0
            body = about.content[start:]
            self._head(206 if start else 200, len(body))
            self.wfile.write(body if about.stops_after is None else body[: about.stops_after])
            if about.silent:
                self.wfile.flush()
                release.wait(60)

        def _head(self, status: int, length: int) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(length))
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=http.serve_forever, daemon=True).start()
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    about.address = f"http://127.0.0.1:{http.server_port}/kind"
    yield about
    release.set()
    http.shutdown()
    http.server_close()


@pytest.fixture
def program(server: _Server) -> pins.Program:
    return pins.Program("kind", "v0.33.0", server.address, hashlib.sha256(CONTENT).hexdigest())


def test_a_program_is_downloaded_once_and_works(program: pins.Program, server: _Server) -> None:
    assert programs.reason_against(program) == ""
    events: list[Event] = []
    path = programs.ensure(program, events.append)
    assert programs.ensure(program, events.append) == path
    assert found.says(path) == "kind v0.33.0 of the test"
    assert [event.kind for event in events if event.kind != "progress"] == ["started", "made", "found"]
    assert server.asked == [""]


def test_another_checksum_is_refused_and_nothing_of_it_stays(program: pins.Program, server: _Server) -> None:
    server.content = CONTENT + b"a line that is not pinned\n"
    with pytest.raises(MachineError) as error:
        programs.ensure(program, silent)
    assert "not what is pinned" in error.value.what
    assert hashlib.sha256(server.content).hexdigest() in error.value.seen
    assert [path for path in programs.folder().rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("ranges", [True, False])
def test_a_download_that_broke_off_goes_on_or_begins_anew(program: pins.Program, server: _Server, ranges: bool) -> None:
    server.stops_after, server.ranges = 200_000, ranges
    with pytest.raises(MachineError) as error:
        programs.ensure(program, silent)
    assert server.address in error.value.seen
    assert not programs.place(program).exists()
    server.stops_after = None
    assert programs.ensure(program, silent).read_bytes() == CONTENT
    assert server.asked[0] == ""
    assert server.asked[1].startswith("bytes=")


def test_what_lies_beside_whole_but_wrong_does_not_block_for_ever(program: pins.Program, server: _Server) -> None:
    beside = programs.place(program).with_name("kind.partial")
    beside.parent.mkdir(parents=True)
    beside.write_bytes(b"x" * 100)
    with pytest.raises(MachineError):
        programs.ensure(program, silent)
    assert programs.ensure(program, silent).read_bytes() == CONTENT


def test_a_silent_server_and_a_slow_one_are_given_up(program: pins.Program, server: _Server) -> None:
    server.silent, server.stops_after = True, 1000
    begun = time.monotonic()
    with pytest.raises(MachineError):
        programs.ensure(program, silent, silent=0.5)
    assert time.monotonic() - begun < 50
    server.silent, server.stops_after = False, None
    with pytest.raises(MachineError) as error:
        programs.ensure(program, silent, limit=0)
    assert "limit" in error.value.seen


def test_no_server_is_a_reason_against(program: pins.Program) -> None:
    nobody = pins.Program("kind", "v0.33.0", "http://127.0.0.1:1/kind", program.sha256)
    assert "127.0.0.1:1" in programs.reason_against(nobody)
    with pytest.raises(MachineError) as error:
        programs.ensure(nobody, silent)
    assert "PATH" in error.value.next_step


Put = Callable[[Path, str], Path]


@pytest.fixture
def put() -> Put:
    def one(path: Path, script: str) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return path

    return one


def test_the_one_that_was_built_here_comes_first_then_the_downloaded_one_then_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, put: Put
) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    pinned = pins.Program("kind", "v0.33.0", "http://127.0.0.1:1/kind", "a" * 64)
    monkeypatch.setattr(pins, "read", lambda: pins.Pins({}, {}, {"kind": pinned}))
    assert found.find("kind") is None
    on_path = put(tmp_path / "bin" / "kind", "echo kind v0.20.0 go1.20")
    assert found.find("kind") == on_path
    assert found.version(on_path) == "v0.20.0"
    downloaded = put(programs.place(pinned), "echo kind v0.33.0")
    assert found.find("kind") == downloaded
    built = put(recipe.programs() / "kind", "echo kind v0.33.0 go1.26.8 linux/amd64")
    assert found.find("kind") == built
    put(recipe.folder() / "programs-0123456789ab" / "kind", "echo kind v0.1.0")  # of an older recipe
    assert found.find("kind") == built


def test_a_program_that_does_not_work_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, put: Put) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    put(recipe.programs() / "kubectl", "exit 1")
    on_path = put(tmp_path / "bin" / "kubectl", "echo Client Version: v1.35.8")
    assert found.find("kubectl") == on_path
    put(on_path, "echo cannot execute; exit 126")
    assert found.find("kubectl") is None
