"""Asking Prometheus and Alertmanager over HTTP; every failure is one of ours.

A new connection is opened for each request, as `serve.client` does: the pod behind the Service may have been replaced.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from aicontainer.errors import MonitorError, QueryRefused
from aicontainer.operate import answers
from aicontainer.operate.answers import Alert, Sample, Series, Target

if TYPE_CHECKING:
    import httpx

# seconds
LIMIT = 30.0
PROBE_LIMIT = 2.0

_REFUSALS = {400, 422}


@dataclass(frozen=True)
class Program:
    """A program behind an address such as ``http://127.0.0.1:9090``. Making one asks nothing yet."""

    address: str
    _http: httpx.Client = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        import httpx

        limits = httpx.Limits(max_keepalive_connections=0)
        object.__setattr__(self, "_http", httpx.Client(trust_env=False, limits=limits))

    def ready(self) -> bool:
        """Whether it would answer questions now."""
        try:
            self._ask("GET", "/-/ready", limit=PROBE_LIMIT)
        except MonitorError:
            return False
        return True

    def _ask(
        self, method: str, path: str, form: Mapping[str, str | float] | None = None, *, limit: float = LIMIT
    ) -> bytes:
        import httpx

        name = type(self).__name__
        # GET has its fields in the address, POST in the body, where a long query has room
        fields: dict[str, Any] = {"params" if method == "GET" else "data": dict(form or {})}
        try:
            response = self._http.request(method, self.address + path, timeout=limit, **fields)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise MonitorError(
                f"{name} does not answer at {self.address}",
                seen=str(error) or type(error).__name__,
                next_step="kubectl get pods -n aicontainer shows whether its pod runs",
            ) from error
        if response.status_code != 200:
            raise _refusal(name, response.status_code, response.content)
        return response.content

    def _decoded(self, content: bytes) -> Any:
        try:
            return msgspec.json.decode(content)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise MonitorError(
                f"{type(self).__name__} answers with something else than JSON", seen=str(error)
            ) from error


class Prometheus(Program):
    """A Prometheus (HTTP API v1)."""

    def query(self, expression: str, at: float | None = None) -> tuple[Sample, ...]:
        """What an expression of PromQL answers now, or at the Unix time ``at``; an empty answer is one.

        Raises
        ------
        QueryRefused
            With Prometheus' own words.
        MonitorError
            When it does not answer.
        """
        form: dict[str, str | float] = {"query": expression}
        if at is not None:
            form["time"] = at
        return answers.read_samples(self._data("POST", "/api/v1/query", form))

    def query_range(self, expression: str, start: float, end: float, step: float = 1.0) -> tuple[Series, ...]:
        """What an expression answers at each time from ``start`` to ``end`` (Unix times), ``step`` seconds apart.

        Raises
        ------
        QueryRefused, MonitorError
            As `query`.
        """
        form: dict[str, str | float] = {"query": expression, "start": start, "end": end, "step": step}
        return answers.read_series(self._data("POST", "/api/v1/query_range", form))

    def understands(self, expression: str) -> None:
        """Let Prometheus read an expression without working it out.

        Raises
        ------
        QueryRefused
            When it cannot, with its own words.
        """
        self._data("POST", "/api/v1/format_query", {"query": expression})

    def alerts(self) -> tuple[Alert, ...]:
        """The alerts that are pending or firing now."""
        return answers.read_alerts(self._data("GET", "/api/v1/alerts"))

    def targets(self) -> tuple[Target, ...]:
        """What it fetches numbers from now."""
        return answers.read_targets(self._data("GET", "/api/v1/targets", {"state": "active"}))

    def rule_files(self) -> frozenset[str]:
        """The names of the files whose rules are in force."""
        return answers.read_rule_files(self._data("GET", "/api/v1/rules"))

    def reload(self) -> None:
        """Let it read configuration and rules again. Raises ``MonitorError`` when it refuses them: the old stay."""
        self._ask("POST", "/-/reload")

    def _data(self, method: str, path: str, form: Mapping[str, str | float] | None = None) -> Any:
        return self._decoded(self._ask(method, path, form))["data"]


class Alertmanager(Program):
    """An Alertmanager (HTTP API v2)."""

    def alerts(self) -> tuple[Alert, ...]:
        """The alerts that it was told of and that are not over."""
        return answers.read_received(self._decoded(self._ask("GET", "/api/v2/alerts")))


def _refusal(name: str, status: int, content: bytes) -> MonitorError:
    try:
        words = str(msgspec.json.decode(content)["error"])
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError):
        words = content.decode(errors="replace").strip()
    if status in _REFUSALS:
        return QueryRefused(f"{name} does not understand the query", seen=words, status=status)
    return MonitorError(f"{name} answered {status}", seen=words, status=status)
