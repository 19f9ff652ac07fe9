"""Namespaces as rooms for trying things out: given empty, and removed side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aicontainer.deploy import objects, single
from aicontainer.deploy.manifests import Manifest
from aicontainer.errors import ObjectNotFound
from aicontainer.events import Listener, silent
from aicontainer.waiting import Seen, pending, ready, wait

if TYPE_CHECKING:
    from aicontainer.deploy.cluster import Cluster

NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {}}
OWNERS = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Service")

# The cluster looks at a namespace that is to end only after 5 s, by design.
GONE_SECONDS = 90
GRACE_SECONDS = 1
PAUSE_SECONDS = 0.2


def fresh(cluster: Cluster, name: str, *, limit: float = GONE_SECONDS, tell: Listener = silent) -> str:
    """A namespace without pods, and without anything that would make some: made, or emptied. Returns its name.

    Raises
    ------
    TimedOut
        When something in it does not end within ``limit`` seconds.
    ObjectRefused, ClusterError
    """
    wait_not_ending(cluster, name, limit=limit, tell=tell)
    objects.apply(cluster, [NAMESPACE], name)
    wait(f"{name} to be empty", lambda: _emptied(cluster, name), limit=limit, pause=PAUSE_SECONDS, tell=tell)
    return name


def remove(cluster: Cluster, *names: str, limit: float = GONE_SECONDS, tell: Listener = silent) -> tuple[str, ...]:
    """Remove namespaces with all that is in them, all at once, wait until they are gone, and return which there were.

    Their pods get one second to end. Left to themselves they would take their own grace, and the cluster would look
    again only after half of the longest.

    Raises
    ------
    TimedOut
        When one is still there after ``limit`` seconds.
    ObjectRefused, ClusterError
    """
    there = tuple(name for name in names if objects.ask_to_delete(cluster, "Namespace", name))
    for name in there:
        _end_pods(cluster, name)

    def look() -> Seen:
        left = [name for name in there if _find(cluster, name) is not None]
        return pending(f"{', '.join(left)} still there") if left else ready(there)

    wait(f"the end of {', '.join(there) or 'nothing'}", look, limit=limit, tell=tell)
    return there


def wait_not_ending(cluster: Cluster, name: str, *, limit: float = GONE_SECONDS, tell: Listener = silent) -> None:
    """Wait until there is no namespace of that name that is being deleted; one that stays, or none, is as good.

    Raises
    ------
    TimedOut
        When it is still ending after ``limit`` seconds.
    """

    def look() -> Seen:
        found = _find(cluster, name)
        ending = found is not None and "deletionTimestamp" in found["metadata"]
        return pending(f"{name} is still ending") if ending else ready()

    wait(f"the end of an earlier {name}", look, limit=limit, tell=tell)


def _find(cluster: Cluster, name: str) -> Manifest | None:
    try:
        return objects.read(cluster, "Namespace", name)
    except ObjectNotFound:
        return None


def _emptied(cluster: Cluster, name: str) -> Seen:
    left = [(kind, each["metadata"]) for kind in OWNERS for each in objects.listed(cluster, kind, name)]
    for kind, metadata in left:
        if "deletionTimestamp" not in metadata:
            objects.ask_to_delete(cluster, kind, metadata["name"], name)
    count = len(left) + _end_pods(cluster, name)
    return pending(f"{count} objects are still there") if count else ready()


def _end_pods(cluster: Cluster, name: str) -> int:
    found = objects.listed(cluster, "Pod", name)
    for pod in found:
        metadata = pod["metadata"]
        # a node that has begun to end a pod keeps to the grace it was told first: such a pod is given up
        slow = metadata.get("deletionGracePeriodSeconds", 0) > GRACE_SECONDS
        single.end(cluster, metadata["name"], name, grace=0 if slow else GRACE_SECONDS)
    return len(found)
