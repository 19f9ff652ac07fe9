"""The doctor where an engine and a cluster run: what it says is what the engine says, and it leaves no trace."""

import os
import subprocess
import sys
from typing import Any

import pytest

from aicontainer.doctor import engine as doctors_engine
from aicontainer.doctor import looks
from aicontainer.package import engine as docker_engine

# a process that was root gives that up, once it has loaded what lies where only root may read
AS_NOBODY = """
import os
from aicontainer.doctor import engine
from aicontainer.errors import AicontainerError
engine.describe()
os.setgroups([]); os.setgid(65534); os.setuid(65534)
try:
    print(engine.describe())
except AicontainerError as error:
    print(engine.judge_refusal(error).found)
"""


def _ours() -> dict[str, list[str]]:
    with docker_engine.engine() as client:
        return {
            "containers": sorted(f"{one.id} {one.status}" for one in docker_engine.containers(client)),
            "networks": sorted(str(one.id) for one in docker_engine.networks(client)),
            "volumes": sorted(one.id for one in docker_engine.volumes(client)),
            "images": sorted(str(one.id) for one in docker_engine.images(client)),
        }


def test_with_a_cluster_nothing_stands_against_the_course(cluster: Any) -> None:
    findings = {finding.name: finding for finding in looks.examine()}
    lacking = [finding for finding in findings.values() if not finding.enough]
    assert lacking == []
    assert "registry listens on localhost:" in findings["ports"].found
    for name in ("Docker", "kind", "kubectl", "image source"):
        assert findings[name].state == "fine", findings[name]


def test_it_says_what_the_engine_itself_says(engine: Any) -> None:
    found = doctors_engine.describe()
    with docker_engine.engine() as client:
        info = client.info()
    assert found.version == client.version()["Version"]
    assert (found.memory, found.cgroups, found.root) == (info["MemTotal"], info["CgroupVersion"], info["DockerRootDir"])


def test_it_leaves_what_is_ours_as_it_was(engine: Any) -> None:
    before = _ours()
    looks.examine()
    assert _ours() == before


@pytest.mark.skipif(os.geteuid() != 0, reason="not run: only root can become somebody whom the socket refuses")
def test_a_user_whom_the_socket_refuses_is_told_so(engine: Any) -> None:
    said = subprocess.run([sys.executable, "-c", AS_NOBODY], capture_output=True, text=True, check=True)
    assert "permission denied" in said.stdout
