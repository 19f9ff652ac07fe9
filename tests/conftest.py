"""What all tests share: folders of their own, the mark for the long ones, and notes of what a learner would read.

``tools/faults.py`` prints the notes: every caused fault with its message, every wrong answer with its hint.
"""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest

from aicontainer import places
from aicontainer.exercises.check import Check
from aicontainer.package import wheels

CLUSTER = Path(__file__).parent / "cluster"
NOTES = places.logs()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="run the tests marked as long, and only these")


def pytest_configure(config: pytest.Config) -> None:
    # An example that takes long tells of the machine, which is busy with the cluster, and not of the code. The same
    # examples each time: what a change broke is what fails; the long run looks for new ones.
    slow = [hypothesis.HealthCheck.too_slow]
    derandomize = not config.getoption("--long")
    hypothesis.settings.register_profile("patient", deadline=None, suppress_health_check=slow, derandomize=derandomize)
    hypothesis.settings.load_profile("patient")
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


@pytest.fixture
def notes() -> Path:
    """The folder of the notes; a test of the notes themselves has another."""
    return NOTES


def _note(file: Path, **content: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8") as record:  # line by line: tests of several runs may be at it
        record.write(json.dumps(content) + "\n")


@pytest.fixture
def record_fault(notes: Path) -> Callable[[str, object], None]:
    """``record_fault(name, error)``: note that this fault was caused, and the message that a learner saw."""
    return lambda fault, message: _note(notes / "faults.jsonl", fault=fault, message=str(message))


@pytest.fixture(autouse=True)
def hints_are_noted(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, notes: Path) -> None:
    """Note each answer of an exercise's check that tells what is wrong."""
    original = Check.__init__

    def noting(self: Check, state: str, text: str) -> None:
        original(self, state, text)
        exercise = _exercise()
        if state == "wrong" and exercise:
            _note(notes / "hints.jsonl", exercise=exercise, test=request.node.name, hint=text)

    monkeypatch.setattr(Check, "__init__", noting)


def _exercise() -> str:
    """The module of exercises that is being asked: the nearest caller that is one."""
    frame = sys._getframe(1)
    while frame is not None:
        package, _, module = frame.f_globals.get("__name__", "").rpartition(".")
        if package == "aicontainer.exercises" and module not in ("check", "asked", "model_file"):
            return module
        frame = frame.f_back
    return ""
