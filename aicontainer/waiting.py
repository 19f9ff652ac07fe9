"""The one way to wait for something outside. Engine, image, pod, server and lock are all awaited here.

A *look* is a function that asks once and says what it saw: ``pending``, ``ready``, ``failed`` or ``gone``. The wait
repeats it under a limit on a monotonic clock. Whatever ends the wait, the error carries the last state that was seen.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from aicontainer.errors import Failed, Gone, TimedOut
from aicontainer.events import Event, Listener, silent


@dataclass(frozen=True)
class Seen:
    """What one look saw: a state, words for a person, and the value that is awaited when it is ready.

    ``next_step`` is what to do about just this, where it is known better than the one who waits knows.
    """

    state: Literal["pending", "ready", "failed", "gone"]
    text: str
    value: Any = None
    next_step: str = ""


def pending(text: str) -> Seen:
    """Not yet; look again."""
    return Seen("pending", text)


def ready(value: Any = None, text: str = "ready") -> Seen:
    """It is what was awaited; ``value`` is what the wait returns."""
    return Seen("ready", text, value)


def failed(text: str, next_step: str = "") -> Seen:
    """It will not recover by itself: stop waiting now."""
    return Seen("failed", text, next_step=next_step)


def gone(text: str) -> Seen:
    """It was deleted meanwhile: stop waiting now."""
    return Seen("gone", text)


def wait(
    what: str,
    look: Callable[[], Seen],
    *,
    limit: float,
    pause: float = 0.5,
    next_step: str = "",
    tell: Listener = silent,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Any:
    """Look until it is ready, has failed, is gone, or ``limit`` seconds have passed.

    ``what`` completes the sentence "waited for ...". The first look comes at once and one look comes at the limit, so a
    limit of 0 looks once.

    Returns
    -------
    The ``value`` of the look that was ready.

    Raises
    ------
    TimedOut, Failed, Gone
        Each with the last state seen, the seconds waited, and the next step: the look's own, else ``next_step``.
    """
    begun = clock()
    told = ""
    while True:
        seen = look()
        waited = clock() - begun
        if seen.state == "ready":
            return seen.value
        details: dict[str, Any] = {"seen": seen.text, "next_step": seen.next_step or next_step, "waited": waited}
        if seen.state == "failed":
            raise Failed(f"{what}: failed after {waited:.0f} s", **details)
        if seen.state == "gone":
            raise Gone(f"{what}: gone after {waited:.0f} s", **details)
        if waited >= limit:
            raise TimedOut(f"{what}: not within {limit:.0f} s", **details)
        if seen.text != told:
            told = seen.text
            tell(Event(what, "progress", seen.text))
        sleep(max(0.0, min(pause, limit - waited)))
