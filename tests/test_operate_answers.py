"""Reading the answers of Prometheus and Alertmanager: numbers, labels, times, and what is not there."""

import math

import numpy as np
import pytest

from aicontainer.errors import MonitorError, NoData, QueryRefused
from aicontainer.operate import answers
from aicontainer.operate.answers import Sample, Series


def vector(*samples: tuple[dict[str, str], str]) -> dict[str, object]:
    result = [{"metric": metric, "value": [1700000000.5, value]} for metric, value in samples]
    return {"resultType": "vector", "result": result}


def test_samples_have_labels_numbers_and_a_time_and_are_in_order() -> None:
    found = answers.read_samples(vector(({"pod": "b"}, "2"), ({"pod": "a"}, "1.5e-3")))
    assert found == (Sample({"pod": "a"}, 0.0015, 1700000000.5), Sample({"pod": "b"}, 2.0, 1700000000.5))
    assert repr(found[1]) == '{pod="b"} = 2'


def test_prometheus_writes_numbers_that_json_does_not_have_as_texts() -> None:
    found = answers.read_samples(vector(({"a": "1"}, "+Inf"), ({"a": "2"}, "-Inf"), ({"a": "3"}, "NaN")))
    assert [found[0].value, found[1].value] == [math.inf, -math.inf]
    assert math.isnan(found[2].value)


def test_a_scalar_is_one_sample_without_labels() -> None:
    assert answers.read_samples({"resultType": "scalar", "result": [1.0, "7"]}) == (Sample({}, 7.0, 1.0),)


@pytest.mark.parametrize("kind", ["matrix", "string"])
def test_what_is_no_number_for_each_series_is_refused(kind: str) -> None:
    with pytest.raises(QueryRefused) as caught:
        answers.read_samples({"resultType": kind, "result": []})
    assert kind in caught.value.seen


def test_series_are_arrays_that_nobody_can_change() -> None:
    (found,) = answers.read_series({"result": [{"metric": {"pod": "a"}, "values": [[1, "2"], [2, "3.5"]]}]})
    assert found.times.tolist() == [1.0, 2.0]
    assert found.values.tolist() == [2.0, 3.5]
    with pytest.raises(ValueError, match="read-only"):
        found.values[0] = 0
    assert repr(found) == 'Series({pod="a"}: 2 samples)'


def test_the_one_number_of_an_answer() -> None:
    assert answers.only([Sample({}, 4.0, 0.0)], "q") == 4.0
    with pytest.raises(NoData, match="empty") as empty:
        answers.only([], "sum(x)")
    assert "sum(x)" in empty.value.seen
    with pytest.raises(NoData, match="2 series") as several:
        answers.only([Sample({"pod": "a"}, 1.0, 0.0), Sample({"pod": "b"}, 2.0, 0.0)], "x")
    assert 'pod="a"' in several.value.seen


def test_alerts_of_both_programs_have_name_state_and_since() -> None:
    labels = {"alertname": "NobodyServes", "severity": "page"}
    ours = {"labels": labels, "annotations": {"summary": "s"}, "state": "pending", "activeAt": "2026-01-01T00:00:01Z"}
    (alert,) = answers.read_alerts({"alerts": [ours]})
    assert (alert.name, alert.state, alert.annotations["summary"]) == ("NobodyServes", "pending", "s")
    theirs = {"labels": labels, "status": {"state": "active"}, "startsAt": "2026-01-01T00:00:01.123456789+00:00"}
    (received,) = answers.read_received([theirs])
    assert (received.name, received.state) == ("NobodyServes", "active")
    assert received.since - alert.since == pytest.approx(0.123456, abs=1e-6)
    assert repr(received) == "Alert(NobodyServes: active)"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:00:10Z", 10.0),
        ("1970-01-01T00:00:10.5Z", 10.5),
        ("1970-01-01T01:00:10.000000001+01:00", 10.0),
        ("1970-01-01T00:00:10.25+00:00", 10.25),
    ],
)
def test_times_are_unix_seconds_whatever_their_zone_and_digits(text: str, seconds: float) -> None:
    assert answers.unix(text) == pytest.approx(seconds, abs=1e-6)


def test_a_time_that_is_none_is_told() -> None:
    with pytest.raises(MonitorError) as caught:
        answers.unix("yesterday")
    assert "yesterday" in caught.value.seen


def test_targets_and_rule_files() -> None:
    data = {"activeTargets": [{"labels": {"app": "ai-model"}, "health": "down", "lastError": "refused"}]}
    (target,) = answers.read_targets(data)
    assert (target.health, target.error) == ("down", "refused")
    assert repr(target) == "Target(ai-model: down)"
    groups = [{"file": "/etc/prometheus/rules/rules.yml"}, {"file": "/etc/prometheus/rules/own-1.yml"}]
    assert answers.read_rule_files({"groups": groups}) == {"rules.yml", "own-1.yml"}


def recorded(state: str, *times: float) -> Series:
    return Series({"alertstate": state}, np.array(times), np.ones(len(times)))


def test_the_states_of_an_alert_in_their_order_from_what_was_recorded() -> None:
    times = np.arange(100.0, 110.0)
    series = [recorded("firing", 104, 105, 106), recorded("pending", 102, 103)]
    assert answers.states(series, times) == ("inactive", "pending", "firing", "inactive")
    assert answers.states([], times) == ("inactive",)
    assert answers.states([recorded("firing", *times)], times) == ("firing",)


def test_while_two_alerts_of_a_rule_differ_the_more_advanced_one_counts() -> None:
    times = np.arange(3.0)
    for series in (
        [recorded("pending", 0, 1), recorded("firing", 1)],
        [recorded("firing", 1), recorded("pending", 0, 1)],
    ):
        assert answers.states(series, times) == ("pending", "firing", "inactive")
