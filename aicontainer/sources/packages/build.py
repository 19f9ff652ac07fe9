"""Builds the program from Go modules and the roots from Debian packages, into the user's cache.

Everything is built beside its place and renamed when it is whole: what stands under its name can be trusted, and a
build that was interrupted goes on from the caches of Go and apt.
"""

import os
import re
import shutil
from pathlib import Path

from aicontainer import places
from aicontainer.commands import run
from aicontainer.errors import AicontainerError, MachineError
from aicontainer.events import Event, Listener
from aicontainer.sources.packages import fetching, privilege, recipe

GO_LINE = (1, 24)
GO_PACKAGES = ("golang-1.24-go", "golang-1.24-src")
GO_IN_PACKAGES = Path("usr/lib/go-1.24/bin/go")
MINUTES_LIMIT = 60 * 60
MOUNTS = Path("/proc/self/mountinfo")
DOCUMENTATION = ("/usr/share/man/*", "/usr/share/doc/*", "/usr/share/locale/*")


def _go() -> Path:
    """A Go that can build the module: the one on PATH when it is new enough, else Debian's, unpacked into the cache."""
    found = shutil.which("go")
    if found and _go_line(found) >= GO_LINE:
        return Path(found)
    folder = recipe.folder() / "golang"
    if not folder.exists():
        beside = folder.with_name("golang.partial")
        for package in GO_PACKAGES:
            fetching.unpack(package, beside)
        beside.replace(folder)
    return folder / GO_IN_PACKAGES


def _go_line(go: str) -> tuple[int, int]:
    try:
        version = re.search(r"go(\d+)\.(\d+)", run([go, "version"], limit=30))
    except AicontainerError:
        version = None
    return (int(version[1]), int(version[2])) if version else (0, 0)


def programs(tell: Listener) -> None:
    """Build the one Kubernetes program and the volume provisioner; a count of packages shows how far it is."""
    step = "Kubernetes from Go modules"
    target = recipe.programs()
    if target.exists():
        tell(Event(step, "found"))
        return
    go = str(_go())
    tell(Event(step, "started", "downloading modules", estimate=600))
    log = places.logs() / "go.log"
    module = recipe.files() / "program"
    environment = _go_environment()
    run([go, "mod", "download"], limit=1800, cwd=module, env=environment, log=log)
    packages = {"program": ".", "local-path-provisioner": "github.com/rancher/local-path-provisioner"}
    listed: set[str] = set()
    for package in packages.values():  # one at a time: together, two of their imports differ in case only
        run([go, "list", "-deps", package], limit=300, cwd=module, env=environment, on_line=listed.add)
    total = len(listed)
    beside = target.with_name(target.name + ".partial")
    beside.mkdir(parents=True, exist_ok=True)
    done = 0

    def follow(line: str) -> None:
        nonlocal done
        done += 1
        if done % 20 == 0:
            tell(Event(step, "progress", f"{done} of {total} packages", fraction=min(1.0, done / total)))

    # the linker drops debug information: not making it in the first place saves a quarter of the time
    flags = ["build", "-v", "-trimpath", "-buildvcs=false", "-gcflags=all=-dwarf=false", "-ldflags", recipe.LINKER]
    for output, package in packages.items():
        run(
            [go, *flags, "-o", beside / output, package],
            limit=MINUTES_LIMIT,
            cwd=module,
            env=environment,
            log=log,
            on_line=follow,
            gently=True,
        )
    beside.replace(target)
    tell(Event(step, "made", f"{total} packages"))


def _go_environment() -> dict[str, str]:
    caches = recipe.folder() / "go"
    return {
        "GOMODCACHE": str(caches / "modules"),
        "GOCACHE": str(caches / "build"),
        "GOTMPDIR": str(_scratch()),
        "GOTOOLCHAIN": "local",
        "GOFLAGS": "-mod=readonly",
        "CGO_ENABLED": "0",
    }


def roots(tell: Listener) -> None:
    """Assemble the root file systems, one after the other."""
    for root in recipe.ROOTS:
        step = f"Debian root for {root.name}"
        if root.archive.exists():
            tell(Event(step, "found"))
            continue
        tell(Event(step, "started", estimate=60))
        root.archive.parent.mkdir(parents=True, exist_ok=True)
        # the name must end in .tar, by which mmdebstrap knows what to make
        beside = root.archive.with_name(f"partial-{root.archive.name}")
        beside.unlink(missing_ok=True)

        def follow(line: str, step: str = step) -> None:
            if line.startswith("I: "):
                tell(Event(step, "progress", line[3:].rstrip(".")))

        privilege.run(
            [
                *("unshare", "--mount", "mmdebstrap"),  # so that its mounts end with it, however it ends
                f"--variant={root.variant}",
                *(f"--dpkgopt=path-exclude={pattern}" for pattern in DOCUMENTATION),
                *(f"--customize-hook={hook}" for hook in root.hooks),
                f"--include={','.join(root.packages)}",
                root.release,
                beside,
                fetching.mirror(),
            ],
            limit=MINUTES_LIMIT,
            env={"TMPDIR": str(_scratch())},
            log=places.logs() / f"root-{root.name}.log",
            on_line=follow,
            gently=True,
        )
        beside.replace(root.archive)
        tell(Event(step, "made"))


def _scratch() -> Path:
    """Where Go and mmdebstrap unpack: below the cache, so that what an interrupted one leaves behind goes with it."""
    folder = recipe.folder() / "scratch"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def link_programs() -> None:
    """Give the built program the names under which this machine uses it."""
    for name in recipe.NAMES:
        link = recipe.programs() / name
        if not link.is_symlink():
            link.symlink_to("program")


def remove_leftovers() -> None:
    """Remove what building leaves behind: gigabytes of Go's caches, the roots, and older builds."""
    remove_go_caches()
    keep = {recipe.programs(), recipe.archive(), recipe.folder() / "apt"}
    for path in recipe.folder().iterdir():
        if path not in keep:
            remove(path)


def remove(path: Path) -> None:
    """Remove a file or a folder of the cache, unless something is mounted in it.

    Raises
    ------
    MachineError
        When something is: removing it would remove what is mounted.
    """
    mounts = [line.split()[4] for line in MOUNTS.read_text().splitlines()]
    inside = [mount for mount in mounts if Path(mount).is_relative_to(path)]
    if inside:
        raise MachineError(
            f"{path.name} is not removed: something is mounted in it",
            seen=", ".join(inside),
            next_step=f"umount {' '.join(reversed(inside))}",
        )
    try:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    except PermissionError:  # an interrupted mmdebstrap leaves files of root's behind
        privilege.run(["rm", "-rf", "--", path], limit=300)


def remove_go_caches() -> None:
    """Remove Go's caches; its modules are read-only, so that only Go itself removes them easily."""
    caches = recipe.folder() / "go"
    if not caches.exists():
        return
    for directory, _, _ in os.walk(caches / "modules"):
        Path(directory).chmod(0o700)
    remove(caches)
