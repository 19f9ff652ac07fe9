"""A real server process under attack: how bytes are thrown at it, how its answers are read, what must hold after it."""

import json
import os
import re
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from aicontainer.model import Model, Scaling
from aicontainer.serve import process

# far beyond what a request may take; who waits as long was left hanging
HANGING_SECONDS = 60
GROWTH_LIMIT = 5_000_000
FEATURES = ("income", "rooms", "âge")
MODEL = Model(
    *("m", "1", np.array([3.7, -0.1, 2 / 3]), 10.1, "identity"),
    *(Scaling(np.array([0.3, 1e3, 0.0]), np.array([0.7, 7.0, 1.0])), FEATURES, "price", "rows"),
)
ROWS = np.array([[0.1, 1e3 / 3, 5e-324], [1e300, -0.0, 1 / 3]])
STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")
LENGTH = re.compile(rb"\r\nContent-Length: (\d+)$")
INFER = "/v2/models/m/infer"


@dataclass
class Target:
    """The server, and how often it was asked, and answered with which status."""

    running: process.Running
    port: int
    statuses: Counter[int] = field(default_factory=Counter)
    sent: int = 0
    memory_before: int = 0

    def send(self, content: bytes) -> bytes:
        """Send bytes on a connection of its own, close our side, and return all that comes until the server closes.

        Raises
        ------
        TimeoutError
            When it leaves the connection hanging.
        """
        got = b""
        with socket.create_connection(("127.0.0.1", self.port), timeout=HANGING_SECONDS) as link:
            # a server that has refused may have closed: what it said can still be read
            with suppress(BrokenPipeError, ConnectionResetError):
                link.sendall(content)
                link.shutdown(socket.SHUT_WR)
            with suppress(ConnectionResetError):
                while piece := link.recv(1 << 16):
                    got += piece
        found = [int(status) for status in STATUS.findall(got)]
        self.count(*found)
        assert not [status for status in found if status >= 500], got[:1000]
        return got

    def count(self, *statuses: int) -> None:
        """One more connection, and the statuses of what was answered on it."""
        self.sent += 1
        self.statuses.update(statuses)

    def ask(self, content: bytes) -> tuple[int, bytes]:
        """Send one request of whatever body in flawless HTTP; status and body of the one answer."""
        head, _, body = self.send(content).partition(b"\r\n\r\n")
        length = LENGTH.search(head)
        assert length and int(length[1]) == len(body), head
        (status,) = STATUS.findall(head)
        if status != b"200":
            assert json.loads(body).keys() == {"error", "path"}
        return int(status), body

    def warmed_up(self) -> None:
        """From here on it must not grow."""
        self.memory_before = self._memory()

    def growth(self) -> int:
        """By how many resident bytes it has grown."""
        return self._memory() - self.memory_before

    def _memory(self) -> int:
        return int(Path(f"/proc/{self.running.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    @contextmanager
    def unharmed(self) -> Iterator[None]:
        """What is done inside must leave the server as it was: alive, right to the last bit, and no larger."""
        failures, said = self.failures(), len(self.running.log())
        yield
        assert self.running.server.infer(ROWS).score.tobytes() == MODEL.score(ROWS).tobytes()
        assert self.failures() == failures
        assert "Traceback" not in self.running.log()[said:]
        assert self.growth() < GROWTH_LIMIT

    def failures(self) -> list[str]:
        """The lines of its own metrics that tell of answers of 5xx."""
        lines = self.running.server.metrics().splitlines()
        return [
            line for line in lines if line.startswith("http_request_duration_seconds_count") and 'status="5' in line
        ]
