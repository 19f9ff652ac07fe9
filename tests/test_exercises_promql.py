"""What the hints of notebook 06 read off a query's text."""

import pytest

from aicontainer.exercises import promql
from aicontainer.exercises.promql import Comparison


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("rate(x[10s])", [10.0]),
        ("rate(x[1m30s]) / rate(y[500ms])", [90.0, 0.5]),
        ("max_over_time(rate(x[10s])[5m:1s])", [10.0, 300.0]),
        ("sum(x)", []),
    ],
)
def test_ranges_are_seconds(query: str, expected: list[float]) -> None:
    assert promql.ranges(query) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("sum(x)", False),
        ("sum(rate(x[10s]))", True),
        ("increase(x[10s])", True),
        ("x - x offset 10s", True),
        ("my:recorded:rate10s", True),
        ('x{route="rate"}', False),
        ("pirates", False),
        ("generate_total", False),
    ],
)
def test_whether_it_sees_how_a_counter_changes(query: str, expected: bool) -> None:
    assert promql.sees_change(query) is expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("a / b > 0.2", Comparison("a / b", ">", 0.2)),
        ("(a / b > 0.2)", Comparison("a / b", ">", 0.2)),
        ("(a) / (b) >= 20", Comparison("(a) / (b)", ">=", 20.0)),
        ("0.2 < a / b", Comparison("a / b", ">", 0.2)),
        ("a\n  / b\n  > 1e-1\n", Comparison("a\n  / b", ">", 0.1)),
        ('a{status=~"4.."} < 2', Comparison('a{status=~"4.."}', "<", 2.0)),
        ("a / b", None),
    ],
)
def test_a_condition_falls_into_left_side_and_bound(query: str, expected: Comparison | None) -> None:
    assert promql.comparison(query) == expected


def test_slashes_and_words_in_texts_do_not_count() -> None:
    assert promql.bare('rate(x{route="/v2/rate"}[10s])') == 'rate(x{route=""}[10s])'
