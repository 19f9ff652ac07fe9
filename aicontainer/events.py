"""What lower rooms tell while they work. They never print: ``show`` and the command line draw these events.

A function that takes long accepts ``tell: Listener = silent`` and calls it; whoever calls the function decides
whether that becomes a widget, a line in a terminal, or nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Kind = Literal["started", "progress", "found", "made", "mended", "failed"]


@dataclass(frozen=True)
class Event:
    """One thing that happened in a step.

    ``kind`` is ``started`` or ``progress`` while the step goes on, then one of ``found`` (nothing had to be done),
    ``made``, ``mended``, ``failed``. ``fraction`` is 0..1 where it is known. ``estimate`` is in seconds.
    """

    step: str
    kind: Kind
    text: str = ""
    fraction: float | None = None
    estimate: float | None = None


Listener = Callable[[Event], None]


def silent(event: Event) -> None:
    """The listener that drops every event."""
