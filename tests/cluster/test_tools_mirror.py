"""The whole registry source for real: a second engine whose only source of images is a registry on loopback."""

import os
import subprocess
import sys
from typing import Any

import pytest

from aicontainer import commands, places
from aicontainer.sources.packages import images

LIMIT = 1200

pytestmark = pytest.mark.long


@pytest.mark.parametrize("store", ["classic", "containerd"])
def test_up_twice_and_down_leave_nothing_and_touch_nothing_of_the_first_engine(engine: Any, store: str) -> None:
    if os.geteuid() != 0 or engine.base_image != images.BASE:
        pytest.skip("not run: a second engine needs root, and images that were built from packages")
    before = _state()
    ours = f"{sys.executable} -m aicontainer"
    script = (
        f"{ours} up && {ours} up && {ours} down --all && docker images -qa && docker ps -qa && echo nothing is left"
    )
    words = [sys.executable, "tools/mirror.py", "--store", store, "sh", "-c", script]
    ran = subprocess.run(
        words,
        cwd=places.clone(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout
    assert "source of images  registry" in ran.stdout
    *_, removed, last = ran.stdout.splitlines()
    assert "removed" in removed  # and after it docker named no image and no container
    assert last == "nothing is left"
    assert _state() == before


def _state() -> list[str]:
    asked = (["docker", "images", "-q"], ["docker", "ps", "-q"], ["docker", "network", "ls", "-q"])
    return [line for words in asked for line in commands.run(words, limit=60).splitlines()]
