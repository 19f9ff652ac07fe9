"""The hints of notebook 06 that need no cluster: what the checks say to an answer that was seen."""

import math

import pytest

from aicontainer.errors import NoData
from aicontainer.exercises import monitor as exercise
from aicontainer.exercises import monitor_rule
from aicontainer.exercises.monitor_rule import Look, Observed
from aicontainer.learn import data, fit
from aicontainer.operate.answers import Sample
from aicontainer.operate.rules import Rule
from aicontainer.serve import protocol, settings


def one(value: float) -> list[Sample]:
    return [Sample({}, value, 0.0)]


def buckets(*counted: tuple[str, float]) -> list[Sample]:
    return [Sample({"le": bound}, count, 0.0) for bound, count in counted]


@pytest.mark.parametrize("case", fit.RECIPES)
def test_the_large_table_of_any_case_is_one_that_the_server_takes(case: str) -> None:
    rows = exercise._large(data.load(case).X)
    assert rows.size == pytest.approx(exercise.NUMBERS, abs=rows.shape[1])
    tensor = {"name": "rows", "shape": list(rows.shape), "datatype": "FP64", "data": rows.ravel().tolist()}
    assert len(protocol.to_json({"inputs": [tensor]})) < settings.BODY_LIMIT


def test_the_bucket_of_a_quantile_by_hand() -> None:
    cumulated = buckets(("+Inf", 10.0), ("0.1", 9.0), ("0.01", 5.0))
    assert exercise.between(cumulated, 0.5) == (0.0, 0.01)
    assert exercise.between(cumulated, 0.51) == (0.01, 0.1)
    assert exercise.between(cumulated, 0.9) == (0.01, 0.1)
    assert exercise.between(cumulated, 0.95) == (0.1, math.inf)


@pytest.mark.parametrize("cumulated", [[], buckets(("0.1", 0.0), ("+Inf", 0.0))])
def test_no_quantile_of_nothing(cumulated: list[Sample]) -> None:
    with pytest.raises(NoData):
        exercise.between(cumulated, 0.5)


@pytest.mark.parametrize("value", [45.0, 50.0, 57.0])
def test_a_rate_near_what_was_sent_is_right_in_the_same_words(value: float) -> None:
    check = exercise.judge_rows("sum(rate(predicted_rows_total[10s]))", one(value), 50.0, {"requests": 10.0})
    assert check == exercise.judge_rows("q[10s]", one(50.0), 50.0, {})
    assert check.state == "right"


def test_another_number_is_set_against_what_was_sent() -> None:
    check = exercise.judge_rows("sum(rate(predicted_rows_total[10s])) * 3", one(150.0), 50.0, {"requests": 10.0})
    assert check.state == "wrong"
    assert "150.0" in check.text
    assert "50.0" in check.text


def test_only_an_answer_in_the_bucket_is_the_quantile() -> None:
    bounds = (0.01, 0.025)
    assert exercise.judge_slowest("q[10s]", one(0.02), bounds, {"mean": 0.001}).state == "right"
    assert exercise.judge_slowest("q[10s]", one(0.025), bounds, {}).state == "right"
    for value in (0.01, 0.03, 0.001):
        assert exercise.judge_slowest("q[10s]", one(value), bounds, {}).state == "wrong"
    assert "last 10 seconds" in exercise.judge_slowest("q[5m]", one(0.001), bounds, {}).text


def test_what_cannot_be_told_from_the_right_answer_counts_as_right() -> None:
    assert exercise.judge_slowest("q[10s]", one(0.02), (0.01, 0.025), {"all": 0.02}).state == "right"


def test_of_two_mistakes_that_end_in_nearly_the_same_number_the_nearer_one_is_named() -> None:
    others = {"all": 0.00100, "refused too": 0.00101}
    for value, hint in ((0.00100, "over all routes"), (0.00101, "refused requests")):
        assert hint in exercise.judge_slowest("q[10s]", one(value), (0.01, 0.025), others).text


RIGHT = Rule("A", "sum(a) / sum(b) > 0.2", True)


def test_an_alert_is_right_only_when_all_three_phases_are() -> None:
    quiet, loud = Look("inactive", (0.1,)), Look("firing", (0.5,))
    assert monitor_rule.judge(RIGHT, Observed(quiet, loud, quiet)).state == "right"
    for observed in (
        Observed(loud),
        Observed(Look("pending")),
        Observed(quiet),
        Observed(quiet, quiet),
        Observed(quiet, Look("pending")),
        Observed(quiet, loud),
        Observed(quiet, loud, loud),
    ):
        assert monitor_rule.judge(RIGHT, observed).state == "wrong"


QUIET, LOUD = Look("inactive", (0.1,)), Look("firing", (0.5,))


@pytest.mark.parametrize(
    ("condition", "observed", "hint"),
    [
        ("sum(rate(a[2m])) / sum(rate(b[2m])) > 0.2", Observed(LOUD), "what was refused before"),
        (
            "sum(rate(a[2m])) / sum(rate(b[2m])) > 0.2",
            Observed(QUIET, Look("inactive", (0.15,))),
            "good requests of before",
        ),
        ("sum(rate(a[2m])) / sum(rate(b[2m])) > 0.2", Observed(QUIET, LOUD, LOUD), "still holds them"),
        ("sum(rate(a[9s])) / sum(rate(b[9s])) < 0.2", Observed(QUIET, Look("inactive", (0.5,))), "which way"),
        ("sum(rate(a[9s])) / sum(rate(b[9s]))", Observed(QUIET, QUIET), "ends with a comparison"),
        ("sum(rate(a[9s])) / sum(rate(b[9s])) > 0.9", Observed(QUIET, Look("inactive", (0.5,))), "0.5 was sent"),
        ("sum(rate(a[9s])) / sum(rate(b[9s])) > 0.2", Observed(QUIET, LOUD, LOUD), "what is sent now"),
    ],
)
def test_an_alerts_behaviour_has_its_hint(condition: str, observed: Observed, hint: str) -> None:
    assert hint in monitor_rule.judge(Rule("A", condition, True), observed).text


SHARE = "sum(rate(a[9s])) / sum(rate(b[9s]))"
WORKS = Observed(QUIET, LOUD, QUIET)


def works(few: float) -> Observed:
    return Observed(Look("inactive", (few,)), Look("firing"), Look("inactive"))


@pytest.mark.parametrize(
    ("rule", "observed", "hint"),
    [
        (Rule("A", f"{SHARE} > 0.11", True), WORKS, "0.11 is not it: a fifth is 0.2"),
        (Rule("A", f"{SHARE} > 0.3", True, "3s"), works(0.094), "0.3 is not it: a fifth is 0.2"),
        (Rule("A", f"0.45 < {SHARE}", True), WORKS, "0.45 is not it: a fifth is 0.2"),
        (Rule("A", f"100 * {SHARE} > 30", True), works(10.3), "30 is not it: a fifth is 20"),
        (Rule("A", f"{SHARE} < 0.7", True), works(0.9), "0.7 is not it: a fifth is 0.8"),
        (Rule("A", f"{SHARE} > 0.2", True, "15s"), WORKS, "for: 15s is more than the 5 s"),
        (Rule("A", "refused:share > fifth", True, "1m"), Observed(Look("inactive"), LOUD, QUIET), "for: 1m is more"),
    ],
)
def test_what_the_traffic_cannot_show_is_read_in_the_rule(rule: Rule, observed: Observed, hint: str) -> None:
    check = monitor_rule.judge(rule, observed)
    assert check.state == "wrong"
    assert hint in check.text


@pytest.mark.parametrize(
    ("condition", "few"),
    [
        (f"{SHARE} > 0.2", 0.1),
        (f"{SHARE} >= .2 + 0", 0.1),
        (f"{SHARE} > 0.2", 0.085),  # the probes count among all
        (f"100 * {SHARE} > 20", 10.4),
        (f"1 - {SHARE} < 0.8", 0.9),
        ('sum(rate(a{status=~"4.."}[9s])) / sum(rate(a{status!~"4.."}[9s])) > 0.25', 0.111),
        ("sum(rate(a[9s])) - 0.2 * sum(rate(b[9s])) > 0", -2.0),
        ("sum(rate(a[9s])) > 0.2 * sum(rate(b[9s]))", 2.0),
    ],
)
@pytest.mark.parametrize("lasting", ["", "0s", "5s", "5000ms"])
def test_any_route_to_a_fifth_is_right(condition: str, few: float, lasting: str) -> None:
    assert monitor_rule.judge(Rule("A", condition, True, lasting), works(few)).state == "right"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        (5, "must be a text"),
        ("groups: nothing", "rules.yml shows the form"),
        ("groups: [{name: g, rules: [{record: a, expr: b}]}]", "there are 0"),
        ("groups: [{name: g, rules: [{alert: A, expr: a}, {alert: B, expr: b}]}]", "there are 2"),
        ("groups: [{name: g, rules: [{alert: A, expr: a / b > 0.2}]}]", "never go down"),
    ],
)
def test_what_is_told_of_a_rule_before_anything_is_sent(text: object, hint: str) -> None:
    check = monitor_rule._early(text)
    assert hint in check.text  # type: ignore[union-attr]


def test_a_rate_in_a_recorded_series_counts_too() -> None:
    text = "groups: [{name: g, rules: [{record: refused, expr: 'sum(rate(x[10s]))'}, {alert: A, expr: refused > 0.2}]}]"
    assert monitor_rule._early(text) == Rule("A", "refused > 0.2", True)
