"""What is built from what. Each thing's name in the cache holds a key over all that it is made from."""

import hashlib
import platform
from dataclasses import dataclass
from pathlib import Path

from aicontainer import places
from aicontainer.sources.packages.apt import NEWER, OLDER

KUBERNETES = "v1.34.4"
MAJOR, MINOR = KUBERNETES.lstrip("v").split(".")[:2]
VERSION_PACKAGE = "k8s.io/component-base/version"
# without a version kubeadm refuses to work
LINKER = " ".join(
    (
        "-s -w",
        f"-X {VERSION_PACKAGE}.gitVersion={KUBERNETES}",
        f"-X {VERSION_PACKAGE}.gitMajor={MAJOR}",
        f"-X {VERSION_PACKAGE}.gitMinor={MINOR}",
    )
)
NAMES = ("kind", "kubectl", "kubeadm")


@dataclass(frozen=True)
class Root:
    """A root file system that mmdebstrap assembles from Debian packages; ``hooks`` run on it at the end."""

    name: str
    release: str
    variant: str
    packages: tuple[str, ...]
    hooks: tuple[str, ...] = ()

    @property
    def archive(self) -> Path:
        """Where it lies in the cache."""
        key = _key(repr(self), platform.machine())
        return folder() / f"root-{self.name}-{key}.tar"


ROOTS = (
    # Debian 12: the systemd of 13 does not accept cgroup v1
    Root(
        "node",
        OLDER,
        "minbase",
        (
            "systemd",
            "systemd-sysv",
            "dbus",
            "containerd",
            "runc",
            "iptables",
            "nftables",
            "iproute2",
            "ethtool",
            "socat",
            "conntrack",
            "ebtables",
            "kmod",
            "mount",
            "procps",
            "containernetworking-plugins",
            "catatonit",
            "ca-certificates",
            "curl",
            "jq",
            "util-linux",
        ),
    ),
    Root("kube", OLDER, "extract", ("iptables", "conntrack", "kmod", "busybox-static", "libc-bin", "mount")),
    # what python:3.13-slim is made of, with pip free to install, and a python
    Root(
        "python",
        NEWER,
        "minbase",
        ("python3-minimal", "libpython3-stdlib", "python3-pip", "ca-certificates"),
        ('rm -f "$1"/usr/lib/python3.*/EXTERNALLY-MANAGED', 'ln -s python3 "$1"/usr/bin/python'),
    ),
)


def folder() -> Path:
    """This source's part of the cache."""
    return places.cache() / "packages"


def files() -> Path:
    """What the images are made of, in the clone."""
    return places.clone() / "images" / "node"


def programs() -> Path:
    """The folder of the built programs in the cache."""
    sources = [path for path in sorted((files() / "program").iterdir()) if path.suffix in {".go", ".mod", ".sum"}]
    key = _key(LINKER, platform.machine(), *(path.read_text() for path in sources))
    return folder() / f"programs-{key}"


def key() -> str:
    """One key over everything: the images in the engine and their archive carry it."""
    contents = [path for path in sorted(files().rglob("*")) if path.is_file()]
    return _key(
        KUBERNETES,
        platform.machine(),
        repr(ROOTS),
        LINKER,
        *(f"{path.relative_to(files())} {path.read_bytes().hex()}" for path in contents),
    )


def archive() -> Path:
    """The archive of the finished images in the cache."""
    return folder() / f"images-{key()}.tar.zst"


def _key(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]
