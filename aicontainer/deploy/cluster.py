"""The course's own kind cluster and the image registry beside it: made, found, mended, removed.

What exists is asked of Docker each time: the cluster is the container of its node, the registry a container with our
label, both on a network of their own. The kubeconfig is a file of our own in the user's cache.
"""

import shutil
import socket
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aicontainer import places
from aicontainer.commands import run
from aicontainer.errors import AicontainerError, ClusterError, CommandError, WaitError
from aicontainer.events import Event, Listener, silent
from aicontainer.package import engine as docker_engine
from aicontainer.sources.base import Supply
from aicontainer.waiting import Seen, failed, pending, ready, wait

NAME = "aicontainer"
NODE = f"{NAME}-control-plane"
REGISTRY = f"{NAME}-registry"
NETWORK = NAME
KIND_LABEL = "io.x-k8s.kind.cluster"
NODE_PORTS = range(30080, 30090)
REGISTRY_PORT = 5000
PREFERRED_REGISTRY_PORT = 5001


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
        return _kubectl_options(self.kubeconfig)

    def __repr__(self) -> str:
        return f"Cluster({self.name})"


def _kubectl_options(kubeconfig: Path) -> tuple[str, ...]:
    return ("--kubeconfig", str(kubeconfig), "--cache-dir", str(kubeconfig.parent / "cache"))


def kubeconfig() -> Path:
    """Our own kubeconfig; the user's is neither read nor written."""
    return places.cache() / "kube" / "config"


def find() -> Cluster:
    """The course's cluster, as it runs now.

    Raises
    ------
    ClusterError
        When there is none, or when it does not run.
    """
    with docker_engine.engine() as client:
        node = _container(client, NODE)
        registry = _container(client, REGISTRY)
        if node is None or registry is None:
            raise ClusterError("there is no cluster of the course", next_step="aicontainer up")
        stopped = [container.name for container in (node, registry) if container.status != "running"]
        if stopped:
            raise ClusterError(
                "the cluster of the course is stopped", seen=", ".join(stopped), next_step="aicontainer up"
            )
        doors = {port: _published(node, port) for port in NODE_PORTS}
        return Cluster(NAME, kubeconfig(), f"localhost:{_published(registry, REGISTRY_PORT)}", doors)


def ensure(supply: Supply, tell: Listener = silent) -> Cluster:
    """See to it that cluster and registry run and know each other; found, mended, or made anew."""
    _ensure_cluster(supply, tell)
    _ensure_registry(supply, tell)
    return find()


def _ensure_cluster(supply: Supply, tell: Listener) -> None:
    step = "cluster"
    with docker_engine.engine() as client:
        node = _container(client, NODE)
        state = node.status if node is not None else ""
        is_current = node is not None and supply.node_image in ("", *node.image.tags)
    if state and is_current:
        if not kubeconfig().exists():
            _export_kubeconfig(supply)
        if state == "running" and _api_answers(supply):
            tell(Event(step, "found"))
            return
        tell(Event(step, "started", "starting the node again", estimate=20))
        if _restart(supply):
            tell(Event(step, "mended", "the node was started again"))
            return
    if state:
        tell(Event(step, "progress", "the old one does not recover and is replaced"))
        _kind(supply, "delete", "cluster", "--name", NAME, "--kubeconfig", kubeconfig())
    tell(Event(step, "started", "kind create cluster", estimate=30))
    _create(supply, tell)
    tell(Event(step, "made"))


def _export_kubeconfig(supply: Supply) -> None:
    kubeconfig().parent.mkdir(parents=True, exist_ok=True)
    with suppress(CommandError):  # a stopped node cannot give it; then the cluster is made anew
        _kind(supply, "export", "kubeconfig", "--name", NAME, "--kubeconfig", kubeconfig())


def _restart(supply: Supply) -> bool:
    """Start the stopped node; whether its API answers after that, at the address that it had."""
    try:
        with docker_engine.engine() as client:
            node = client.containers.get(NODE)
            if node.status == "paused":
                node.unpause()
            node.start()
        wait(
            "the cluster's API to answer",
            lambda: ready() if _api_answers(supply) else pending("it does not answer yet"),
            limit=60,
        )
    except AicontainerError:
        return False  # whatever it is, a new cluster takes half a minute and is certain
    return True


def _create(supply: Supply, tell: Listener) -> None:
    kubeconfig().parent.mkdir(parents=True, exist_ok=True)
    settings = kubeconfig().with_name("kind.yaml")
    settings.write_text(_kind_settings())
    image = ("--image", supply.node_image) if supply.node_image else ()
    with docker_engine.engine() as client:
        if not client.networks.list(names=[f"^{NETWORK}$"]):
            client.networks.create(NETWORK, driver="bridge", labels=docker_engine.LABELS)

    def follow(line: str) -> None:
        if "✓" in line or "•" in line:
            tell(Event("cluster", "progress", line.strip(" •✓").split(" ...")[0].encode("ascii", "ignore").decode()))

    try:
        _kind(
            supply,
            *("create", "cluster", "--name", NAME, "--config", settings, "--kubeconfig", kubeconfig()),
            *("--wait", "180s", *image),
            log=places.logs() / "kind.log",
            on_line=follow,
        )
    except CommandError as error:
        raise ClusterError(
            "kind could not make the cluster", seen=error.seen, next_step=f"read {places.logs() / 'kind.log'}"
        ) from error
    # kind itself only warns when the node does not become ready in time
    wait("the node to be Ready", lambda: _node_state(supply), limit=120, next_step="aicontainer up")
    wait("the default service account", lambda: _has_service_account(supply), limit=60)


def _kind_settings() -> str:
    mappings = "\n".join(
        f"      - {{containerPort: {port}, hostPort: 0, listenAddress: 127.0.0.1, protocol: TCP}}"
        for port in NODE_PORTS
    )
    return f"""kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
name: {NAME}
nodes:
  - role: control-plane
    extraPortMappings:
{mappings}
containerdConfigPatches:
  - |-
    [plugins."io.containerd.grpc.v1.cri".registry]
      config_path = "/etc/containerd/certs.d"
"""


def _node_state(supply: Supply) -> Seen:
    status = _kubectl(
        supply,
        *("get", "nodes", "-o", 'jsonpath={.items[*].status.conditions[?(@.type=="Ready")].status}'),
    )
    return ready() if status and set(status.split()) == {"True"} else pending(f"Ready: {status or 'unknown'}")


def _has_service_account(supply: Supply) -> Seen:
    names = _kubectl(supply, "get", "serviceaccounts", "-o", "name")
    return ready() if "serviceaccount/default" in names else pending("not there yet")


def _api_answers(supply: Supply) -> bool:
    try:
        return _kubectl(supply, "get", "--raw", "/readyz").strip() == "ok"
    except (CommandError, WaitError):
        return False


def _kubectl(supply: Supply, *words: str) -> str:
    return run([supply.kubectl, *_kubectl_options(kubeconfig()), "--request-timeout", "5s", *words], limit=20)


def _kind(supply: Supply, *words: str | Path, **options: Any) -> None:
    run([supply.kind, *words], limit=600, env={"KIND_EXPERIMENTAL_DOCKER_NETWORK": NETWORK}, **options)


def _ensure_registry(supply: Supply, tell: Listener) -> None:
    step = "image registry"
    with docker_engine.engine() as client:
        container = _container(client, REGISTRY)
        if container is not None and _is_running_registry(container):
            tell(Event(step, "found"))
        else:
            tell(Event(step, "started", estimate=3))
            was_there = container is not None
            if container is not None and not _restart_registry(container):
                container.remove(force=True, v=True)
                container = None
            if container is None:
                container = _make_registry(client, supply)
            tell(Event(step, "mended" if was_there else "made"))
        _introduce(client.containers.get(NODE), _published(container, REGISTRY_PORT))


def _is_running_registry(container: Any) -> bool:
    return container.status == "running" and _look_at_registry(container).state == "ready"


def _restart_registry(container: Any) -> bool:
    """Start the stopped registry; False where it cannot (its port is taken meanwhile, its network is gone)."""
    try:
        with docker_engine.mapped("start the image registry"):
            container.start()
        wait("the image registry to run", lambda: _look_at_registry(container), limit=15)
    except AicontainerError:
        return False
    return True


def _make_registry(client: Any, supply: Supply) -> Any:
    container = client.containers.run(
        supply.registry_image,
        name=REGISTRY,
        detach=True,
        network=NETWORK,
        labels=docker_engine.LABELS,
        ports={f"{REGISTRY_PORT}/tcp": ("127.0.0.1", _free_port(PREFERRED_REGISTRY_PORT))},
        restart_policy={"Name": "on-failure", "MaximumRetryCount": 5},
    )
    wait("the image registry to run", lambda: _look_at_registry(container), limit=30)
    return container


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


def _look_at_registry(container: Any) -> Seen:
    container.reload()
    if container.status in ("exited", "dead"):
        return failed(container.logs(tail=5).decode(errors="replace"))
    try:
        with socket.create_connection(("127.0.0.1", _published(container, REGISTRY_PORT)), timeout=2):
            return ready()
    except (OSError, ClusterError) as error:
        return pending(f"{container.status}: {error}")


def _free_port(preferred: int) -> int:
    for port in (preferred, 0):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise ClusterError("no port is free on 127.0.0.1", next_step="end a program that listens on many ports")


def _container(client: Any, name: str) -> Any:
    """Our container of that name, or None.

    Raises
    ------
    ClusterError
        When somebody else's container has the name: kind's label and our network, or our label, show whose it is.
    """
    found = client.containers.list(all=True, filters={"name": f"^/?{name}$"}, ignore_removed=True)
    if not found:
        return None
    container = found[0]
    is_node = container.labels.get(KIND_LABEL) == NAME and NETWORK in container.attrs["NetworkSettings"]["Networks"]
    if not is_node and container.labels.get(docker_engine.LABEL) != docker_engine.COURSE:
        raise ClusterError(
            f"there is a container {name} that is not the course's",
            seen=f"image {container.attrs['Config']['Image']}",
            next_step=f"docker rename {name} another-name, then aicontainer up",
        )
    return container


def _published(container: Any, port: int) -> int:
    bindings = container.attrs["HostConfig"]["PortBindings"] or {}
    for binding in bindings.get(f"{port}/tcp") or ():
        return int(binding["HostPort"])
    raise ClusterError(f"port {port} of {container.name} is not open to this machine", next_step="aicontainer up")


def remove(tell: Listener = silent) -> None:
    """Remove cluster, registry, their network and our kubeconfig; nothing else."""
    step = "cluster"
    with docker_engine.engine() as client:
        removed = []
        for name in (NODE, REGISTRY):
            container = _container(client, name)
            if container is not None:
                tell(Event(step, "progress", f"removing {name}"))
                container.remove(force=True, v=True)  # kind's own delete does no more than this, for each node
                removed.append(name)
        docker_engine.remove_ours(client, tell)
    shutil.rmtree(kubeconfig().parent, ignore_errors=True)
    tell(Event(step, "made" if removed else "found", "removed" if removed else "there was none"))
