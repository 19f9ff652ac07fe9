"""The course's own kind cluster and the image registry beside it: made, found, mended, removed.

What exists is asked of Docker each time: the cluster is the container of its node, the registry a container with our
label, both on a network of their own.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aicontainer.deploy import kind, local_registry, node
from aicontainer.deploy.containers import NAME, NETWORK, NODE, REGISTRY, container, is_published, published
from aicontainer.deploy.kind import NODE_PORTS, kubeconfig
from aicontainer.deploy.local_registry import PREFERRED_REGISTRY_PORT
from aicontainer.errors import ClusterMissing, ClusterStopped, ClusterUnfinished
from aicontainer.events import Event, Listener, silent
from aicontainer.package import engine as docker_engine
from aicontainer.package import removal
from aicontainer.sources.base import Supply

__all__ = [
    "NAME",
    "NETWORK",
    "NODE",
    "NODE_PORTS",
    "PREFERRED_REGISTRY_PORT",
    "REGISTRY",
    "Cluster",
    "ensure",
    "find",
    "kubeconfig",
    "remove",
]


@dataclass(frozen=True)
class Cluster:
    """A cluster and how it is reached from this machine.

    ``registry`` is where images are pushed to, and the same name is what the nodes pull from. ``doors`` maps the
    node ports that are open to this machine to their ports on 127.0.0.1.
    """

    name: str
    kubeconfig: Path
    registry: str
    doors: dict[int, int]
    namespace: str = NAME

    @property
    def context(self) -> str:
        """The context's name in the kubeconfig."""
        return f"kind-{self.name}"

    @property
    def kubectl_options(self) -> tuple[str, ...]:
        """What kubectl needs to be told to talk to this cluster, and to leave ~/.kube, which is the user's, alone."""
        return kind.kubectl_options(self.kubeconfig)

    def __repr__(self) -> str:
        return f"Cluster({self.name})"


def find() -> Cluster:
    """The course's cluster, as it runs now.

    Raises
    ------
    ClusterMissing, ClusterUnfinished, ClusterStopped
        When there is none, when it is not made whole, when its node or its registry does not run.
    """
    with docker_engine.engine() as client:
        its_node, registry = container(client, NODE), container(client, REGISTRY)
        if its_node is None and registry is None:
            raise ClusterMissing("there is no cluster of the course", next_step="aicontainer up")
        if its_node is None or registry is None or kind.is_unfinished():
            raise ClusterUnfinished(
                "the cluster of the course is not finished",
                seen=f"{NODE}: {_state(its_node)}, {REGISTRY}: {_state(registry)}",
                next_step="aicontainer up, which waits for another one that is at it, and makes what is missing",
            )
        _insist_on_running(its_node, "the cluster's node is stopped")
        _insist_on_running(registry, "the image registry beside the cluster is stopped")
        doors = {port: published(its_node, port) for port in NODE_PORTS}
        return Cluster(NAME, kubeconfig(), local_registry.address(registry), doors)


def _state(found: Any) -> str:
    return "missing" if found is None else str(found.status)


def _insist_on_running(found: Any, otherwise: str) -> None:
    if found.status != "running":
        raise ClusterStopped(otherwise, seen=f"{found.name}: {found.status}", next_step="aicontainer up")


def ensure(supply: Supply, tell: Listener = silent) -> Cluster:
    """See to it that cluster and registry run and know each other; found, mended, or made anew."""
    _ensure_node(supply, tell)
    local_registry.ensure(supply, tell)
    return find()


def _ensure_node(supply: Supply, tell: Listener) -> None:
    with docker_engine.engine() as client:
        found = container(client, NODE)
        state = found.status if found is not None else ""
        current = found is not None and _is_current(found, supply)
    if current and not kind.is_unfinished():
        if state == "running" and kind.api_answers(supply):
            tell(Event(kind.STEP, "found"))
            return
        if node.mend(supply, tell):
            return
    if state:
        tell(Event(kind.STEP, "progress", "the old one is replaced"))
        _remove_node()
    tell(Event(kind.STEP, "started", "kind create cluster", estimate=30))
    kind.create(supply, tell)
    tell(Event(kind.STEP, "made"))


def _remove_node() -> None:
    with docker_engine.engine() as client:
        found = container(client, NODE)
        if found is not None:
            removal.remove(client, found)  # kind's own delete does no more than this, for each node
    kubeconfig().unlink(missing_ok=True)


def _is_current(found: Any, supply: Supply) -> bool:
    # a node of an earlier edition: Docker opens no port more of a container that is there
    return supply.node_image in ("", *found.image.tags) and all(is_published(found, port) for port in NODE_PORTS)


def remove(tell: Listener = silent) -> None:
    """Remove cluster, registry, their network and our kubeconfig; nothing else."""
    with docker_engine.engine() as client:
        removed = []
        for name in (NODE, REGISTRY):
            found = container(client, name)
            if found is not None:
                tell(Event(kind.STEP, "progress", f"removing {name}"))
                removal.remove(client, found)
                removed.append(name)
        docker_engine.remove_ours(client, tell)
    shutil.rmtree(kubeconfig().parent, ignore_errors=True)
    tell(Event(kind.STEP, "made" if removed else "found", "removed" if removed else "there was none"))
