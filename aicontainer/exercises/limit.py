"""A limit on how long a learner's own function may run inside a check."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class RanTooLong(
    BaseException
):  # not an Exception: a learner's `except Exception` inside an endless loop must not eat it
    """The limit has passed."""


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Raise `RanTooLong` in the body when it runs longer; cells run in the main thread, and elsewhere nothing is done.

    Raises
    ------
    RanTooLong
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(number: int, frame: FrameType | None) -> None:
        raise RanTooLong

    before = signal.signal(signal.SIGALRM, ring)
    # it rings again each second, for code that catches everything
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
