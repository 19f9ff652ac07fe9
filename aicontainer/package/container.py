"""A container of the model's image on this machine: run, asked, looked at, and always removed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aicontainer.events import Listener, silent
from aicontainer.package.engine import LABELS, engine, mapped
from aicontainer.package.image import Image
from aicontainer.serve.client import Server
from aicontainer.waiting import Seen, failed, gone, pending, ready, wait

if TYPE_CHECKING:
    from docker.models.containers import Container

PORT = 8080
READY_SECONDS = 60
MEMORY_LIMIT = "256m"
LOG_LINES = 15


@dataclass(frozen=True)
class Running:
    """A container that answers: its server, and what the engine says about it.

    ``user`` is what its program runs as (empty: root), ``memory`` the limit in bytes.
    """

    server: Server = field(repr=False)
    image: str
    user: str
    memory: int
    read_only: bool
    id: str = field(repr=False)


@contextmanager
def running(
    image: Image | str,
    *,
    model: str = "education",
    env: dict[str, str] | None = None,
    limit: float = READY_SECONDS,
    tell: Listener = silent,
) -> Iterator[Running]:
    """Run an image as a cluster would (no privileges, nothing writable), wait until its server is ready, remove it.

    It is published on a free port of 127.0.0.1 only. ``model`` is the name of the model in it.

    Raises
    ------
    Failed
        When the program ends instead of answering: with the end of its log.
    TimedOut
        When it does not answer within ``limit`` seconds.
    ImageNotFound, EngineUnavailable, EngineError
        When it cannot be started.
    """
    name = image if isinstance(image, str) else image.name
    with engine() as client:
        with mapped(f"run {name}"):
            container = client.containers.run(
                name,
                detach=True,
                labels=LABELS,
                environment=env or {},
                ports={f"{PORT}/tcp": ("127.0.0.1", None)},
                read_only=True,
                cap_drop=["ALL"],
                security_opt=["no-new-privileges"],
                mem_limit=MEMORY_LIMIT,
            )
        try:
            server = wait(
                f"the server in {name}",
                lambda: look(container, model),
                limit=limit,
                pause=0.1,
                next_step=f"run it in a terminal and watch: docker run --rm {name}",
                tell=tell,
            )
            yield _facts(container, server, name)
        finally:
            _remove(container)


def look(container: Container, model: str) -> Seen:
    """One look at a container: is its server ready, does it still start, or has its program ended?"""
    import docker.errors

    with mapped("look at the container"):
        try:
            container.reload()
        except docker.errors.NotFound:
            return gone("the container was removed")
        state = container.attrs["State"]
        if state["Status"] in {"exited", "dead"}:
            return failed(_ended(state, container.logs(tail=LOG_LINES).decode(errors="replace")))
        published = container.ports.get(f"{PORT}/tcp")
    if not published:
        return pending(f"the container is {state['Status']}")
    server = Server(f"http://127.0.0.1:{published[0]['HostPort']}", model)
    return ready(server) if server.ready() else pending("the server is not ready yet")


def _ended(state: dict[str, Any], log: str) -> str:
    reason = " (out of memory)" if state.get("OOMKilled") else ""
    words = log.strip() or state.get("Error") or "it wrote nothing"
    return f"its program ended with {state['ExitCode']}{reason}; its log ends:\n{words}"


def _facts(container: Container, server: Server, name: str) -> Running:
    config, host = container.attrs["Config"], container.attrs["HostConfig"]
    return Running(
        server=server,
        image=name,
        user=config.get("User") or "",
        memory=int(host["Memory"]),
        read_only=bool(host["ReadonlyRootfs"]),
        id=str(container.id),
    )


def _remove(container: Container) -> None:
    import docker.errors

    # NotFound: someone else removed it, which is what was wanted
    with mapped("remove the container"), suppress(docker.errors.NotFound):
        container.remove(force=True, v=True)


def output(image: Image | str, *argv: str) -> str:
    """What a program prints in a fresh container of an image: without network, as the image's own user, then removed.

    Raises
    ------
    EngineError
        When the program ends with a failure: with what it wrote.
    ImageNotFound, EngineUnavailable
        When the image or the engine is not there.
    """
    name = image if isinstance(image, str) else image.name
    with engine() as client, mapped(f"run {' '.join(argv)} in {name}"):
        text: bytes = client.containers.run(
            name,
            list(argv),
            entrypoint="",
            labels=LABELS,
            network_mode="none",
            read_only=True,
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            mem_limit=MEMORY_LIMIT,
            remove=True,
        )
    return text.decode(errors="replace").strip()
