"""The image registry beside the cluster, on this machine: pushed to by the engine, pulled from by the node."""

import socket
from typing import Any

from aicontainer.deploy.containers import NETWORK, NODE, REGISTRY, container, free_port, published
from aicontainer.errors import AicontainerError, ClusterError
from aicontainer.events import Event, Listener
from aicontainer.package import engine as docker_engine
from aicontainer.sources.base import Supply
from aicontainer.waiting import Seen, failed, pending, ready, wait

STEP = "image registry"
REGISTRY_PORT = 5000
PREFERRED_REGISTRY_PORT = 5001


def ensure(supply: Supply, tell: Listener) -> None:
    """See to it that the registry runs and that the node, which must run, knows it."""
    with docker_engine.engine() as client:
        found = container(client, REGISTRY)
        if found is not None and _is_running(found):
            tell(Event(STEP, "found"))
        else:
            tell(Event(STEP, "started", estimate=3))
            was_there = found is not None
            if found is not None and not _restart(found):
                found.remove(force=True, v=True)
                found = None
            if found is None:
                found = _make(client, supply)
            tell(Event(STEP, "mended" if was_there else "made"))
        _introduce(client.containers.get(NODE), published(found, REGISTRY_PORT))


def address(registry: Any) -> str:
    """Where images are pushed to; the nodes pull from the same name."""
    return f"localhost:{published(registry, REGISTRY_PORT)}"


def _is_running(registry: Any) -> bool:
    return registry.status == "running" and _look(registry).state == "ready"


def _restart(registry: Any) -> bool:
    """Start the stopped registry; False where it cannot (its port is taken meanwhile, its network is gone)."""
    try:
        with docker_engine.mapped("start the image registry"):
            registry.start()
        wait("the image registry to run", lambda: _look(registry), limit=15)
    except AicontainerError:
        return False
    return True


def _make(client: Any, supply: Supply) -> Any:
    made = client.containers.run(
        supply.registry_image,
        name=REGISTRY,
        detach=True,
        network=NETWORK,
        labels=docker_engine.LABELS,
        ports={f"{REGISTRY_PORT}/tcp": ("127.0.0.1", free_port(PREFERRED_REGISTRY_PORT))},
        restart_policy={"Name": "on-failure", "MaximumRetryCount": 5},
    )
    wait("the image registry to run", lambda: _look(made), limit=30)
    return made


def _introduce(node: Any, port: int) -> None:
    """Tell the node's containerd, which reads this folder at each pull, that localhost:port means our registry."""
    folder = f"/etc/containerd/certs.d/localhost:{port}"
    hosts = f'[host."http://{REGISTRY}:{REGISTRY_PORT}"]\n'
    code, output = node.exec_run(["sh", "-c", f"mkdir -p {folder} && printf '%s' '{hosts}' > {folder}/hosts.toml"])
    if code != 0:
        raise ClusterError(
            "the node could not be told where the registry is",
            seen=output.decode(errors="replace"),
            next_step="aicontainer down, then aicontainer up",
        )


def _look(registry: Any) -> Seen:
    registry.reload()
    if registry.status in ("exited", "dead"):
        return failed(registry.logs(tail=5).decode(errors="replace"))
    try:
        with socket.create_connection(("127.0.0.1", published(registry, REGISTRY_PORT)), timeout=2):
            return ready()
    except (OSError, ClusterError) as error:
        return pending(f"{registry.status}: {error}")
