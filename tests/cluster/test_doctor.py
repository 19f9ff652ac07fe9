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


def _everything() -> dict[str, Any]:
    with docker_engine.engine() as client:
        return {
            "containers": sorted(container.id for container in client.containers.list(all=True)),
            "images": sorted(image.id for image in client.images.list()),
            "networks": sorted(network.id for network in client.networks.list()),
            "volumes": sorted(volume.id for volume in client.volumes.list()),
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


@pytest.mark.skipif(os.environ.get("CI") != "true", reason="not run: others may use this engine meanwhile")
def test_it_leaves_the_engine_as_it_was(engine: Any) -> None:
    before = _everything()
    looks.examine()
    assert _everything() == before


@pytest.mark.skipif(os.geteuid() != 0, reason="not run: only root can become somebody whom the socket refuses")
def test_a_user_whom_the_socket_refuses_is_told_so(engine: Any) -> None:
    said = subprocess.run([sys.executable, "-c", AS_NOBODY], capture_output=True, text=True, check=True)
    assert "permission denied" in said.stdout
