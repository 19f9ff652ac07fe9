"""Debian's own lists of packages, kept in the user's cache: what is only unpacked here comes by way of them.

Both releases stand in them, with the newer at a low priority: what is not asked for from there comes from the older.
The mirror is the one that the system uses, or AICONTAINER_DEBIAN_MIRROR. Nothing of this needs root, nor a Debian: only
apt, and Debian's keys.
"""

import os
import threading
import time
from pathlib import Path

from aicontainer import places
from aicontainer.commands import run
from aicontainer.errors import AicontainerError, MachineError

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
OLDER, NEWER = "bookworm", "trixie"
RELEASES = (OLDER, NEWER)
MIRROR_VARIABLE = "AICONTAINER_DEBIAN_MIRROR"
_fetching = threading.Lock()


def mirror() -> str:
    """The address of the Debian mirror: AICONTAINER_DEBIAN_MIRROR, or the one that the system's apt uses.

    Raises
    ------
    MachineError
        When there is none: on Ubuntu apt knows only Ubuntu's.
    """
    given = os.environ.get(MIRROR_VARIABLE)
    if given:
        return given
    # a fresh system has not fetched its lists yet: then apt tells what stands in its configuration
    sites = _sites() or _sites("--no-release-info")
    if not sites:
        raise MachineError(
            "apt knows no Debian mirror",
            seen=f"apt-get indextargets lists none for {' or '.join(RELEASES)}",
            next_step=f"let {MIRROR_VARIABLE} be the address of a mirror of Debian, such as http://HOST/debian",
        )
    return sites[0]


def _sites(*words: str) -> list[str]:
    fields = ["--format", "$(RELEASE) $(SITE)", "Created-By: Packages"]
    listed = run(["apt-get", "indextargets", *words, *fields], limit=30)
    return [site for release, _, site in (line.partition(" ") for line in listed.splitlines()) if release in RELEASES]


def reason_against() -> str:
    """Why Debian's packages cannot be had: empty when they can."""
    try:
        mirror()
    except AicontainerError as error:
        return f"{error.what}: {error.next_step}"
    return ""


def unpack(package: str, into: Path) -> None:
    """Download one package of the newer release and unpack it into a folder, without installing it."""
    into.mkdir(parents=True, exist_ok=True)
    with _fetching:
        run(["apt-get", *options(), "download", f"{package}/{NEWER}"], limit=300, cwd=into)
    archives = sorted(into.glob(f"{package}_*.deb"))
    run(["dpkg-deb", "-x", archives[-1], into], limit=60)
    for archive in archives:
        archive.unlink()


def options() -> list[str]:
    """Options that point apt at these lists; they are refreshed when they are older than a day."""
    folder = places.cache() / "packages" / "apt"
    for part in ("sources", "preferences", "lists/partial", "archives/partial"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    (folder / "sources" / "debian.sources").write_text(
        f"Types: deb\nURIs: {mirror()}\nSuites: {OLDER} {NEWER}\nComponents: main\nSigned-By: {KEYRING}\n"
    )
    (folder / "preferences" / "newer").write_text(f"Package: *\nPin: release n={NEWER}\nPin-Priority: 50\n")
    settings = {
        "Dir::Etc::SourceList": "/dev/null",
        "Dir::Etc::SourceParts": folder / "sources",
        "Dir::Etc::PreferencesParts": folder / "preferences",
        "Dir::State::Lists": folder / "lists",
        "Dir::Cache": folder,
        "APT::Sandbox::User": "root",  # apt's own user may not read a cache below /root
        "DPkg::Lock::Timeout": 120,
        "APT::Update::Error-Mode": "any",  # else a mirror that is gone counts as a success
    }
    words = [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]
    stamp = folder / "fresh"
    if not _is_recent(stamp):
        run(["apt-get", *words, "update"], limit=300, log=places.logs() / "apt.log")
        stamp.touch()
    return words


def _is_recent(stamp: Path) -> bool:
    return stamp.exists() and time.time() - stamp.stat().st_mtime < 24 * 3600
