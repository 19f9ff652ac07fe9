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
from aicontainer.serve import flat, plain, protocol
from aicontainer.serve.about import model_metadata
from aicontainer.serve.protocol import Asked

FEATURES = ("a", "b", "c")
LIMIT = 1000
FINITE = st.floats(allow_nan=False, allow_infinity=False)
MODEL = Model("m", "7", np.ones(3), 0.0, "identity", Scaling(np.zeros(3), np.ones(3)), FEATURES, "t", "rows")


def decode(content: bytes) -> Asked:
    return protocol.decode({}, content, FEATURES, LIMIT)


def encode(asked: Asked, predict: Any, score: Any) -> Any:
    return json.loads(protocol.Encoder(MODEL).reply(asked, np.array(predict), np.array(score)).body)


def body(**changed: Any) -> bytes:
    """A right request of two rows, with some fields of its input changed; None leaves a field out."""
    tensor = {"name": "rows", "shape": [2, 3], "datatype": "FP64", "data": [1, 2, 3, 4, 5, 6], **changed}
    return json.dumps({"inputs": [{key: value for key, value in tensor.items() if value is not None}]}).encode()


def single(name: str, data: Any, datatype: str = "FP64", **changed: Any) -> dict[str, Any]:
    """An input of one feature."""
    return {"name": name, "shape": [len(data)], "datatype": datatype, "data": data, **changed}


def several(*inputs: dict[str, Any], **more: Any) -> bytes:
    return json.dumps({"inputs": inputs, **more}).encode()


def fault(content: bytes) -> RequestError:
    with pytest.raises(RequestError) as caught:
        decode(content)
    return caught.value


@settings(deadline=None)
@given(st.lists(st.tuples(FINITE, FINITE, FINITE), min_size=1, max_size=40), st.booleans())
def test_every_finite_number_arrives_with_all_its_bits(rows: list[tuple[float, float, float]], nested: bool) -> None:
    data = [list(row) for row in rows] if nested else [value for row in rows for value in row]
    asked = decode(body(shape=[len(rows), 3], data=data))
    assert asked.rows.values.tobytes() == struct.pack(f"={3 * len(rows)}d", *(value for row in rows for value in row))
    assert asked.rows.values.flags.c_contiguous
    assert asked.rows.values.shape == (len(rows), 3)


SPECIAL = [0, -0.0, 5e-324, 2.2250738585072011e-308, 1e22, 2**53 + 1]
NUMBER = FINITE | st.integers(-(2**70), 2**70) | st.sampled_from(SPECIAL)


@settings(deadline=None)
@given(st.lists(NUMBER, max_size=80), st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", ":")]))
def test_both_readers_of_a_long_list_read_the_same_bits(numbers: list[float], separators: tuple[str, str]) -> None:
    text = json.dumps(numbers, separators=separators).ljust(flat.WORTH_IT).encode()
    assert flat.read(text).tobytes() == flat.read_simply(text).tobytes() == np.array(numbers, dtype=float).tobytes()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(NUMBER, min_size=2, max_size=7),
    st.fixed_dictionaries({}, optional={"id": st.text(max_size=5), "parameters": st.just({}), "x": st.integers()}),
)
def test_the_short_cut_reads_what_the_long_way_reads(numbers: list[float], more: dict[str, Any]) -> None:
    content = several({"name": "rows", "shape": [len(numbers) // 3, 3], "datatype": "FP64", "data": numbers}, **more)
    short = plain.read(content, 3, LIMIT)
    try:
        asked = protocol.decode_any({}, content, FEATURES, LIMIT)
    except RequestError:
        assert short is None
    else:
        assert (short is None) == bool(more.keys() - {"id"})
        if short:
            assert (short[0].values.tobytes(), short[1]) == (asked.rows.values.tobytes(), asked.id)
            assert short[0].place(0, 2) == asked.rows.place(0, 2)
            assert asked.outputs == decode(content).outputs


@settings(deadline=None)
@given(st.lists(st.tuples(FINITE, FINITE), min_size=1, max_size=20))
def test_every_finite_number_leaves_with_all_its_bits(pairs: list[tuple[float, float]]) -> None:
    asked = decode(body(shape=[len(pairs), 3], data=[0.0] * 3 * len(pairs)))
    predict, score = (np.array(column) for column in zip(*pairs, strict=True))
    answer = encode(asked, predict, score)
    for output, sent in zip(answer["outputs"], (predict, score), strict=True):
        assert np.array(output["data"], dtype=np.float64).tobytes() == sent.tobytes()


@settings(max_examples=25, deadline=None)
@given(st.integers(min_value=1, max_value=30).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, 3 * n - 1))))
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


@pytest.mark.parametrize(
    ("changed", "path"),
    [
        ({"shape": [2, 4]}, "inputs[0].shape[1]"),
        ({"shape": [3, 3]}, "inputs[0].data"),
        ({"shape": [6]}, "inputs[0].shape"),
        ({"shape": [1, 2, 3]}, "inputs[0].shape"),
        ({"shape": []}, "inputs[0].shape"),
        ({"shape": [-2, 3]}, "inputs[0].shape[0]"),
        ({"shape": [0, 3], "data": []}, "inputs[0].shape[0]"),
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
        ({"datatype": "FP128"}, "inputs[0].datatype"),
        ({"datatype": "BYTES", "shape": [1], "data": ["x"]}, "inputs[0].datatype"),
        ({"datatype": 64}, "inputs[0].datatype"),
        ({"datatype": "UINT8", "data": [1, 2, 3, 4, 5, 256]}, "inputs[0].data[5]"),
        ({"datatype": "UINT8", "data": [[1, 2, 3], [4, -1, 5]]}, "inputs[0].data[1][1]"),
        ({"datatype": "INT64", "data": [1, 2, 3, 4, 5, 2**63]}, "inputs[0].data[5]"),
        ({"datatype": "INT32", "data": [1, 2.5, 3, 4, 5, 6]}, "inputs[0].data[1]"),
        ({"datatype": "BOOL", "data": [True, True, False, True, 1, True]}, "inputs[0].data[4]"),
        ({"datatype": "FP32", "data": [1, 2, 1e39, 4, 5, 6]}, "inputs[0].data[2]"),
        ({"datatype": "FP16", "data": [1, 2, 70000, 4, 5, 6]}, "inputs[0].data[2]"),
        ({"datatype": "BF16", "data": [1, 2, 3.4e38, 4, 5, 3.4e38]}, "inputs[0].data[2]"),
        ({"name": None}, "inputs[0].name"),
        ({"name": "row"}, "inputs[0].name"),
        ({"parameters": {"x": []}}, "inputs[0].parameters[...]"),
    ],
    ids=str,
)
def test_a_fault_of_an_input_is_named_by_its_place(changed: dict[str, Any], path: str) -> None:
    error = fault(body(**changed))
    assert (error.status, error.path) == (400, path)
    assert error.what


RIGHT = body()
DEEP = b"[" * 200_000 + b"]" * 200_000


@pytest.mark.parametrize(
    ("content", "path"),
    [
        (b"", "$"),
        (b"\x00", "$"),
        (b"nonsense", "$"),
        (b"[]", "$"),
        (b"null", "$"),
        (b"{}", "inputs"),
        (b'{"inputs": []}', "inputs"),
        (b'{"inputs": {}}', "inputs"),
        (b'{"inputs": [1]}', "inputs[0]"),
        (b'{"inputs": [], "id": 5}', "id"),
        (b'{"inputs": [], "id": "\xff"}', "$"),
        (b'{"inputs": [], "id": "\\ud800"}', "$"),
        (b'{"inputs": ' + DEEP + b"}", "inputs[0]"),
        (b'{"other": ' + DEEP + b"}", "$"),
        (b'{"other": [0, {"x": Infinity}]}', "other[1].x"),
        (RIGHT[:-1], "$"),
        (RIGHT + b"x", "$"),
        (RIGHT + RIGHT, "$"),
        (b"\xef\xbb\xbf" + RIGHT, "$"),
        (RIGHT.decode().encode("utf-16"), "$"),
        (RIGHT.replace(b"6]", b"6,]"), "$"),
        (RIGHT.replace(b"5", b"05"), "$"),
        (RIGHT.replace(b"5", b"1e999"), "inputs[0].data[4]"),
        (RIGHT.replace(b"5", b"9" * 400), "inputs[0].data[4]"),
        (RIGHT.replace(b"5", b"-Infinity"), "inputs[0].data[4]"),
        (RIGHT.replace(b'{"name"', b'{"name": "rows", "name"'), "inputs[0].name"),
        (RIGHT.replace(b'{"name"', b'{"n\\u0061me": "rows", "name"'), "inputs[0].name"),
        (RIGHT.replace(b'{"inputs"', b'{"x": {"y": 1, "y": 2}, "inputs"'), "x.y"),
        (RIGHT.replace(b'{"inputs"', b'{"parameters": {"y": 1, "y": "2"}, "inputs"'), "parameters.y"),
        (RIGHT.replace(b'{"inputs"', b'{"x": "\xff", "inputs"'), "$"),
    ],
    ids=lambda value: repr(value[-40:]),
)
def test_a_body_that_is_no_request_is_refused(content: bytes, path: str) -> None:
    error = fault(content)
    assert (error.status, error.path) == (400, path)


def test_more_rows_than_the_limit_are_refused_before_they_are_read() -> None:
    error = fault(body(shape=[LIMIT + 1, 3]))
    assert (error.status, error.path) == (413, "inputs[0].shape[0]")
    assert fault(several(single("a", [1.0] * (LIMIT + 1)))).status == 413


def test_features_come_as_inputs_of_their_own_in_any_order_and_datatype() -> None:
    inputs = (
        single("c", [True, False], "BOOL"),
        single("a", [[-1], [2]], "INT8", shape=[2, 1]),
        single("b", [0.5, 2**40], "FP32"),
    )
    rows = decode(several(*inputs)).rows
    assert rows.values.tolist() == [[-1.0, 0.5, 1.0], [2.0, 2.0**40, 0.0]]
    assert rows.values.flags.c_contiguous
    assert [rows.place(1, column) for column in range(3)] == [
        *("inputs[1].data[1][0]", "inputs[2].data[1]", "inputs[0].data[1]")
    ]


@pytest.mark.parametrize(
    ("inputs", "path"),
    [
        ([single("a", [1]), single("b", [1])], "inputs"),
        ([single("a", [1]), single("b", [1]), single("a", [1])], "inputs[2].name"),
        ([single("a", [1]), single("b", [1, 2])], "inputs[1].shape[0]"),
        ([single("a", [1]), single("rows", [1])], "inputs[1].name"),
        ([single("a", [1], shape=[1, 2])], "inputs[0].shape"),
        ([single("a", [1, 2], shape=[1])], "inputs[0].data"),
        ([single("a", [1]), single("b", [[1], [2]], shape=[1, 1])], "inputs[1].data"),
    ],
)
def test_a_fault_of_several_inputs_is_named_by_its_place(inputs: list[dict[str, Any]], path: str) -> None:
    assert fault(several(*inputs)).path == path


@pytest.mark.parametrize(
    ("datatype", "limits"),
    [(f"UINT{bits}", (0, 2**bits - 1)) for bits in (8, 16, 32, 64)]
    + [(f"INT{bits}", (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)) for bits in (8, 16, 32, 64)],
)
def test_whole_numbers_are_taken_to_the_limits_of_their_datatype(datatype: str, limits: tuple[int, int]) -> None:
    content = body(datatype=datatype, shape=[1, 3], data=[limits[0], 1, limits[1]])
    assert decode(content).rows.values.tolist() == [[float(limits[0]), 1.0, float(limits[1])]]
    for beyond, path in ((limits[0] - 1, "inputs[0].data[0]"), (limits[1] + 1, "inputs[0].data[0]")):
        assert fault(body(datatype=datatype, shape=[1, 3], data=[beyond, 1, 1])).path == path


@pytest.mark.parametrize(
    ("datatype", "held"),
    [("FP32", 0.10000000149011612), ("FP16", 0.0999755859375), ("BF16", 0.10009765625), ("FP64", 0.1)],
)
def test_a_decimal_is_rounded_to_what_its_datatype_holds(datatype: str, held: float) -> None:
    # by hand: a tenth is 1.6 * 2**-4; its fraction is kept to 23, 10, 7 and 52 bits
    assert decode(body(datatype=datatype, shape=[1, 3], data=[0.1, 1, -2])).rows.values.tolist() == [[held, 1.0, -2.0]]


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)
LIKELY = {
    "name": st.sampled_from(["rows", *FEATURES]) | JUNK,
    "shape": st.lists(st.integers(-1, 3), max_size=3) | JUNK,
    "datatype": st.sampled_from(["FP64", "INT8", "BOOL", "BYTES"]) | JUNK,
}
SHAPED = st.fixed_dictionaries(
    {"inputs": st.lists(st.fixed_dictionaries(LIKELY, optional={"data": JUNK, "parameters": JUNK}), max_size=3)},
    optional={"id": JUNK, "outputs": JUNK, "parameters": JUNK},
)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60) | (JUNK | SHAPED).map(lambda value: json.dumps(value).encode()))
def test_nothing_but_a_request_error_comes_out_of_any_bytes(content: bytes) -> None:
    try:
        asked = decode(content)
    except RequestError as error:
        assert error.status == 400
        assert error.path
    else:
        assert np.isfinite(asked.rows.values).all()


@settings(deadline=None)
@given(st.text())
def test_the_id_comes_back_as_it_was(text: str) -> None:
    content = json.loads(body()) | {"id": text}
    asked = decode(json.dumps(content, ensure_ascii=False).encode())
    assert encode(asked, np.zeros(2), np.zeros(2))["id"] == text


def test_the_answer_says_which_model_answered_and_has_no_id_that_was_not_sent() -> None:
    assert encode(decode(body()), np.zeros(2), np.ones(2)) == {
        "model_name": "m",
        "model_version": "7",
        "outputs": [
            {"name": "predict", "shape": [2], "datatype": "FP64", "data": [0.0, 0.0]},
            {"name": "score", "shape": [2], "datatype": "FP64", "data": [1.0, 1.0]},
        ],
    }


def test_only_the_outputs_that_were_asked_for_are_sent() -> None:
    content = json.loads(body()) | {"outputs": [{"name": "score"}]}
    asked = decode(json.dumps(content).encode())
    assert [output["name"] for output in encode(asked, np.zeros(2), np.ones(2))["outputs"]] == ["score"]


@pytest.mark.parametrize(
    ("more", "path"),
    [
        ({"outputs": [{"name": "score"}, {"name": "logits"}]}, "outputs[1].name"),
        ({"outputs": [{"name": "score", "parameters": {"classification": 2}}]}, "outputs[0].parameters.classification"),
        ({"outputs": [{"name": "score", "parameters": {"binary_data": 1}}]}, "outputs[0].parameters.binary_data"),
        ({"parameters": {"binary_data_output": "yes"}}, "parameters.binary_data_output"),
    ],
)
def test_a_wish_that_cannot_be_met_is_refused(more: dict[str, Any], path: str) -> None:
    assert fault(json.dumps(json.loads(body()) | more).encode()).path == path


def test_parameters_that_mean_nothing_here_are_let_be() -> None:
    content = json.loads(body(parameters={"content_type": "np"})) | {"parameters": {"timeout": 5, "who": "me"}}
    assert decode(json.dumps(content).encode()).rows.values.shape == (2, 3)


def test_the_metadata_tell_what_a_request_needs() -> None:
    metadata = model_metadata(MODEL)
    asked = metadata["inputs"][0]
    tensor = {"name": asked["name"], "datatype": asked["datatype"], "shape": [1, asked["shape"][1]], "data": [1, 2, 3]}
    assert decode(json.dumps({"inputs": [tensor]}).encode()).rows.values.tolist() == [[1.0, 2.0, 3.0]]
    assert metadata["parameters"]["sha256"] == MODEL.digest
