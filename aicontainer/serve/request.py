"""What passes between the wire and the application: a whole request, a whole reply, and what one may ask of the other.

The wire (``connection`` and what stands around it) knows HTTP and nothing of models; the application knows models and
nothing of sockets. A request is handed over when its last byte is here, and its reply is whole: both are values.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from aicontainer.errors import RequestError
from aicontainer.model import Model

JSON = "application/json"


@dataclass(slots=True)
class Request:
    """A whole request.

    Parameters
    ----------
    method
        As it was sent: ``POST``.
    path, query
        The two sides of the first ``?`` of the target, percent-encoded as they were sent.
    headers
        Names in lower case; of a name that was sent twice, the last value.
    body
        The whole body, without its transfer coding; empty where there was none. One that came in several pieces has
        grown in a bytearray: to join them at the end would take twice the memory.
    arrived
        When its last byte was here, by ``time.perf_counter``, in seconds.
    """

    # not frozen: `frozen=True` sets each field through object.__setattr__, a microsecond for each request

    method: str
    path: str
    query: str
    headers: Mapping[bytes, bytes]
    body: bytes | bytearray
    arrived: float = field(default_factory=time.perf_counter)


@dataclass(slots=True)
class Reply:
    """What goes back: status, body, its type, and further headers. The wire adds length, date and connection."""

    status: int
    body: bytes
    content_type: str = JSON
    headers: tuple[tuple[str, str], ...] = ()


class Answering(Protocol):
    """What the wire asks of an application. Everything is called in the thread of the event loop, one at a time."""

    def answer(self, requests: Sequence[Request]) -> list[Reply]:
        """Answer each, in their order, and never raise: a fault of ours becomes a 500, with its traceback in the log.

        To ``HEAD`` it answers as to ``GET``: the wire leaves the body out.
        """

    def turned_away(self, error: RequestError) -> Reply:
        """The reply to what never became a request (too long, too slow, no HTTP, too many at once); it counts it."""

    def serve(self, model: Model) -> None:
        """Answer with this model from the next request on."""

    def refused(self, reason: str) -> None:
        """A new model file cannot be used, and the old model stays: readiness, log and metrics say so."""

    def tick(self, arriving: int) -> None:
        """A quarter of a second has gone by; so many requests have begun to arrive."""

    def stopping(self) -> None:
        """The end has begun: not ready any more; requests are still answered."""
