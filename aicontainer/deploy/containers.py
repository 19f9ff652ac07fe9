"""The course's containers in Docker: their names, whose they are, and their ports on this machine."""

import socket
from typing import Any

from aicontainer.errors import ClusterError
from aicontainer.package import engine as docker_engine

NAME = "aicontainer"
NODE = f"{NAME}-control-plane"
REGISTRY = f"{NAME}-registry"
NETWORK = NAME
KIND_LABEL = "io.x-k8s.kind.cluster"


def container(client: Any, name: str) -> Any:
    """Our container of that name, or None.

    Raises
    ------
    ClusterError
        When somebody else's container has the name: kind's label and our network, or our label, show whose it is.
    """
    found = client.containers.list(all=True, filters={"name": f"^/?{name}$"}, ignore_removed=True)
    if not found:
        return None
    first = found[0]
    is_node = first.labels.get(KIND_LABEL) == NAME and NETWORK in first.attrs["NetworkSettings"]["Networks"]
    if not is_node and first.labels.get(docker_engine.LABEL) != docker_engine.COURSE:
        raise ClusterError(
            f"there is a container {name} that is not the course's",
            seen=f"image {first.attrs['Config']['Image']}",
            next_step=f"docker rename {name} another-name, then aicontainer up",
        )
    return first


def published(container: Any, port: int) -> int:
    """The port on 127.0.0.1 behind which a port of the container is; the same whether it runs or not.

    Raises
    ------
    ClusterError
        When it is not open to this machine.
    """
    for binding in _bindings(container, port):
        return int(binding["HostPort"])
    raise ClusterError(f"port {port} of {container.name} is not open to this machine", next_step="aicontainer up")


def is_published(container: Any, port: int) -> bool:
    """Whether a port of the container is open to this machine; the same whether it runs or not."""
    return bool(_bindings(container, port))


def _bindings(container: Any, port: int) -> list[dict[str, str]]:
    bindings = container.attrs["HostConfig"]["PortBindings"] or {}
    return list(bindings.get(f"{port}/tcp") or ())


def free_port(preferred: int) -> int:
    """A free port of 127.0.0.1, the preferred one where that is free.

    Raises
    ------
    ClusterError
        When none is.
    """
    for port in (preferred, 0):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise ClusterError("no port is free on 127.0.0.1", next_step="end a program that listens on many ports")
