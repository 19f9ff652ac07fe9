"""Whose process id it is: a dead engine must not be taken for a running one, nor another process for an engine."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from aicontainer.sources.packages import daemon


def eventually(look: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not look():
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.fixture
def pid_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "docker.pid"
    monkeypatch.setattr(daemon, "PID_FILES", (file,))
    return file


@pytest.mark.parametrize("pid", [str(os.getpid()), "999999999", "", "no number"])
def test_a_pid_file_that_names_no_engine_is_removed(pid_file: Path, pid: str) -> None:
    pid_file.write_text(pid)
    assert daemon._remove_stale_pid_files()
    assert not pid_file.exists()


def test_a_dead_engine_that_nobody_has_looked_after_is_no_engine(tmp_path: Path, pid_file: Path) -> None:
    program = tmp_path / "dockerd"
    program.symlink_to(Path(sys.executable).resolve())
    engine = subprocess.Popen([program, "-c", "import time; time.sleep(60)"])
    pid_file.write_text(str(engine.pid))
    eventually(lambda: (Path(f"/proc/{engine.pid}") / "comm").read_text().strip() == "dockerd")
    assert not daemon._remove_stale_pid_files()  # it runs, under the name of the engine
    engine.kill()
    eventually(lambda: ") Z " in (Path(f"/proc/{engine.pid}") / "stat").read_text())  # dead, and not yet waited for
    assert daemon._remove_stale_pid_files()
    engine.wait()
