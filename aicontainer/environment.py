"""Brings the machine to the state that the course needs, and back: what ``aicontainer up`` and ``down`` do.

Every step is *ensure*: it looks at what is there, does what is missing or mends what is dead, and tells which it was.
Two processes at once do not trip over each other: a file lock, which a crash does not leave behind.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from aicontainer import places
from aicontainer.deploy import cluster as kind_cluster
from aicontainer.errors import (
    AicontainerError,
    CommandError,
    EngineError,
    EngineForbidden,
    EngineUnavailable,
    InputError,
    SourceLost,
)
from aicontainer.events import Event, Listener, silent
from aicontainer.package import engine as docker_engine
from aicontainer.sources.base import Supply
from aicontainer.sources.choose import Choice, choose
from aicontainer.sources.official import images as official_images
from aicontainer.sources.packages import daemon, remove_cache
from aicontainer.waiting import Seen, pending, ready, wait

LOCK_LIMIT = 45 * 60
NEEDS = ("none", "engine", "cluster")
# the words of apt, mmdebstrap, go, pip, curl and Docker for an address that does not answer
LOST = (
    "failed to fetch",
    "could not connect",
    "connection refused",
    "connection reset",
    "connection timed out",
    "failed to connect",
    "i/o timeout",
    "network is unreachable",
    "no such host",
    "could not resolve",
    "temporary failure resolving",
    "tls handshake timeout",
)


@dataclass(frozen=True)
class Status:
    """What of the course is on this machine now; ``cache_bytes`` is the size of what was built and kept."""

    engine: str
    cluster: str
    registry: str
    images: tuple[str, ...]
    containers: tuple[str, ...]
    cache_bytes: int

    def __str__(self) -> str:
        return "\n".join(
            (
                f"engine      {self.engine}",
                f"cluster     {self.cluster}",
                f"registry    {self.registry}",
                f"kubeconfig  {kind_cluster.kubeconfig()}",
                f"images      {', '.join(self.images) or 'none'}",
                f"containers  {', '.join(self.containers) or 'none'}",
                f"cache       {self.cache_bytes / 1e6:.0f} MB in {places.cache()}",
            )
        )


def up(tell: Listener = silent) -> None:
    """See to it that engine, images, registry and cluster are there.

    Raises
    ------
    SourceUnavailable
        When nothing on this machine can give images.
    AicontainerError
        When a step fails: with its cause, its log file and what to do.
    """
    ensure("cluster", tell)


def ensure(need: str, tell: Listener = silent) -> Supply | None:
    """See to it that what a notebook needs is there: ``none``, ``engine`` (with the base image) or ``cluster``.

    Returns what the source of images has put in place; None where nothing is needed.

    Raises
    ------
    EngineForbidden
        When an engine runs and this user may not use it.
    SourceUnavailable
        When there is no source of images; the kind `SourceLost` when it went away while it was used.
    AicontainerError
        When a step fails.
    """
    if need not in NEEDS:
        raise InputError(f"a notebook can need {', '.join(NEEDS)}", seen=need)
    if need == "none":
        return None
    with _only_one(tell):
        _insist_on_permission()
        choice = choose()
        _announce(choice, tell)
        with _losing(choice):
            choice.source.engine(tell)
            supply = choice.source.supply(tell)
        if need == "cluster":
            kind_cluster.ensure(supply, tell)
        choice.source.tidy(tell)
    return supply


def _insist_on_permission() -> None:
    """Where an engine runs that this user may not use, no source of images helps: say just that."""
    try:
        docker_engine.connect().close()
    except EngineForbidden:
        raise
    except EngineUnavailable:
        return  # the source starts one


@contextmanager
def _losing(choice: Choice) -> Iterator[None]:
    """Tell a source that stops answering from a step that fails."""
    try:
        yield
    except (CommandError, EngineError) as error:
        words = [line for line in error.seen.splitlines() if any(lost in line.lower() for lost in LOST)]
        if not words:
            raise
        raise SourceLost(
            f"the images' source ({choice.source.name}) does not answer any more",
            seen=words[-1],
            next_step="see that the network is there, then aicontainer up: it goes on from here",
        ) from error


def _announce(choice: Choice, tell: Listener) -> None:
    """Say where the images come from and why, and what will be done to this machine, before anything is done."""
    plan = choice.source.plan()
    reasons = [f"not {name}: {reason}" for name, reason in choice.passed_over]
    tell(Event("source of images", "found", "; ".join((choice.source.name, *reasons))))
    if plan.minutes:
        installs = f"{', '.join(plan.installs)} will be installed; " if plan.installs else ""
        tell(
            Event(
                "what will be done",
                "found",
                f"{installs}about {plan.minutes:.0f} min, {plan.gigabytes_while_building:.0f} GB of disk meanwhile, "
                f"{plan.gigabytes_kept:.1f} GB to stay (aicontainer down --all removes them)",
            )
        )


def down(tell: Listener = silent) -> None:
    """Remove cluster, registry and network, and every container of ours; images and cache stay for the next time."""
    with _only_one(tell):
        _remove_cluster(tell)


def clear(tell: Listener = silent) -> None:
    """Remove everything: what `down` does, then our images, the cache, and the engine if it was started here.

    Raises
    ------
    MachineError
        When something is mounted in the cache.
    """
    with _only_one(tell):
        _remove_cluster(tell)
        with suppress(EngineUnavailable), docker_engine.engine() as client:
            official_images.remove(client, tell)
            docker_engine.remove_images(client, tell)
            if daemon.is_ours() and not daemon.holds_others():
                client.api.prune_builds()  # in an engine that the user uses too, the build cache is the user's
        kept = () if daemon.stop_ours(tell) else daemon.kept_while_running()
        remove_cache(tell)
        for path in places.cache().iterdir():
            if path not in (_lock(), *kept):  # another process may wait for the lock: its file has to stay
                shutil.rmtree(path) if path.is_dir() else path.unlink()
    tell(Event("cache", "made", "removed"))


def _remove_cluster(tell: Listener) -> None:
    try:
        kind_cluster.remove(tell)
    except EngineUnavailable as error:
        tell(Event("cluster", "found", f"{error.what}: what it may hold could not be removed"))


def status() -> Status:
    """What is there, asked of Docker and of the disk; what cannot be asked is told in its place."""
    size = _size(places.cache())
    try:
        with docker_engine.engine() as client:
            version = client.version()["Version"]
            images = tuple(sorted(tag for image in docker_engine.images(client) for tag in image.tags))
            on_network = client.containers.list(all=True, filters={"network": kind_cluster.NETWORK})
            names = {container.name for container in (*docker_engine.containers(client), *on_network)}
    except AicontainerError as error:
        return Status(error.what, "none", "none", (), (), size)
    try:
        found = kind_cluster.find()
    except AicontainerError as error:
        return Status(version, error.what, "none", images, tuple(sorted(names)), size)
    return Status(version, found.name, found.registry, images, tuple(sorted(names)), size)


def _size(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with suppress(OSError):  # another process may remove it meanwhile
            total += path.lstat().st_size
    return total


def _lock() -> Path:
    return places.cache() / "up.lock"


@contextmanager
def _only_one(tell: Listener) -> Iterator[None]:
    """Holds the lock of this machine's set-up; another process that holds it is awaited, by its process id."""
    places.cache().mkdir(parents=True, exist_ok=True)
    lock = FileLock(_lock(), timeout=0)
    note = _lock().with_suffix(".owner")

    def look() -> Seen:
        try:
            lock.acquire()
        except Timeout:
            owner = note.read_text() if note.exists() else "unknown"
            return pending(f"process {owner} is at it")
        return ready()

    step = "wait for another aicontainer"
    if (first := look()).state == "pending":
        tell(Event(step, "started", first.text))
        wait(
            "another aicontainer to finish its set-up",
            look,
            limit=LOCK_LIMIT,
            next_step="if that process hangs, end it; its lock goes with it",
        )
        tell(Event(step, "made"))
    try:
        with suppress(OSError):  # for those who wait; without room on the disk `down` has to work all the same
            note.write_text(str(os.getpid()))
        yield
    finally:
        lock.release()
