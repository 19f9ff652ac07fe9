"""kind and kubectl, run for the course's own cluster: make it, ask whether it answers, write its kubeconfig.

The kubeconfig is a file of our own in the user's cache; the user's is neither read nor written.
"""

from contextlib import suppress
from pathlib import Path
from typing import Any

from aicontainer import places
from aicontainer.commands import run
from aicontainer.deploy.containers import NAME, NETWORK
from aicontainer.errors import ClusterError, CommandError, WaitError
from aicontainer.events import Event, Listener
from aicontainer.package import engine as docker_engine
from aicontainer.sources.base import Supply
from aicontainer.waiting import Seen, pending, ready, wait

STEP = "cluster"
NODE_PORTS = range(30080, 30090)


def kubeconfig() -> Path:
    """Our own kubeconfig; the user's is neither read nor written."""
    return places.cache() / "kube" / "config"


def kubectl_options(kubeconfig: Path) -> tuple[str, ...]:
    """What kubectl needs to be told to use this file, and to leave ~/.kube, which is the user's, alone."""
    return ("--kubeconfig", str(kubeconfig), "--cache-dir", str(kubeconfig.parent / "cache"))


def api_answers(supply: Supply) -> bool:
    """Whether the cluster's API says that it is ready, to one who has our kubeconfig and uses our context of it."""
    try:
        return _kubectl(supply, "get", "--raw", "/readyz").strip() == "ok"
    except (CommandError, WaitError):
        return False


def write_kubeconfig(supply: Supply) -> None:
    """Write our kubeconfig anew, from what the node says and the port that Docker has published for it.

    A node that does not run cannot tell: then nothing is written.
    """
    beside = kubeconfig().with_name(
        "config.new"
    )  # kind would add to a file that is there, and stumble over a damaged one
    beside.parent.mkdir(parents=True, exist_ok=True)
    beside.unlink(missing_ok=True)
    with suppress(CommandError):
        _kind(supply, "export", "kubeconfig", "--name", NAME, "--kubeconfig", beside)
        beside.replace(kubeconfig())


def is_unfinished() -> bool:
    """Whether making the cluster was begun and has not come to its end."""
    return _begun().exists()


def _begun() -> Path:
    return kubeconfig().with_name("being-made")


def create(supply: Supply, tell: Listener) -> None:
    """Let kind make the cluster, and wait until pods can be made in it.

    A note lies beside the kubeconfig meanwhile (see `is_unfinished`): whatever ends this half-way, what it leaves is
    not taken for a cluster.

    Raises
    ------
    ClusterError
        When kind fails, with its last words.
    TimedOut
        When the node does not become ready.
    """
    settings = kubeconfig().with_name("kind.yaml")
    places.write_whole(settings, _settings())
    places.write_whole(_begun(), "")
    image = ("--image", supply.node_image) if supply.node_image else ()
    with docker_engine.engine() as client:
        if not client.networks.list(names=[f"^{NETWORK}$"]):
            client.networks.create(NETWORK, driver="bridge", labels=docker_engine.LABELS)

    def follow(line: str) -> None:
        if "✓" in line or "•" in line:
            tell(Event(STEP, "progress", line.strip(" •✓").split(" ...")[0].encode("ascii", "ignore").decode()))

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
            "kind could not make the cluster",
            seen=error.seen,
            next_step=f"read {places.logs() / 'kind.log'}; aicontainer up begins anew",
        ) from error
    # kind itself only warns when the node does not become ready in time
    wait("the node to be Ready", lambda: _node_state(supply), limit=120, next_step="aicontainer up")
    wait("the default service account", lambda: _has_service_account(supply), limit=60)
    _begun().unlink()


def _settings() -> str:
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
    try:
        status = _kubectl(
            supply,
            *("get", "nodes", "-o", 'jsonpath={.items[*].status.conditions[?(@.type=="Ready")].status}'),
        )
    except (CommandError, WaitError) as error:  # a new cluster is busy: one slow answer does not end it
        return pending(error.seen or error.what)
    return ready() if status and set(status.split()) == {"True"} else pending(f"Ready: {status or 'unknown'}")


def _has_service_account(supply: Supply) -> Seen:
    try:
        names = _kubectl(supply, "get", "serviceaccounts", "-o", "name")
    except (CommandError, WaitError) as error:
        return pending(error.seen or error.what)
    return ready() if "serviceaccount/default" in names else pending("not there yet")


def _kubectl(supply: Supply, *words: str) -> str:
    ours = (*kubectl_options(kubeconfig()), "--context", f"kind-{NAME}", "--request-timeout", "5s")
    return run([supply.kubectl, *ours, *words], limit=20)


def _kind(supply: Supply, *words: str | Path, **options: Any) -> None:
    run([supply.kind, *words], limit=600, env={"KIND_EXPERIMENTAL_DOCKER_NETWORK": NETWORK}, **options)
