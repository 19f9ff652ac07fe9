"""Numbers as bytes behind the JSON, both ways: with `struct` as the reference for what the bytes mean."""

import json
import struct
from typing import Any

import numpy as np
import pytest

from aicontainer.errors import RequestError
from aicontainer.model import Model, Scaling
from aicontainer.serve import protocol
from aicontainer.serve.protocol import Asked
from aicontainer.serve.request import Reply

MODEL = Model("m", "7", np.ones(2), 0.0, "logistic", Scaling(np.zeros(2), np.ones(2)), ("a", "b"), "t", "rows")
FORMATS = {"UINT8": "B", "UINT16": "H", "UINT32": "I", "UINT64": "Q", "INT8": "b", "INT16": "h", "INT32": "i"} | {
    **{"INT64": "q", "FP16": "e", "FP32": "f", "FP64": "d", "BOOL": "?"},
}


def tensor(name: str, datatype: str, shape: list[int], size: Any) -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": shape, "parameters": {"binary_data_size": size}}


def decode(inputs: list[dict[str, Any]], octets: bytes, length: bytes | None = None, **more: Any) -> Asked:
    head = json.dumps({"inputs": inputs, **more}).encode()
    said = str(len(head)).encode() if length is None else length
    return protocol.decode({b"inference-header-content-length": said}, head + octets, ("a", "b"), 100)


def fault(*what: Any, **more: Any) -> str:
    with pytest.raises(RequestError) as caught:
        decode(*what, **more)
    assert caught.value.status == 400
    return caught.value.path


@pytest.mark.parametrize("datatype", FORMATS)
def test_every_datatype_is_read_as_the_bytes_mean_it(datatype: str) -> None:
    numbers = [True, False, False, True] if datatype == "BOOL" else [0, 1, 100, 7]
    octets = struct.pack(f"<4{FORMATS[datatype]}", *numbers)
    asked = decode([tensor("rows", datatype, [2, 2], len(octets))], octets)
    assert asked.rows.values.tolist() == [[float(n) for n in numbers[:2]], [float(n) for n in numbers[2:]]]


def test_bf16_is_the_upper_half_of_a_float32() -> None:
    octets = b"".join(struct.pack("<f", number)[2:] for number in (1.5, -2.0))
    assert decode([tensor("rows", "BF16", [1, 2], 4)], octets).rows.values.tolist() == [[1.5, -2.0]]


def test_bytes_and_json_stand_side_by_side() -> None:
    inputs = [
        tensor("b", "INT16", [2], 4),
        {"name": "a", "datatype": "FP64", "shape": [2], "data": [1, 2]},
    ]
    assert decode(inputs, struct.pack("<2h", -3, 4)).rows.values.tolist() == [[1.0, -3.0], [2.0, 4.0]]


@pytest.mark.parametrize(
    ("inputs", "octets", "path"),
    [
        ([tensor("rows", "FP64", [1, 2], 8)], bytes(16), "inputs[0].parameters.binary_data_size"),
        ([tensor("rows", "FP64", [1, 2], "16")], bytes(16), "inputs[0].parameters.binary_data_size"),
        ([tensor("rows", "FP64", [1, 2], 16)], bytes(15), "inputs[0].parameters.binary_data_size"),
        ([tensor("rows", "FP64", [1, 2], 16)], bytes(17), "$"),
        ([tensor("rows", "FP64", [1, 2], -16)], bytes(16), "inputs[0].parameters.binary_data_size"),
        ([tensor("rows", "BYTES", [1, 2], 16)], bytes(16), "inputs[0].datatype"),
        ([tensor("rows", "BOOL", [1, 2], 2)], b"\x01\x02", "inputs[0].data[1]"),
        ([tensor("rows", "FP64", [1, 2], 16) | {"data": [1, 2]}], bytes(16), "inputs[0].parameters.binary_data_size"),
        ([tensor("a", "INT8", [1], 1), tensor("b", "INT8", [1], 1)], b"1", "inputs[1].parameters.binary_data_size"),
    ],
)
def test_bytes_that_do_not_fit_are_refused(inputs: list[dict[str, Any]], octets: bytes, path: str) -> None:
    assert fault(inputs, octets) == path


@pytest.mark.parametrize("length", [b"", b"x", b"-1", b"1e2", b"999999", b"9" * 5000, b"\xff"])
def test_a_length_of_the_json_that_is_none_is_refused(length: bytes) -> None:
    plain = {"name": "rows", "datatype": "FP64", "shape": [1, 2], "data": [1, 2]}
    assert fault([plain], b"", length=length) == "$"


def taken_apart(reply: Reply) -> tuple[Any, bytes]:
    length = int(dict(reply.headers)["Inference-Header-Content-Length"])
    return json.loads(reply.body[:length]), reply.body[length:]


PLAIN = {"name": "rows", "datatype": "FP64", "shape": [2, 2], "data": [1, 2, 3, 4]}


def test_outputs_go_back_as_bytes_where_that_is_asked_for() -> None:
    outputs = [{"name": "score", "parameters": {"binary_data": True}}, {"name": "predict"}]
    asked = decode([PLAIN], b"", outputs=outputs, id="x")
    reply = protocol.Encoder(MODEL).reply(asked, np.array([0.25, 0.5]), np.array([0.1, -7.0]))
    answer, octets = taken_apart(reply)
    assert reply.content_type == "application/octet-stream"
    assert answer["id"] == "x"
    assert answer["outputs"] == [
        {"name": "score", "datatype": "FP64", "shape": [2], "parameters": {"binary_data_size": 16}},
        {"name": "predict", "datatype": "FP64", "shape": [2], "data": [0.25, 0.5]},
    ]
    assert octets == struct.pack("<2d", 0.1, -7.0)


def test_one_word_asks_for_all_outputs_as_bytes() -> None:
    asked = decode([PLAIN], b"", parameters={"binary_data_output": True})
    answer, octets = taken_apart(protocol.Encoder(MODEL).reply(asked, np.array([0.25, 0.5]), np.array([0.1, -7.0])))
    assert [output["name"] for output in answer["outputs"]] == ["predict", "score"]
    assert octets == struct.pack("<4d", 0.25, 0.5, 0.1, -7.0)
