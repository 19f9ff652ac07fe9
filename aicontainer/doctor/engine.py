"""Docker as its engine describes itself, its control groups, and the cluster's two programs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aicontainer.commands import run
from aicontainer.doctor import advice
from aicontainer.doctor.findings import Seen
from aicontainer.errors import AicontainerError
from aicontainer.package import engine as docker_engine
from aicontainer.sources import programs

ENOUGH_DOCKER = (20, 10)
ENOUGH_MEMORY_GB = 3.0
NO_V1_SINCE = (1, 35)


@dataclass(frozen=True)
class Engine:
    """What ``docker info`` tells, as far as the course cares; ``memory`` in bytes, ``cgroups`` is "1" or "2" or empty.

    ``root`` is the folder of its data, on the machine that the engine runs on: with Docker Desktop not this one.
    """

    version: str
    system: str
    memory: int
    cgroups: str
    root: str
    http_proxy: str
    https_proxy: str

    @property
    def is_desktop(self) -> bool:
        """Whether it runs in a virtual machine of Docker Desktop."""
        return "Docker Desktop" in self.system


def parse(info: Mapping[str, Any]) -> Engine:
    """Read the answer of the engine's ``/info``; an old engine leaves fields out."""
    return Engine(
        version=str(info.get("ServerVersion") or ""),
        system=str(info.get("OperatingSystem") or ""),
        memory=int(info.get("MemTotal") or 0),
        cgroups=str(info.get("CgroupVersion") or ""),
        root=str(info.get("DockerRootDir") or ""),
        http_proxy=str(info.get("HttpProxy") or ""),
        https_proxy=str(info.get("HttpsProxy") or ""),
    )


def describe() -> Engine:
    """Ask the engine that the ``docker`` command would talk to.

    Raises
    ------
    EngineUnavailable
        When none answers.
    """
    with docker_engine.engine() as client:
        return parse(client.info())


def judge_engine(engine: Engine) -> Seen:
    """Whether the engine is new enough; a build of Docker's developers has no number, and is no old one."""
    numbers = re.match(r"(\d+)\.(\d+)", engine.version)
    if numbers and (int(numbers[1]), int(numbers[2])) < ENOUGH_DOCKER:
        return Seen(f"{engine.version}, and 20.10 is needed", "not enough", advice.DOCKER_OLD)
    return Seen(" on ".join(part for part in (engine.version, engine.system) if part))


def judge_refusal(error: AicontainerError) -> Seen:
    """Why no engine answered: its socket refuses this user, or there is none."""
    if "permission denied" in f"{error.what} {error.seen}".lower():
        return Seen("there is one, and its socket refuses you: permission denied", "not enough", advice.DOCKER_REFUSED)
    return Seen(f"{error.what}: {error.seen}" if error.seen else error.what, "not enough", advice.DOCKER_ABSENT)


def judge_memory(engine: Engine) -> Seen:
    """What the engine can give to containers; with Docker Desktop less than the machine has."""
    gigabytes = engine.memory / 1e9
    whose = "Docker Desktop's own virtual machine" if engine.is_desktop else "where the engine runs"
    if not engine.memory:
        return Seen("the engine does not tell it", "not known")
    if gigabytes < ENOUGH_MEMORY_GB:
        return Seen(f"{gigabytes:.1f} GB, {whose}; {ENOUGH_MEMORY_GB:.0f} GB are needed", "not enough")
    return Seen(f"{gigabytes:.1f} GB, {whose}")


def cgroups_of_system(root: Path) -> str:
    """The version of control groups that this system has mounted; empty where it has none."""
    folder = root / "sys/fs/cgroup"
    if not folder.is_dir():
        return ""
    return "2" if (folder / "cgroup.controllers").exists() else "1"


def judge_cgroups(version: str, kubernetes: str) -> Seen:
    """Version 1 with Kubernetes 1.35 or newer: its kubelet refuses to start, unless ``failCgroupV1: false`` (KEP-5573).

    ``kubernetes`` is the version that the cluster would have, empty where that is not known.
    """
    if not version:
        return Seen("not a Linux system, and no engine that could tell", "not known")
    if version != "1":
        return Seen(f"v{version}")
    numbers = re.match(r"v?(\d+)\.(\d+)", kubernetes)
    if numbers is None:
        return Seen("v1, which Kubernetes 1.35 and newer refuse unless told otherwise", "worth knowing")
    if (int(numbers[1]), int(numbers[2])) < NO_V1_SINCE:
        return Seen(f"v1: fine for the Kubernetes used here, {kubernetes}; 1.35 and newer refuse it", "worth knowing")
    return Seen(f"v1, and Kubernetes {kubernetes} refuses it unless told otherwise", "not enough")


def program(name: str) -> Seen:
    """Whether one of the cluster's two programs is there and works."""
    if path := programs.find(name):
        return Seen(programs.says(path))
    broken = programs.candidates(name)
    if not broken:
        return Seen("not found", "not enough")
    try:
        run([broken[0], *programs.WORDS[name]], limit=20)
        why = "it says nothing about its version"
    except AicontainerError as error:
        why = error.what
    return Seen(f"{broken[0]} does not work: {why}", "not enough", advice.PROGRAM_BROKEN)
