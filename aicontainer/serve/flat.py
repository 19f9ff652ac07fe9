"""A flat JSON list of numbers as float64: what nearly every byte of a large request is.

simdjson reads a long list several times as fast, straight into an array, where it is installed; msgspec reads it
everywhere, and says what is wrong. Both round each decimal to the nearest float64, so both give the same bits.
"""

from typing import Any

import msgspec
import numpy as np

from aicontainer.model import Array

try:
    import simdjson
except ImportError:  # it has no wheels for the newest Pythons
    simdjson = None  # type: ignore[assignment]

# bytes: below, the two take the same time
WORTH_IT = 256

_NUMBERS = msgspec.json.Decoder(list[float])
PARSER: Any = simdjson and simdjson.Parser()


def read(text: bytes) -> Array:
    """The numbers of a list such as ``[1, 2.5, -3e2]``, shape (n,), all finite.

    Raises
    ------
    msgspec.ValidationError
        When something in it is no number, or lies beyond float64; with its place.
    """
    if len(text) >= WORTH_IT and PARSER and text.find(b"[", 1) < 0:  # simdjson would lay out lists in the list as one
        numbers = _quickly(text)
        if numbers is not None:
            return numbers
    return read_simply(text)


def read_simply(text: bytes) -> Array:
    """The same by msgspec alone."""
    return np.array(_NUMBERS.decode(text), dtype=np.float64)


def _quickly(text: bytes) -> Array | None:
    """None for whatever simdjson does not take; not all of that is a fault: it stops at integers beyond 64 bits."""
    try:
        return np.frombuffer(PARSER.parse(text).as_buffer(of_type="d"), dtype=np.float64)
    except (ValueError, TypeError, RuntimeError):
        return None
