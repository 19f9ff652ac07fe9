"""Asking the Prometheus and the Alertmanager of a namespace, waiting for an alert, and giving them rules.

`ensure` puts both there, as ``manifests/monitor`` says; a `Monitor` only knows where to ask.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from aicontainer.deploy import manifests, objects
from aicontainer.deploy.manifests import Manifest
from aicontainer.deploy.release import Release
from aicontainer.events import Listener, silent
from aicontainer.operate import answers, loading
from aicontainer.operate.answers import Alert, Sample, Series, Target
from aicontainer.operate.api import Alertmanager, Program, Prometheus
from aicontainer.package import image, registry
from aicontainer.waiting import Seen, pending, ready, wait

if TYPE_CHECKING:
    from aicontainer.deploy.cluster import Cluster
    from aicontainer.sources.base import Supply

PROMETHEUS, ALERTMANAGER = "prometheus", "alertmanager"
NODE_PORTS = {PROMETHEUS: 30082, ALERTMANAGER: 30083}

ANSWER_SECONDS = 60
STATE_SECONDS = 240


@dataclass(frozen=True, repr=False)
class Monitor:
    """A Prometheus and an Alertmanager in one namespace of a cluster."""

    cluster: Cluster
    namespace: str
    prometheus: Prometheus
    alertmanager: Alertmanager

    def __repr__(self) -> str:
        return "Monitor(prometheus, alertmanager)"

    def query(self, expression: str, at: float | None = None) -> tuple[Sample, ...]:
        """What an expression of PromQL answers now, or at a Unix time: see `Prometheus.query`."""
        return self.prometheus.query(expression, at)

    def value(self, expression: str, at: float | None = None) -> float:
        """The one number that an expression answers with.

        Raises
        ------
        NoData
            When there is none, or more than one.
        QueryRefused, MonitorError
        """
        return answers.only(self.query(expression, at), expression)

    def query_range(self, expression: str, seconds: float, step: float = 1.0) -> tuple[Series, ...]:
        """What an expression answered at each time of the last ``seconds``, ``step`` seconds apart."""
        now = time.time()
        return self.prometheus.query_range(expression, now - seconds, now, step)

    def targets(self) -> tuple[Target, ...]:
        """What Prometheus fetches numbers from now."""
        return self.prometheus.targets()

    def state(self, alert: str) -> str:
        """The state of an alert in Prometheus now: ``inactive``, ``pending`` or ``firing``."""
        found = {each.state for each in self.prometheus.alerts() if each.name == alert}
        return "firing" if "firing" in found else "pending" if found else "inactive"

    def received(self, alert: str) -> bool:
        """Whether Alertmanager was told of an alert, and not yet that it is over."""
        return any(each.name == alert for each in self.alertmanager.alerts())

    def wait_targets(self, count: int, app: str = "ai-model", *, limit: float = STATE_SECONDS) -> None:
        """Wait until exactly ``count`` pods with that ``app`` label are watched and answer, and no other has a series.

        A new pod is found after some seconds: Prometheus takes up what the cluster tells at most every five. The series
        of one that is gone go on for some seconds too; ``count`` may be 0.

        Raises
        ------
        TimedOut
        """

        def look() -> Seen:
            values = [sample.value for sample in self.query(f'up{{app="{app}"}}')]
            up = sum(value == 1 for value in values)
            return ready() if up == count == len(values) else pending(f"{up} of {len(values)} targets are up")

        self._wait(f"{count} targets to be up", look, limit)

    def wait_value(self, expression: str, low: float, high: float = math.inf, *, limit: float = STATE_SECONDS) -> float:
        """Wait until the one value of an expression lies between two bounds, and return it.

        A scrape comes each second, or later on a machine that is busy: what was just counted is seen a moment after.

        Raises
        ------
        QueryRefused, NoData, TimedOut
        """

        def look() -> Seen:
            found = self.value(expression)
            return ready(found) if low <= found <= high else pending(f"it is {found:g}")

        between = f"{low:g} at least" if high == math.inf else f"between {low:g} and {high:g}"
        seen: float = self._wait(f"{expression} to be {between}", look, limit)
        return seen

    def wait_series(self, expression: str, count: int, *, limit: float = STATE_SECONDS) -> None:
        """Wait until an expression answers with as many series; those of a pod that is gone end some scrapes later.

        Raises
        ------
        QueryRefused, TimedOut
        """

        def look() -> Seen:
            found = len(self.query(expression))
            return ready() if found == count else pending(f"{found} series")

        self._wait(f"{count} series of {expression}", look, limit)

    def wait_state(self, alert: str, state: str, *, limit: float = STATE_SECONDS) -> None:
        """Wait until an alert is in a state (``inactive``, ``pending``, ``firing``) in Prometheus.

        Raises
        ------
        TimedOut
        """

        def look() -> Seen:
            found = self.state(alert)
            return ready() if found == state else pending(f"{alert} is {found}")

        self._wait(f"{alert} to be {state}", look, limit)

    def wait_firing(self, alert: str, *, limit: float = STATE_SECONDS) -> Alert:
        """Wait until an alert fires and Alertmanager has it; returns it as Alertmanager does.

        Raises
        ------
        TimedOut
        """

        def look() -> Seen:
            found = [each for each in self.alertmanager.alerts() if each.name == alert]
            return ready(found[0]) if found else pending("Alertmanager was not told yet")

        self.wait_state(alert, "firing", limit=limit)
        received: Alert = self._wait(f"{alert} to reach Alertmanager", look, limit)
        return received

    def wait_resolved(self, alert: str, *, limit: float = STATE_SECONDS) -> None:
        """Wait until an alert is over in Prometheus, and Alertmanager knows it.

        Raises
        ------
        TimedOut
        """
        self.wait_state(alert, "inactive", limit=limit)
        self._wait(
            f"Alertmanager to hear that {alert} is over",
            lambda: pending("it still holds the alert") if self.received(alert) else ready(),
            limit,
        )

    def history(self, alert: str, since: float) -> tuple[str, ...]:
        """The states that an alert went through since a Unix time, in their order, as Prometheus recorded them.

        Prometheus keeps each alert as a series of its own, ``ALERTS``: so no state is missed between two looks.
        """
        now = round(time.time(), 3)
        # counted from the end: the state of now is the last one
        times = np.array([now - step for step in reversed(range(int(now - since) + 1))])
        series = self.prometheus.query_range(f'ALERTS{{alertname="{alert}"}}', times[0], now + 0.001, 1.0)
        return answers.states(series, times)

    def use_rules(self, text: str, *, limit: float = loading.LIMIT) -> None:
        """Put a rules file beside the course's own, in the place of one that was given before.

        Every expression is read by Prometheus first; when it refuses one, or the file, the rules before stay in force.

        Raises
        ------
        InputError
            When the text has not the form of a rules file.
        QueryRefused
            When Prometheus refuses an expression or a field, with its words.
        TimedOut
            When it has not taken them up after ``limit`` seconds.
        """
        loading.use(self.prometheus, self._release(), text, limit)

    def drop_rules(self, *, limit: float = loading.LIMIT) -> None:
        """Take away what `use_rules` put there; the course's own rules stay."""
        loading.drop(self.prometheus, self._release(), limit)

    def _release(self) -> Release:
        return Release(self.cluster, self.namespace, PROMETHEUS, PROMETHEUS)

    def _wait(self, what: str, look: Callable[[], Seen], limit: float) -> Any:
        next_step = f"kubectl logs -n {self.namespace} deployment/{PROMETHEUS} tells more"
        return wait(what, look, limit=limit, pause=0.3, next_step=next_step)


def ensure(
    cluster: Cluster,
    supply: Supply,
    namespace: str | None = None,
    *,
    node_ports: Mapping[str, int] = NODE_PORTS,
    tell: Listener = silent,
) -> Monitor:
    """See to it that Prometheus and Alertmanager run beside a release, with the course's rules and no others.

    Parameters
    ----------
    namespace
        That of the pods that are to be watched, which is there already; the cluster's own by default.
    node_ports
        Where both are reached from this machine; the course's by default.

    Raises
    ------
    ObjectNotFound
        When there is no such namespace.
    WaitError
        When one of them does not come up, with the cluster's reason.
    ImageNotFound, EngineError, ClusterError
    """
    room = namespace or cluster.namespace
    sources = {PROMETHEUS: supply.prometheus_image, ALERTMANAGER: supply.alertmanager_image}
    references = {name: _push(cluster, source, tell) for name, source in sources.items()}
    objects.apply(cluster, _placed(references, node_ports), room, tell)
    releases = [Release(cluster, room, name, name) for name in (PROMETHEUS, ALERTMANAGER)]
    for release in releases:
        release.wait_available(tell=tell)
    prometheus, alertmanager = (release.address() for release in releases)
    monitor = Monitor(cluster, room, Prometheus(prometheus), Alertmanager(alertmanager))
    for program in (monitor.prometheus, monitor.alertmanager):
        _wait_ready(program, tell)
    monitor.drop_rules()
    return monitor


def _push(cluster: Cluster, source: str, tell: Listener) -> str:
    """Push an image of the source under a name of ours, whatever the source calls it; the reference with its digest."""
    found = image.find(source)
    repository, tag = image.split_name(source)
    name = f"aicontainer/{Path(repository).name}:{tag.removeprefix('v')}"
    return registry.push(replace(found, name=name), cluster.registry, tell)


def _placed(references: Mapping[str, str], node_ports: Mapping[str, int]) -> list[Manifest]:
    wanted = loading.course_manifests()
    # A pod reads its configuration when it starts: another configuration has to be another pod.
    configuration = _digest([each["data"] for each in wanted if each["kind"] == "ConfigMap"])
    for each in wanted:
        name = each["metadata"]["name"]
        if each["kind"] == "Deployment":
            manifests.containers(each)[0]["image"] = references[name]
            each["spec"]["template"]["metadata"]["annotations"] = {"aicontainer.io/configuration": configuration}
        if each["kind"] == "Service":
            each["spec"]["ports"][0]["nodePort"] = node_ports[name]
    return wanted


def _digest(content: object) -> str:
    return hashlib.sha256(repr(content).encode()).hexdigest()[:16]


def _wait_ready(program: Program, tell: Listener) -> None:
    wait(
        f"an answer of {type(program).__name__}",
        lambda: ready() if program.ready() else pending("it does not answer yet"),
        limit=ANSWER_SECONDS,
        pause=0.2,
        tell=tell,
    )
