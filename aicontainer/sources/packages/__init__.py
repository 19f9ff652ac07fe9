"""The packages source: every image assembled from Debian packages and Go modules, no image registry at all.

system.py     which systems it installs on, and what Docker's packages are called there
privilege.py  what needs root: as it is, or by way of sudo
apt.py        packages installed on this machine
fetching.py   Debian's packages, unpacked into a folder
daemon.py     a Docker Engine that answers
recipe.py     what is built from what; a change in a recipe gives another key, so nothing stale is ever used
build.py      the program (Go) and the roots (mmdebstrap), side by side, in the user's cache
images.py     from them the images; kept as one archive for the next time
"""

import shutil
from concurrent.futures import ThreadPoolExecutor, as_completed
from concurrent.futures import wait as wait_for

from aicontainer.commands import end_all
from aicontainer.events import Event, Listener
from aicontainer.sources.base import Plan, Supply
from aicontainer.sources.packages import apt, build, daemon, fetching, images, privilege, recipe, system

GIGABYTES_KEPT = 2.5
GIGABYTES_WHILE_BUILDING = 10.0


class Packages:
    """Engine, programs and images from package registries alone, on Debian and Ubuntu, as root or with sudo."""

    name = "packages"

    def reason_against(self) -> str:
        """Why it cannot be used: another system, nobody who can become root, or no Debian mirror."""
        if self.is_complete():
            return ""
        if not shutil.which("apt-get"):
            return f"{system.reason_against() or 'needs apt-get'}"
        # with an engine, and what was built before, nothing has to be installed: then any system with apt will do
        needed = apt.missing(self._needed())
        if needed and (reason := system.reason_against()):
            return reason
        if self._needs_root():
            return privilege.reason_against() or ("" if self.is_built() else fetching.reason_against())
        return ""

    def is_complete(self) -> bool:
        """Whether engine, programs and images are all there: then nothing has to be done."""
        return recipe.programs().exists() and daemon.answers() and images.are_loaded()

    def is_built(self) -> bool:
        """Whether programs and images of this very recipe are in the cache."""
        return recipe.archive().exists() and recipe.programs().exists()

    def plan(self) -> Plan:
        """What is missing here, with the time measured on two cores."""
        missing = apt.missing(self._needed())
        if not missing and self.is_complete():
            return Plan((), minutes=0, gigabytes_while_building=0, gigabytes_kept=0)
        return Plan(
            installs=tuple(name.split("/")[0] for name in missing),
            minutes=(0.5 if missing else 0.0) + (1.0 if self.is_built() else 12.0),
            gigabytes_while_building=GIGABYTES_KEPT if self.is_built() else GIGABYTES_WHILE_BUILDING,
            gigabytes_kept=GIGABYTES_KEPT,
        )

    def engine(self, tell: Listener) -> None:
        """Install what is missing, then see to it that the engine answers."""
        if self._needs_root():
            privilege.ask()  # before any step is shown: a display that is redrawn would hide sudo's question
        apt.install(self._needed(), tell)
        daemon.ensure(tell)

    def supply(self, tell: Listener) -> Supply:
        """Build or load programs and images."""
        if images.are_loaded():
            tell(Event("images", "found"))
        elif self.is_built():
            images.load(tell)
        else:
            self._build(tell)
        build.link_programs()
        return Supply(
            kind=recipe.programs() / "kind",
            kubectl=recipe.programs() / "kubectl",
            node_image=images.NODE,
            base_image=images.BASE,
            registry_image=images.REGISTRY,
            prometheus_image=images.PROMETHEUS,
            alertmanager_image=images.ALERTMANAGER,
        )

    def tidy(self, tell: Listener) -> None:
        """Keep the images for the next time, and remove what only building needed."""
        if not recipe.archive().exists():
            images.keep(tell)
            build.remove_leftovers()

    def _build(self, tell: Listener) -> None:
        # Go needs the processor, Debian's part mostly waits for the mirror: side by side they take no longer than Go
        with ThreadPoolExecutor(2) as pool:
            parts = [pool.submit(build.programs, tell), pool.submit(self._build_from_debian, tell)]
            try:
                for part in as_completed(parts):
                    part.result()
            except BaseException:
                # one has failed or the user interrupts: the other must not go on unseen, nor begin its next program
                while wait_for(parts, timeout=0.2).not_done:
                    end_all()
                raise
        images.assemble(tell)

    def _build_from_debian(self, tell: Listener) -> None:
        build.roots(tell)
        images.assemble_from_debian(tell)

    def _needs_root(self) -> bool:
        return bool(apt.missing(self._needed())) or not daemon.answers() or not self.is_built()

    def _needed(self) -> tuple[str, ...]:
        always = ("zstd", *daemon.packages())
        done = self.is_built() or (daemon.answers() and images.are_loaded())
        return always if done else (*always, "mmdebstrap", *daemon.keyring())


def remove_cache(tell: Listener) -> None:
    """Remove what this source keeps in the user's cache, and say which Debian packages stay on the system."""
    installed = apt.installed_by_us()
    build.remove_go_caches()
    if recipe.folder().exists():
        build.remove(recipe.folder())
    if installed:
        # the system may have begun to rely on them: removing them is for the one who knows that
        command = privilege.command(f"apt-get purge {' '.join(installed)}")
        tell(Event("Debian packages", "found", f"stay on the system; to remove them: {command}"))
