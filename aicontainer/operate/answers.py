"""What Prometheus and Alertmanager answer, read from their JSON. Pure: no request is sent here.

Times are Unix times in seconds. Values are in the unit that the metric's name ends with (``_seconds``), a rate is per
second. Form: https://prometheus.io/docs/prometheus/latest/querying/api/ and Alertmanager's API v2.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np

from aicontainer.errors import MonitorError, NoData, QueryRefused
from aicontainer.model import Array

NAME = "__name__"
ALERT_NAME = "alertname"


@dataclass(frozen=True)
class Sample:
    """One number of one series at one time; ``labels`` say which series."""

    labels: Mapping[str, str]
    value: float
    time: float

    def __repr__(self) -> str:
        return f"{_named(self.labels)} = {self.value:g}"


@dataclass(frozen=True, eq=False, repr=False)
class Series:
    """One series over time: ``times`` and ``values`` of shape (n,)."""

    labels: Mapping[str, str]
    times: Array
    values: Array

    def __repr__(self) -> str:
        return f"Series({_named(self.labels)}: {len(self.times)} samples)"


@dataclass(frozen=True)
class Alert:
    """One alert: what its rule answered with.

    ``state`` is Prometheus' word (``pending``, ``firing``) or Alertmanager's (``active``, ``suppressed``); ``since`` is
    when the condition was first met, or when Alertmanager was told.
    """

    name: str
    state: str
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    since: float = 0.0

    def __repr__(self) -> str:
        return f"Alert({self.name}: {self.state})"


@dataclass(frozen=True)
class Target:
    """One thing that Prometheus fetches numbers from: ``health`` is ``up``, ``down`` or ``unknown``."""

    labels: Mapping[str, str]
    health: str
    error: str = ""

    def __repr__(self) -> str:
        return f"Target({self.labels.get('app') or self.labels.get('job', '')}: {self.health})"


def read_samples(data: Any) -> tuple[Sample, ...]:
    """The samples of an instant query's ``data``, ordered by their labels.

    Raises
    ------
    QueryRefused
        When the query answers with whole ranges or with a text, not with numbers.
    """
    kind, result = data["resultType"], data["result"]
    if kind == "scalar":
        result = [{"metric": {}, "value": result}]
    elif kind != "vector":
        raise QueryRefused(
            "the query does not answer with one number for each series",
            seen=f"its result is a {kind}" + (": all samples of a range [...]" if kind == "matrix" else ""),
            next_step="a function such as rate(...[10s]) makes one number of a range",
        )
    return tuple(
        sorted((_sample(each) for each in result), key=lambda sample: sorted(sample.labels.items())),
    )


def _sample(content: Any) -> Sample:
    time, value = content["value"]
    return Sample(dict(content["metric"]), float(value), float(time))


def read_series(data: Any) -> tuple[Series, ...]:
    """The series of a range query's ``data``, ordered by their labels."""
    found = [_series(each) for each in data["result"]]
    return tuple(sorted(found, key=lambda series: sorted(series.labels.items())))


def _series(content: Any) -> Series:
    times = np.array([float(time) for time, _ in content["values"]])
    values = np.array([float(value) for _, value in content["values"]])
    for array in (times, values):
        array.setflags(write=False)
    return Series(dict(content["metric"]), times, values)


def read_alerts(data: Any) -> tuple[Alert, ...]:
    """Prometheus' alerts, pending and firing, by name."""
    return _ordered(
        Alert(
            each["labels"].get(ALERT_NAME, ""),
            each["state"],
            dict(each["labels"]),
            dict(each.get("annotations") or {}),
            unix(each["activeAt"]),
        )
        for each in data["alerts"]
    )


def read_received(content: Any) -> tuple[Alert, ...]:
    """The alerts that Alertmanager holds, by name."""
    return _ordered(
        Alert(
            each["labels"].get(ALERT_NAME, ""),
            each["status"]["state"],
            dict(each["labels"]),
            dict(each.get("annotations") or {}),
            unix(each["startsAt"]),
        )
        for each in content
    )


def read_targets(data: Any) -> tuple[Target, ...]:
    """The targets that Prometheus found, by their labels."""
    found = [Target(dict(each["labels"]), each["health"], each.get("lastError", "")) for each in data["activeTargets"]]
    return tuple(sorted(found, key=lambda target: sorted(target.labels.items())))


def read_rule_files(data: Any) -> frozenset[str]:
    """The names of the files, without their folder, whose rules are in force."""
    return frozenset(group["file"].rpartition("/")[2] for group in data["groups"])


def only(samples: Iterable[Sample], query: str) -> float:
    """The value of the one sample that there is.

    Raises
    ------
    NoData
        When there is none, or more than one.
    """
    found = list(samples)
    if len(found) == 1:
        return found[0].value
    if not found:
        raise NoData(
            "the answer is empty: no series fits the query now",
            seen=query,
            next_step="leave out one label or function after the other, until there is an answer",
        )
    raise NoData(
        f"the answer has {len(found)} series, and one was wanted",
        seen="; ".join(map(repr, found[:4])),
        next_step="sum(...) adds them up, sum by (label) (...) keeps that label",
    )


def states(series: Iterable[Series], times: Array) -> tuple[str, ...]:
    """The states that an alert went through, in their order, from the series ``ALERTS`` that Prometheus keeps of it.

    Parameters
    ----------
    series
        The answer to a range query for ``ALERTS{alertname="..."}``.
    times
        The times that were asked for, of shape (n,): where there is no sample, the alert was ``inactive``.
    """
    known: dict[float, str] = {}
    for each in series:
        for time in each.times:
            # while a rule has several alerts, the most advanced one counts
            state = each.labels.get("alertstate", "")
            known[round(float(time), 3)] = max(known.get(round(float(time), 3), ""), state, key=_advance)
    found: list[str] = []
    for time in times:
        state = known.get(round(float(time), 3), "inactive")
        if not found or found[-1] != state:
            found.append(state)
    return tuple(found)


def _advance(state: str) -> int:
    return ("", "inactive", "pending", "firing").index(state)


def unix(text: str) -> float:
    """The Unix time, in seconds, of a time as both programs write it (RFC 3339, up to nanoseconds).

    Raises
    ------
    MonitorError
        When it is no such time.
    """
    head, point, rest = text.partition(".")
    digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
    zone = rest[len(digits) :]
    try:
        return datetime.fromisoformat(f"{head}{point}{digits[:6]}{zone}".replace("Z", "+00:00")).timestamp()
    except ValueError as error:
        raise MonitorError("the answer holds a time that is none", seen=text) from error


def _ordered(alerts: Iterable[Alert]) -> tuple[Alert, ...]:
    return tuple(sorted(alerts, key=lambda alert: (alert.name, sorted(alert.labels.items()))))


def _named(labels: Mapping[str, str]) -> str:
    rest = ", ".join(f'{key}="{value}"' for key, value in sorted(labels.items()) if key != NAME)
    return f"{labels.get(NAME, '')}{{{rest}}}"
