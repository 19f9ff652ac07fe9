"""Where things lie."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from aicontainer import places
from aicontainer.errors import MachineError

ROOT = Path(__file__).parent.parent


def test_the_clone_is_this_one() -> None:
    assert places.clone() == ROOT
    assert places.logs().parent == places.work()


def test_git_ignores_the_working_copy() -> None:
    assert "work/" in (ROOT / ".gitignore").read_text().split()


def test_the_cache_goes_where_the_user_wants_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if sys.platform != "linux":
        pytest.skip("XDG folders are Linux's")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "mine"))
    assert places.cache() == tmp_path / "mine" / "aicontainer"


def test_looking_makes_no_folder() -> None:
    assert not places.cache().exists()
    assert not places.work().exists()


def test_outside_a_clone_it_says_so(tmp_path: Path) -> None:
    package = tmp_path / "aicontainer"
    package.mkdir()
    for name in ("__init__.py", "errors.py", "places.py"):
        shutil.copy(ROOT / "aicontainer" / name, package / name)
    code = "from aicontainer import places, errors\ntry: places.clone()\nexcept errors.MachineError as e: print(e)"
    said = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "runs from a clone" in said.stdout
    assert MachineError.exit_code != 0
