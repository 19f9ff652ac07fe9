"""The answer of an exercise's check: a state and one sentence, the same text on every run and machine."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, repr=False)
class Check:
    """``not done yet`` (nothing was found), ``wrong`` with a hint from what was found, or ``right``."""

    state: Literal["not done yet", "wrong", "right"]
    text: str

    def __repr__(self) -> str:
        return f"{self.state}: {self.text}"


def not_done(text: str) -> Check:
    """Nothing to check so far; ``text`` says what is awaited."""
    return Check("not done yet", text)


def wrong(hint: str) -> Check:
    """Something was found and is not yet it; ``hint`` says what was seen and where to look."""
    return Check("wrong", hint)


def right(text: str) -> Check:
    """Done; ``text`` says what was checked."""
    return Check("right", text)
