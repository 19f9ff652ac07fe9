"""Debian packages, without a trace in the system's apt configuration.

Docker comes from Debian 13 (trixie) also on Debian 12, whose own Docker is too old for engines without all
capabilities. Both releases stand in an apt configuration of our own, with trixie at a low priority: what is not asked
for from there comes from the system's release. The mirror is the one that the system uses.
"""

import os
import threading
import time
from pathlib import Path

from aicontainer import places
from aicontainer.commands import run
from aicontainer.errors import AicontainerError, MachineError
from aicontainer.events import Event, Listener

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
OLDER, NEWER = "bookworm", "trixie"
RELEASES = (OLDER, NEWER)
_fetching = threading.Lock()


def mirror() -> str:
    """The address of the Debian mirror that the system uses (or AICONTAINER_DEBIAN_MIRROR).

    Raises
    ------
    MachineError
        When the system's apt knows none.
    """
    given = os.environ.get("AICONTAINER_DEBIAN_MIRROR")
    if given:
        return given
    listed = run(["apt-get", "indextargets", "--format", "$(RELEASE) $(SITE)", "Created-By: Packages"], limit=30)
    sites = [site for release, _, site in (line.partition(" ") for line in listed.splitlines()) if release in RELEASES]
    if not sites:
        raise MachineError(
            "apt knows no Debian mirror",
            seen=f"apt-get indextargets lists none for {' or '.join(RELEASES)}",
            next_step="set AICONTAINER_DEBIAN_MIRROR to the address of one",
        )
    return sites[0]


def reason_against() -> str:
    """Why packages cannot be had: empty when they can."""
    if not KEYRING.exists():
        return "needs the package debian-archive-keyring"
    try:
        mirror()
    except AicontainerError as error:
        return error.what
    return ""


def missing(packages: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the packages (``name`` or ``name/release``) that are not installed."""
    listed = run(["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n"], limit=60)
    installed = {line.split()[0] for line in listed.splitlines() if line.endswith(" installed")}
    return tuple(package for package in packages if package.split("/")[0] not in installed)


def install(packages: tuple[str, ...], tell: Listener) -> None:
    """Install the missing ones of ``packages``; progress is counted in packages set up."""
    step = "Debian packages"
    wanted = missing(packages)
    if not wanted:
        tell(Event(step, "found"))
        return
    tell(Event(step, "started", ", ".join(wanted), estimate=40))
    log = places.logs() / "apt.log"
    options = _configured()

    def follow(line: str) -> None:
        if line.startswith(("Unpacking ", "Setting up ")):
            tell(Event(step, "progress", line.split(" (")[0]))

    with _note().open("a") as note:  # before, so that a half-done installation is known as well
        note.writelines(f"{package.split('/')[0]}\n" for package in wanted)
    quietly = {"DEBIAN_FRONTEND": "noninteractive"}
    run(["dpkg", "--configure", "-a"], limit=600, log=log, env=quietly)  # what an interrupted installation left
    run(
        # nothing of the system is removed for it: a Docker of another kind would be in the way, and must stay
        ["apt-get", *options, "install", "-y", "--no-install-recommends", "--no-remove", *wanted],
        limit=900,
        log=log,
        env=quietly,
        on_line=follow,
    )
    tell(Event(step, "made", ", ".join(wanted)))


def installed_by_us() -> tuple[str, ...]:
    """The packages that `install` has put onto this system since the cache was last removed."""
    return tuple(dict.fromkeys(_note().read_text().split())) if _note().exists() else ()


def _note() -> Path:
    return places.cache() / "packages" / "apt" / "installed"


def unpack(package: str, into: Path) -> None:
    """Download one package of the newer release and unpack it into a folder, without installing it."""
    into.mkdir(parents=True, exist_ok=True)
    with _fetching:
        run(["apt-get", *_configured(), "download", f"{package}/{NEWER}"], limit=300, cwd=into)
    archives = sorted(into.glob(f"{package}_*.deb"))
    run(["dpkg-deb", "-x", archives[-1], into], limit=60)
    for archive in archives:
        archive.unlink()


def _configured() -> list[str]:
    """Options that point apt at our own lists; refreshed when they are older than a day."""
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
    }
    options = [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]
    stamp = folder / "fresh"
    if not _is_recent(stamp):
        run(["apt-get", *options, "update"], limit=300, log=places.logs() / "apt.log")
        stamp.touch()
    return options


def _is_recent(stamp: Path) -> bool:
    return stamp.exists() and time.time() - stamp.stat().st_mtime < 24 * 3600
