"""Bytes to numbers and back: what is accepted, what is refused and where, and that no bit is lost."""

import json
import math
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aicontainer.errors import RequestError
from aicontainer.model import Model, Scaling
from aicontainer.serve import protocol

WIDTH = 3
FINITE = st.floats(allow_nan=False, allow_infinity=False)
MODEL = Model("m", "7", np.ones(3), 0.0, "identity", Scaling(np.zeros(3), np.ones(3)), ("a", "b", "c"), "t", "rows")


def body(**changed: Any) -> bytes:
    """A right request of two rows, with some fields of its input changed; None leaves a field out."""
    tensor = {"name": "rows", "shape": [2, 3], "datatype": "FP64", "data": [1, 2, 3, 4, 5, 6], **changed}
    return json.dumps({"inputs": [{key: value for key, value in tensor.items() if value is not None}]}).encode()


def fault(content: bytes) -> RequestError:
    with pytest.raises(RequestError) as caught:
        protocol.decode(content, WIDTH)
    return caught.value


@given(st.lists(st.tuples(FINITE, FINITE, FINITE), min_size=1, max_size=20), st.booleans())
def test_every_finite_number_arrives_with_all_its_bits(rows: list[tuple[float, float, float]], nested: bool) -> None:
    data = [list(row) for row in rows] if nested else [value for row in rows for value in row]
    request = protocol.decode(body(shape=[len(rows), 3], data=data), WIDTH)
    assert request.rows.tobytes() == struct.pack(f"={3 * len(rows)}d", *(value for row in rows for value in row))
    assert request.rows.flags.c_contiguous
    assert request.rows.shape == (len(rows), 3)


@given(st.lists(st.tuples(FINITE, FINITE), min_size=1, max_size=20))
def test_every_finite_number_leaves_with_all_its_bits(pairs: list[tuple[float, float]]) -> None:
    request = protocol.decode(body(shape=[len(pairs), 3], data=[0.0] * 3 * len(pairs)), WIDTH)
    predict, score = (np.array(column) for column in zip(*pairs, strict=True))
    answer = json.loads(protocol.encode(MODEL, request, predict, score))
    for output, sent in zip(answer["outputs"], (predict, score), strict=True):
        assert np.array(output["data"], dtype=np.float64).tobytes() == sent.tobytes()


@settings(max_examples=25)
@given(st.integers(min_value=1, max_value=8).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, 3 * n - 1))))
@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("bad", [None, "2.5", True, {}, math.nan, math.inf, -math.inf], ids=repr)
def test_a_fault_in_the_data_is_named_by_its_place(nested: bool, bad: Any, at: tuple[int, int]) -> None:
    count, place = at
    data: list[Any] = [0.5] * (3 * count)
    data[place] = bad
    path = f"inputs[0].data[{place}]"
    if nested:
        data = [data[3 * row : 3 * row + 3] for row in range(count)]
        path = f"inputs[0].data[{place // 3}][{place % 3}]"
    error = fault(body(shape=[count, 3], data=data))
    assert (error.status, error.path) == (400, path)


def test_a_number_beyond_float64_is_named_by_its_place() -> None:
    assert fault(body().replace(b"5", b"1e999")).path == "inputs[0].data[4]"


@pytest.mark.parametrize(
    ("changed", "path"),
    [
        ({"shape": [2, 4]}, "inputs[0].shape[1]"),
        ({"shape": [2, 2]}, "inputs[0].shape[1]"),
        ({"shape": [3, 3]}, "inputs[0].data"),
        ({"shape": [6]}, "inputs[0].shape"),
        ({"shape": [1, 2, 3]}, "inputs[0].shape"),
        ({"shape": []}, "inputs[0].shape"),
        ({"shape": [-2, 3]}, "inputs[0].shape[0]"),
        ({"shape": [0, 3], "data": []}, "inputs[0].shape[0]"),
        ({"shape": [10**30, 3]}, "inputs[0].data"),
        ({"shape": [2, "3"]}, "inputs[0].shape[1]"),
        ({"shape": None}, "inputs[0].shape"),
        ({"data": []}, "inputs[0].data"),
        ({"data": [1, 2, 3]}, "inputs[0].data"),
        ({"data": "1,2,3,4,5,6"}, "inputs[0].data"),
        ({"data": {"0": 1}}, "inputs[0].data"),
        ({"data": None}, "inputs[0].data"),
        ({"data": [[1, 2, 3]]}, "inputs[0].data"),
        ({"data": [[1, 2, 3], [4, 5]]}, "inputs[0].data[1]"),
        ({"data": [[1, 2, 3, 4], [5, 6]]}, "inputs[0].data[0]"),
        ({"data": [[1, 2, 3], 4, 5, 6]}, "inputs[0].data[1]"),
        ({"data": [1, 2, 3, [4, 5, 6]]}, "inputs[0].data[3]"),
        ({"data": [[1, 2, 3], [4, [5], 6]]}, "inputs[0].data[1][1]"),
        ({"datatype": "FP32"}, "inputs[0].datatype"),
        ({"datatype": 64}, "inputs[0].datatype"),
        ({"name": None}, "inputs[0].name"),
    ],
)
def test_a_fault_of_an_input_is_named_by_its_place(changed: dict[str, Any], path: str) -> None:
    text = body(**changed)
    if changed == {"data": None}:
        assert b"data" not in text.replace(b"datatype", b"")
    error = fault(text)
    assert (error.status, error.path) == (400, path)
    assert error.what


@pytest.mark.parametrize(
    ("content", "path"),
    [
        (b"", "$"),
        (b"{", "$"),
        (b"[]", "$"),
        (b"null", "$"),
        (b"NaN", "$"),
        (b"\xff\xfe", "$"),
        (b"{}", "inputs"),
        (b'{"inputs": []}', "inputs"),
        (b'{"inputs": {}}', "inputs"),
        (b'{"inputs": [1]}', "inputs[0]"),
        (b'{"inputs": [], "id": 5}', "id"),
        (b'{"inputs": [], "id": "\xff"}', "$"),
        (b'{"inputs": [], "id": "\\ud800"}', "$"),
        (b'{"inputs": ' + b"[" * 200_000 + b"]" * 200_000 + b"}", "inputs[0]"),
        (b'{"other": ' + b"[" * 200_000 + b"]" * 200_000 + b"}", "$"),
        (b'{"other": [0, {"x": Infinity}]}', "other[1].x"),
    ],
)
def test_a_body_that_is_no_request_is_refused(content: bytes, path: str) -> None:
    error = fault(content)
    assert (error.status, error.path) == (400, path)


def test_several_inputs_are_refused() -> None:
    content = json.loads(body())
    content["inputs"] *= 2
    assert fault(json.dumps(content).encode()).path == "inputs"


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)
SHAPED = st.fixed_dictionaries(
    {
        "inputs": st.lists(
            st.fixed_dictionaries({"name": JUNK, "shape": JUNK, "datatype": JUNK, "data": JUNK}), max_size=2
        )
    },
    optional={"id": JUNK, "outputs": JUNK},
)


@given(st.binary(max_size=60) | (JUNK | SHAPED).map(lambda value: json.dumps(value).encode()))
def test_nothing_but_a_request_error_comes_out_of_any_bytes(content: bytes) -> None:
    try:
        request = protocol.decode(content, WIDTH)
    except RequestError as error:
        assert error.status == 400
        assert error.path
    else:
        assert np.isfinite(request.rows).all()


@given(st.text())
def test_the_id_comes_back_as_it_was(text: str) -> None:
    content = json.loads(body()) | {"id": text}
    request = protocol.decode(json.dumps(content, ensure_ascii=False).encode(), WIDTH)
    assert json.loads(protocol.encode(MODEL, request, np.zeros(2), np.zeros(2)))["id"] == text


def test_the_answer_says_which_model_answered_and_has_no_id_that_was_not_sent() -> None:
    answer = json.loads(protocol.encode(MODEL, protocol.decode(body(), WIDTH), np.zeros(2), np.ones(2)))
    assert answer == {
        "model_name": "m",
        "model_version": "7",
        "outputs": [
            {"name": "predict", "shape": [2], "datatype": "FP64", "data": [0.0, 0.0]},
            {"name": "score", "shape": [2], "datatype": "FP64", "data": [1.0, 1.0]},
        ],
    }


def test_only_the_outputs_that_were_asked_for_are_sent() -> None:
    content = json.loads(body()) | {"outputs": [{"name": "score"}]}
    request = protocol.decode(json.dumps(content).encode(), WIDTH)
    answer = json.loads(protocol.encode(MODEL, request, np.zeros(2), np.ones(2)))
    assert [output["name"] for output in answer["outputs"]] == ["score"]


def test_an_output_that_there_is_not_is_refused() -> None:
    content = json.loads(body()) | {"outputs": [{"name": "score"}, {"name": "logits"}]}
    assert fault(json.dumps(content).encode()).path == "outputs[1].name"


def test_the_metadata_tell_what_a_request_needs() -> None:
    metadata = protocol.model_metadata(MODEL)
    asked = metadata["inputs"][0]
    tensor = {"name": asked["name"], "datatype": asked["datatype"], "shape": [1, asked["shape"][1]], "data": [1, 2, 3]}
    rows = protocol.decode(json.dumps({"inputs": [tensor]}).encode(), WIDTH).rows
    assert rows.tolist() == [[1.0, 2.0, 3.0]]
    assert metadata["parameters"]["sha256"] == MODEL.digest
