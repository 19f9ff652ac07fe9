"""``up`` and ``down`` on the real engine: twice at once, after a killed engine, after a stopped node."""

import os
import signal
import subprocess
import sys

import pytest

from aicontainer import environment
from aicontainer.deploy import cluster as kind_cluster
from aicontainer.errors import ClusterError
from aicontainer.events import Event
from aicontainer.package import engine as docker_engine
from aicontainer.sources.packages import daemon
from aicontainer.waiting import pending, ready, wait

UP = [sys.executable, "-m", "aicontainer", "up"]
LIMIT = 600

pytestmark = pytest.mark.usefixtures("cluster")


def _node_id() -> str:
    with docker_engine.engine() as client:
        return str(client.containers.get(kind_cluster.NODE).id)


def _kinds(events: list[Event]) -> dict[str, str]:
    return {event.step: event.kind for event in events if event.kind in ("found", "made", "mended")}


def test_up_on_a_running_cluster_finds_everything() -> None:
    before = _node_id()
    events: list[Event] = []
    environment.up(events.append)
    assert set(_kinds(events).values()) == {"found"}
    assert _node_id() == before


def test_up_twice_at_once_makes_one_cluster() -> None:
    environment.down()
    both = [subprocess.Popen(UP, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) for _ in range(2)]
    outputs = [process.communicate(timeout=LIMIT)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    with docker_engine.engine() as client:
        found = client.containers.list(all=True, filters={"network": kind_cluster.NETWORK})
        names = sorted(container.name for container in found)
    assert names == [kind_cluster.NODE, kind_cluster.REGISTRY]


def test_a_stopped_node_and_registry_are_started_again() -> None:
    before = _node_id()
    with docker_engine.engine() as client:
        for name in (kind_cluster.NODE, kind_cluster.REGISTRY):
            client.containers.get(name).kill()
    events: list[Event] = []
    environment.up(events.append)
    assert _kinds(events)["cluster"] == "mended"
    assert _kinds(events)["image registry"] == "mended"
    assert _node_id() == before


def _others_run() -> bool:
    with docker_engine.engine() as client:
        of_the_course = {each.name for each in docker_engine.containers(client)} | {kind_cluster.NODE}
        return any(each.name not in of_the_course for each in client.containers.list())


def test_up_after_a_killed_engine_with_a_stale_pid_file() -> None:
    if not daemon.is_ours():
        pytest.skip("the engine on this machine was not started by the course: it is not ours to kill")
    if _others_run():
        pytest.skip("containers that are not the course's run in the engine: it is not to be killed under them")
    pid_file = daemon.PID_FILES[0]
    pid = int(pid_file.read_text())
    os.kill(pid, signal.SIGKILL)
    wait("the engine to be gone", lambda: pending("there") if daemon.is_ours() else ready(), limit=120)
    # the number of the dead engine now belongs to another process: dockerd alone would refuse to start
    pid_file.write_text(str(os.getpid()))
    assert not daemon.answers()
    events: list[Event] = []
    environment.up(events.append)
    assert _kinds(events)["Docker Engine"] == "mended"
    assert _kinds(events)["cluster"] in ("mended", "made")
    again: list[Event] = []
    environment.up(again.append)
    assert set(_kinds(again).values()) == {"found"}  # the API was asked, and answers


def test_down_removes_ours_and_nothing_else() -> None:
    with docker_engine.engine() as client:
        image = client.containers.get(kind_cluster.REGISTRY).image
        theirs = client.containers.create(image.id, ["sleep", "1"])  # of our image, and yet the user's
        network = client.networks.create("a-network-of-the-user")
        volume = client.volumes.create("a-volume-of-the-user")
        try:
            environment.down()
            names = {container.name for container in client.containers.list(all=True)}
            networks = {found.name for found in client.networks.list()}
            assert kind_cluster.NODE not in names
            assert kind_cluster.REGISTRY not in names
            assert kind_cluster.NETWORK not in networks
            assert not kind_cluster.kubeconfig().exists()
            assert theirs.name in names
            assert network.name in networks
            assert client.volumes.get(volume.name)
        finally:
            theirs.remove(force=True)
            network.remove()
            volume.remove()
    environment.up()


def test_a_container_of_the_user_with_our_name_stops_up_and_stays() -> None:
    with docker_engine.engine() as client:
        image = client.containers.get(kind_cluster.REGISTRY).image
        environment.down()
        theirs = client.containers.create(image.id, ["sleep", "1"], name=kind_cluster.REGISTRY)
        try:
            with pytest.raises(ClusterError, match="not the course's"):
                environment.up()
            with pytest.raises(ClusterError, match="not the course's"):
                environment.down()
            assert client.containers.get(theirs.id)
        finally:
            theirs.remove(force=True)
    environment.up()


def test_a_lost_kubeconfig_is_written_again() -> None:
    before = _node_id()
    kind_cluster.kubeconfig().unlink()
    environment.up()
    assert kind_cluster.kubeconfig().exists()
    assert _node_id() == before
