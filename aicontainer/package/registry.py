"""The way of an image into a cluster: pushed to a registry, from which the nodes pull only the layers they lack."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from filelock import FileLock, Timeout

from aicontainer import places
from aicontainer.errors import EngineError
from aicontainer.events import Event, Listener, silent
from aicontainer.package.engine import engine, mapped
from aicontainer.package.image import Image, split_name
from aicontainer.waiting import Seen, pending, ready, wait

STEP = "push"
LOCK_LIMIT = 15 * 60


def push(image: Image, registry: str, tell: Listener = silent) -> str:
    """Push an image and return the reference under which a node gets exactly this content.

    Parameters
    ----------
    registry
        Its address as the engine knows it, such as ``localhost:5001``.

    Returns
    -------
    ``localhost:5001/aicontainer/model:1@sha256:...``: the tag tells people the version, the digest decides.

    Raises
    ------
    EngineError
        When the registry does not take it.
    TimedOut
        When another push on this machine does not end.
    ImageNotFound, EngineUnavailable
        When the image or the engine is not there.
    """
    import docker.errors

    repository, tag = split_name(image.name)
    target = f"{registry}/{repository}"
    tell(Event(STEP, "started", f"{target}:{tag}"))
    with _one_at_a_time(tell), engine() as client, mapped(f"push {image.name} to {registry}"):
        client.images.get(image.id).tag(target, tag)
        try:
            digest, sent = _send(client, target, tag, tell)
        finally:
            # the second name was only there to say where to push; the image keeps its own
            with suppress(docker.errors.ImageNotFound):
                client.images.remove(f"{target}:{tag}", noprune=True)
    tell(Event(STEP, "made" if sent else "found", f"{sent} layers sent"))
    return f"{target}:{tag}@{digest}"


@contextmanager
def _one_at_a_time(tell: Listener) -> Iterator[None]:
    """Two notebooks may push the same image: without this, one would take the second name away under the other."""
    places.cache().mkdir(parents=True, exist_ok=True)
    lock = FileLock(places.cache() / "push.lock", timeout=0)

    def look() -> Seen:
        try:
            lock.acquire()
        except Timeout:
            return pending("another program pushes")
        return ready()

    wait("another push to end", look, limit=LOCK_LIMIT, tell=tell)
    try:
        yield
    finally:
        lock.release()


def _send(client: Any, target: str, tag: str, tell: Listener) -> tuple[str, int]:
    digest, sent = "", 0
    for line in client.images.push(target, tag=tag, stream=True, decode=True):
        if "error" in line:
            raise EngineError(
                f"the registry does not take {target}:{tag}",
                seen=str(line["error"]),
                next_step="aicontainer status shows whether the registry runs; aicontainer up starts it",
            )
        sent += line.get("status") == "Pushed"
        digest = (line.get("aux") or {}).get("Digest", digest)
        if line.get("status") == "Pushing" and line.get("progress"):
            tell(Event(STEP, "progress", f"layer {line.get('id', '')}"))
    digest = digest or _digest_of(client, target, tag)
    if not digest:
        raise EngineError(f"the engine does not tell what it pushed as {target}:{tag}")
    return digest, sent


def _digest_of(client: Any, target: str, tag: str) -> str:
    """What the engine knows the pushed name by: with the containerd image store it does not tell while it pushes."""
    known = client.images.get(f"{target}:{tag}").attrs.get("RepoDigests") or []
    return next((name.partition("@")[2] for name in known if name.startswith(f"{target}@")), "")
