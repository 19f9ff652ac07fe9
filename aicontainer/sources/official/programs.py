"""kind and kubectl, downloaded into the user's cache: pinned, checksummed, whole or not at all, under one limit."""

import hashlib
import time
from pathlib import Path

import httpx

from aicontainer import places
from aicontainer.errors import MachineError
from aicontainer.events import Event, Listener
from aicontainer.sources.official.pins import Program

LIMIT_SECONDS = 20 * 60.0
SILENT_SECONDS = 60.0
LOOK_SECONDS = 15.0
CHUNK = 1 << 16


def folder() -> Path:
    """Where downloaded programs lie; each in a folder that is named after its content."""
    return places.cache() / "official" / "programs"


def place(program: Program) -> Path:
    """Where this very program lies, or would lie."""
    return folder() / f"{program.name}-{program.version}-{program.sha256[:12]}" / program.name


def reason_against(program: Program) -> str:
    """Why it cannot be downloaded here; empty when its address gives something of a program's size."""
    try:
        answer = httpx.head(program.address, follow_redirects=True, timeout=LOOK_SECONDS)
    except httpx.HTTPError as error:
        return f"{program.name} cannot be downloaded from {program.address}: {_words(error)}"
    size = int(answer.headers.get("Content-Length") or 0)
    if answer.status_code != httpx.codes.OK or "text/html" in answer.headers.get("Content-Type", ""):
        return f"{program.name} cannot be downloaded from {program.address}: HTTP {answer.status_code}, {size} bytes"
    return ""


def ensure(program: Program, tell: Listener, *, limit: float = LIMIT_SECONDS, silent: float = SILENT_SECONDS) -> Path:
    """The program in the cache, downloaded when it is not there yet. ``limit`` and ``silent`` are in seconds.

    An interrupted download goes on where it stopped, if the server can do that, else it begins anew.

    Raises
    ------
    MachineError
        When it cannot be had, takes too long, or has another checksum than the pinned one.
    """
    target, step = place(program), f"{program.name} {program.version}"
    if target.exists():
        tell(Event(step, "found"))
        return target
    tell(Event(step, "started", program.address, estimate=20))
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f"{target.name}.partial")
    try:
        _download(program, beside, tell, time.monotonic() + limit, silent)
    except (httpx.HTTPError, _TooSlow) as error:
        raise _error(program, f"could not download {step}", _words(error)) from error
    found = _sha256(beside)
    if found != program.sha256:
        beside.unlink()
        raise _error(
            program, f"what was downloaded as {step} is not what is pinned, and is removed", f"SHA-256 {found}"
        )
    beside.chmod(0o755)
    beside.replace(target)
    tell(Event(step, "made"))
    return target


class _TooSlow(Exception):
    pass


def _download(program: Program, beside: Path, tell: Listener, until: float, silent: float) -> None:
    had = beside.stat().st_size if beside.exists() else 0
    headers = {"Range": f"bytes={had}-"} if had else {}
    with httpx.stream("GET", program.address, headers=headers, follow_redirects=True, timeout=silent) as answer:
        if answer.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            return  # it is all there; the checksum tells whether it is right
        answer.raise_for_status()
        goes_on = answer.status_code == httpx.codes.PARTIAL_CONTENT
        had = had if goes_on else 0
        total = had + int(answer.headers.get("Content-Length") or 0)
        with beside.open("ab" if goes_on else "wb") as file:
            for chunk in answer.iter_bytes(CHUNK):
                file.write(chunk)
                had += len(chunk)
                _tell(program, tell, had, total)
                if time.monotonic() > until:
                    raise _TooSlow(f"{had / 1e6:.0f} of {total / 1e6:.0f} MB when the limit passed")


def _tell(program: Program, tell: Listener, had: int, total: int) -> None:
    if had // CHUNK % 16 == 0:  # once a MB
        text = f"{had / 1e6:.0f} of {total / 1e6:.0f} MB"
        tell(Event(f"{program.name} {program.version}", "progress", text, fraction=had / total if total else None))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__


def _error(program: Program, what: str, seen: str) -> MachineError:
    return MachineError(
        what,
        seen=f"{program.address}: {seen}",
        next_step=f"run the same command again, or install {program.name} yourself so that it is on PATH",
    )
