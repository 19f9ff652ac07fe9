"""Which system this is, and what Docker's parts are called in its packages. Every other one gets advice only."""

import platform
import shlex
from dataclasses import dataclass
from pathlib import Path

OS_RELEASE = Path("/etc/os-release")


@dataclass(frozen=True)
class System:
    """A system whose packages the course knows.

    ``engine``, ``client`` and ``buildx`` are packages (``name`` or ``name/release``), ``keyring`` the one with Debian's
    keys where it is no part of the system. ``own_lists``: they are installed by way of the course's own lists of
    packages, not the system's.
    """

    name: str
    engine: tuple[str, ...]
    client: tuple[str, ...]
    buildx: tuple[str, ...]
    keyring: tuple[str, ...] = ()
    own_lists: bool = False


ENGINE = ("docker.io", "containerd", "runc", "iptables")
# Debian 12's own Docker is too old for machines that lack a capability: there it is the one of Debian 13
DEBIAN_12 = System(
    "Debian 12",
    ("docker.io/trixie", "containerd", "runc", "iptables"),
    ("docker-cli/trixie",),
    ("docker-buildx/trixie",),
    own_lists=True,
)
DEBIAN_13 = System("Debian 13", ENGINE, ("docker-cli",), ("docker-buildx",))
# Ubuntu's docker.io holds the client too
UBUNTU = System("Ubuntu", ENGINE, ("docker.io",), ("docker-buildx",), ("debian-archive-keyring",))
OLDEST_UBUNTU = (22, 4)


def here() -> System | None:
    """The system of this machine; None when it is none that the course installs on."""
    return known(OS_RELEASE.read_text(encoding="utf-8")) if OS_RELEASE.exists() else None


def known(os_release: str) -> System | None:
    """The system that a text of the form of ``/etc/os-release`` describes (os-release(5))."""
    fields = _fields(os_release)
    match fields.get("ID"), fields.get("VERSION_ID", ""):
        case "debian", "12":
            return DEBIAN_12
        case "debian", version if version == "13" or fields.get("VERSION_CODENAME") == "trixie":
            return DEBIAN_13
        case "ubuntu", version if _numbers(version) >= OLDEST_UBUNTU:
            return UBUNTU
    return None  # also what is made of them: nobody has tried it there


def name(os_release: str) -> str:
    """What a system calls itself."""
    return _fields(os_release).get("PRETTY_NAME", platform.system())


def reason_against() -> str:
    """Why nothing is installed on this system; empty where it can be."""
    if here():
        return ""
    found = name(OS_RELEASE.read_text(encoding="utf-8") if OS_RELEASE.exists() else "")
    return f"installs on Debian 12, Debian 13 and Ubuntu from 22.04 only, and this is {found}"


def _fields(os_release: str) -> dict[str, str]:
    lines = [line.partition("=") for line in os_release.splitlines() if "=" in line and not line.startswith("#")]
    return {key.strip(): "".join(shlex.split(value)) for key, _, value in lines}


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())
