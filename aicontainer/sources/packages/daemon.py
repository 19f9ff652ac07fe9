"""A Docker Engine that answers: found, mended after a crash, or started.

Where systemd runs, it starts the engine. Elsewhere (a container, a bare virtual machine) dockerd is started here and
its process id noted in the cache, so that ``down --all`` ends this one and no other.
"""

import getpass
import os
import shutil
import signal
import subprocess
import threading
from pathlib import Path

from aicontainer import places
from aicontainer.commands import run
from aicontainer.errors import AicontainerError, EngineForbidden, EngineUnavailable
from aicontainer.events import Event, Listener
from aicontainer.package import engine as docker_engine
from aicontainer.sources.packages import privilege, system
from aicontainer.waiting import Seen, failed, pending, ready, wait

STEP = "Docker Engine"
SOCKET = Path("/var/run/docker.sock")
PID_FILES = (Path("/var/run/docker.pid"), Path("/var/run/docker/containerd/containerd.pid"))


def packages() -> tuple[str, ...]:
    """The packages that the engine needs here: none where one is installed already, buildx included."""
    found = system.here()
    if found is None:
        return ()
    is_installed = shutil.which("dockerd") is not None or answers()  # it may be stopped: then it is started
    parts = (
        (is_installed, found.engine),
        (shutil.which("docker") is not None, found.client),
        (_has_buildx(), found.buildx),
    )
    return tuple(dict.fromkeys(package for is_there, packages in parts if not is_there for package in packages))


def keyring() -> tuple[str, ...]:
    """The package with Debian's keys, where it is no part of the system."""
    found = system.here()
    return found.keyring if found else ()


def _has_buildx() -> bool:
    try:
        return bool(run(["docker", "buildx", "version"], limit=30, env=docker_engine.buildx_environment()))
    except AicontainerError:
        return False


def answers() -> bool:
    """Whether an engine answers where docker would look for it."""
    try:
        docker_engine.connect().close()
    except EngineUnavailable:
        return False
    return True


def ensure(tell: Listener) -> None:
    """See to it that the engine answers.

    Raises
    ------
    TimedOut, Failed
        With the last words of its log.
    """
    if answers():
        tell(Event(STEP, "found"))
        return
    _require_access()
    tell(Event(STEP, "started", estimate=8))
    wait("the engine that runs to answer or to end", _look_at_running, limit=60, next_step="docker info tells more")
    if answers():
        tell(Event(STEP, "found"))
        return
    mended = _remove_stale_pid_files()
    if Path("/run/systemd/system").is_dir():
        privilege.run(["systemctl", "start", "docker"], limit=120)
        _await()
    elif os.geteuid() != 0:
        privilege.run(["service", "docker", "start"], limit=120)  # WSL and containers without systemd
        _await()
    else:
        _start()
    tell(Event(STEP, "mended" if mended else "made"))


def _await() -> None:
    wait("Docker Engine to open its socket", lambda: ready() if SOCKET.exists() else pending("not yet"), limit=60)
    _require_access()
    wait("Docker Engine to answer", _look, limit=60)


def _require_access() -> None:
    """An engine that was just installed answers to root and to its group: to join that is for the user to decide."""
    if "DOCKER_HOST" in os.environ or not SOCKET.exists() or os.access(SOCKET, os.R_OK | os.W_OK):
        return
    raise EngineForbidden(
        "Docker is there, and this user may not talk to it yet",
        seen=f"no right to write to {SOCKET}",
        next_step=f"sudo usermod -aG docker {getpass.getuser()}, then log in again (or newgrp docker), "
        "then run the same command again",
    )


def _look() -> Seen:
    return ready() if answers() else pending("it does not answer yet")


def _look_at_running() -> Seen:
    """An engine that was just started does not answer yet, one that was told to end still holds its pid file."""
    if answers() or not _is_engine(PID_FILES[0]):
        return ready()
    return pending("it runs and does not answer")


def _start() -> None:
    log = _log()
    log.parent.mkdir(parents=True, exist_ok=True)
    program = shutil.which("dockerd") or "/usr/sbin/dockerd"
    with log.open("ab") as record:
        process = subprocess.Popen(
            [program], stdin=subprocess.DEVNULL, stdout=record, stderr=record, start_new_session=True
        )

    _note().write_text(str(process.pid))
    # look after it, so that an engine that dies while this process lives does not stay as a zombie with its number
    threading.Thread(target=process.wait, daemon=True).start()

    def look() -> Seen:
        if process.poll() is not None:
            return failed(f"dockerd ended with {process.returncode}: {_end_of(log)}")
        return _look()

    wait("Docker Engine to answer", look, limit=90, next_step=f"read its log: {log}")


def _log() -> Path:
    return places.cache() / "dockerd.log"


def _note() -> Path:
    return places.cache() / "dockerd.pid"


def _end_of(log: Path) -> str:
    return log.read_text(errors="replace")[-400:]


def _remove_stale_pid_files() -> bool:
    """A killed engine leaves its process id behind; when another process has it now, dockerd would refuse to start."""
    stale = [file for file in PID_FILES if file.exists() and not _is_engine(file)]
    for file in stale:
        privilege.run(["rm", "-f", file], limit=30)
    return bool(stale)


def _is_engine(pid_file: Path) -> bool:
    try:
        pid = pid_file.read_text().strip()
    except FileNotFoundError:  # there is none, or the engine has just ended and taken it along
        return False
    return _name_of(pid) in {"dockerd", "containerd"}


def _name_of(pid: str) -> str:
    """The name of a process that runs; empty when there is none, or only what is left until its parent looks."""
    if not pid.isdigit():
        return ""
    try:
        name, _, rest = Path("/proc", pid, "stat").read_text().partition("(")[2].rpartition(")")
    except OSError:
        return ""
    return "" if rest.split()[0] in ("Z", "X") else name


def is_ours() -> bool:
    """Whether the engine that runs was started here."""
    return _note().exists() and _name_of(_note().read_text().strip()) == "dockerd"


def stop_ours(tell: Listener) -> bool:
    """End the engine that was started here, unless it holds something of anybody else; whether none of ours is left."""
    if is_ours():
        pid = _note().read_text().strip()
        if answers() and holds_others():
            tell(Event(STEP, "found", "stays: it holds containers or images that are not the course's"))
            return False
        os.kill(int(pid), signal.SIGTERM)
        wait("Docker Engine to end", lambda: pending("it still runs") if _name_of(pid) else ready(), limit=60)
        tell(Event(STEP, "made", "ended"))
    _note().unlink(missing_ok=True)
    return True


def kept_while_running() -> tuple[Path, ...]:
    """What of the cache belongs to an engine that was started here and goes on."""
    return _note(), _log()


def holds_others() -> bool:
    """Whether the engine holds containers or images; asked after the course's own are removed, they are others'."""
    with docker_engine.engine() as client:
        return bool(client.containers.list(all=True) or client.images.list())
