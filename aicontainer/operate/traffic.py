"""Requests at a steady pace, from this machine, with a known share that the server must refuse.

Who wants to know what a monitor shows has to know what there was to see.
"""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from aicontainer.errors import AicontainerError
from aicontainer.model import Array
from aicontainer.serve.client import Server

# Of ten refused requests so many are for a model that is not there (404); the others are no request at all (400).
NOT_THERE = 7
JOIN_SECONDS = 60


class Traffic:
    """Requests that are sent by a thread of their own: what was sent so far, and what is sent from now on.

    ``answered``, ``refused`` and ``failed`` count requests, ``rows`` the rows that were predicted.
    """

    def __init__(self, server: Server, rows: Sequence[Array], per_second: float) -> None:
        self.answered = self.refused = self.failed = self.rows = 0
        self._server, self._pieces, self._per_second = server, rows, per_second
        self._elsewhere = Server(server.address, f"not-{server.model}")
        self._refused_of_ten = 0
        self._good = self._bad = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="traffic", daemon=True)

    def __repr__(self) -> str:
        return "Traffic()"

    def refuse(self, of_ten: int) -> None:
        """From now on send so many of ten requests in a form that the server refuses; the pace stays."""
        self._refused_of_ten = of_ten

    def _run(self) -> None:
        begun, count = time.monotonic(), 0
        while not self._ended.is_set():
            self._send(count)
            count += 1
            # by the clock and not by the pause: a slow answer does not lower the pace for long
            self._ended.wait(max(0.0, begun + count / self._per_second - time.monotonic()))

    def _send(self, count: int) -> None:
        # spread over each ten: 7 * count mod 10 takes every digit once
        if 7 * count % 10 < self._refused_of_ten:
            self._send_bad()
        else:
            self._send_good()

    def _send_good(self) -> None:
        piece = self._pieces[self._good % len(self._pieces)]
        self._good += 1
        try:
            self._server.infer(piece)
        except AicontainerError:
            self.failed += 1
        else:
            self.answered += 1
            self.rows += len(piece)

    def _send_bad(self) -> None:
        server = self._elsewhere if 7 * self._bad % 10 < NOT_THERE else self._server
        self._bad += 1
        try:
            server.post("no request")
        except AicontainerError as error:
            known = getattr(error, "status", 0) in (400, 404)
            self.refused += known
            self.failed += not known

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def stop(self) -> None:
        """Send no more, and wait for the answer that is under way."""
        self._ended.set()
        self._thread.join(JOIN_SECONDS)


@contextmanager
def sending(server: Server, rows: Sequence[Array], per_second: float, refused_of_ten: int = 0) -> Iterator[Traffic]:
    """Send requests while the block runs.

    Parameters
    ----------
    rows
        The bodies: each a table of raw rows of shape (n, d), sent in turns.
    per_second
        How many requests a second, one after the other.
    refused_of_ten
        How many of ten are sent in a form that the server refuses.
    """
    traffic = Traffic(server, rows, per_second)
    traffic.refuse(refused_of_ten)
    traffic.start()
    try:
        yield traffic
    finally:
        traffic.stop()
