"""The request that nearly every client sends: one FP64 input in a flat list, all outputs as JSON. Read in one go.

Whatever is the least bit different, or wrong, is left to ``protocol.decode_any``, which reads the same rows from what
is right, and says of the rest what is wrong.
"""

import codecs
from typing import Any, Literal

import msgspec
import numpy as np

from aicontainer.model import Array
from aicontainer.serve import flat, strict
from aicontainer.serve.tensors import Rows

# bytes: what is longer is read faster in another way
SHORT = 2048

# shape, numbers of shape (n,), id
Found = tuple[list[int], Array, str | None]


class _Input(msgspec.Struct, forbid_unknown_fields=True):
    name: Literal["rows"]
    shape: list[int]
    datatype: Literal["FP64"]
    data: list[float]


class _Body(msgspec.Struct, forbid_unknown_fields=True):
    inputs: tuple[_Input]
    id: str | None = None


_BODY = msgspec.json.Decoder(_Body)
_STRINGS, _LISTS, _FIELDS = 7, 3, 4
_PLACES = ("inputs[0]",)
_FLAT = (False,)


def read(body: bytes, width: int, row_limit: int) -> tuple[Rows, str | None] | None:
    """The rows and the id of a plain request to a model of ``width`` features; None where it is no such request."""
    found = _at_length(body) if flat.PARSER and len(body) > SHORT else _at_once(body)
    if found is None:
        return None
    shape, numbers, number = found
    count = len(numbers) // width
    if shape != [count, width] or len(numbers) != count * width or not 1 <= count <= row_limit:
        return None
    if not strict.is_accounted(body, _STRINGS if number is None else _STRINGS + 2):
        return None
    return Rows(numbers.reshape(count, width), _PLACES, _FLAT), number


def _at_once(body: bytes) -> Found | None:
    try:
        asked = _BODY.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    given = asked.inputs[0]
    return given.shape, np.array(given.data, dtype=np.float64), asked.id


def _at_length(body: bytes) -> Found | None:
    """The same by simdjson, which needs not pass over a long list before it reads it."""
    # of lists in the list it would make one, and it passes over a byte order mark
    if not strict.has(body, b"[", _LISTS) or body.startswith(codecs.BOM_UTF8):
        return None
    try:
        return _taken(flat.PARSER.parse(body))
    except (ValueError, TypeError, RuntimeError, LookupError, AttributeError):
        return None  # not all of that is a fault: integers beyond 64 bits are none


def _taken(body: Any) -> Found | None:
    # asking for what is not there costs it as much as reading fifty numbers
    inputs, number = body["inputs"], body["id"] if len(body) > 1 else None
    given = inputs[0]
    shape: list[Any] = given["shape"].as_list()
    if not (
        len(body) == (1 if number is None else 2)
        and len(inputs) == 1
        and len(given) == _FIELDS
        and (given["name"], given["datatype"]) == ("rows", "FP64")
        and all(type(each) is int for each in shape)
        and (number is None or isinstance(number, str))
    ):
        return None
    return shape, np.frombuffer(given["data"].as_buffer(of_type="d"), dtype=np.float64), number
