"""A model server as a process on the learner's machine: the same server as in the image, without the image."""

import atexit
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from aicontainer import commands, model, waiting
from aicontainer.errors import shorten
from aicontainer.serve.client import Server
from aicontainer.serve.settings import BODY_LIMIT

HERE = "127.0.0.1"
START_LIMIT = 60.0
# longer than the server gives its own requests, so that killing stays the exception
STOP_LIMIT = 20.0


@dataclass(frozen=True)
class Running:
    """A server process that answers; ``server`` asks it, ``stop()`` ends it.

    It ends with this Python at the latest. On Linux it ends too when this Python is killed, and with the thread that
    started it.
    """

    server: Server
    _process: "subprocess.Popen[bytes]" = field(repr=False, compare=False)
    _log: IO[bytes] = field(repr=False, compare=False)

    def stop(self) -> int:
        """End it by SIGTERM, or kill it where that takes too long; returns its exit code (0 is a clean end)."""
        atexit.unregister(self.stop)
        code = _end(self._process)
        self._log.close()
        return code

    @property
    def pid(self) -> int:
        """The process's number, for a look at it from outside."""
        return self._process.pid

    def log(self) -> str:
        """What it has written so far."""
        return _words(self._log)


def start(model_file: Path, *, body_limit: int = BODY_LIMIT) -> Running:
    """Start ``python -m aicontainer.serve`` on a free port of 127.0.0.1 and wait until it is ready.

    Raises
    ------
    ModelFileError
        When ``model_file`` is no model file.
    Failed
        When the process ends instead; with its last words.
    TimedOut
        When it is not ready after a minute.
    """
    name = model.load(model_file).name
    port = _free_port()
    log = tempfile.TemporaryFile()  # noqa: SIM115  it stays open as long as the process
    process = _launch(model_file, port, body_limit, log)
    running = Running(Server(f"http://{HERE}:{port}", name), process, log)
    try:
        waiting.wait("the model server", lambda: _look(running), limit=START_LIMIT, pause=0.1)
    except BaseException:
        running.stop()
        raise
    atexit.register(running.stop)
    return running


@contextmanager
def serving(model_file: Path, *, body_limit: int = BODY_LIMIT) -> Iterator[Server]:
    """A server for the length of a ``with`` block; raises what ``start`` raises.

    Examples
    --------
    >>> with serving(path) as server:  # doctest: +SKIP
    ...     server.infer(rows)
    """
    running = start(model_file, body_limit=body_limit)
    try:
        yield running.server
    finally:
        running.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HERE, 0))
        return int(probe.getsockname()[1])


def _launch(model_file: Path, port: int, body_limit: int, log: IO[bytes]) -> "subprocess.Popen[bytes]":
    said = {"MODEL_FILE": str(model_file), "HOST": HERE, "PORT": str(port), "BODY_LIMIT": str(body_limit)}
    return subprocess.Popen(
        [sys.executable, "-m", "aicontainer.serve"],
        # nobody has to be told beforehand that this server ends, as a cluster has to
        env={"DRAIN_SECONDS": "0", **os.environ, **said},
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        # a session of its own: Ctrl-C in a terminal or a notebook is meant for us, not for the server
        start_new_session=True,
        preexec_fn=_end_with_parent,
    )


def _end_with_parent() -> None:
    if sys.platform == "linux":  # a killed kernel runs no exit handler, and its server would stay for ever
        commands.LIBC.prctl(commands.PR_SET_PDEATHSIG, signal.SIGTERM)


def _look(running: Running) -> waiting.Seen:
    code = running._process.poll()
    if code is not None:
        return waiting.failed(f"it ended with {code}: {shorten(running.log())}")
    return waiting.ready() if running.server.ready() else waiting.pending("it does not answer yet")


def _words(log: IO[bytes]) -> str:
    # read by position: the server writes to the same open file, whose offset must stay at its end
    return os.pread(log.fileno(), os.fstat(log.fileno()).st_size, 0).decode(errors="replace")


def _end(process: "subprocess.Popen[bytes]") -> int:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
    return process.wait()
