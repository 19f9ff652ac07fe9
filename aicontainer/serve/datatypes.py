"""The tensor datatypes of the Open Inference Protocol: their range, and how they become the float64 of the model.

https://kserve.github.io/website/docs/concepts/architecture/data-plane/v2-protocol lists them. Of the integers, those
beyond 2**53 are rounded to the nearest float64, as everywhere in numpy. ``BF16`` is the upper half of a float32.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from aicontainer.errors import RequestError
from aicontainer.model import Array


@dataclass(frozen=True)
class Datatype:
    """One datatype: ``stored`` is how a binary tensor holds it, ``kind`` what stands for it in JSON.

    ``low`` and ``high`` are the limits of a whole number or of a bool; numbers with a fraction have none.
    """

    name: str
    stored: "np.dtype[Any]"
    kind: type[float] | type[int] | type[bool] = float
    low: int = 0
    high: int = 0

    @property
    def size(self) -> int:
        """Bytes of one number in a binary tensor."""
        return self.stored.itemsize

    def from_list(self, values: "list[float] | list[int] | list[bool]") -> Array:
        """Numbers as JSON gave them, shape (n,), rounded to what the datatype can hold.

        Raises
        ------
        OutOfRange
            When one of them is beyond the datatype; with its place.
        """
        if self.kind is float:
            return self.rounded(np.array(values, dtype=np.float64))
        if values and (min(values) < self.low or max(values) > self.high):
            raise self._beyond(next(i for i, value in enumerate(values) if not self.low <= value <= self.high))
        return np.array(values, dtype=np.float64)

    def rounded(self, numbers: Array) -> Array:
        """Finite float64 numbers as the datatype holds them. Raises ``OutOfRange``."""
        if self.name == "FP64":
            return numbers
        with np.errstate(over="ignore"):
            held = _from_upper_half(_upper_half(numbers)) if self.name == "BF16" else numbers.astype(self.stored)
        beyond = np.flatnonzero(np.isinf(held))
        if len(beyond):
            raise self._beyond(int(beyond[0]))
        return held.astype(np.float64)

    def from_bytes(self, content: memoryview) -> Array:
        """The numbers of a binary tensor, little-endian, shape (n,); a view where it holds float64.

        NaN and infinity are left in: they show in the score, which is looked at anyway.

        Raises
        ------
        OutOfRange
            When a bool is neither 0 nor 1; with its place.
        """
        held = np.frombuffer(content, dtype=self.stored)
        if self.name == "BOOL" and held.max(initial=0) > 1:
            raise OutOfRange(int(np.flatnonzero(held > 1)[0]), "a BOOL must be 0 or 1")
        numbers: Array = (_from_upper_half(held) if self.name == "BF16" else held).astype(np.float64, copy=False)
        return numbers

    def _beyond(self, place: int) -> "OutOfRange":
        limits = f", which holds {self.low} to {self.high}" if self.kind is int else ""
        return OutOfRange(place, f"beyond the range of {self.name}{limits}")


class OutOfRange(Exception):
    """A number that its datatype cannot hold; ``place`` counts the numbers of the tensor from 0.

    Whoever knows where the tensor stands in the request makes a ``RequestError`` of it.
    """

    def __init__(self, place: int, what: str) -> None:
        super().__init__(what)
        self.place = place
        self.what = what


def _upper_half(numbers: Array) -> "np.ndarray[Any, np.dtype[np.uint16]]":
    bits = numbers.astype("<f4").view("<u4").astype(np.uint64)
    # to the nearest, and to the even one of two that are as near
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype("<u2")


def _from_upper_half(halves: "np.ndarray[Any, Any]") -> "np.ndarray[Any, np.dtype[np.float32]]":
    return (halves.astype("<u4") << 16).view("<f4")


def _whole(name: str, stored: str) -> Datatype:
    limits = np.iinfo(stored)
    return Datatype(name, np.dtype(stored), int, int(limits.min), int(limits.max))


DATATYPES = {
    datatype.name: datatype
    for datatype in (
        Datatype("BOOL", np.dtype("u1"), bool, 0, 1),
        *(_whole(f"UINT{8 * size}", f"<u{size}") for size in (1, 2, 4, 8)),
        *(_whole(f"INT{8 * size}", f"<i{size}") for size in (1, 2, 4, 8)),
        *(Datatype(f"FP{8 * size}", np.dtype(f"<f{size}")) for size in (2, 4, 8)),
        Datatype("BF16", np.dtype("<u2")),
    )
}


def find(name: str, path: str) -> Datatype:
    """The datatype of this name.

    Raises
    ------
    RequestError
        When a model of numbers cannot take it; ``path`` is where it was asked for.
    """
    if name == "BYTES":
        raise RequestError("this model takes numbers; BYTES are texts", path=path)
    if name not in DATATYPES:
        raise RequestError(f"the datatypes are {', '.join(DATATYPES)}; got {name[:20]!r}", path=path)
    return DATATYPES[name]
