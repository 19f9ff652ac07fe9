"""What the connections of one process share: the application, the limits, a clock, the count of what is open.

And a turn of the event loop: requests that came in the same turn are answered together, since most of what a model of
this size needs for one row it needs once for all of them.
"""

import sys
import time
import traceback
from collections.abc import Callable
from typing import Protocol

from aicontainer.serve.heads import Heads
from aicontainer.serve.request import Answering, Reply, Request
from aicontainer.serve.settings import Limits

SWEEP_SECONDS = 0.25
# bodies that are still arriving, together: this many of the largest size
WHOLE_BODIES = 32
# of bodies that wait for the end of a turn: beyond, waiting costs more memory than it spares time
JOINED_BYTES = 256 * 1024
# whoever has been idle for less may be about to ask
SHORTEST_IDLE_SECONDS = 1.0


class Open(Protocol):
    """A connection, as seen from here."""

    since: float

    @property
    def idle(self) -> bool:
        """Whether little is lost when it is closed."""

    def look(self) -> None:
        """Close it, if what it does takes too long."""

    def send(self, request: Request, keep: bool, reply: Reply) -> None:
        """Send the answer to a request that has joined; ``keep`` says whether another may follow."""

    def close(self) -> None:
        """Close it as soon as all is sent."""

    def abort(self) -> None:
        """Close it now."""


class Wire:
    """One for each process.

    ``now`` is a clock that stands still between two sweeps: good enough for limits of seconds, and it costs a request
    nothing, where a timer for each would cost it microseconds.

    Parameters
    ----------
    application, limits
        What answers, and what a client may do.
    soon
        Calls what it is given at the end of this turn of the event loop (``loop.call_soon``).
    """

    def __init__(self, application: Answering, limits: Limits, soon: Callable[[Callable[[], None]], object]) -> None:
        self.application = application
        self.limits = limits
        self.heads = Heads()
        self.now = time.monotonic()
        self.stopping = False
        self.arriving = 0
        self.held = 0
        self._held_limit = WHOLE_BODIES * limits.body
        self._open: set[Open] = set()
        self._soon = soon
        self._due = False  # the end of this turn will be told
        self._joined: list[tuple[Open, Request, bool]] = []
        self._joined_bytes = 0

    def __repr__(self) -> str:
        return f"Wire({len(self._open)} connections, {self.arriving} requests arriving, {self.held} bytes held)"

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._open)

    @property
    def crowded(self) -> bool:
        """Whether more is arriving than may be: by number, or by the memory that it takes."""
        return self.arriving > self.limits.requests or self.held > self._held_limit

    def add(self, connection: Open) -> bool:
        """Take up a new connection; False when there is no room, though an idle one would have been closed for it."""
        room = len(self._open) < self.limits.connections or self._close_longest_idle()
        self._open.add(connection)
        return room

    def discard(self, connection: Open) -> None:
        """A connection is gone."""
        self._open.discard(connection)

    def join(self, connection: Open, request: Request, keep: bool) -> None:
        """Answer this with the other requests of this turn; of each connection one at most is among them."""
        if not self._due:
            self._due = True
            self._soon(self._end_turn)
        self._joined.append((connection, request, keep))
        self._joined_bytes += len(request.body)
        if self._joined_bytes > JOINED_BYTES:
            self.answer()

    def _end_turn(self) -> None:
        self._due = False
        self.answer()

    def answer(self) -> None:
        """Answer all that have joined; there may be none left."""
        if not self._joined:
            return
        joined, self._joined, self._joined_bytes = self._joined, [], 0
        replies = self.application.answer([request for _, request, _ in joined])
        for (connection, request, keep), reply in zip(joined, replies, strict=True):
            try:
                connection.send(request, keep, reply)
            except Exception:  # a fault of ours; the others of this turn have answers to come
                traceback.print_exc(file=sys.stderr)
                connection.abort()

    def _close_longest_idle(self) -> bool:
        idle = self._idle()
        if idle:
            min(idle, key=lambda each: each.since).close()
        return bool(idle)

    def _idle(self) -> list[Open]:
        before = self.now - SHORTEST_IDLE_SECONDS
        return [each for each in self._open if each.idle and each.since < before]

    def sweep(self) -> None:
        """Move the clock, and end what takes too long; called every ``SWEEP_SECONDS``."""
        self.now = time.monotonic()
        self.heads.tick()
        for connection in tuple(self._open):
            connection.look()

    def close_idle(self) -> None:
        """Close each connection by which little is lost."""
        for connection in self._idle():
            connection.close()

    def abort(self) -> None:
        """Close everything now."""
        for connection in tuple(self._open):
            connection.abort()


class Share:
    """What one connection's request, while it arrives, takes of what all of them have together.

    Most requests arrive in one piece, and never take a share.
    """

    __slots__ = ("_held", "_wire", "counted", "received")

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._held = 0
        self.counted = False
        self.received = 0

    def __repr__(self) -> str:
        return f"Share({self._held} bytes held)"

    def take(self, received: int, held: int) -> None:
        """Some more bytes were received, and this many are now held of its body."""
        if self.counted:
            self.received += received
        else:
            self.counted = True
            self.received = 0  # the first piece may hold the end of another request, and is not large
            self._wire.arriving += 1
        self._wire.held += held - self._held
        self._held = held

    def give_back(self) -> None:
        """It is whole, or gone."""
        if self.counted:
            self.counted = False
            self._wire.arriving -= 1
            self._wire.held -= self._held
            self._held = 0
