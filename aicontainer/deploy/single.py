"""Single pods, without anything that keeps them: made under a generated name, ended with a short grace.

What a Deployment's controller does for a release can be done by hand with these; `objects` does the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aicontainer.deploy import objects
from aicontainer.deploy.connection import CONNECT_SECONDS, READ_SECONDS, connect, mapped
from aicontainer.deploy.manifests import Manifest, placed
from aicontainer.errors import ObjectNotFound

if TYPE_CHECKING:
    from aicontainer.deploy.cluster import Cluster

PAUSE = "/pause:"
# that of Kubernetes 1.34, where no node names one: a node tells of its 50 largest images only, and this is the smallest
USUAL_PAUSE = "registry.k8s.io/pause:3.10.1"


def create(cluster: Cluster, pod: Manifest, namespace: str | None = None) -> str:
    """Make one pod more, and return its name; the cluster chooses it where ``metadata`` has a ``generateName``.

    Unlike `objects.apply` it is no statement of what shall be: called twice, it makes two.

    Raises
    ------
    ObjectRefused
        When the cluster rejects it; with status 409 when there is one of that name.
    ObjectNotFound
        When there is no such namespace.
    ClusterError
        When it does not answer.
    """
    target = namespace or cluster.namespace
    body = {"apiVersion": "v1", "kind": "Pod", **placed(pod, target)}
    with mapped("make a pod"):
        client = connect(cluster)
        made = client.create(
            client.resources.get(api_version="v1", kind="Pod"),
            body=body,
            namespace=target,
            field_manager=objects.FIELD_MANAGER,
            _request_timeout=(CONNECT_SECONDS, READ_SECONDS),
        )
        return str(made.metadata.name)


def end(cluster: Cluster, name: str, namespace: str | None = None, *, grace: int = 1) -> bool:
    """Ask for the end of a pod in ``grace`` seconds, whatever its own grace is; False when there was none.

    With 0 the cluster forgets the pod at once and its node ends it afterwards. Returns before the pod is gone.

    Raises
    ------
    ObjectRefused, ClusterError
    """
    options = {"apiVersion": "v1", "kind": "DeleteOptions", "gracePeriodSeconds": grace}
    try:
        with mapped(f"end the pod {name}"):
            client = connect(cluster)
            client.delete(
                client.resources.get(api_version="v1", kind="Pod"),
                name=name,
                namespace=namespace or cluster.namespace,
                body=options,
                _request_timeout=(CONNECT_SECONDS, READ_SECONDS),
            )
    except ObjectNotFound:
        return False
    return True


def sleeper(cluster: Cluster) -> str:
    """The name of an image that does nothing, and that the nodes have already: the one that holds a pod together.

    Raises
    ------
    ClusterError
        When the cluster does not answer.
    """
    names = sleepers(objects.listed(cluster, "Node"))
    return names[0] if names else USUAL_PAUSE


def sleepers(nodes: list[Manifest]) -> list[str]:
    """The tagged names of the pause images in what nodes report about themselves, sorted."""
    images = [image for node in nodes for image in node["status"].get("images") or []]
    return sorted({name for image in images for name in image.get("names") or [] if PAUSE in name})
