"""A real server process over real HTTP: its limits, its end, and what it says when it cannot begin."""

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from numbered import version

import aicontainer
from aicontainer import waiting
from aicontainer.errors import Failed, InputError, ModelFileError, ServerError
from aicontainer.package import image
from aicontainer.serve import process
from aicontainer.serve.client import Server
from aicontainer.serve.settings import read_settings

MODEL = version(3)
REQUEST = json.dumps({"inputs": [{"name": "rows", "shape": [1, 2], "datatype": "FP64", "data": [1.0, 2.0]}]}).encode()
INFER = "/v2/models/m/infer"
LIMIT = 10_000


@pytest.fixture(scope="module")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return MODEL.save(tmp_path_factory.mktemp("model") / "m.json")


@pytest.fixture(scope="module")
def running(model_file: Path) -> Iterator[process.Running]:
    started = process.start(model_file, body_limit=LIMIT)
    yield started
    started.stop()


def port_of(server: Server) -> int:
    return int(server.address.rsplit(":", 1)[1])


def post(port: int, body: bytes, *, chunked: bool) -> tuple[int, dict[str, object]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    pieces = (body[place : place + 4096] for place in range(0, len(body), 4096))
    if chunked:
        connection.request("POST", INFER, body=pieces, headers={"Transfer-Encoding": "chunked"}, encode_chunked=True)
    else:
        connection.request("POST", INFER, body=body)
    response = connection.getresponse()
    content = json.loads(response.read())
    connection.close()
    return response.status, content


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_up_to_the_limit_is_answered_and_a_longer_one_refused(running: process.Running, chunked: bool) -> None:
    port = port_of(running.server)
    assert post(port, REQUEST.ljust(LIMIT), chunked=chunked)[0] == 200
    for length in (LIMIT + 1, 5_000_000):
        status, content = post(port, REQUEST.ljust(length), chunked=chunked)
        assert status == 413
        assert str(LIMIT) in str(content["error"])
    assert running.server.infer([[1.0, 2.0]]).score.tolist() == MODEL.score([[1.0, 2.0]]).tolist()


def begin_request(port: int) -> socket.socket:
    """Send a request's head and wait until the application reads its body: the server says so with 100."""
    link = socket.create_connection(("127.0.0.1", port), timeout=30)
    head = f"POST {INFER} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: {len(REQUEST)}\r\n\r\n"
    link.sendall(head.encode())
    assert link.recv(100).startswith(b"HTTP/1.1 100 ")
    return link


def refuses_connections(port: int) -> waiting.Seen:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except ConnectionRefusedError:
        return waiting.ready()
    return waiting.pending("the port still takes connections")


def test_sigterm_lets_a_request_in_flight_finish(model_file: Path) -> None:
    running = process.start(model_file)
    port = port_of(running.server)
    with begin_request(port) as link:
        os.kill(running.pid, signal.SIGTERM)
        waiting.wait("the server to take no new connections", lambda: refuses_connections(port), limit=8, pause=0.05)
        link.sendall(REQUEST)
        response = http.client.HTTPResponse(link)
        response.begin()
        assert response.status == 200
        assert json.loads(response.read())["outputs"][1]["data"] == MODEL.score([[1.0, 2.0]]).tolist()
    assert running.stop() == 0


def test_an_idle_connection_does_not_keep_the_server(model_file: Path) -> None:
    running = process.start(model_file)
    connection = http.client.HTTPConnection("127.0.0.1", port_of(running.server), timeout=30)
    connection.request("GET", "/v2")
    connection.getresponse().read()
    assert running.stop() == 0  # and not killed, which is -9
    connection.close()


def test_nothing_is_left_after_a_stop_and_the_port_is_free(model_file: Path) -> None:
    running = process.start(model_file)
    port = port_of(running.server)
    assert running.stop() == 0
    with pytest.raises(ProcessLookupError):
        os.killpg(running.pid, 0)
    socket.create_server(("127.0.0.1", port)).close()
    assert running.stop() == 0  # and again


def test_a_with_block_ends_its_server_when_its_body_fails(model_file: Path) -> None:
    kept: list[Server] = []
    with pytest.raises(ZeroDivisionError), process.serving(model_file) as server:
        kept.append(server)
        assert server.ready()
        raise ZeroDivisionError
    assert not kept[0].live()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a program that its parent was killed")
def test_a_server_does_not_outlive_a_killed_python(model_file: Path) -> None:
    code = (
        "import pathlib, sys, time\nfrom aicontainer.serve import process\n"
        "print(process.start(pathlib.Path(sys.argv[1])).server.address, flush=True)\n"
        "time.sleep(99)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code, str(model_file)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    with parent:
        server = Server(parent.stdout.readline().strip(), "m")
        assert server.ready()
        parent.kill()
    waiting.wait("the end of the server", lambda: refuses_connections(port_of(server)), limit=30)


def run_to_its_end(**environment: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "aicontainer.serve"]
    kept = {name: value for name, value in os.environ.items() if name not in ("MODEL_FILE", "HOST", "PORT")}
    return subprocess.run(command, env={**kept, **environment}, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("content", [None, b"", b"{}", b"\xff\x00", b'{"format": "aicontainer-model/1"}'], ids=repr)
def test_a_bad_model_file_ends_with_one_message(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "broken.json"
    if content is not None:
        path.write_bytes(content)
    ended = run_to_its_end(MODEL_FILE=str(path))
    assert ended.returncode == 2
    assert ended.stderr.startswith("cannot serve: ")
    assert "broken.json" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not ended.stdout


def test_a_port_in_use_is_not_shared(running: process.Running, model_file: Path) -> None:
    port = str(port_of(running.server))
    ended = run_to_its_end(MODEL_FILE=str(model_file), HOST="127.0.0.1", PORT=port)
    assert ended.returncode == 3
    assert f"port {port} is in use" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_an_address_that_is_not_ours_ends_with_one_message(model_file: Path) -> None:
    ended = run_to_its_end(MODEL_FILE=str(model_file), HOST="192.0.2.1", PORT="8080")
    assert ended.returncode == 3
    assert "cannot listen at 192.0.2.1" in ended.stderr


@pytest.mark.parametrize("name", ["PORT", "BODY_LIMIT"])
@pytest.mark.parametrize("text", ["x", "0", "-1", "1.5", "٣", "99999999999"])
def test_a_setting_that_is_no_number_is_refused_by_name(name: str, text: str) -> None:
    with pytest.raises(InputError, match=name):
        read_settings({"MODEL_FILE": "m.json", name: text})


@pytest.mark.parametrize("name", ["REQUEST_SECONDS", "IDLE_SECONDS", "DRAIN_SECONDS", "FINISH_SECONDS"])
@pytest.mark.parametrize("text", ["x", "-1", "nan", "inf", "1e3", "1.", "86401"])
def test_a_time_that_is_no_number_of_seconds_is_refused_by_name(name: str, text: str) -> None:
    with pytest.raises(InputError, match=name):
        read_settings({"MODEL_FILE": "m.json", name: text})


def test_no_time_at_all_to_send_a_request_would_refuse_everybody() -> None:
    with pytest.raises(InputError, match="REQUEST_SECONDS"):
        read_settings({"MODEL_FILE": "m.json", "REQUEST_SECONDS": "0"})
    assert read_settings({"MODEL_FILE": "m.json", "DRAIN_SECONDS": "0.5"}).drain_seconds == 0.5


def test_what_the_environment_leaves_out_has_a_default() -> None:
    settings = read_settings({"MODEL_FILE": "m.json", "PORT": ""})
    assert (settings.host, settings.port, settings.limits.body) == ("0.0.0.0", 8080, 1024 * 1024)  # noqa: S104
    assert settings.row_limit == 100_000
    with pytest.raises(InputError, match="MODEL_FILE"):
        read_settings({})


def test_more_rows_than_the_setting_allows_are_refused(model_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROW_LIMIT", "2")
    with process.serving(model_file) as server:
        assert len(server.infer([[1.0, 2.0]] * 2).score) == 2
        with pytest.raises(ServerError, match="2 rows at most") as caught:
            server.infer([[1.0, 2.0]] * 3)
    assert caught.value.status == 413


def test_start_says_early_why_the_process_ended(
    running: process.Running, model_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = process._free_port()
    with socket.create_server(("127.0.0.1", free)):
        monkeypatch.setattr(process, "_free_port", lambda: free)
        with pytest.raises(Failed, match="is in use") as caught:
            process.start(model_file)
    assert caught.value.waited < process.START_LIMIT


def test_start_refuses_what_is_no_model_file(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError):
        process.start(tmp_path / "missing.json")


def test_the_part_that_goes_into_the_image_needs_nothing_else(tmp_path: Path, model_file: Path) -> None:
    package = Path(aicontainer.__file__).parent
    inside = tmp_path / "aicontainer"
    inside.mkdir()
    for name in image.SERVER_FILES:
        shutil.copy(package / name, inside)
    shutil.copytree(package / "serve", inside / "serve", ignore=shutil.ignore_patterns(*image.OUTSIDE_FILES))
    allowed = {"aicontainer", "numpy", "msgspec", "httptools", "uvloop", "prometheus_client", "simdjson", "csimdjson"}
    # whatever else is installed here is hidden, as it is missing in the image
    look = f"""
import sys

class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] not in sys.stdlib_module_names | {allowed!r}:
            raise ModuleNotFoundError(name, name=name)

sys.meta_path.insert(0, Hidden())
import aicontainer.serve.__main__, aicontainer.serve.app, aicontainer.serve.lifecycle
print(aicontainer.__file__)
"""
    ended = subprocess.run([sys.executable, "-c", look], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert Path(ended.stdout.strip()).parent == inside
