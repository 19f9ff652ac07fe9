"""The protocol's binary tensor data extension: numbers as bytes behind the JSON, both ways.

https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md: the header
``Inference-Header-Content-Length`` says where the JSON ends; the bytes of each tensor follow in the order in which the
JSON names them, row-major and little-endian, as many as its ``binary_data_size`` says.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from aicontainer.errors import RequestError
from aicontainer.model import Array
from aicontainer.serve.request import Reply
from aicontainer.serve.strict import WHOLE_BODY

JSON_LENGTH = "Inference-Header-Content-Length"
SIZE = "binary_data_size"
OCTETS = "application/octet-stream"

LENGTH_KEY = JSON_LENGTH.lower().encode()
_ENCODER = msgspec.json.Encoder()


class Pieces:
    """The bytes behind the JSON, handed out in their order."""

    def __init__(self, content: memoryview) -> None:
        self._left = content

    def take(self, size: int, path: str) -> memoryview:
        """The next ``size`` bytes. Raises ``RequestError`` where fewer are left."""
        if size > len(self._left):
            raise RequestError(f"{size} bytes are announced, {len(self._left)} are left of the body", path=path)
        piece, self._left = self._left[:size], self._left[size:]
        return piece

    def finish(self) -> None:
        """Raise ``RequestError`` where bytes are left over that no input announced."""
        if len(self._left):
            raise RequestError(f"{len(self._left)} bytes at the end belong to no input", path=WHOLE_BODY)


def split(headers: Mapping[bytes, bytes], body: bytes | bytearray) -> tuple[bytes, Pieces]:
    """The JSON of a body, and what follows it; that is not copied.

    Raises
    ------
    RequestError
        When the header is no number of bytes that the body has.
    """
    said = headers.get(LENGTH_KEY)
    if said is None:
        return bytes(body), Pieces(memoryview(b""))
    if not (said.isdigit() and len(said) < 20 and int(said) <= len(body)):
        what = f"{JSON_LENGTH} must be a number of bytes, {len(body)} at most, got {said[:20].decode('latin-1')!r}"
        raise RequestError(what, path=WHOLE_BODY)
    return bytes(body[: int(said)]), Pieces(memoryview(body)[int(said) :])


def join(answer: dict[str, Any], tensors: Sequence[Array]) -> Reply:
    """The answer whose outputs with a ``binary_data_size`` are ``tensors``, of float64."""
    head = _ENCODER.encode(answer)
    body = b"".join([head, *(np.ascontiguousarray(tensor, dtype="<f8").data for tensor in tensors)])
    return Reply(200, body, OCTETS, ((JSON_LENGTH, str(len(head))),))
