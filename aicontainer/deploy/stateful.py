"""The pods of a StatefulSet: which there are, whether they are ready, and what keeps them from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aicontainer.deploy import diagnosis, objects
from aicontainer.deploy.diagnosis import Patience
from aicontainer.deploy.manifests import Manifest
from aicontainer.deploy.verdict import judged
from aicontainer.errors import ObjectNotFound
from aicontainer.events import Listener, silent
from aicontainer.waiting import Seen, gone, ready, wait

if TYPE_CHECKING:
    from aicontainer.deploy.cluster import Cluster

READY_SECONDS = 180
KIND = "StatefulSet"
REVISION_LABEL = "controller-revision-hash"


def progress(stateful_set: Manifest, pods: list[Manifest]) -> tuple[bool, str]:
    """Whether every pod of the present template is there and ready and no other is, and where it stands.

    Judged by the pods themselves: the StatefulSet's own counts lag behind when a pod is deleted.
    """
    wanted, status = int(stateful_set["spec"].get("replicas", 1)), stateful_set.get("status") or {}
    if int(status.get("observedGeneration", 0)) < int(stateful_set["metadata"]["generation"]):
        return False, "the cluster has not looked at the change yet"
    present = current(stateful_set, pods)
    if len(present) < len(pods):
        return False, f"{len(pods) - len(present)} pods are still to be replaced"
    count = sum(diagnosis.is_ready(pod) for pod in present)
    return count == wanted == len(present), f"{count} of {wanted} pods are ready"


def current(stateful_set: Manifest, pods: list[Manifest]) -> list[Manifest]:
    """The pods of the present template that are not being deleted."""
    revision = (stateful_set.get("status") or {}).get("updateRevision")
    return [pod for pod in diagnosis.alive(pods) if pod["metadata"]["labels"].get(REVISION_LABEL) == revision]


def runs(pod: Manifest, container: str) -> bool:
    """Whether a container of a pod runs, whichever kind it is."""
    status = pod.get("status") or {}
    statuses = [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]
    return any(each["name"] == container and "running" in (each.get("state") or {}) for each in statuses)


def pods(cluster: Cluster, name: str, namespace: str) -> list[Manifest]:
    """The pods of a StatefulSet by name, those that are being deleted too.

    Raises
    ------
    ObjectNotFound
        When there is no such StatefulSet.
    """
    labels = objects.read(cluster, KIND, name, namespace)["spec"]["selector"]["matchLabels"]
    return sorted(
        objects.listed(cluster, "Pod", namespace, labels=labels), key=lambda pod: str(pod["metadata"]["name"])
    )


def crashed(cluster: Cluster, name: str, namespace: str) -> list[str]:
    """The names of the pods with a container that crashes again and again."""
    found = objects.read(cluster, KIND, name, namespace)
    troubles = diagnosis.troubles(found, pods(cluster, name, namespace))
    return sorted({trouble.subject for trouble in troubles if trouble.crashed})


def wait_ready(
    cluster: Cluster, name: str, namespace: str, *, limit: float = READY_SECONDS, tell: Listener = silent
) -> None:
    """Wait until every pod runs the present template and is ready, and all others are gone.

    Raises
    ------
    Failed
        As soon as the cluster says why a pod will not be ready; with the end of its log where it crashed.
    Gone
        When the StatefulSet is deleted meanwhile.
    TimedOut
        After ``limit`` seconds.
    """
    looks = Patience()

    def look() -> Seen:
        try:
            found = objects.read(cluster, KIND, name, namespace)
            there = pods(cluster, name, namespace)
        except ObjectNotFound:
            return gone(f"there is no {KIND} {name} in {namespace}")
        complete, text = progress(found, there)
        if complete:
            return ready(text=text)
        return judged(cluster, namespace, looks, diagnosis.troubles(found, current(found, there)), text)

    next_step = f"kubectl describe pods -n {namespace} tells more"
    wait(f"the pods of {name}", look, limit=limit, next_step=next_step, tell=tell)


def wait_running(
    cluster: Cluster,
    name: str,
    namespace: str,
    container: str,
    *,
    limit: float = READY_SECONDS,
    tell: Listener = silent,
) -> list[str]:
    """Wait until a container runs in every pod, whether the others do or not; returns the names of the pods.

    Raises
    ------
    Failed, Gone, TimedOut
        As `wait_ready`.
    """
    looks = Patience()

    def look() -> Seen:
        try:
            found = objects.read(cluster, KIND, name, namespace)
            there = diagnosis.alive(pods(cluster, name, namespace))
        except ObjectNotFound:
            return gone(f"there is no {KIND} {name} in {namespace}")
        running = [pod for pod in there if runs(pod, container)]
        wanted = int(found["spec"].get("replicas", 1))
        text = f"{container} runs in {len(running)} of {wanted} pods"
        if len(running) == len(there) == wanted:
            return ready([pod["metadata"]["name"] for pod in there], text)
        others = [pod for pod in there if pod not in running]
        return judged(cluster, namespace, looks, diagnosis.troubles(found, others), text)

    next_step = f"kubectl describe pods -n {namespace} tells more"
    names: list[str] = wait(f"{container} in the pods of {name}", look, limit=limit, next_step=next_step, tell=tell)
    return names
