"""An interrupted build on the real system: nothing half is taken for whole, nothing stays mounted."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from aicontainer.events import silent
from aicontainer.sources.packages import apt, build, recipe
from aicontainer.waiting import pending, ready, wait

BUILD = """
from aicontainer.sources.packages import build
build.roots(lambda event: print(event.step, event.text, flush=True))
"""

pytestmark = pytest.mark.long


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        pytest.skip("needs Debian, as root")
    apt.install(("mmdebstrap",), silent)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGKILL])
def test_a_root_that_was_interrupted_is_built_again(own_cache: Path, sent: signal.Signals) -> None:
    root = next(root for root in recipe.ROOTS if root.name == "node")
    builder = subprocess.Popen([sys.executable, "-c", BUILD], stdout=subprocess.PIPE, text=True)
    assert builder.stdout is not None
    for line in builder.stdout:
        if "extracting" in line:
            break
    builder.send_signal(sent)
    builder.wait(timeout=60)
    wait(
        "mmdebstrap to end",
        lambda: pending("it still runs") if _runs_in(own_cache) else ready(),
        limit=60,
    )
    assert not root.archive.exists()
    assert str(own_cache) not in build.MOUNTS.read_text()
    build.roots(silent)
    assert root.archive.stat().st_size > 100e6


def _runs_in(folder: Path) -> bool:
    words = ["pgrep", "--full", str(folder)]
    return subprocess.run(words, capture_output=True, check=False).returncode == 0
