"""Faults of the course's own cluster and of what it is made from, each caused for real, told, and mended by `up`."""

import os
import random
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from whole_cluster import insist_on_a_whole_cluster

from aicontainer import environment
from aicontainer.deploy import cluster as clusters
from aicontainer.deploy import objects
from aicontainer.deploy.containers import container
from aicontainer.errors import (
    ClusterError,
    ClusterMissing,
    ClusterStopped,
    ClusterUnfinished,
    EngineError,
    KubeconfigDamaged,
)
from aicontainer.events import Event
from aicontainer.package import engine as docker_engine
from aicontainer.package import image, registry
from aicontainer.waiting import Seen, failed, pending, ready, wait

Record = Callable[[str, object], None]

UP = [sys.executable, "-m", "aicontainer", "up"]
LIMIT = 600
SOCKET = Path("/var/run/docker.sock")
NOBODY = 65534

pytestmark = pytest.mark.usefixtures("cluster")


def _node_id() -> str:
    with docker_engine.engine() as client:
        return str(client.containers.get(clusters.NODE).id)


def _up() -> dict[str, Event]:
    """The event that ended each step of an `up`."""
    events: list[Event] = []
    environment.up(events.append)
    return {event.step: event for event in events if event.kind in ("found", "made", "mended")}


def _kill(name: str) -> None:
    with docker_engine.engine() as client:
        client.containers.get(name).kill()


def _address(name: str) -> str:
    with docker_engine.engine() as client:
        return str(client.containers.get(name).attrs["NetworkSettings"]["Networks"][clusters.NETWORK]["IPAddress"])


def test_one_who_may_not_use_docker_is_told_that(record_fault: Record) -> None:
    if os.geteuid() != 0 or not SOCKET.exists() or stat.S_IMODE(SOCKET.stat().st_mode) & stat.S_IROTH:
        pytest.skip("needs root, to become somebody else, and Docker's usual socket")
    asked = f"""
import os
from aicontainer import environment
from aicontainer.package import engine
engine.connect().close()  # all is imported now: the other user may not be able to read it
os.setgroups([])
os.setgid({NOBODY})
os.setuid({NOBODY})
for ask in (engine.connect, environment._insist_on_permission):
    try:
        ask()
    except Exception as error:
        print(type(error).__name__, error, sep="\\n")
"""
    env = {**os.environ, "DOCKER_HOST": f"unix://{SOCKET}"}
    said = subprocess.run([sys.executable, "-c", asked], env=env, capture_output=True, text=True, check=True).stdout
    record_fault("permission denied on Docker's socket", said.split("EngineForbidden\n")[1].strip())
    assert said.count("EngineForbidden\n") == 2
    assert "usermod -aG docker" in said


@pytest.mark.parametrize(
    ("damage", "text"),
    [
        ("emptied", lambda good: ""),
        ("cut in the middle", lambda good: good[: len(good) // 2]),
        ("no text", lambda good: "\0\1\2"),
        ("of another cluster", lambda good: good.replace("kind-aicontainer", "kind-other")),
        ("with another key", lambda good: good.replace("client-key-data: ", "client-key-data: QUJD")),
        ("with another authority", lambda good: good.replace("certificate-authority-data: ", "insecure: ")),
    ],
)
def test_a_damaged_kubeconfig_is_told_and_mended(damage: str, text: Callable[[str], str], record_fault: Record) -> None:
    before, file = _node_id(), clusters.kubeconfig()
    file.write_text(text(file.read_text()))
    with pytest.raises(KubeconfigDamaged) as caught:
        objects.listed(clusters.find(), "Node")
    record_fault(f"kubeconfig damaged: {damage}", caught.value)
    assert "aicontainer up" in caught.value.next_step
    assert _up()["cluster"].kind == "mended"
    assert objects.listed(clusters.find(), "Node")
    assert _node_id() == before


def test_a_stopped_registry_is_told_and_mended(cluster: Any, record_fault: Record) -> None:
    address = clusters.find().registry
    _kill(clusters.REGISTRY)
    with pytest.raises(ClusterStopped, match="registry") as stopped:
        clusters.find()
    record_fault("registry stopped", stopped.value)
    with pytest.raises(EngineError) as refused:
        registry.push(image.find(cluster.base_image), address)
    record_fault("registry stopped, while an image is pushed", refused.value)
    assert "aicontainer up" in refused.value.next_step
    assert "registry beside the cluster is stopped" in str(environment.status())
    ended = _up()
    assert (ended["cluster"].kind, ended["image registry"].kind) == ("found", "mended")
    assert clusters.find().registry == address


def test_a_registry_whose_port_was_taken_meanwhile_gets_another(cluster: Any) -> None:
    port = int(clusters.find().registry.rpartition(":")[2])
    _kill(clusters.REGISTRY)
    with _listening(port):
        assert _up()["image registry"].kind == "mended"
    assert clusters.find().registry != f"localhost:{port}"
    insist_on_a_whole_cluster(cluster.base_image)
    with docker_engine.engine() as client:
        client.containers.get(clusters.REGISTRY).remove(force=True, v=True)
    with pytest.raises(ClusterUnfinished):
        clusters.find()
    assert _up()["image registry"].kind == "made"


def _listening(port: int) -> socket.socket:
    def look() -> Seen:
        try:
            return ready(socket.create_server(("127.0.0.1", port)))
        except OSError as error:
            return pending(str(error))

    taken: socket.socket = wait(f"port {port} to be free", look, limit=120)
    return taken


def test_a_stopped_node_is_told_and_followed_to_another_address(cluster: Any, record_fault: Record) -> None:
    before, old, known = _node_id(), _address(clusters.NODE), clusters.find()
    _kill(clusters.NODE)
    with pytest.raises(ClusterStopped, match="node") as stopped:
        clusters.find()
    record_fault("node stopped", stopped.value)
    with pytest.raises(ClusterError) as silent_cluster:
        objects.listed(known, "Node")
    record_fault("node stopped, while the cluster is asked", silent_cluster.value)
    assert "aicontainer up" in silent_cluster.value.next_step
    assert "node is stopped" in str(environment.status())
    with _in_its_place(old, cluster.base_image):
        assert _up()["cluster"].kind == "mended"
        assert _node_id() == before
        assert _address(clusters.NODE) != old
        insist_on_a_whole_cluster(cluster.base_image)
        (node,) = objects.listed(clusters.find(), "Node")
        told = {each["type"]: each["address"] for each in node["status"]["addresses"]}
        assert told["InternalIP"] == _address(clusters.NODE)


class _in_its_place:  # noqa: N801 -- used as a context
    """Containers of somebody else on our network, one of which takes an address."""

    def __init__(self, address: str, image_name: str) -> None:
        self._address, self._image, self._made = address, image_name, []  # type: ignore[var-annotated]

    def __enter__(self) -> None:
        with docker_engine.engine() as client:
            for _ in range(10):
                made = client.containers.run(self._image, ["sleep", "1000"], detach=True, network=clusters.NETWORK)
                self._made.append(made.id)
                if _address(made.id) == self._address:
                    return
        self.__exit__()
        pytest.fail("no container gets that address")

    def __exit__(self, *_: object) -> None:
        with docker_engine.engine() as client:
            for each in self._made:
                client.containers.get(each).remove(force=True)


def test_a_node_that_cannot_be_started_again_is_made_anew(cluster: Any) -> None:
    before, door = _node_id(), clusters.find().doors[30080]
    _kill(clusters.NODE)
    with _listening(door):
        assert _up()["cluster"].kind == "made"
    assert _node_id() != before
    assert clusters.find().doors[30080] != door
    insist_on_a_whole_cluster(cluster.base_image)


FREEZE = """
for state in $(find /sys/fs/cgroup/freezer -path "*kubepods*cri-containerd*" -name freezer.state); do
  echo FROZEN >"$state"
done
"""


def test_a_node_whose_pods_are_frozen_is_removed_all_the_same(cluster: Any) -> None:
    with docker_engine.engine() as client:  # what runc does for a moment before it kills; cgroup v2 has no such place
        client.containers.get(clusters.NODE).exec_run(["sh", "-c", FREEZE], privileged=True)
    environment.down()
    with docker_engine.engine() as client:
        assert container(client, clusters.NODE) is None
    _up()
    insist_on_a_whole_cluster(cluster.base_image)


def test_a_cluster_that_was_half_made_is_told_and_made_whole(cluster: Any, record_fault: Record) -> None:
    environment.down()
    with pytest.raises(ClusterMissing) as missing:
        clusters.find()
    record_fault("no cluster", missing.value)
    with subprocess.Popen(UP, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as up:
        wait("the node to run", lambda: _look_at_half(up), limit=180, pause=0.1)
        os.kill(_child(up.pid, "kind"), signal.SIGKILL)
        said = up.communicate(timeout=LIMIT)[0]
    assert up.returncode == 1
    message = said[said.index("kind could not make") :]
    record_fault("cluster half-made: kind killed", message)
    assert "next: read" in message
    half = _node_id()
    with pytest.raises(ClusterUnfinished) as unfinished:
        clusters.find()
    record_fault("cluster half-made", unfinished.value)
    assert "not finished" in str(environment.status())
    assert _up()["cluster"].kind == "made"
    assert _node_id() != half
    insist_on_a_whole_cluster(cluster.base_image)


def _look_at_half(up: "subprocess.Popen[str]") -> Seen:
    if up.poll() is not None:
        return failed("up has ended")
    with docker_engine.engine() as client:
        found = client.containers.list(filters={"name": clusters.NODE})
    return ready() if found and _child(up.pid, "kind") else pending("not yet")


def _child(parent: int, name: str) -> int:
    """The process id of a child by its name; 0 when there is none."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            its_name, _, rest = path.read_text().partition("(")[2].rpartition(")")
        except OSError:
            continue  # it has just ended
        if its_name == name and int(rest.split()[1]) == parent:
            return int(path.parent.name)
    return 0


CHANCE = random.Random(6)  # noqa: S311
MOMENTS = [CHANCE.uniform(0, 25) for _ in range(10)]
MARKED = [
    pytest.param(moment, marks=pytest.mark.long if n else (), id=f"{moment:.1f} s") for n, moment in enumerate(MOMENTS)
]


@pytest.mark.parametrize("seconds", MARKED)
def test_after_a_ctrl_c_at_any_moment_up_goes_on(cluster: Any, seconds: float) -> None:
    environment.down()
    with subprocess.Popen(UP, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as up:
        assert up.stdout is not None
        up.stdout.readline()  # it is at work
        time.sleep(seconds)
        up.send_signal(signal.SIGINT)
        said = up.communicate(timeout=LIMIT)[0]
    assert up.returncode in (0, 130), said
    assert (up.returncode == 0) != ("run the same command again" in said)
    environment.up()
    with docker_engine.engine() as client:
        found = client.containers.list(all=True, filters={"network": clusters.NETWORK})
    assert sorted(each.name for each in found) == [clusters.NODE, clusters.REGISTRY]
    assert {event.kind for event in _up().values()} == {"found"}
    insist_on_a_whole_cluster(cluster.base_image)
