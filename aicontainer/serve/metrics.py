"""What a Prometheus can ask this server: how long requests took, and how many rows were predicted.

The histogram is for alerts and for sizing, the counter for what the model did. A label takes few values only, since
each new value is a new time series for as long as Prometheus keeps them: paths that nobody serves share one.
"""

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.exposition import choose_encoder

from aicontainer.model import Model

UNKNOWN_ROUTE = "unknown"
OTHER_METHOD = "other"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

# seconds: one row takes some 50 microseconds, a full body some tens of milliseconds
BUCKETS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class Metrics:
    """The metrics of one server, in a registry of their own: two servers in one process do not mix."""

    def __init__(self, model: Model) -> None:
        self._registry = CollectorRegistry()
        self._latency = Histogram(
            "http_request_duration_seconds",
            "Time from the request's head to the whole answer, in seconds.",
            ("route", "method", "status"),
            buckets=BUCKETS,
            registry=self._registry,
        )
        self._all_rows = Counter(
            "predicted_rows_total",
            "Rows that the model predicted.",
            ("model", "version"),
            registry=self._registry,
        )
        self.serves(model)

    def __repr__(self) -> str:
        return "Metrics(http_request_duration_seconds, predicted_rows_total)"

    def serves(self, model: Model) -> None:
        """From now on rows are predicted by this model."""
        # made now, so that it reads 0 and not "absent" until the first row
        self._rows = self._all_rows.labels(model.name, model.version)

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count one answer; ``route`` is the template, never the path that was asked."""
        known = method if method in METHODS else OTHER_METHOD
        self._latency.labels(route, known, str(status)).observe(seconds)

    def predicted(self, rows: int) -> None:
        """Count rows that were predicted."""
        self._rows.inc(rows)

    def render(self, accept: str) -> tuple[bytes, str]:
        """All metrics, and their content type, in the format that the ``Accept`` header asks for."""
        encoder, content_type = choose_encoder(accept)
        return encoder(self._registry), content_type
