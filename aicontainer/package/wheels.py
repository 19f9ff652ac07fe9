"""The Python packages of the server, resolved outside the image: the build itself then needs no network.

pip on the learner's machine already knows how to reach a package index (proxy, company certificate, mirror). It
downloads the wheels for the image's Python and processor once; they are kept in the user's cache, and each build gets
the same files with their checksums written down.
"""

import hashlib
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

from aicontainer import commands, places
from aicontainer.errors import CommandError, InputError, MachineError, TimedOut
from aicontainer.events import Event, Listener, silent

PYTHON = "3.13"
SERVER_PACKAGES = ("httptools", "msgspec", "prometheus-client", "uvloop")
# not read from this environment, which may lack it: it has no wheels for Python 3.14
SIMDJSON = "pysimdjson==7.0.2"
LIMIT_SECONDS = 600
STEP = "wheels"

# what an image's libc (Debian 13: glibc 2.41) can load; numpy's wheels need 2.27 or 2.28, the others less
_PLATFORMS = ("manylinux2014", "manylinux_2_17", "manylinux_2_24", "manylinux_2_27", "manylinux_2_28")


def requirements(numpy: str) -> tuple[str, ...]:
    """The server's packages, pinned to the versions of this environment, and numpy as the model file names it.

    The same numpy version adds in the same order: the score in the image has the bits of the score in the notebook.
    """
    pinned = [f"{name}=={version(name)}" for name in SERVER_PACKAGES]
    return tuple(sorted([*pinned, SIMDJSON, f"numpy=={numpy}"]))


def machine() -> str:
    """The processor's name in wheel file names.

    Raises
    ------
    MachineError
        When numpy and uvloop offer no wheels for it.
    """
    names = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "aarch64", "arm64": "aarch64"}
    found = platform.machine().lower()
    if found not in names:
        raise MachineError("there are no ready-made packages for this processor", seen=found)
    return names[found]


def resolve(requirements: Iterable[str], *, python: str = PYTHON, tell: Listener = silent) -> Path:
    """A folder with the wheels of ``requirements`` and all that they need, for Linux and the image's Python.

    Downloaded once into the cache (beside, then renamed) and found there afterwards.

    Raises
    ------
    MachineError
        When pip cannot get them: with its last words and its log.
    """
    wanted = sorted(requirements)
    folder = places.cache() / "wheels" / _key(wanted, python)
    if folder.is_dir():
        tell(Event(STEP, "found", f"{len(list(folder.glob('*.whl')))} packages for Python {python}"))
        return folder
    tell(Event(STEP, "started", f"downloading {', '.join(wanted)} for Python {python}", estimate=15))
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".half-"))
    try:
        _download(wanted, python, beside, tell)
        _rename(beside, folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    tell(Event(STEP, "made", f"{len(list(folder.glob('*.whl')))} packages for Python {python}"))
    return folder


def pinned(folder: Path) -> str:
    """A requirements file that names each wheel of a folder by version and checksum, in alphabetical order.

    Raises
    ------
    InputError
        When the folder holds no wheels.
    """
    lines = []
    for wheel in sorted(folder.glob("*.whl"), key=lambda path: path.name.lower()):
        name, number = wheel.name.split("-")[:2]
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        lines.append(f"{_normal(name)}=={number} --hash=sha256:{digest}\n")
    if not lines:
        raise InputError("there are no wheels to install", seen=str(folder))
    return "".join(lines)


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _key(wanted: list[str], python: str) -> str:
    text = "\n".join([*wanted, python, machine(), *_PLATFORMS])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _download(wanted: list[str], python: str, into: Path, tell: Listener) -> None:
    log = places.logs() / "wheels.log"
    platforms = [word for name in _PLATFORMS for word in ("--platform", f"{name}_{machine()}")]
    argv: list[str | Path] = [
        *(sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--no-input"),
        *("--only-binary=:all:", "--implementation", "cp", "--python-version", python),
        *platforms,
        "--dest",
        into,
        *wanted,
    ]
    try:
        commands.run(argv, limit=LIMIT_SECONDS, log=log, on_line=lambda line: _say(line, tell))
    except (CommandError, TimedOut) as error:
        raise MachineError(
            f"the packages of the server could not be downloaded: {', '.join(wanted)}",
            seen=error.seen,
            next_step=f"check with: {sys.executable} -m pip download numpy; the log is {log}",
        ) from error


def _say(line: str, tell: Listener) -> None:
    if line.startswith(("Collecting ", "Downloading ", "  Downloading ")):
        tell(Event(STEP, "progress", line.strip()))


def _rename(beside: Path, folder: Path) -> None:
    beside.chmod(0o755)
    try:
        beside.rename(folder)
    except OSError:
        if not folder.is_dir():  # otherwise another process was faster, with the same content
            raise
