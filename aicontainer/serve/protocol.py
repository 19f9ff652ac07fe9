"""The Open Inference Protocol, version 2: bytes to rows, and numbers to bytes.

https://github.com/kserve/open-inference-protocol describes it. Whatever is wrong with a request becomes a
``RequestError`` that names the place of the fault, as ``inputs[0].data[3]``; the application knows nothing of JSON.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from aicontainer.errors import RequestError
from aicontainer.model import Array, Model
from aicontainer.serve import binary, plain, strict, tensors
from aicontainer.serve.request import Reply
from aicontainer.serve.tensors import Input, Parameters, Rows

OUTPUTS = ("predict", "score")
DATATYPE = "FP64"
# what would change the answer, and is not done here; other parameters may be there and are not looked at
_NOT_DONE = ("classification", "shared_memory_region")


class Output(msgspec.Struct):
    """One output that was asked for, as it stands in the JSON."""

    name: str
    parameters: Parameters | None = None


class _Body(msgspec.Struct):
    inputs: list[Input]
    id: str | None = None
    outputs: list[Output] | None = None
    parameters: Parameters | None = None


class Asked(msgspec.Struct, frozen=True):
    """What was asked: the rows, which outputs to send back, and which of these as bytes."""

    rows: Rows
    id: str | None
    outputs: tuple[str, ...]
    as_bytes: frozenset[str]


_BODY = msgspec.json.Decoder(_Body)
_ENCODER = msgspec.json.Encoder()
_NONE: frozenset[str] = frozenset()


def decode(headers: Mapping[bytes, bytes], body: bytes | bytearray, features: tuple[str, ...], row_limit: int) -> Asked:
    """Read the body of an inference request to a model of these features.

    Raises
    ------
    RequestError
        With the place of the first fault, and status 400, or 413 above ``row_limit`` rows.
    """
    if binary.LENGTH_KEY not in headers:
        body = bytes(body)
        if read := plain.read(body, len(features), row_limit):
            return Asked(*read, OUTPUTS, _NONE)
    return decode_any(headers, body, features, row_limit)


def decode_any(
    headers: Mapping[bytes, bytes], body: bytes | bytearray, features: tuple[str, ...], row_limit: int
) -> Asked:
    """The same for every request that the protocol knows; ``decode`` takes a short cut for the usual one."""
    text, pieces = binary.split(headers, body)
    try:
        asked = _BODY.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise strict.explained(error, text) from error
    if not strict.is_accounted(text, _strings(asked)):
        strict.check(text)
    rows = tensors.read(asked.inputs, features, row_limit, pieces)
    pieces.finish()
    if not asked.outputs and not asked.parameters:
        return Asked(rows, asked.id, OUTPUTS, _NONE)
    return Asked(rows, asked.id, *_checked_outputs(asked.outputs or [], asked.parameters or {}))


class _Output(msgspec.Struct):
    name: str
    datatype: str
    shape: list[int]
    data: msgspec.Raw


class _Answer(msgspec.Struct, omit_defaults=True):
    model_name: str
    model_version: str
    id: str | None = None
    outputs: Sequence[_Output] = ()


class Encoder:
    """Writes the answers of one model."""

    def __init__(self, model: Model) -> None:
        self._name, self._version = model.name, model.version

    def reply(self, asked: Asked, predict: Array, score: Array) -> Reply:
        """The answer: ``predict`` and ``score``, each of shape (n,); no bit of a number is lost in it.

        Where the link leaves the score as it is, both are the same array, and get the same text.
        """
        if asked.as_bytes:
            return self._with_bytes(asked, {"predict": predict, "score": score})
        shape = [len(score)]
        text = {"score": msgspec.Raw(_ENCODER.encode(score.tolist()))}
        text["predict"] = text["score"] if predict is score else msgspec.Raw(_ENCODER.encode(predict.tolist()))
        written = [_Output(name, DATATYPE, shape, text[name]) for name in asked.outputs]
        return Reply(200, _ENCODER.encode(_Answer(self._name, self._version, asked.id, written)))

    def _with_bytes(self, asked: Asked, values: dict[str, Array]) -> Reply:
        answer: dict[str, Any] = {"model_name": self._name, "model_version": self._version}
        if asked.id is not None:
            answer["id"] = asked.id
        answer["outputs"] = [
            {"name": name, "datatype": DATATYPE, "shape": [len(values[name])]}
            | (
                {"parameters": {binary.SIZE: values[name].nbytes}}
                if name in asked.as_bytes
                else {"data": values[name].tolist()}
            )
            for name in asked.outputs
        ]
        return binary.join(answer, [values[name] for name in asked.outputs if name in asked.as_bytes])


def to_json(content: Any) -> bytes:
    """JSON in one line; floats as the shortest decimals that read back as the same bits."""
    return _ENCODER.encode(content)


def _strings(asked: _Body) -> int:
    """How many strings, names and values, the text of this body must have."""
    count = 1
    for given in asked.inputs:
        count += 6 if given.parameters is None else 7 + _strings_in(given.parameters)
        if given.data is tensors.NO_DATA:
            count -= 1
    if asked.id is not None:
        count += 2
    if asked.outputs is not None:
        count += 1
        for output in asked.outputs:
            count += 2 if output.parameters is None else 3 + _strings_in(output.parameters)
    return count if asked.parameters is None else count + 1 + _strings_in(asked.parameters)


def _strings_in(parameters: Parameters) -> int:
    return len(parameters) + sum(type(value) is str for value in parameters.values())


def _checked_outputs(asked: list[Output], parameters: Parameters) -> tuple[tuple[str, ...], frozenset[str]]:
    """The outputs in the order in which they were asked for, and those that go back as bytes."""
    all_as_bytes = _flag(parameters, "binary_data_output", "parameters")
    wanted: dict[str, bool] = {}
    for number, output in enumerate(asked):
        place = f"outputs[{number}]"
        if output.name not in OUTPUTS:
            raise RequestError(f"the outputs are {' and '.join(OUTPUTS)}", path=f"{place}.name")
        wanted[output.name] = _flag(output.parameters or {}, "binary_data", f"{place}.parameters", all_as_bytes)
    wanted = wanted or dict.fromkeys(OUTPUTS, all_as_bytes)
    return tuple(wanted), frozenset(name for name, as_bytes in wanted.items() if as_bytes)


def _flag(parameters: Parameters, name: str, path: str, otherwise: bool = False) -> bool:
    for other in _NOT_DONE:
        if other in parameters:
            raise RequestError("this server does not do that", path=f"{path}.{other}")
    value = parameters.get(name, otherwise)
    if not isinstance(value, bool):
        raise RequestError(f"expected true or false, got {str(value)[:20]!r}", path=f"{path}.{name}")
    return value
