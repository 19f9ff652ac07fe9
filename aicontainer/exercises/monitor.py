"""The checks of notebook 06_monitor: each sends requests of its own, and knows what there was to see."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from aicontainer.errors import MonitorError, NoData, QueryRefused
from aicontainer.exercises import promql
from aicontainer.exercises.check import Check, not_done, right, wrong
from aicontainer.learn import data
from aicontainer.model import Array
from aicontainer.operate import traffic
from aicontainer.operate.answers import Sample
from aicontainer.operate.monitor import Monitor
from aicontainer.serve.client import Server

INFER = 'route="/v2/models/{name}/infer"'
COUNT = "http_request_duration_seconds_count"
SUM = "http_request_duration_seconds_sum"
BUCKET = "http_request_duration_seconds_bucket"
ROWS = "predicted_rows_total"

WINDOW = 10  # seconds: the range that the exercises ask for
FILLED = 14.0  # seconds of traffic, so that such a window sees nothing else
SCRAPE = 1.0
WINDOWS = 4  # as many are looked at until one was not disturbed
CLOSE = 0.25  # a rate over 10 samples a second apart, of a busy machine

OTHER_COUNTS = {
    "asked for": f"sum(rate({ROWS}[{WINDOW}s]))",
    "total": f"sum({ROWS})",
    "requests": f"sum(rate({COUNT}{{{INFER}}}[{WINDOW}s]))",
}

ROWS_EACH, ROWS_PACE = 5, 10.0
QUANTILE = 0.95
# Of 30 requests a second 6 are answered, and one of ten of those has a table of 84,000 numbers: 12,000 rows of
# `education`, and in no case more than the one mebibyte that the server takes. Of all it is one in fifty: a 0.95
# quantile of the answered lies among the large, one of all requests far below.
NUMBERS, LIGHT, SLOW_PACE, SLOW_REFUSED = 84_000, 9, 30.0, 8


def check_rows_per_second(monitor: Monitor, server: Server, my_query: Any) -> Check:
    """Check a query for the rows that all pods together predict in a second, over the last 10 s.

    The check sends requests of five rows for a quarter of a minute and sets the answer against what it has sent.
    """
    early = _early(monitor, my_query, "the rows that are predicted in a second")
    if early is not None:
        return early
    dataset = data.load(server.model)
    pieces = [dataset.X[i : i + ROWS_EACH] for i in range(0, 100, ROWS_EACH)]
    with traffic.sending(server, pieces, ROWS_PACE) as sent:
        time.sleep(FILLED - WINDOW)
        for _ in range(WINDOWS):
            before, begun = sent.rows, time.monotonic()
            time.sleep(WINDOW)
            served = (sent.rows - before) / (time.monotonic() - begun)
            found = monitor.query(my_query)
            others = _values(monitor, OTHER_COUNTS)
            if abs(others.get("asked for", math.nan) - served) <= CLOSE / 2 * served:
                break  # else a busy machine skipped a scrape, and the right query would be wrong here too
    if not served:
        return wrong("no row was answered while the check was sending: does the release run?")
    return judge_rows(my_query, found, served, others)


def judge_rows(query: str, found: Sequence[Sample], served: float, others: Mapping[str, float]) -> Check:
    """What the answer of a query says, when ``served`` rows a second were predicted."""
    trouble = _one_number(query, found, "sum(rate(...))")
    if trouble is not None:
        return trouble
    value, ranges = found[0].value, promql.ranges(query)
    if abs(value - served) <= CLOSE * served:
        return right("the query sees what the check has sent, rows in a second over all pods")
    if _near(value, served * max(ranges, default=0.0)):
        return wrong("that is the increase over the whole range: for one second, rate() divides by its length")
    if _near(value, others.get("requests", math.nan)):
        return wrong(f"that counts requests; each had {ROWS_EACH} rows, and {ROWS} counts those")
    if max(ranges, default=0.0) > 1.5 * WINDOW and value < served:
        return wrong(f"too little: over {max(ranges):.0f} s it averages in the time before; take [{WINDOW}s]")
    return wrong(f"it says {value:.1f} in a second, and the check has sent {served:.1f}: start from rate({ROWS}[10s])")


def check_slowest(monitor: Monitor, server: Server, my_query: Any) -> Check:
    """Check a query for the time under which 95 % of the answered predictions stay, in seconds, over the last 10 s.

    The check sends small tables, now and then a large one, and many requests that are refused at once: for a quarter of
    a minute, on a busy machine for up to three. What is right it reads off the buckets itself.
    """
    early = _early(monitor, my_query, f"the {QUANTILE} quantile of the time of an answered prediction")
    if early is not None:
        return early
    X = data.load(server.model).X
    pieces = [_large(X), *(X[i : i + 1] for i in range(LIGHT))]
    with traffic.sending(server, pieces, SLOW_PACE, SLOW_REFUSED):
        time.sleep(FILLED - WINDOW)
        for _ in range(WINDOWS):
            time.sleep(WINDOW)
            now = time.time() - SCRAPE
            cumulated = monitor.query(f'sum by (le) (rate({BUCKET}{{{INFER}, status="200"}}[{WINDOW}s]))', now)
            low, high = between(cumulated, QUANTILE)
            usual_mistakes = _values(monitor, _other_times(f"[{WINDOW}s]"), now)
            if not any(low < mistaken <= high for mistaken in usual_mistakes.values()):
                break  # else a busy machine held up small requests as well, and hardly anything would be wrong here
        found = monitor.query(my_query, now)
        others = _values(monitor, _other_times(f"[{_range_text(my_query)}]"), now)
    return judge_slowest(my_query, found, (low, high), others)


def _large(X: Array) -> Array:
    rows: Array = X[np.arange(NUMBERS // X.shape[1]) % len(X)]
    return rows


def judge_slowest(
    query: str, found: Sequence[Sample], bounds: tuple[float, float], others: Mapping[str, float]
) -> Check:
    """What the answer of a query says, when the quantile lies between ``bounds`` (seconds)."""
    if not found and "histogram_quantile" in query and "le" not in _kept(query):
        return wrong("empty: histogram_quantile needs the label le, and this sum drops it; write sum by (le) (...)")
    trouble = _one_number(query, found, "sum by (le) (rate(...)) inside histogram_quantile()")
    if trouble is not None:
        return trouble
    value, (low, high) = found[0].value, bounds
    if not math.isfinite(value):
        return wrong(f"the answer is {value}: a quantile is a share from 0 to 1, so {QUANTILE} and not 95")
    # only what can be told from the right answer: on a busy machine two of them may fall together
    near = [
        name for name in _SLOWEST_HINTS if _same(value, others.get(name, math.nan)) and not low < others[name] <= high
    ]
    if near:  # refused requests are as quick as probes, so that two mistakes may end in nearly the same number
        return wrong(_SLOWEST_HINTS[min(near, key=lambda name: abs(value - others[name]))])
    if low < value <= high:
        return right(f"{QUANTILE:.0%} of the answered predictions stay below it, as the buckets say")
    if low < value / 1000 <= high:
        return wrong("that would be milliseconds: Prometheus' times are in seconds, and so is the answer that is asked")
    if max(promql.ranges(query), default=0.0) > 1.5 * WINDOW:
        return wrong(f"another time than that of now: take the last {WINDOW} seconds, [{WINDOW}s]")
    return wrong(f"it says {value:.4f} s, and the buckets say between {low:g} and {high:g} s")


_SLOWEST_HINTS = {
    "mean": "that is the mean: a few large requests pull it up, and it says nothing of how many are slow",
    "median": "that is the median: half of the answers stay below it; asked are 95 of 100",
    "all": "that is over all routes: probes and scrapes are quick and many, and hide the slow ones; name the route",
    "refused too": 'refused requests are in it, which are quick: status="200" keeps those that were answered',
}


def _other_times(within: str) -> dict[str, str]:
    answered = f'{{{INFER}, status="200"}}'

    def quantile(share: float, labels: str) -> str:
        return f"histogram_quantile({share}, sum by (le) (rate({BUCKET}{labels}{within})))"

    return {
        "mean": f"sum(rate({SUM}{answered}{within})) / sum(rate({COUNT}{answered}{within}))",
        "median": quantile(0.5, answered),
        "all": quantile(QUANTILE, ""),
        "refused too": quantile(QUANTILE, f"{{{INFER}}}"),
    }


def between(cumulated: Sequence[Sample], share: float) -> tuple[float, float]:
    """The bounds of the bucket that a quantile lies in, from the cumulated rates of all buckets (label ``le``).

    Raises
    ------
    NoData
        When there are no buckets, or nothing was counted in them.
    """
    buckets = sorted((float(sample.labels["le"]), sample.value) for sample in cumulated)
    if not buckets or not buckets[-1][1] > 0:
        raise NoData("Prometheus has counted no prediction", next_step="does the release run, and is it watched?")
    bounds = [0.0, *(bound for bound, _ in buckets)]
    at = next(i for i, (_, count) in enumerate(buckets) if count >= share * buckets[-1][1])
    return bounds[at], bounds[at + 1]


def _early(monitor: Monitor, query: Any, wanted: str) -> Check | None:
    """What can be said before anything is sent."""
    if query is None:
        return not_done(f"my_query is None; write a query for {wanted}")
    if not isinstance(query, str) or not query.strip():
        return wrong("my_query must be a text, the query in PromQL")
    try:
        monitor.query(query)
    except QueryRefused as error:
        return wrong(f"Prometheus: {error.seen}")
    except MonitorError as error:
        return wrong(error.what)
    if not promql.sees_change(query):
        return wrong("a counter says how many there were since its pod began; how fast it grows is rate(...[10s])")
    return None


def _one_number(query: str, found: Sequence[Sample], instead: str) -> Check | None:
    short = min(promql.ranges(query), default=WINDOW)
    if not found and short < 2 * SCRAPE:
        return wrong(f"empty: a rate needs two samples, there is one each second, and [{short:g}s] holds one at most")
    if not found:
        return wrong("empty: no series fits; compare names and labels with those that the pods show at /metrics")
    if len(found) > 1:
        return wrong(f"the answer has {len(found)} series, one for each pod and label: {instead} makes one of them")
    return None


def _values(monitor: Monitor, queries: Mapping[str, str], at: float | None = None) -> dict[str, float]:
    found = {name: monitor.query(query, at) for name, query in queries.items()}
    return {name: samples[0].value for name, samples in found.items() if samples}


def _near(value: float, other: float) -> bool:
    return abs(value - other) <= CLOSE * abs(other)


def _same(value: float, other: float) -> bool:
    return math.isclose(value, other, rel_tol=0.02)


def _range_text(query: str) -> str:
    return f"{round(1000 * max(promql.ranges(query), default=float(WINDOW)))}ms"


def _kept(query: str) -> set[str]:
    """The labels that the query's ``by (...)`` keep."""
    return {label.strip() for inside in re.findall(r"\bby\s*\(([^)]*)\)", query) for label in inside.split(",")}
