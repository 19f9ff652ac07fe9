"""The real engine and the real cluster. Where a machine cannot have them, the tests say so; in CI they fail."""

import os
from pathlib import Path
from typing import Any

import pytest

from aicontainer import environment
from aicontainer.errors import MachineError
from aicontainer.events import silent

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
