"""The request that nearly every client sends: few rows, one FP64 input, all outputs as JSON. Read in one go.

Whatever is the least bit different, or wrong, is left to ``protocol.decode_any``, which reads the same rows from what
is right, and says of the rest what is wrong.
"""

from typing import Literal

import msgspec
import numpy as np

from aicontainer.serve import strict
from aicontainer.serve.tensors import Rows

# bytes: lists of numbers that are longer are read faster in another way
LONGEST = 1024


class _Input(msgspec.Struct, forbid_unknown_fields=True):
    name: Literal["rows"]
    shape: tuple[int, int]
    datatype: Literal["FP64"]
    data: list[float]


class _Body(msgspec.Struct, forbid_unknown_fields=True):
    inputs: tuple[_Input]
    id: str | None = None


_BODY = msgspec.json.Decoder(_Body)
_STRINGS = 7
_PLACES = ("inputs[0]",)
_FLAT = (False,)


def read(body: bytes, width: int, row_limit: int) -> tuple[Rows, str | None] | None:
    """The rows and the id of a plain request to a model of ``width`` features; None where it is no such request."""
    try:
        asked = _BODY.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    given = asked.inputs[0]
    count = given.shape[0]
    if given.shape[1] != width or len(given.data) != count * width or not 1 <= count <= row_limit:
        return None
    if not strict.is_accounted(body, _STRINGS if asked.id is None else _STRINGS + 2):
        return None
    return Rows(np.array(given.data, dtype=np.float64).reshape(count, width), _PLACES, _FLAT), asked.id
