"""The Open Inference Protocol, version 2, as far as one FP64 input needs it: bytes in, numbers, bytes out.

https://github.com/kserve/open-inference-protocol describes the whole of it. Whatever is wrong with a request becomes a
``RequestError`` that names the place of the fault, as ``inputs[0].data[3]``; the application knows nothing of JSON.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from aicontainer import __version__
from aicontainer.errors import RequestError
from aicontainer.model import Array, Model

DATATYPE = "FP64"
INPUT = "rows"
OUTPUTS = ("predict", "score")
WHOLE_BODY = "$"


class _Input(msgspec.Struct):
    name: str
    shape: list[int]
    datatype: str
    data: msgspec.Raw


class _Output(msgspec.Struct):
    name: str


class _Body(msgspec.Struct):
    inputs: list[_Input]
    id: str | None = None
    outputs: list[_Output] | None = None


_BODY = msgspec.json.Decoder(_Body)
_FLAT = msgspec.json.Decoder(list[float])
_NESTED = msgspec.json.Decoder(list[list[float]])
_ENCODER = msgspec.json.Encoder()


@dataclass(frozen=True, eq=False)
class Request:
    """What was asked: rows of shape (n, d), row-major float64 and finite, and which outputs to send back."""

    rows: Array
    id: str | None
    outputs: tuple[str, ...]
    nested: bool

    def place(self, row: int, column: int) -> str:
        """Where a number stood in the request."""
        width = self.rows.shape[1]
        return f"inputs[0].data[{row}][{column}]" if self.nested else f"inputs[0].data[{row * width + column}]"


def decode(body: bytes, width: int) -> Request:
    """Read the body of a request for ``width`` features; ``data`` may be flat or one list for each row.

    Raises
    ------
    RequestError
        With status 400 and the place of the first fault.
    """
    try:
        asked = _BODY.decode(body)
    except msgspec.ValidationError as error:
        raise _invalid(error, "") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _malformed(body, error) from error
    if len(asked.inputs) != 1:
        raise RequestError(f"exactly one input is needed, got {len(asked.inputs)}", path="inputs")
    given = asked.inputs[0]
    if given.datatype != DATATYPE:
        raise RequestError(f"the datatype must be {DATATYPE}, got {given.datatype[:20]!r}", path="inputs[0].datatype")
    count = _checked_count(given.shape, width)
    text = bytes(given.data)
    nested = text[1:].lstrip().startswith(b"[")
    rows = _nested_rows(text, count, width) if nested else _flat_rows(text, count, width)
    return Request(rows, asked.id, _checked_outputs(asked.outputs), nested)


def encode(model: Model, request: Request, predict: Array, score: Array) -> bytes:
    """The answer to a request: ``predict`` and ``score``, each of shape (n,); no bit of a number is lost in it."""
    values = {"predict": predict, "score": score}
    answer: dict[str, Any] = {"model_name": model.name, "model_version": model.version}
    if request.id is not None:
        answer["id"] = request.id
    answer["outputs"] = [
        {"name": name, "shape": [len(values[name])], "datatype": DATATYPE, "data": values[name].tolist()}
        for name in request.outputs
    ]
    return to_json(answer)


def to_json(content: dict[str, Any]) -> bytes:
    """JSON in one line; floats as the shortest decimals that read back as the same bits."""
    return _ENCODER.encode(content)


def server_metadata() -> dict[str, Any]:
    """What this server is."""
    return {"name": "aicontainer", "version": __version__, "extensions": []}


def model_metadata(model: Model) -> dict[str, Any]:
    """What the model takes and gives; -1 stands for any number of rows."""
    return {
        "name": model.name,
        "versions": [model.version],
        "platform": "aicontainer_linear",
        "inputs": [{"name": INPUT, "datatype": DATATYPE, "shape": [-1, len(model.features)]}],
        "outputs": [{"name": name, "datatype": DATATYPE, "shape": [-1]} for name in OUTPUTS],
        "parameters": {
            "features": list(model.features),
            "target": model.target,
            "link": model.link,
            "sha256": model.digest,
            "numpy": model.numpy,
        },
    }


def _checked_count(shape: list[int], width: int) -> int:
    if len(shape) != 2:
        raise RequestError(
            f"the shape must be [number of rows, {width}], got {len(shape)} numbers", path="inputs[0].shape"
        )
    if shape[0] < 1:
        raise RequestError(f"at least one row is needed, got {shape[0]}", path="inputs[0].shape[0]")
    if shape[1] != width:
        raise RequestError(f"this model takes {width} features a row, got {shape[1]}", path="inputs[0].shape[1]")
    return shape[0]


def _flat_rows(text: bytes, count: int, width: int) -> Array:
    try:
        numbers = _FLAT.decode(text)
    except msgspec.ValidationError as error:
        raise _invalid(error, "inputs[0].data") from error
    if len(numbers) != count * width:
        raise RequestError(
            f"the shape says {count} x {width} = {count * width} numbers, got {len(numbers)}", path="inputs[0].data"
        )
    return np.array(numbers, dtype=np.float64).reshape(count, width)


def _nested_rows(text: bytes, count: int, width: int) -> Array:
    try:
        rows = _NESTED.decode(text)
    except msgspec.ValidationError as error:
        raise _invalid(error, "inputs[0].data") from error
    if len(rows) != count:
        raise RequestError(f"the shape says {count} rows, got {len(rows)}", path="inputs[0].data")
    for place, row in enumerate(rows):
        if len(row) != width:
            raise RequestError(
                f"this model takes {width} features a row, got {len(row)}", path=f"inputs[0].data[{place}]"
            )
    return np.array(rows, dtype=np.float64)


def _checked_outputs(asked: list[_Output] | None) -> tuple[str, ...]:
    if not asked:
        return OUTPUTS
    for place, output in enumerate(asked):
        if output.name not in OUTPUTS:
            raise RequestError(f"the outputs are {' and '.join(OUTPUTS)}", path=f"outputs[{place}].name")
    return tuple(dict.fromkeys(output.name for output in asked))


def _invalid(error: msgspec.ValidationError, inside: str) -> RequestError:
    """From msgspec's words, which end in ``- at `$.inputs[0].shape[1]```, to a path below ``inside``."""
    said, _, place = str(error).partition(" - at `$")
    path = inside + place.rstrip("`")
    missing = re.fullmatch(r"Object missing required field `(.+)`", said)
    if missing:
        said, path = "this field is missing", f"{path}.{missing[1]}"
    if inside:
        said = said.replace("Expected `float`", "expected a number")
        said = said.replace("got `null`", "got `null` (JSON has no NaN)")
    return RequestError(said[0].lower() + said[1:], path=path.removeprefix(".") or WHOLE_BODY)


def _malformed(body: bytes, error: Exception) -> RequestError:
    """JSON has neither NaN nor Infinity, yet many programs write them: find such a one, and name its place."""
    try:
        place = next(_not_finite(json.loads(body), ""), None)
    except (ValueError, RecursionError):
        place = None
    if place:
        return RequestError("NaN and Infinity are neither JSON nor numbers to predict from", path=place)
    if isinstance(error, RecursionError):
        return RequestError("lists are nested too deep", path=WHOLE_BODY)
    said = str(error) if isinstance(error, msgspec.DecodeError) else "the text is not UTF-8"
    return RequestError(f"the body is not JSON: {said[0].lower()}{said[1:]}", path=WHOLE_BODY)


def _not_finite(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, float) and not np.isfinite(value):
        yield path or WHOLE_BODY
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from _not_finite(item, f"{path}[{place}]")
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _not_finite(item, f"{path}.{name}".removeprefix("."))
