"""What this machine has, whether it is enough for the course, and how to mend what is not. It changes nothing."""

import os
import platform
import re
import shutil
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from aicontainer import places
from aicontainer.commands import run
from aicontainer.deploy import cluster
from aicontainer.errors import AicontainerError
from aicontainer.package import engine
from aicontainer.sources.choose import choose

ENOUGH_PYTHON = (3, 11)
ENOUGH_MEMORY_GB = 3.5
ENOUGH_DISK_GB = 10.0
ENOUGH_DISK_WHEN_BUILT_GB = 3.0
ENOUGH_DOCKER = (20, 10)
BROUGHT_BY_UP = "nothing to do: aicontainer up brings it where it can"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: what was found, whether it is enough, and how to mend it when it is not."""

    name: str
    found: str
    enough: bool
    mend: str


def examine() -> tuple[Finding, ...]:
    """Look at everything that the course needs, in the order in which it is needed."""
    return tuple(look() for look in LOOKS)


def _python() -> Finding:
    return Finding(
        "Python",
        platform.python_version(),
        sys.version_info >= ENOUGH_PYTHON,
        "install Python 3.11 or newer, with venv; then remove .venv and run make again",
    )


def _memory() -> Finding:
    if not hasattr(os, "sysconf") or "SC_PHYS_PAGES" not in os.sysconf_names:
        return Finding("memory", "unknown on this system", True, "")
    gigabytes = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
    return Finding(
        "memory",
        f"{gigabytes:.1f} GB",
        gigabytes >= ENOUGH_MEMORY_GB,
        f"the cluster with its pods needs about 1 GB beside JupyterLab: have {ENOUGH_MEMORY_GB} GB or more",
    )


def _disk() -> Finding:
    where = next(path for path in (places.cache(), *places.cache().parents) if path.exists())
    free = shutil.disk_usage(where).free / 1e9
    needed = ENOUGH_DISK_WHEN_BUILT_GB if (places.cache() / "packages").exists() else ENOUGH_DISK_GB
    return Finding("disk", f"{free:.0f} GB free at {where}", free >= needed, f"free {needed:.0f} GB there")


def _docker() -> Finding:
    try:
        with engine.engine() as client:
            version = str(client.version()["Version"])
    except AicontainerError as error:
        return Finding("Docker", error.what, False, f"start Docker; or {BROUGHT_BY_UP}")
    return Finding("Docker", version, _is_enough(version), "update Docker to 20.10 or newer")


def _is_enough(docker: str) -> bool:
    numbers = re.match(r"(\d+)\.(\d+)", docker)
    # a build of Docker's developers has no number; it is no old one
    return numbers is None or (int(numbers[1]), int(numbers[2])) >= ENOUGH_DOCKER


def _cgroups() -> Finding:
    if not Path("/sys/fs/cgroup").exists():
        return Finding("cgroups", "not a Linux system: Docker brings its own", True, "")
    version = "v2" if Path("/sys/fs/cgroup/cgroup.controllers").exists() else "v1"
    note = "" if version == "v2" else " (fine up to Kubernetes 1.34; newer ones refuse it by default)"
    return Finding("cgroups", version + note, True, "")


def _program(name: str) -> Callable[[], Finding]:
    def look() -> Finding:
        path = _find_program(name)
        if path is None:
            return Finding(name, "not found", False, BROUGHT_BY_UP)
        words = [str(path), "version", *(("--client",) if name == "kubectl" else ())]
        try:
            said = run(words, limit=30).splitlines()[0]
        except AicontainerError as error:
            return Finding(name, error.what, False, f"remove {path}, it does not work; then {BROUGHT_BY_UP}")
        return Finding(name, said, True, "")

    return look


def _find_program(name: str) -> Path | None:
    built = sorted((places.cache() / "packages").glob(f"programs-*/{name}"))
    on_path = shutil.which(name)
    return built[-1] if built else Path(on_path) if on_path else None


def _ports() -> Finding:
    try:
        registry = cluster.find().registry
    except AicontainerError:
        taken = _is_taken(cluster.PREFERRED_REGISTRY_PORT)
        other = f"{cluster.PREFERRED_REGISTRY_PORT} is taken: another will be used" if taken else "free"
        return Finding("ports", other, True, "")
    return Finding("ports", f"the course's registry listens on {registry}", True, "")


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _source() -> Finding:
    try:
        choice = choose()
    except AicontainerError as error:
        return Finding("image source", error.seen, False, error.next_step)
    passed = "".join(f"; not {name}: {reason}" for name, reason in choice.passed_over)
    return Finding("image source", choice.source.name + passed, True, "")


LOOKS: tuple[Callable[[], Finding], ...] = (
    _python,
    _memory,
    _disk,
    _docker,
    _cgroups,
    _program("kind"),
    _program("kubectl"),
    _ports,
    _source,
)
