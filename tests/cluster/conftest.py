"""The real engine and the real cluster. Where a machine cannot have them, the tests say so; in CI they fail."""

import os
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from aicontainer import environment, places
from aicontainer.deploy import cluster as clusters
from aicontainer.deploy import manifests, objects
from aicontainer.deploy.release import SERVICE, Release
from aicontainer.errors import AicontainerError, means_no_engine
from aicontainer.events import silent
from aicontainer.learn import fit
from aicontainer.operate import monitor
from aicontainer.package import image, registry
from aicontainer.serve.client import Server

# 30080 to 30084 and 30089 are the notebooks', and a learner's release may be there now
NODE_PORTS = range(30085, 30089)
HERE = Path(__file__).parent


def _ensure(need: Any) -> Any:
    try:
        return environment.ensure(need, silent)
    except AicontainerError as error:
        if not means_no_engine(error) or os.environ.get("CI") == "true":
            raise
        pytest.skip(f"not run: {error.what}")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that make the cluster anew come last: what other tests keep for a whole run is gone after them."""
    items.sort(key=lambda item: HERE in item.path.parents and item.path.name.startswith("test_environment"))


@pytest.fixture(scope="session")
def engine() -> Any:
    """What ``environment.ensure("engine")`` returns; one engine a test run."""
    return _ensure("engine")


@pytest.fixture(scope="session")
def cluster() -> Any:
    """What ``environment.ensure("cluster")`` returns; one cluster a test run."""
    return _ensure("cluster")


@pytest.fixture(scope="session")
def free_node_ports(cluster: Any) -> Callable[[], list[int]]:
    """Which of the tests' node ports no Service has at the moment; a test that takes some removes its Services."""

    def look() -> list[int]:
        found = clusters.find()
        rooms = [each["metadata"]["name"] for each in objects.listed(found, "Namespace")]
        services = [service for room in rooms for service in objects.listed(found, "Service", room)]
        taken = {port.get("nodePort") for service in services for port in service["spec"]["ports"]}
        free = [port for port in NODE_PORTS if port not in taken]
        assert free, f"every node port of the tests is taken: {sorted(taken & set(NODE_PORTS))}"
        return free

    return look


@pytest.fixture
def node_port(free_node_ports: Callable[[], list[int]]) -> int:
    """A node port that no Service has; whoever takes it removes the Service at the end."""
    return free_node_ports()[0]


@dataclass(frozen=True)
class Watched:
    """A release of two pods in a namespace of its own, and the monitor beside it."""

    release: Release
    monitor: monitor.Monitor
    server: Server


@pytest.fixture(scope="module")
def watched(cluster: Any, free_node_ports: Callable[[], list[int]]) -> Iterator[Watched]:
    """One for all tests of a module: each leaves two pods that answer, and no rules of its own."""
    found, name = clusters.find(), f"aicontainer-test-{secrets.token_hex(4)}"
    ports = dict(zip((SERVICE, monitor.PROMETHEUS, monitor.ALERTMANAGER), free_node_ports(), strict=False))
    release = Release(found, name)
    reference = registry.push(image.build(fit.ensure_model(), cluster.base_image), found.registry)
    wanted = manifests.load_manifests(places.clone() / "manifests" / "base", reference)
    wanted[2]["spec"]["ports"][0]["nodePort"] = ports[SERVICE]
    try:
        objects.apply(found, wanted, name)
        release.wait_available()
        watching = monitor.ensure(found, cluster, name, node_ports=ports)
        watching.wait_targets(2)
        yield Watched(release, watching, release.server())
    finally:
        for service in ports:  # the node ports are freed at once, the namespace in its own time
            objects.ask_to_delete(found, "Service", service, name)
        objects.ask_to_delete(found, "Namespace", name)
