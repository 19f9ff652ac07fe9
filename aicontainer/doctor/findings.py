"""What the doctor hands on, a finding; and what it is made from: what a look saw, and advice for each system."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Literal, TypeVar

Family = Literal["debian", "fedora", "macos", "windows", "other"]
State = Literal["fine", "worth knowing", "not known", "not enough"]
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: what was found, how it stands, and what mends it on this system.

    ``fine``; ``worth knowing`` (the course runs, but read it); ``not known`` (it could not be found out, and ``found``
    says why); ``not enough`` (something of the course will not run).
    """

    name: str
    found: str
    state: State
    mend: str

    @property
    def enough(self) -> bool:
        """Whether nothing stands against running the course; what could not be found out does not."""
        return self.state != "not enough"


@dataclass(frozen=True)
class Advice:
    """What to do about one thing, as a command where there is one, on each family of systems.

    ``debian`` is Debian, Ubuntu and what is made from them; ``fedora`` also its relatives; ``windows`` is Windows with
    WSL2, and says where a command belongs to Windows and not to the Linux in it.
    """

    debian: str
    fedora: str
    macos: str
    windows: str
    other: str

    def on(self, family: Family) -> str:
        """The text for a family of systems."""
        texts: dict[Family, str] = {
            "debian": self.debian,
            "fedora": self.fedora,
            "macos": self.macos,
            "windows": self.windows,
            "other": self.other,
        }
        return texts[family]


@dataclass(frozen=True)
class Seen:
    """What a look saw. ``advice`` is what mends just this; without it the look's own holds."""

    found: str
    state: State = "fine"
    advice: Advice | None = None


def ask(question: Callable[[], Answer]) -> Future[Answer]:
    """Ask in a thread that nobody has to wait for: one that never answers holds up neither the caller nor its end."""
    future: Future[Answer] = Future()

    def answer() -> None:
        try:
            future.set_result(question())
        except BaseException as error:  # whatever it is, it belongs to whoever asked
            future.set_exception(error)

    threading.Thread(target=answer, daemon=True).start()
    return future
