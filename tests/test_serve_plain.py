"""Two short cuts for plain requests; whatever one of them takes must be read alike by the way for all requests."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aicontainer.errors import RequestError
from aicontainer.serve import flat, plain, protocol

FEATURES = ("a", "b", "c")
LIMIT = 30
GOOD: dict[str, Any] = {"name": "rows", "shape": [1, 3], "datatype": "FP64", "data": [1, -0.0, 2.5e-308]}
# without simdjson there is one short cut only
SHORT_UNTIL = [pytest.param(10**6, id="at once"), *([pytest.param(0, id="at length")] if flat.PARSER else [])]


def text(*inputs: dict[str, Any], **more: Any) -> bytes:
    return json.dumps({"inputs": list(inputs), **more}).encode()


def taken(content: bytes, short_until: int) -> bool:
    """Whether the short cut reads it; it must then be what the long way reads."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plain, "SHORT", short_until)
        found = plain.read(content, len(FEATURES), LIMIT)
    if found:
        asked = protocol.decode_any({}, content, FEATURES, LIMIT)
        assert (found[0].values.tobytes(), found[1]) == (asked.rows.values.tobytes(), asked.id)
        assert found[0].place(0, 2) == asked.rows.place(0, 2)
        assert (asked.outputs, asked.as_bytes) == (protocol.OUTPUTS, frozenset())
    return found is not None


@pytest.mark.parametrize("short_until", SHORT_UNTIL)
@pytest.mark.parametrize(
    "content",
    [
        text(GOOD),
        text(GOOD, id="x"),
        b" \n" + text(GOOD).replace(b": ", b"\t:") + b"\n",
        text(GOOD).replace(b'"rows"', rb'"\u0072ows"'),
        text(GOOD | {"shape": [2, 3], "data": [2**62, -(2**62), 0, 1e308, 5e-324, 0.1]}),
    ],
)
def test_a_plain_request_takes_the_short_cut(content: bytes, short_until: int) -> None:
    assert taken(content, short_until)


@pytest.mark.parametrize("short_until", SHORT_UNTIL)
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"3",
        b'"inputs"',
        b"[[[]]]",
        b"{}",
        b"[" * 3000,
        text(),
        text(GOOD, GOOD),
        text(GOOD, id=5),
        text(GOOD, id=None),
        text(GOOD, id=["[x]"]),
        text(GOOD, parameters={}),
        text(GOOD, outputs=[{"name": "score"}]),
        b'{"inputs": {"0": [[[1]]]}}',
        text(GOOD | {"parameters": {}}),
        text(GOOD | {"name": "a"}),
        text(GOOD | {"datatype": "FP32"}),
        text(GOOD | {"shape": [1.0, 3]}),
        text(GOOD | {"shape": [True, 3]}),
        text(GOOD | {"shape": [3]}),
        text(GOOD | {"shape": [1, 3, 1]}),
        text(GOOD | {"shape": [-1, -3]}),
        text(GOOD | {"shape": [0, 3], "data": []}),
        text(GOOD | {"shape": [3, 1]}),
        text(GOOD | {"shape": [LIMIT + 1, 3], "data": [0.0] * 3 * (LIMIT + 1)}),
        text(GOOD | {"data": [1, 2]}),
        text(GOOD | {"data": [1, 2, True]}),
        text(GOOD | {"data": [1, 2, None]}),
        text(GOOD | {"data": [1, 2, "3"]}),
        text(GOOD | {"data": [1, 2, float("nan")]}),
        text(GOOD | {"data": {"0": 1}}),
        text(GOOD | {"data": [[1, 2, 3]]}),
        text(GOOD).replace(b"2.5e-308", b"1e309"),
        text(GOOD).replace(b"2.5e-308", b"01"),
        text(GOOD).replace(b'"datatype"', b'"name"'),
        text(GOOD).replace(b'"shape"', b'"name": "rows", "shape"'),
        text(GOOD)[:-1],
        text(GOOD) + b"x",
        b"\xef\xbb\xbf" + text(GOOD),
        text(GOOD, id="x").replace(b'"x"', b'"\xff"'),
        text(GOOD, id="x").replace(b'"x"', rb'"\ud800"'),
    ],
)
def test_anything_else_is_left_to_the_long_way(content: bytes, short_until: int) -> None:
    assert not taken(content, short_until)


@pytest.mark.parametrize("short_until", SHORT_UNTIL)
@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**63), 2**63 - 1), max_size=90))
def test_both_short_cuts_take_all_finite_numbers(short_until: int, numbers: list[float]) -> None:
    count = len(numbers) // 3
    content = text(GOOD | {"shape": [count, 3], "data": numbers[: 3 * count]})
    assert taken(content, short_until) == (count > 0)


@pytest.mark.parametrize("numbers", [[2**70, 1, 2], [2**63, -(2**63) - 1, 0]])
def test_whole_numbers_beyond_64_bits_are_read_whichever_way_takes_them(numbers: list[int]) -> None:
    content = text(GOOD | {"data": numbers}).ljust(plain.SHORT + 1)
    asked = protocol.decode({}, content, FEATURES, LIMIT)
    assert asked.rows.values.tobytes() == np.array(numbers, dtype=float).tobytes()


def test_without_simdjson_long_requests_are_read_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flat, "PARSER", None)
    assert taken(text(GOOD), 0)


def test_what_the_long_way_refuses_is_refused() -> None:
    with pytest.raises(RequestError, match=r"not a finite number"):
        protocol.decode({}, text(GOOD).replace(b"2.5e-308", b"1e309").ljust(plain.SHORT + 1), FEATURES, LIMIT)
