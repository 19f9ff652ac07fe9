"""Which system this is: its family decides which command mends a thing. WSL is known by the kernel's release."""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass
from pathlib import Path

from aicontainer import os_release
from aicontainer.doctor import advice
from aicontainer.doctor.findings import Family, Seen

ROOT = Path("/")
DEBIAN = {"debian", "ubuntu"}
FEDORA = {"fedora", "rhel", "centos"}


@dataclass(frozen=True)
class System:
    """A family of systems, the name that this one gives itself, its kernel, and its WSL (1 or 2, 0 for none)."""

    family: Family
    name: str
    kernel: str
    wsl: int = 0


def find(root: Path = ROOT, kind: str = sys.platform) -> System:
    """The system below ``root``; ``kind`` is Python's name for it (``linux``, ``darwin``)."""
    if kind == "darwin":
        return System("macos", f"macOS {platform.mac_ver()[0]}".strip(), platform.release())
    if kind != "linux":
        return System("other", platform.system() or kind, platform.release())
    kernel = _read(root / "proc/sys/kernel/osrelease").strip() or platform.release()
    release = os_release.parse(os_release.text(root))
    wsl = wsl_version(kernel)
    own = _family(release)
    return System("windows" if wsl else own, release.get("PRETTY_NAME", "Linux"), kernel, wsl)


def wsl_version(kernel: str) -> int:
    """1 or 2 for a kernel release of the Windows Subsystem for Linux, 0 for any other."""
    if "microsoft" not in kernel.lower():
        return 0
    # WSL1 has no Linux kernel; it claims to be 4.4
    return 1 if kernel.startswith(("3.", "4.4.")) and "WSL2" not in kernel else 2


def look(system: System, folder: Path) -> Seen:
    """Which system it is; ``folder`` is where the course lies, which matters on Windows."""
    if system.wsl == 1:
        return Seen(f"{system.name} in WSL1, which has no Linux kernel: Docker cannot run", "not enough")
    if system.wsl == 2:
        if folder.parts[:2] == ("/", "mnt"):
            slow = f"{system.name} in WSL2, with the course on a Windows drive: slow, and file modes get lost"
            return Seen(slow, "worth knowing", advice.WSL_PLACE)
        return Seen(f"{system.name} in WSL2, kernel {system.kernel}")
    if system.family == "other":
        return Seen(f"{system.name}: the course gives commands for other systems", "worth knowing")
    return Seen(f"{system.name}, kernel {system.kernel}")


def _family(release: dict[str, str]) -> Family:
    names = {release.get("ID", ""), *release.get("ID_LIKE", "").split()}
    if names & DEBIAN:
        return "debian"
    return "fedora" if names & FEDORA else "other"


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
