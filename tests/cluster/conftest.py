"""The real engine and the real cluster. Where a machine cannot have them, the tests say so; in CI they fail."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aicontainer import environment
from aicontainer.deploy import cluster as clusters
from aicontainer.deploy import objects
from aicontainer.errors import MachineError
from aicontainer.events import silent

# 30080 to 30084 are the notebooks', and a learner's release may be there now; 30089 is left to try things by hand
NODE_PORTS = range(30085, 30089)
HERE = Path(__file__).parent


def _ensure(need: Any) -> Any:
    try:
        return environment.ensure(need, silent)
    except MachineError as error:
        if os.environ.get("CI") == "true":
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
