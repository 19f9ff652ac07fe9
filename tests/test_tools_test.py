"""The program behind `make test`: its counting decides whether CI is green."""

import importlib.util
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from click.testing import CliRunner

from aicontainer import environment, places, syllabus
from aicontainer.errors import BuildError, EngineUnavailable
from aicontainer.events import Listener

ROOT = Path(__file__).parent.parent

FAST = """
import pytest
def test_right(): pass
def test_other(): pass
"""
MIXED = (
    FAST
    + """
def test_wrong(): assert False
@pytest.mark.skip(reason="no disk")
def test_not_here(): pass
@pytest.fixture
def broken(): raise ValueError
def test_error(broken): pass
"""
)


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("test_tool", ROOT / "tools" / "test.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["test_tool"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


tool = _load()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone with one file of tests for each phase; that in place of a notebook needs no kernel."""
    root = tmp_path / "clone"
    (root / "tests" / "cluster").mkdir(parents=True)
    (root / "tests" / "test_a.py").write_text(FAST)
    (root / "tests" / "cluster" / "test_b.py").write_text(FAST.replace("test_", "test_c_"))
    monkeypatch.setattr(places, "clone", lambda: root)
    (root / "notebooks").mkdir()
    (root / "notebooks" / "test_n.py").write_text("def test_cell(): pass")
    monkeypatch.setattr(tool, "NBVAL", ())
    monkeypatch.setattr(tool, "_notebooks", lambda able: (["notebooks/test_n.py"], []))
    monkeypatch.setattr(environment, "up", lambda tell: None)
    monkeypatch.delenv("CI", raising=False)
    return root


def _call() -> tuple[int, str]:
    result = CliRunner().invoke(tool.main)
    return result.exit_code, result.output.splitlines()[-1]


def test_all_that_can_happen_to_a_test_is_counted(project: Path) -> None:
    (project / "tests" / "test_a.py").write_text(MIXED)
    phase = tool.Phase("unit", "tests", "--ignore=tests/cluster")
    assert phase.counts() == tool.Counts(2, 2, Counter({"no disk": 1}))
    assert "2 passed" in phase.closing


def test_a_phase_that_does_not_end_is_ended_and_a_failure(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "tests" / "test_a.py").write_text("import time\ndef test_hangs(): time.sleep(600)")
    monkeypatch.setattr(tool, "PHASE_LIMIT", 3)
    assert tool.Phase("unit", "tests", "--ignore=tests/cluster").counts().failed == 1


def test_pytest_itself_breaking_off_is_a_failure(project: Path) -> None:
    (project / "tests" / "test_a.py").write_text("this is no Python")
    assert tool.Phase("unit", "tests", "--ignore=tests/cluster").counts().failed == 1


def test_all_phases_are_added_up(project: Path) -> None:
    assert _call() == (0, "5 passed, 0 failed, 0 did not run")


def test_tests_do_not_work_in_the_learners_folder(project: Path) -> None:
    wanted = str(project / "work" / "test")
    for file in ("tests/test_a.py", "tests/cluster/test_b.py", "notebooks/test_n.py"):
        (project / file).write_text(f"import os\ndef test_where(): assert os.environ['AICONTAINER_WORK'] == {wanted!r}")
    assert _call() == (0, "3 passed, 0 failed, 0 did not run")


@pytest.mark.parametrize("file", ["tests/cluster/test_b.py", "notebooks/test_n.py"])
@pytest.mark.parametrize("text", ["", "this is no Python"])
def test_a_phase_that_finds_no_test_is_a_failure(project: Path, file: str, text: str) -> None:
    (project / file).write_text(text)
    code, line = _call()
    assert code == 1
    assert ", 1 failed, " in line


def test_no_notebooks_at_all_is_a_failure(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tool, "_notebooks", lambda able: ([], []))
    assert _call() == (1, "4 passed, 1 failed, 0 did not run")


@pytest.mark.parametrize("text", ["", "this is no Python"])
def test_tests_that_cannot_even_be_listed_are_a_failure(
    project: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    def up(tell: Listener) -> None:
        raise EngineUnavailable("no engine here")

    (project / "tests" / "cluster" / "test_b.py").write_text(text)
    monkeypatch.setattr(environment, "up", up)
    assert _call() == (1, "3 passed, 1 failed, 0 did not run")


def test_without_an_engine_the_unit_tests_run_and_the_others_are_told(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def up(tell: Listener) -> None:
        raise EngineUnavailable("no engine here")

    monkeypatch.setattr(environment, "up", up)
    assert _call() == (0, "3 passed, 0 failed, 2 did not run (2: no engine here)")


def test_a_set_up_that_breaks_is_a_failure(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def up(tell: Listener) -> None:
        raise BuildError("the node image could not be built")

    monkeypatch.setattr(environment, "up", up)
    assert _call() == (1, "3 passed, 1 failed, 2 did not run (2: the node image could not be built)")


@pytest.mark.parametrize(
    ("counts", "elsewhere", "in_ci"),
    [
        (tool.Counts(passed=3), 0, 0),
        (tool.Counts(passed=3, failed=1), 1, 1),
        (tool.Counts(passed=3, not_run=Counter({"no engine": 2})), 0, 1),
        (tool.Counts(), 1, 1),  # nothing at all is no success
    ],
)
def test_what_counts_as_success(counts: Any, elsewhere: int, in_ci: int) -> None:
    assert (counts.exit_code(in_ci=False), counts.exit_code(in_ci=True)) == (elsewhere, in_ci)


def test_both_forms_of_every_notebook_are_run_where_they_can(monkeypatch: pytest.MonkeyPatch) -> None:
    here, elsewhere = tool._notebooks(able=False)
    every, nothing = tool._notebooks(able=True)
    assert sorted(every) == sorted([*here, *elsewhere]) and nothing == []
    needs = {notebook.name: notebook.needs for notebook in syllabus.solutions()}
    assert {Path(path).stem for path in here} == {name for name, need in needs.items() if need == "none"}
    assert len(every) == 2 * len(needs)
