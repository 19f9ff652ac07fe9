"""The machine itself: Python, memory, disk, inotify. The judging parts take plain values, so that each can be tried."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from aicontainer.doctor.findings import Seen, State

ENOUGH_PYTHON = (3, 11)
ENOUGH_MEMORY_GB = 3.5
ENOUGH_DISK_GB = 3.0
# one node runs with the kernel's old default of 128; kind's advice for more nodes is 512 and 524288
ENOUGH_INSTANCES, ADVISED_INSTANCES = 128, 512
ENOUGH_WATCHES, ADVISED_WATCHES = 8192, 65536


def python(version: tuple[int, int, int] = sys.version_info[:3]) -> Seen:
    """Whether this Python is new enough."""
    return Seen(".".join(map(str, version)), "fine" if version >= ENOUGH_PYTHON else "not enough")


def memory() -> Seen:
    """The memory of this machine, in GB of 10**9 bytes; on WSL2 that of its virtual machine."""
    if not hasattr(os, "sysconf") or "SC_PHYS_PAGES" not in os.sysconf_names:
        return Seen(f"{platform.system()} does not tell it in a way that this program knows", "not known")
    return judge_memory(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))


def judge_memory(size: int) -> Seen:
    """``size`` in bytes: the cluster with its pods takes 1 to 2 GB beside JupyterLab and a browser."""
    gigabytes = size / 1e9
    if gigabytes >= ENOUGH_MEMORY_GB:
        return Seen(f"{gigabytes:.1f} GB")
    return Seen(f"{gigabytes:.1f} GB, and {ENOUGH_MEMORY_GB} are needed", "not enough")


def disk(folders: Sequence[Path], for_images: float) -> Seen:
    """The least room of those folders, which may not exist yet; ``for_images`` is what their source needs, in GB."""
    free, where = min(_room(folder) for folder in folders)
    needed = max(ENOUGH_DISK_GB, for_images)
    state: State = "fine" if free >= needed else "not enough"
    return Seen(f"{free:.0f} GB free at {where}, {needed:.0f} are needed", state)


def _room(folder: Path) -> tuple[float, Path]:
    """Gigabytes free at a folder that may not exist yet, and what of its path does."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    return shutil.disk_usage(there).free / 1e9, there


def inotify(root: Path) -> Seen:
    """The limits of inotify, the kernel's way to watch files; each node of a cluster takes some dozens of instances."""
    folder = root / "proc/sys/fs/inotify"
    if not folder.is_dir():
        return Seen("not a Linux system: Docker brings its own")
    return judge_inotify(*(int((folder / name).read_text()) for name in ("max_user_instances", "max_user_watches")))


def judge_inotify(instances: int, watches: int) -> Seen:
    """Both limits hold for each user, and everything that root runs in containers shares root's."""
    found = f"{instances} instances and {watches} watches for each user"
    if instances < ENOUGH_INSTANCES or watches < ENOUGH_WATCHES:
        return Seen(f"{found}: too few for a node of a cluster", "not enough")
    if instances < ADVISED_INSTANCES or watches < ADVISED_WATCHES:
        return Seen(f"{found}: enough for the course's one node, not for several", "worth knowing")
    return Seen(found)
