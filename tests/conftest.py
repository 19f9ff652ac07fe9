"""What all tests share: folders of their own, and the mark for the long ones."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aicontainer import places
from aicontainer.package import wheels

CLUSTER = Path(__file__).parent / "cluster"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="run the tests marked as long, and only these")


def pytest_configure(config: pytest.Config) -> None:
    places.work_in("test")  # no test touches a learner's own files
    config.addinivalue_line("markers", "long: takes minutes; only `make test-long` runs it")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    wanted = config.getoption("--long")
    left_out = [item for item in items if (item.get_closest_marker("long") is not None) != wanted]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.fixture(autouse=True)
def own_folders(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give a unit test, and what it starts, an empty cache and working copy; tests on the real cluster share theirs."""
    if CLUSTER not in request.path.parents:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        monkeypatch.setenv(places.WORK_VARIABLE, str(tmp_path / "work"))
        monkeypatch.setattr(places, "logs", lambda: tmp_path / "work" / "logs")
    yield


@pytest.fixture
def kept_wheels(own_folders: None) -> Callable[[tuple[str, ...]], Path]:
    """Makes the folder of the cache in which the wheels of these requirements are looked for."""

    def make(requirements: tuple[str, ...]) -> Path:
        folder = places.cache() / "wheels" / wheels._key(sorted(requirements), wheels.PYTHON)
        folder.mkdir(parents=True)
        return folder

    return make
