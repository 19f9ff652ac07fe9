"""Whether the course's own cluster works: asked by a pod, not by the state that its parts claim to be in."""

import secrets

from aicontainer.deploy import cluster as clusters
from aicontainer.deploy import objects
from aicontainer.package import image, registry
from aicontainer.waiting import Seen, pending, ready, wait


def insist_on_a_whole_cluster(base_image: str) -> None:
    """A new pod is placed, its image pulled from the registry, and it finds the API by its name and its Service."""
    cluster = clusters.find()
    name = f"test-{secrets.token_hex(5)}"
    reference = registry.push(image.find(base_image), cluster.registry)
    asks = "import socket; socket.create_connection(('kubernetes.default.svc', 443), 10)"
    container = {"name": "asks", "image": reference, "command": ["python3", "-c", asks]}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "asks"},
        "spec": {"containers": [container], "restartPolicy": "OnFailure"},
    }
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}

    def account() -> Seen:
        found = objects.listed(cluster, "ServiceAccount", name)
        return ready() if found else pending("none")

    def look() -> Seen:
        status = objects.read(cluster, "Pod", "asks", name)["status"]
        return ready() if status.get("phase") == "Succeeded" else pending(str(status))

    try:
        objects.apply(cluster, [namespace], name)
        wait("the namespace's service account", account, limit=120)
        objects.apply(cluster, [pod], name)
        wait("the pod to find the API", look, limit=240)
    finally:
        objects.ask_to_delete(cluster, "Namespace", name)
