"""The counters of all workers as Prometheus reads them; names and units follow its conventions.

https://prometheus.io/docs/practices/naming/ (base units, ``_total``), and the names of the client libraries for process
figures. Written by the official client library.
"""

import math
import os
import platform
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from pathlib import Path

import numpy as np
from prometheus_client.core import (
    CollectorRegistry,
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from aicontainer import __version__
from aicontainer.model import Model
from aicontainer.serve.counters import (
    IN_FLIGHT,
    LATENCIES,
    PROCESS,
    REFUSED_NOW,
    REFUSED_RELOADS,
    RELOADS,
    Counters,
    Distribution,
    Served,
    key,
)
from aicontainer.serve.metrics import DISTANCE_BOUNDS, prediction_bounds

VERSION = ("model", "version")


def render(model: Model, workers: Sequence[Counters], accept: str) -> tuple[bytes, str]:
    """All that was counted, and its content type."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collected(model, workers))
    try:
        encoder, content_type = choose_encoder(accept)
    except TypeError:  # a version that is no number: the library compares it with one
        encoder, content_type = choose_encoder("")
    return encoder(registry), content_type


class _Collected(Collector):
    def __init__(self, model: Model, workers: Sequence[Counters]) -> None:
        self._model = model
        self._workers = workers

    def collect(self) -> Iterable[Metric]:
        yield self._latencies()
        yield from self._served()
        yield from self._reloads()
        yield _gauge(
            "http_requests_in_flight",
            "Requests that have begun to arrive and are not answered yet.",
            self._sum(IN_FLIGHT),
        )
        yield from self._infos()
        yield from _processes([int(worker.get(PROCESS)) for worker in self._workers])

    def _sum(self, single: int) -> float:
        return sum(worker.get(single) for worker in self._workers)

    def _latencies(self) -> Metric:
        found: dict[tuple[str, int], Distribution] = {}
        for worker in self._workers:
            for cell, more in worker.latencies().items():
                found[cell] = found[cell] + more if cell in found else more
        family = HistogramMetricFamily(
            "http_request_duration_seconds",
            "Time from a request's last byte to its reply, in seconds.",
            labels=("route", "status"),
        )
        for (route, status), distribution in sorted(found.items()):
            family.add_metric((route, str(status)), _buckets(LATENCIES, distribution), distribution.total)
        return family

    def _served(self) -> Iterator[Metric]:
        found: dict[tuple[str, ...], Served] = {}
        for worker in self._workers:
            for name, more in worker.served().items():
                for counted in (name, name[:2]):
                    found[counted] = found[counted] + more if counted in found else more
        rows = CounterMetricFamily("predicted_rows", "Rows that the model predicted.", labels=VERSION)
        predictions = HistogramMetricFamily("prediction", "Predictions, in the unit of the target.", labels=VERSION)
        distances = HistogramMetricFamily(
            "input_distance_deviations",
            "Of each row the feature that is farthest from its mean in training, in standard deviations of training.",
            labels=VERSION,
        )
        for version in sorted(name for name in found if len(name) == len(VERSION)):
            served = found[version]
            rows.add_metric(version, served.rows)
            distances.add_metric(version, _buckets(DISTANCE_BOUNDS, served.distances), served.distances.total)
        own = key(self._model)
        if own in found:  # of other models only the counts are known, not what divides them
            bounds = prediction_bounds(self._model)
            predictions.add_metric(own[:2], _buckets(bounds, found[own].predictions), found[own].predictions.total)
        return iter((rows, predictions, distances))

    def _reloads(self) -> Iterator[Metric]:
        yield _counter("model_reloads", "New model files that were taken up, by each worker.", self._sum(RELOADS))
        what = "New model files that could not be used, by each worker."
        yield _counter("model_reloads_refused", what, self._sum(REFUSED_RELOADS))
        what = "1 while the model file cannot be used and an older model is served."
        yield _gauge("model_file_refused", what, max(worker.get(REFUSED_NOW) for worker in self._workers))

    def _infos(self) -> Iterator[Metric]:
        build = GaugeMetricFamily("build_info", "The server's build.", labels=("version", "python", "numpy"))
        build.add_metric((__version__, platform.python_version(), np.__version__), 1.0)
        yield build
        served = GaugeMetricFamily("model_info", "The model that is served.", labels=(*VERSION, "sha256"))
        served.add_metric((self._model.name, self._model.version, self._model.digest), 1.0)
        yield served


def _buckets(bounds: Sequence[float], distribution: Distribution) -> list[tuple[str, float]]:
    names = [floatToGoString(bound) for bound in (*bounds, math.inf)]  # type: ignore[no-untyped-call]
    return list(zip(names, accumulate(distribution.counts), strict=True))


def _counter(name: str, what: str, value: float) -> Metric:
    return CounterMetricFamily(name, what, value=value)


def _gauge(name: str, what: str, value: float) -> Metric:
    return GaugeMetricFamily(name, what, value=value)


def _processes(numbers: Sequence[int]) -> Iterator[Metric]:
    """The figures of the workers' processes, added up; none where there is no /proc."""
    found = [figures for number in numbers if (figures := _figures(number))]
    if not found:
        return
    processor, memory, files, begun = (list(column) for column in zip(*found, strict=True))
    yield _counter("process_cpu_seconds", "User and system time, in seconds.", sum(processor))
    yield _gauge("process_resident_memory_bytes", "Resident memory, in bytes.", sum(memory))
    yield _gauge("process_open_fds", "Open file descriptors.", sum(files))
    yield _gauge("process_start_time_seconds", "Unix time of the first start, in seconds.", min(begun))
    yield _gauge("process_workers", "Processes that answer.", len(found))


def _figures(number: int) -> tuple[float, float, float, float] | None:
    folder, tick = Path("/proc") / str(number), os.sysconf("SC_CLK_TCK")
    try:
        # after the name, which may hold spaces: field 3 of proc_pid_stat(5) is the first
        fields = (folder / "stat").read_text().rpartition(")")[2].split()
        files = len(list((folder / "fd").iterdir()))
        boot = next(line for line in Path("/proc/stat").read_text().splitlines() if line.startswith("btime"))
    except (OSError, StopIteration):
        return None
    pages = int(fields[21]) * os.sysconf("SC_PAGE_SIZE")
    return (int(fields[11]) + int(fields[12])) / tick, pages, files, int(boot.split()[1]) + int(fields[19]) / tick
