"""Faults of the machine, caused for real without Docker: a full disk, a taken port, an engine that is none."""

import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from aicontainer import environment, model, places
from aicontainer.commands import run
from aicontainer.deploy.containers import free_port
from aicontainer.deploy.local_registry import PREFERRED_REGISTRY_PORT
from aicontainer.errors import DiskFull, EngineUnavailable
from aicontainer.events import Event
from aicontainer.package import engine

Record = Callable[[str, object], None]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KB."""
    if sys.platform != "linux" or os.geteuid() != 0 or not shutil.which("mount"):
        pytest.skip("needs Linux, as root")
    folder = tmp_path / "small-disk"
    folder.mkdir()
    run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", folder], limit=30)
    yield folder
    run(["umount", "--lazy", folder], limit=30)


def _fill(disk: Path) -> None:
    with pytest.raises(OSError, match="No space left"), (disk / "filler").open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def _model(bias: float) -> model.Model:
    scaling = model.Scaling(np.zeros(500), np.ones(500))
    return model.Model("m", "1", np.zeros(500), bias, "identity", scaling, tuple(f"f{i}" for i in range(500)), "y", "r")


def test_a_model_file_on_a_full_disk_stays_as_it_was(small_disk: Path, record_fault: Record) -> None:
    file = _model(1.0).save(small_disk / "model.json")
    _fill(small_disk)
    with pytest.raises(DiskFull) as caught:
        _model(2.0).save(file)
    record_fault("disk full, while a model file is written", caught.value)
    assert "model.json" in caught.value.what
    assert str(small_disk) in caught.value.seen
    assert model.load(file).bias == 1.0
    assert _names(small_disk) == ["filler", "model.json"]


def test_a_text_on_a_full_disk_stays_as_it_was(small_disk: Path, record_fault: Record) -> None:
    file = small_disk / "notebook.ipynb"
    places.write_whole(file, "old")
    _fill(small_disk)
    with pytest.raises(DiskFull) as caught:
        places.write_whole(file, "new" * 10_000)
    record_fault("disk full, while a notebook is written", caught.value)
    assert caught.value.next_step
    assert file.read_text() == "old"
    assert _names(small_disk) == ["filler", "notebook.ipynb"]


def test_a_log_on_a_full_disk_ends_the_program_that_writes_it(small_disk: Path, record_fault: Record) -> None:
    _fill(small_disk)
    with pytest.raises(DiskFull) as caught:
        run(["yes", "a line for the log"], limit=60, log=small_disk / "kind.log")
    record_fault("disk full, while a log is written", caught.value)
    assert "kind.log" in caught.value.what


def test_a_program_that_meets_a_full_disk_is_told_as_that(small_disk: Path, record_fault: Record) -> None:
    with pytest.raises(DiskFull) as caught:
        run(["dd", "if=/dev/zero", f"of={small_disk / 'big'}", "bs=1024", "count=1024"], limit=60)
    record_fault("disk full, in a program that the course runs", caught.value)
    assert caught.value.__cause__ is not None
    assert "dd" in caught.value.what


def test_the_set_up_can_be_removed_on_a_full_disk(small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(small_disk))
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    (small_disk / "aicontainer" / "kube").mkdir(parents=True)
    _fill(small_disk)
    environment.down()
    environment.clear()
    assert [path.name for path in places.cache().iterdir()] == ["up.lock"]


def test_a_taken_port_is_told_by_the_server(tmp_path: Path, record_fault: Record) -> None:
    file = _model(1.0).save(tmp_path / "model.json")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = subprocess.run(
            [sys.executable, "-m", "aicontainer.serve"],
            env={**os.environ, "MODEL_FILE": str(file), "HOST": "127.0.0.1", "PORT": port},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    record_fault("port of the model server taken", ended.stderr)
    assert ended.returncode == 3
    assert f"port {port} is in use" in ended.stderr
    assert "next: set PORT" in ended.stderr


def test_the_registry_takes_another_port_where_its_own_is_taken() -> None:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", PREFERRED_REGISTRY_PORT))
            probe.listen()
        except OSError:
            pass  # somebody else has it: as good
        assert free_port(PREFERRED_REGISTRY_PORT) != PREFERRED_REGISTRY_PORT


@pytest.fixture
def no_engine(monkeypatch: pytest.MonkeyPatch) -> str:
    with closing(socket.create_server(("127.0.0.1", 0))) as closed:
        address = f"tcp://127.0.0.1:{closed.getsockname()[1]}"
    monkeypatch.setenv("DOCKER_HOST", address)
    return address


def test_no_engine_is_told_with_the_next_step(no_engine: str, record_fault: Record) -> None:
    with pytest.raises(EngineUnavailable) as caught:
        engine.connect()
    record_fault("Docker not reachable", caught.value)
    assert "refused" in caught.value.seen
    assert caught.value.next_step == "aicontainer up"


def test_without_an_engine_status_and_down_work(no_engine: str) -> None:
    assert "no Docker Engine answers" in str(environment.status())
    events: list[Event] = []
    environment.down(events.append)
    assert "no Docker Engine answers" in events[-1].text


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def _answer(server: socket.socket, said: bytes) -> None:
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        with connection:
            connection.recv(65536)
            connection.sendall(said)


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 6\r\n\r\nbroken",
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\n<h1>Hello</h1>",
        b"not HTTP at all",
        b"",
    ],
)
def test_something_that_is_no_engine_crashes_neither_status_nor_down(
    listener: socket.socket, said: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    threading.Thread(target=_answer, args=(listener, said), daemon=True).start()
    monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{listener.getsockname()[1]}")
    with pytest.raises(EngineUnavailable) as caught:
        engine.connect()
    assert caught.value.next_step
    assert caught.value.what in str(environment.status())
    environment.down()
    listener.shutdown(socket.SHUT_RDWR)


def test_an_engine_that_keeps_silent_is_not_waited_for_without_end(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch, record_fault: Record
) -> None:
    monkeypatch.setattr(engine, "ANSWER_SECONDS", 1)
    monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{listener.getsockname()[1]}")
    with pytest.raises(EngineUnavailable) as caught:
        engine.connect()
    record_fault("Docker Engine keeps silent", caught.value)
    assert "timed out" in caught.value.seen
