"""Bytes to numbers and back: what is accepted, and that no bit is lost."""

import json
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inputs import FEATURES, LIMIT, MODEL, body, decode, encode, fault, several, single

from aicontainer.errors import RequestError
from aicontainer.serve import flat, plain, protocol
from aicontainer.serve.about import model_metadata

FINITE = st.floats(allow_nan=False, allow_infinity=False)


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


def test_parameters_that_mean_nothing_here_are_let_be() -> None:
    content = json.loads(body(parameters={"content_type": "np"})) | {"parameters": {"timeout": 5, "who": "me"}}
    assert decode(json.dumps(content).encode()).rows.values.shape == (2, 3)


def test_the_metadata_tell_what_a_request_needs() -> None:
    metadata = model_metadata(MODEL)
    asked = metadata["inputs"][0]
    tensor = {"name": asked["name"], "datatype": asked["datatype"], "shape": [1, asked["shape"][1]], "data": [1, 2, 3]}
    assert decode(json.dumps({"inputs": [tensor]}).encode()).rows.values.tolist() == [[1.0, 2.0, 3.0]]
    assert metadata["parameters"]["sha256"] == MODEL.digest
