"""``POST /predict``: rows by the names of their features, and what people get wrong in them."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aicontainer.errors import RequestError
from aicontainer.serve.door import Reader

FEATURES = ("income", "rooms in all")
READER = Reader(FEATURES, 3)
FINITE = st.floats(allow_nan=False, allow_infinity=False)


@settings(deadline=None)
@given(st.lists(st.tuples(FINITE, FINITE), min_size=1, max_size=3))
def test_rows_by_name_and_rows_as_lists_are_the_same_rows(rows: list[tuple[float, float]]) -> None:
    named = [dict(reversed(list(zip(FEATURES, row, strict=True)))) for row in rows]
    by_name = READER.read(json.dumps({"rows": named}).encode()).values
    as_lists = READER.read(json.dumps({"rows": rows}).encode()).values
    assert by_name.tobytes() == as_lists.tobytes() == np.array(rows).tobytes()


def test_a_model_of_one_feature_takes_rows_too() -> None:
    assert Reader(("a",), 3).read(b'{"rows": [{"a": 1}, {"a": 2}]}').values.tolist() == [[1.0], [2.0]]


@pytest.mark.parametrize(
    ("body", "path", "words"),
    [
        ('{"rows": [{"income": 1}]}', "rows[0].rooms in all", "missing"),
        ('{"rows": [{"income": 1, "rooms in al": 2}]}', "rows[0].rooms in al", "did you mean 'rooms in all'?"),
        ('{"rows": [{"income": 1, "rooms in all": 2, "size": 3}]}', "rows[0].size", "no such feature"),
        ('{"rows": [{"income": 1, "rooms in all": 2, "income": 3}]}', "rows[0].income", "twice"),
        ('{"rows": [[1, 2], [1, 2, 3]]}', "rows[1]", "2 features"),
        ('{"rows": [[1, 2], {"income": 1}]}', "rows[1]", "expected"),
        (
            '{"rows": [{"income": 1, "rooms in all": 2}, {"income": "1"}]}',
            "rows[1].income",
            "number",
        ),
        ('{"rows": [{"income": 1, "rooms in all": null}]}', "rows[0].rooms in all", "number"),
        ('{"rows": [{"income": true, "rooms in all": 1}]}', "rows[0].income", "number"),
        ('{"rows": [{"income": 1e999, "rooms in all": 1}]}', "rows[0].income", "finite"),
        ('{"rows": [{"income": NaN, "rooms in all": 1}]}', "rows[0].income", "finite"),
        ('{"rows": [[1, 1e999]]}', "rows[0][1]", "finite"),
        ('{"rows": []}', "rows", "at least one"),
        ('{"rows": {"income": 1}}', "rows", "array"),
        ('{"rows": [1]}', "rows[0]", "object"),
        ('{"rows": "[[1, 2]]"}', "rows", "array"),
        ("{}", "rows", "missing"),
        ('{"row": [[1, 2]]}', "row", "no such field"),
        ('{"rows": [[1, 2]], "rows": [[1, 2]]}', "rows", "twice"),
        ("[[1, 2]]", "$", "object"),
        ('{"rows": [[1, 2]]} x', "$", "not JSON"),
        ("", "$", "not JSON"),
        ('{"rows": ' + "[" * 100_000, "$", "nested"),
        ('{"rows": [{"income": ' + "[" * 100_000, "$", "nested"),
    ],
    ids=lambda text: text[:60],
)
def test_what_people_get_wrong_is_named_by_its_place(body: str, path: str, words: str) -> None:
    with pytest.raises(RequestError) as caught:
        READER.read(body.encode())
    assert caught.value.status == 400
    assert (caught.value.path, words in caught.value.what) == (path, True), caught.value.what


def test_more_rows_than_the_limit_are_413() -> None:
    with pytest.raises(RequestError) as caught:
        READER.read(json.dumps({"rows": [[1, 2]] * 4}).encode())
    assert (caught.value.status, caught.value.path) == (413, "rows")


NAMES = st.sampled_from(FEATURES) | st.text()
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FEATURES) | st.text(), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=40) | JUNK.map(lambda junk: json.dumps({"rows": junk}).encode()))
def test_nothing_but_a_request_error_comes_out_of_any_bytes(body: bytes) -> None:
    try:
        assert np.isfinite(READER.read(body).values).all()
    except RequestError as error:
        assert (error.status, bool(error.path)) in ((400, True), (413, True))
