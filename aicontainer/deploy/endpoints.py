"""Which pods a Service leads to just now: the addresses in its EndpointSlices."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aicontainer.deploy import diagnosis, objects
from aicontainer.deploy.manifests import Manifest
from aicontainer.events import Listener, silent
from aicontainer.waiting import Seen, pending, ready, wait

if TYPE_CHECKING:
    from aicontainer.deploy.cluster import Cluster

API_VERSION = "discovery.k8s.io/v1"
SERVICE_LABEL = "kubernetes.io/service-name"
SETTLED_SECONDS = 30


@dataclass(frozen=True)
class Endpoint:
    """One pod behind a Service: its address, the port that is asked there, and whether it takes new connections."""

    address: str
    port: int
    ready: bool


def find(cluster: Cluster, service: str, namespace: str | None = None) -> tuple[Endpoint, ...]:
    """All pods behind a Service, by address: those that are not ready, or that are ending, too.

    Raises
    ------
    ClusterError
        When the cluster does not answer.
    """
    slices = objects.listed(
        cluster, "EndpointSlice", namespace, labels={SERVICE_LABEL: service}, api_version=API_VERSION
    )
    return from_slices(slices)


def from_slices(slices: Iterable[Manifest]) -> tuple[Endpoint, ...]:
    """The endpoints in what the cluster holds as EndpointSlices, by address."""
    found = {
        Endpoint(address, int(port.get("port") or 0), bool((each.get("conditions") or {}).get("ready")))
        for piece in slices
        for each in piece.get("endpoints") or []
        for address in each["addresses"]
        for port in piece.get("ports") or [{}]
    }
    return tuple(sorted(found, key=lambda each: (each.address, each.port)))


def settled(
    cluster: Cluster,
    service: str,
    namespace: str | None = None,
    *,
    limit: float = SETTLED_SECONDS,
    tell: Listener = silent,
) -> tuple[str, ...]:
    """Wait until a Service leads to just the ready pods that carry its labels, and return their addresses.

    The controller that writes the slices hears of a pod's change a moment after it.

    Raises
    ------
    ObjectNotFound
        When there is no such Service.
    TimedOut
        After ``limit`` seconds.
    """

    def look() -> Seen:
        selector = objects.read(cluster, "Service", service, namespace)["spec"].get("selector") or {}
        wanted = addresses(diagnosis.alive(objects.listed(cluster, "Pod", namespace, labels=selector)))
        listed = tuple(each.address for each in find(cluster, service, namespace) if each.ready)
        return ready(listed) if listed == wanted else pending(f"it leads to {len(listed)} of {len(wanted)} ready pods")

    found: tuple[str, ...] = wait(f"{service} to follow its pods", look, limit=limit, pause=0.2, tell=tell)
    return found


def addresses(pods: Iterable[Manifest]) -> tuple[str, ...]:
    """The addresses of those pods that are ready, sorted."""
    statuses = [pod["status"] for pod in pods if diagnosis.is_ready(pod)]
    return tuple(sorted(status["podIP"] for status in statuses if "podIP" in status))
