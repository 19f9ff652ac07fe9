"""Objects of a cluster as plain dictionaries, the same form as in their YAML: apply, read, change, delete.

Everything is applied on the server's side under the field manager ``aicontainer``: what was applied before and is
left out now is removed, what others manage stays, and applying twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from aicontainer.deploy.connection import CONNECT_SECONDS, READ_SECONDS, connect, mapped
from aicontainer.deploy.manifests import Manifest, placed
from aicontainer.errors import ObjectNotFound, ObjectRefused
from aicontainer.events import Event, Listener, silent
from aicontainer.waiting import Seen, pending, ready, wait

if TYPE_CHECKING:
    from kubernetes.dynamic import DynamicClient

    from aicontainer.deploy.cluster import Cluster

FIELD_MANAGER = "aicontainer"
STEP = "apply"

GONE_SECONDS = 90

# the node's words, in place of a log, about a container that it has cleared away
_NO_LOG = "unable to retrieve container logs"

# the revision that the Deployment controller counts
_CLUSTERS_OWN = "deployment.kubernetes.io/"

_API_VERSIONS = {"Deployment": "apps/v1", "ReplicaSet": "apps/v1", "StatefulSet": "apps/v1", "DaemonSet": "apps/v1"}


@dataclass(frozen=True)
class Applied:
    """What applying one object did: it was ``made``, ``changed``, or is ``unchanged``."""

    kind: str
    name: str
    verdict: Literal["made", "changed", "unchanged"]

    def __repr__(self) -> str:
        return f"{self.kind} {self.name}: {self.verdict}"


def apply(
    cluster: Cluster, manifests: Iterable[Manifest], namespace: str | None = None, tell: Listener = silent
) -> tuple[Applied, ...]:
    """Make the cluster hold what the manifests say, in their order; a Namespace among them is named ``namespace``.

    Parameters
    ----------
    namespace
        Where the objects go; the cluster's own by default.

    Raises
    ------
    ObjectRefused
        When the cluster understands an object and rejects it.
    ClusterError
        When it does not answer.
    """
    target = namespace or cluster.namespace
    results = []
    for manifest in manifests:
        result = _apply_one(cluster, placed(manifest, target), target)
        tell(Event(STEP, "found" if result.verdict == "unchanged" else "made", repr(result)))
        results.append(result)
    return tuple(results)


def _apply_one(cluster: Cluster, body: Manifest, namespace: str) -> Applied:
    kind, name = body["kind"], body["metadata"]["name"]
    before = _before(cluster, kind, name, namespace, body["apiVersion"])
    with mapped(f"apply the {kind} {name}"):
        client, resource = _resource(cluster, kind, body["apiVersion"])
        answer = client.server_side_apply(
            resource,
            body=body,
            namespace=namespace,
            field_manager=FIELD_MANAGER,
            # a field that `scale` or kubectl changed is taken back: the manifest is what was asked for
            force_conflicts=True,
            _request_timeout=(CONNECT_SECONDS, READ_SECONDS),
        )
        after = content(_plain(answer))
    if before is None:
        return Applied(kind, name, "made")
    return Applied(kind, name, "unchanged" if content(before) == after else "changed")


def _before(cluster: Cluster, kind: str, name: str, namespace: str, api_version: str) -> Manifest | None:
    try:
        return read(cluster, kind, name, namespace, api_version=api_version)
    except ObjectNotFound:
        return None


def content(found: Manifest) -> Manifest:
    """What people decide about an object: all but its status and what the cluster writes into its metadata."""
    metadata = found["metadata"]
    annotations = {k: v for k, v in (metadata.get("annotations") or {}).items() if not k.startswith(_CLUSTERS_OWN)}
    rest = {key: value for key, value in found.items() if key not in {"metadata", "status"}}
    return {**rest, "labels": metadata.get("labels") or {}, "annotations": annotations}


def read(
    cluster: Cluster, kind: str, name: str, namespace: str | None = None, *, api_version: str | None = None
) -> Manifest:
    """One object as the cluster holds it, with its status.

    Raises
    ------
    ObjectNotFound
        When the cluster has none of that name.
    ClusterError
        When it does not answer.
    """
    with mapped(f"read the {kind} {name}"):
        client, resource = _resource(cluster, kind, api_version)
        found = client.get(
            resource,
            name=name,
            namespace=namespace or cluster.namespace,
            _request_timeout=(CONNECT_SECONDS, READ_SECONDS),
        )
        return _plain(found)


def listed(
    cluster: Cluster,
    kind: str,
    namespace: str | None = None,
    *,
    labels: dict[str, str] | None = None,
    api_version: str | None = None,
) -> list[Manifest]:
    """The objects of a kind that carry all of ``labels``.

    Raises
    ------
    ClusterError
        When the cluster does not answer or refuses.
    """
    with mapped(f"list the objects of kind {kind}"):
        client, resource = _resource(cluster, kind, api_version)
        found = client.get(
            resource,
            namespace=namespace or cluster.namespace,
            label_selector=",".join(f"{key}={value}" for key, value in (labels or {}).items()) or None,
            _request_timeout=(CONNECT_SECONDS, READ_SECONDS),
        )
        return list(_plain(found).get("items") or [])


PATCHES = {
    "merge": "application/merge-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "json": "application/json-patch+json",
}


def patch(
    cluster: Cluster,
    kind: str,
    name: str,
    change: Any,
    namespace: str | None = None,
    *,
    form: Literal["merge", "strategic", "json"] = "merge",
) -> Manifest:
    """Change some fields of an object and return it as it is then; ``form`` is kubectl's ``patch --type``.

    Raises
    ------
    ObjectNotFound, ObjectRefused, ClusterError
    """
    with mapped(f"change the {kind} {name}"):
        client, resource = _resource(cluster, kind, None)
        found = client.patch(
            resource,
            body=change,
            name=name,
            namespace=namespace or cluster.namespace,
            content_type=PATCHES[form],
            field_manager=FIELD_MANAGER,
            _request_timeout=(CONNECT_SECONDS, READ_SECONDS),
        )
        return _plain(found)


def delete(
    cluster: Cluster,
    kind: str,
    name: str,
    namespace: str | None = None,
    *,
    limit: float = GONE_SECONDS,
    tell: Listener = silent,
) -> bool:
    """Delete an object and all that it owns, and wait until they are gone; False when there was none.

    Raises
    ------
    TimedOut
        When it is still there after ``limit`` seconds.
    ObjectRefused, ClusterError
    """
    if not ask_to_delete(cluster, kind, name, namespace):
        return False

    def look() -> Seen:
        try:
            found = read(cluster, kind, name, namespace)
        except ObjectNotFound:
            return ready(True)
        finalizers = ", ".join(found["metadata"].get("finalizers", [])) or "none"
        return pending(f"{kind} {name} is still there, finalizers: {finalizers}")

    return bool(wait(f"the end of the {kind} {name}", look, limit=limit, tell=tell))


def ask_to_delete(cluster: Cluster, kind: str, name: str, namespace: str | None = None) -> bool:
    """Ask the cluster to delete an object and do not wait; False when there was none.

    Raises
    ------
    ObjectRefused, ClusterError
    """
    try:
        with mapped(f"delete the {kind} {name}"):
            client, resource = _resource(cluster, kind, None)
            client.delete(
                resource,
                name=name,
                namespace=namespace or cluster.namespace,
                # the owner goes last: when it is gone, its pods are gone too
                body={"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Foreground"},
                _request_timeout=(CONNECT_SECONDS, READ_SECONDS),
            )
    except ObjectNotFound:
        return False
    return True


def log_end(
    cluster: Cluster, pod: str, namespace: str | None = None, *, previous: bool = False, lines: int = 15
) -> str:
    """The end of a pod's log, or of the container before its last restart; empty when there is none.

    Raises
    ------
    ClusterError
        When the cluster does not answer.
    """
    from kubernetes import client as api

    try:
        with mapped(f"read the log of the pod {pod}"):
            text = api.CoreV1Api(connect(cluster).client).read_namespaced_pod_log(
                pod,
                namespace or cluster.namespace,
                previous=previous,
                tail_lines=lines,
                _request_timeout=(CONNECT_SECONDS, READ_SECONDS),
            )
    except (ObjectNotFound, ObjectRefused):
        return ""  # the container has not started, or has been cleared away
    said = str(text or "").strip()
    return "" if said.startswith(_NO_LOG) else said


def _resource(cluster: Cluster, kind: str, api_version: str | None) -> tuple[DynamicClient, Any]:
    client = connect(cluster)
    return client, client.resources.get(api_version=api_version or _API_VERSIONS.get(kind, "v1"), kind=kind)


def _plain(found: Any) -> Manifest:
    content: Manifest = found.to_dict()
    return content
