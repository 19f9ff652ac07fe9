"""Which system this is, and what Docker's parts are called in its packages. Every other one gets advice only."""

import shlex
from dataclasses import dataclass
from pathlib import Path

OS_RELEASE = Path("/etc/os-release")


@dataclass(frozen=True)
class System:
    """A system whose packages the course knows.

    ``engine`` and ``buildx`` are packages (``name`` or ``name/release``). ``own_lists``: they are installed by way of
    the course's own lists of packages, not the system's. ``keyring`` has to be installed where it is no part of the
    system.
    """

    name: str
    engine: tuple[str, ...]
    buildx: tuple[str, ...]
    keyring: tuple[str, ...] = ()
    own_lists: bool = False


# Debian 12's own Docker is too old for machines that lack a capability: there it is the one of Debian 13
DEBIAN_12 = System(
    "Debian 12",
    ("docker.io/trixie", "docker-cli/trixie", "containerd", "runc", "iptables"),
    ("docker-buildx/trixie",),
    own_lists=True,
)
DEBIAN_13 = System("Debian 13", ("docker.io", "docker-cli", "containerd", "runc", "iptables"), ("docker-buildx",))
UBUNTU = System(
    "Ubuntu", ("docker.io", "containerd", "runc", "iptables"), ("docker-buildx",), ("debian-archive-keyring",)
)
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
    return _fields(os_release).get("PRETTY_NAME", "this system")


def reason_against() -> str:
    """Why nothing is installed on this system; empty where it can be."""
    if here():
        return ""
    found = name(OS_RELEASE.read_text(encoding="utf-8")) if OS_RELEASE.exists() else "this system"
    return f"installs on Debian 12, Debian 13 and Ubuntu from 22.04 only, and this is {found}"


def _fields(os_release: str) -> dict[str, str]:
    lines = [line.partition("=") for line in os_release.splitlines() if "=" in line and not line.startswith("#")]
    return {key.strip(): "".join(shlex.split(value)) for key, _, value in lines}


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())
