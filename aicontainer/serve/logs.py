"""The log: one JSON object a line, on the standard error stream, one line a request.

Above ``per_second`` lines a second most would only be read by a disk: those that come after are not written, and the
next line says how many were ``lost``. What went wrong on our side is written at any rate. Whoever reads the stream may
stop reading it, or end: then lines are lost too, and no answer waits for one (`ErrorStream`).

A request that comes with a W3C ``traceparent`` header keeps its trace id (https://www.w3.org/TR/trace-context/), so
that the lines of several programs about one request can be found together; any other gets one of its own.
"""

import io
import json
import os
import re
import select
import time
from collections.abc import Callable
from typing import IO, Any

from aicontainer.serve.request import Request

PER_SECOND = 100
LONGEST_PATH = 200

# version, trace id, parent id, flags; an id of zeros only is not valid
_TRACEPARENT = re.compile(rb"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?")


class Log:
    """The log of one worker.

    Parameters
    ----------
    stream
        Where the lines go.
    per_second
        How many lines on requests are written in a second at most; 0 writes none but the failures.
    clock
        Unix time in seconds.
    """

    def __init__(self, stream: IO[str], per_second: int = PER_SECOND, clock: Callable[[], float] = time.time) -> None:
        self._stream = stream
        self._per_second = per_second
        self._clock = clock
        self._second = 0
        self._written = 0
        self._lost = 0

    def __repr__(self) -> str:
        return f"Log(up to {self._per_second} requests a second)"

    def answered(self, request: Request, route: str, status: int, seconds: float, rows: int) -> None:
        """Write a line about a request, if it is not one too many in this second."""
        now = self._clock()
        if int(now) != self._second:
            self._second, self._written = int(now), 0
        if self._written >= self._per_second and status < 500:
            self._lost += 1
            return
        self._written += 1
        self._write(
            now,
            "error" if status >= 500 else "info",
            "request",
            method=request.method[:20],
            path=request.path[:LONGEST_PATH],
            route=route,
            status=status,
            seconds=round(seconds, 6),
            rows=rows,
            trace_id=trace_id(request.headers.get(b"traceparent", b"")),
        )

    def say(self, message: str, *, level: str = "info", **more: Any) -> None:
        """Write a line about the server itself, for instance that it has taken up another model."""
        self._write(self._clock(), level, message, **more)

    def _write(self, now: float, level: str, message: str, **more: Any) -> None:
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1000):03d}Z"
        lost, self._lost = self._lost, 0
        line = {"time": moment, "level": level, "message": message, **more, **({"lost": lost} if lost else {})}
        if not self._stream.write(json.dumps(line) + "\n"):
            self._lost = lost + 1


class ErrorStream(io.TextIOBase):
    """A standard error stream that nobody has to read.

    What cannot be written at once is dropped, and ``write`` returns 0. The file is not made non-blocking: it is shared
    with whoever else has it open, a shell for instance. A pipe that polls as writable takes `select.PIPE_BUF` bytes
    without waiting (pipe(7)); only with another worker writing in between could it be full after all, and a worker
    that waits for that is replaced as one that is stuck.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)

    def __repr__(self) -> str:
        return f"ErrorStream({self._descriptor})"

    def fileno(self) -> int:
        """The file's number."""
        return self._descriptor

    def writable(self) -> bool:
        """As every stream that is written to."""
        return True

    def write(self, text: str) -> int:
        """Write a text of one line or a part of one, cut to what goes in at once; 0 when it was dropped."""
        content = text.encode(errors="backslashreplace")
        if len(content) > select.PIPE_BUF:
            content = content[: select.PIPE_BUF - 1] + b"\n"
        try:
            # an error of the file, for instance that nobody can read it any more, polls as an event too
            return os.write(self._descriptor, content) if self._poll.poll(0) else 0
        except OSError:
            return 0


def trace_id(traceparent: bytes) -> str:
    """The trace id of a ``traceparent`` header, or a new one where there is none that is valid."""
    found = _TRACEPARENT.fullmatch(traceparent)
    return found[1].decode() if found else os.urandom(16).hex()
