"""Where things lie."""

import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from aicontainer import places
from aicontainer.errors import MachineError

ROOT = Path(__file__).parent.parent
LOGS = places.logs  # a test gets another one


def test_the_clone_is_this_one() -> None:
    assert places.clone() == ROOT


def test_the_working_copy_is_the_learners_unless_another_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(places.WORK_VARIABLE)
    assert places.work() == ROOT / "work"
    assert places.work_in("other") == places.work() == ROOT / "work" / "other"
    assert LOGS() == ROOT / "work" / "logs"
    code = "from aicontainer import places; print(places.work())"
    said = subprocess.run([sys.executable, "-c", code], cwd="/", capture_output=True, text=True, check=True)
    assert said.stdout.strip() == str(ROOT / "work" / "other")


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.json"
    places.write_whole(path, "before\n")
    with pytest.raises(UnicodeEncodeError):
        places.write_whole(path, "half \ud800")
    assert path.read_bytes() == b"before\n"
    places.write_whole(path, "after π\n")
    assert path.read_bytes() == "after π\n".encode()
    assert [each.name for each in path.parent.iterdir()] == ["a.json"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


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
