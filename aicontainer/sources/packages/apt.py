"""Packages installed on the system, without a trace in its apt configuration.

On Debian 12 Docker comes from Debian 13, by way of the course's own lists of packages (see fetching.py); Debian 13 and
Ubuntu use their own lists. What needs root goes by way of privilege.py.
"""

from pathlib import Path

from aicontainer import places
from aicontainer.commands import run
from aicontainer.errors import AicontainerError
from aicontainer.events import Event, Listener
from aicontainer.sources.packages import fetching, privilege, system

OLDER, NEWER = fetching.OLDER, fetching.NEWER
STEP = "Debian packages"
QUIETLY = {"DEBIAN_FRONTEND": "noninteractive"}
LIMIT_SECONDS = 900


def missing(packages: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the packages (``name`` or ``name/release``) that are not installed."""
    listed = run(["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n"], limit=60)
    installed = {line.split()[0] for line in listed.splitlines() if line.endswith(" installed")}
    return tuple(package for package in packages if package.split("/")[0] not in installed)


def install(packages: tuple[str, ...], tell: Listener) -> None:
    """Install the missing ones of ``packages``; progress is counted in packages set up."""
    wanted = missing(packages)
    if not wanted:
        tell(Event(STEP, "found"))
        return
    tell(Event(STEP, "started", ", ".join(wanted), estimate=40))
    log = places.logs() / "apt.log"
    options = _options(wanted, log)

    def follow(line: str) -> None:
        if line.startswith(("Unpacking ", "Setting up ")):
            tell(Event(STEP, "progress", line.split(" (")[0]))

    _note().parent.mkdir(parents=True, exist_ok=True)
    with _note().open("a") as note:  # before, so that a half-done installation is known as well
        note.writelines(f"{package.split('/')[0]}\n" for package in wanted)
    # what an interrupted installation left
    privilege.run(["dpkg", "--configure", "-a"], limit=600, log=log, env=QUIETLY)
    privilege.run(
        # nothing of the system is removed for it: a Docker of another kind would be in the way, and must stay
        ["apt-get", *options, "install", "-y", "--no-install-recommends", "--no-remove", *wanted],
        limit=LIMIT_SECONDS,
        log=log,
        env=QUIETLY,
        on_line=follow,
    )
    tell(Event(STEP, "made", ", ".join(wanted)))


def _options(wanted: tuple[str, ...], log: Path) -> list[str]:
    found = system.here()
    if found is not None and found.own_lists:
        return fetching.options()
    if not _are_listed(wanted):  # a fresh system has no lists yet
        privilege.run(["apt-get", "update"], limit=300, log=log)
    return ["-o", "DPkg::Lock::Timeout=120"]


def _are_listed(wanted: tuple[str, ...]) -> bool:
    try:
        run(["apt-cache", "show", "--no-all-versions", *wanted], limit=60)
    except AicontainerError:
        return False
    return True


def installed_by_us() -> tuple[str, ...]:
    """The packages that `install` has put onto this system since the cache was last removed."""
    return tuple(dict.fromkeys(_note().read_text().split())) if _note().exists() else ()


def _note() -> Path:
    return places.cache() / "packages" / "apt" / "installed"
