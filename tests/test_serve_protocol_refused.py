"""What is no request: each fault is refused and named by its place, and nothing else comes out of any bytes."""

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inputs import FEATURES, LIMIT, body, decode, fault, several, single

from aicontainer.errors import RequestError


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
